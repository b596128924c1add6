"""Parse commands (stop, delete, again, vary, help, start), and recognize small talk. Pure.

A command is the whole utterance, apart from politeness and options: "please delete this picture" is one, "a delete key
made of gold" is not. Only `stop` also counts as one sentence among others ("stop replying to me").
`parser.py` decides which user may give which command in which place.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

from bot.intent.language import Language, all_phrases, languages
from bot.intent.tokens import Phrases, Utterance, consists_of, is_one_edit_apart
from bot.intent.types import AGAIN, DELETE, HELP, REMIX, START, STOP

# The same prompt, with the picture as init image.
VARY = "vary"
# Tried in this order.
COMMANDS = (STOP, DELETE, AGAIN, VARY, START, HELP)
SENTENCE_ENDS = re.compile(r"(?<=[.!?,;\u2026\u3002\uff01\uff1f\u3001])\s*")
# `remix: at night` edits a picture, `new: a house` asks for a new picture in a reply to one.
PREFIXED_COMMAND = re.compile(
    r"/?(?P<name>remix|new)(?P<colon>\s*[:\uff1a]\s*|\s+)(?P<text>.*)", re.IGNORECASE | re.DOTALL
)
NEW = "new"
POLITE = ("polite.phrases",)
MIN_TYPO_LENGTH = 4
MIN_EDITED_LENGTH = 5


@dataclass(frozen=True)
class Command:
    """A parsed command.

    text: the text of `remix: ...` and `new: ...`. count: the number in "two more".
    is_question: a question about the bot, without the word "help". is_exact: the documented word and nothing else.
    is_unambiguous: in a reply to a picture it can only be a command; users also say "more" and "same" to each other.
    """

    name: str
    text: str = ""
    count: int | None = None
    is_question: bool = False
    is_exact: bool = True
    is_unambiguous: bool = True


def parse_prefixed_command(text: str) -> Command | None:
    """Parse `remix: text` or `new: text`. `remix text` without the colon counts, too, but is not exact."""
    match = PREFIXED_COMMAND.fullmatch(text.strip())
    if not match:
        return None
    name, is_exact = match["name"].lower(), bool(match["colon"].strip())
    if name == NEW and not is_exact:
        return None
    return Command(name, match["text"].strip(), is_exact=is_exact)


def parse_command(utterance: Utterance) -> Command | None:
    """Return the command, or None."""
    if _joined_words(utterance) == REMIX:
        return Command(REMIX, is_exact=utterance.text.rstrip().endswith((":", "\uff1a")))
    if name := _exact_commands().get(_joined_words(utterance)):
        return Command(name)
    words = fix_typos(utterance.words)
    for name in COMMANDS:
        for language in languages():
            if (command := _parse_in_language(name, language, words)) is not None:
                return replace(command, is_exact=False)
    if _asks_to_stop(utterance):
        return Command(STOP, is_exact=False)
    return None


def fix_typos(words: tuple[str, ...]) -> tuple[str, ...]:
    """Correct a typo in each word that resembles a word of a command: "agian" becomes "again"."""
    return tuple(_fix_typo(word) for word in words)


def is_small_talk(utterance: Utterance, *, of_picture: bool = False) -> bool:
    """Return whether the words are only thanks, praise or blame: "thanks so much, you rock! 🙏".

    of_picture: they reply to a picture, where "a beautiful painting" is no prompt.
    """
    words = ("praise.phrases", "praise.of_pictures") if of_picture else ("praise.phrases",)
    optional = ("praise.optional", "praise.nouns") if of_picture else ("praise.optional",)
    return any(
        consists_of(
            utterance.words, language.phrases(*words, english=words), language.phrases(*optional, all_languages=POLITE)
        )
        for language in languages()
    )


def is_greeting(utterance: Utterance) -> bool:
    """Return whether the words are only a greeting."""
    words, optional = all_phrases("greeting.phrases"), all_phrases("greeting.optional")
    return consists_of(utterance.words, words, optional)


def is_remark(utterance: Utterance) -> bool:
    """Return whether it is a remark that asks for nothing: "look what @bot made", "why is it so dark?"."""
    is_remark_prefix = any(all_phrases("praise.remark_prefixes").at(utterance.words, 0))
    is_question = utterance.text.rstrip().endswith(("?", "\uff1f")) and any(
        all_phrases("praise.questions").at(utterance.words, 0)
    )
    is_edit = any(all_phrases("edit.prefixes", "edit.clear_prefixes").at(fix_typos(utterance.words), 0))
    return (is_remark_prefix or is_question) and not is_edit


def _parse_in_language(name: str, language: Language, words: tuple[str, ...]) -> Command | None:
    optional = language.phrases(f"{name}.optional", all_languages=POLITE)
    required = language.phrases(f"{name}.phrases", english=(f"{name}.phrases",))
    if consists_of(words, required, optional):
        unnamed = language.phrases("again.without_mention", english=("again.without_mention",))
        return Command(name, is_unambiguous=name != AGAIN or consists_of(words, unnamed, all_phrases(*POLITE)))
    if name == HELP and consists_of(words, language["help.questions"], all_phrases(*POLITE)):
        return Command(HELP, is_question=True)
    return _parse_counted_rerun(language, words, required, optional) if name == AGAIN else None


def _parse_counted_rerun(
    language: Language, words: tuple[str, ...], required: Phrases, optional: Phrases
) -> Command | None:
    """Parse "two more". The tables write `#` in place of the number."""
    for at, word in enumerate(words[:MAX_NUMBER_POSITION]):
        count = language.cardinals.get((word,))
        if count and consists_of((*words[:at], NUMBER_PLACEHOLDER, *words[at + 1 :]), required, optional):
            return Command(AGAIN, count=count, is_unambiguous=False)
    return None


# How the tokenizer sees a `#` of the tables.
NUMBER_PLACEHOLDER = "n0"
MAX_NUMBER_POSITION = 8


def _asks_to_stop(utterance: Utterance) -> bool:
    """Return whether a sentence asks the bot to stop: "I hate this. Please stop replying to my posts!"."""
    for sentence in map(Utterance, SENTENCE_ENDS.split(utterance.text)):
        begins = all_phrases(*POLITE).skip(sentence.words, 0)
        for at in {0, begins}:
            if any(all_phrases("stop.sentence_prefixes").at(sentence.words, at)):
                return True
    return False


def _joined_words(utterance: Utterance) -> str:
    return " ".join(utterance.words)


@cache
def _exact_commands() -> dict[str, str]:
    """Return the commands by the words that the help text names."""
    return {"again": AGAIN, "rerun": AGAIN, "re run": AGAIN, DELETE: DELETE, STOP: STOP, START: START, HELP: HELP}


@cache
def _fix_typo(word: str) -> str:
    known, others = all_phrases("typos.targets"), all_phrases("typos.exceptions")
    if len(word) < MIN_TYPO_LENGTH or len(word) > 15 or (word,) in known.phrases | others.phrases:
        return word
    near = (phrase[0] for phrase in sorted(known.phrases) if len(phrase) == 1 and _is_near(word, phrase[0]))
    return next(near, word)


def _is_near(word: str, meant: str) -> bool:
    """Return whether a word is a typo of another. In short words only swapped letters count: "stpo", but not "step"."""
    if len(meant) >= MIN_EDITED_LENGTH:
        return is_one_edit_apart(word, meant)
    return sorted(word) == sorted(meant) and is_one_edit_apart(word, meant)
