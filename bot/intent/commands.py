"""Knows a command by what is said: stop, delete, again, vary, help, start; and what is only talk. Pure.

A command is the whole of what somebody says, apart from politeness and options: "please delete this picture" is one,
"a delete key made of gold" is none. One sentence may ask to be left alone among others ("stop replying to me").
Who may give which command is decided in `parser.py`.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

from bot.intent.language import Language, everywhere, languages
from bot.intent.types import AGAIN, DELETE, HELP, REMIX, START, STOP
from bot.intent.words import Phrases, Utterance, covers, one_edit_apart

# The same words, begun from the picture.
VARY = "vary"
# In the order in which they are tried.
COMMANDS = (STOP, DELETE, AGAIN, VARY, START, HELP)
SENTENCE_ENDS = re.compile(r"(?<=[.!?,;\u2026\u3002\uff01\uff1f\u3001])\s*")
# `remix: at night` adds words to a picture, `new: a house` asks for another picture under one.
MARKED = re.compile(r"/?(?P<name>remix|new)(?P<colon>\s*[:\uff1a]\s*|\s+)(?P<text>.*)", re.IGNORECASE | re.DOTALL)
NEW = "new"
POLITE = ("polite.words",)
SHORTEST_TYPO = 4
SHORTEST_MEANT = 5


@dataclass(frozen=True)
class Command:
    """A command. `text`: the words of `remix: ...` and `new: ...`. count: of "two more". is_question: help was not
    asked for by its name. is_plain: the documented word and nothing else. is_clear: it can be nothing else in a
    reply to a picture; people also say "more" and "same" to each other."""

    name: str
    text: str = ""
    count: int | None = None
    is_question: bool = False
    is_plain: bool = True
    is_clear: bool = True


def read_marked(text: str) -> Command | None:
    """`remix: words` or `new: words`; without the colon only `remix words`, which is not plain."""
    found = MARKED.fullmatch(text.strip())
    if not found:
        return None
    name, is_plain = found["name"].lower(), bool(found["colon"].strip())
    if name == NEW and not is_plain:
        return None
    return Command(name, found["text"].strip(), is_plain=is_plain)


def read_command(said: Utterance) -> Command | None:
    """The command that somebody gives, or None."""
    if _bare(said) == REMIX:
        return Command(REMIX, is_plain=said.text.rstrip().endswith((":", "\uff1a")))
    if name := _plain_commands().get(_bare(said)):
        return Command(name)
    words = corrected(said.words)
    for name in COMMANDS:
        for language in languages():
            if (command := _read(name, language, words)) is not None:
                return replace(command, is_plain=False)
    if _asks_to_stop(said):
        return Command(STOP, is_plain=False)
    return None


def corrected(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with slips of the finger mended, where they are meant for a word of a command: "agian"."""
    return tuple(_mended(word) for word in words)


def is_small_talk(said: Utterance, *, of_picture: bool = False) -> bool:
    """Whether the words are thanks, praise or blame, and nothing else: "thanks so much, you rock! 🙏".

    of_picture: they are said in a reply to a picture, where "a beautiful painting" is no prompt.
    """
    words = ("praise.words", "praise.here") if of_picture else ("praise.words",)
    around = ("praise.around", "praise.nouns") if of_picture else ("praise.around",)
    return any(
        covers(said.words, one.phrases(*words, english=words), one.phrases(*around, all_languages=POLITE))
        for one in languages()
    )


def is_greeting(said: Utterance) -> bool:
    """Whether somebody only says hello."""
    words, around = everywhere("greeting.words"), everywhere("greeting.around")
    return covers(said.words, words, around)


def is_remark(said: Utterance) -> bool:
    """Whether it is said about the picture, and asks for nothing: "look what @bot made", "why is it so dark?"."""
    opens = any(everywhere("praise.opens").at(said.words, 0))
    is_question = said.text.rstrip().endswith(("?", "\uff1f")) and any(everywhere("praise.questions").at(said.words, 0))
    suggests = any(everywhere("change.soft", "change.opens").at(corrected(said.words), 0))
    return (opens or is_question) and not suggests


def _read(name: str, language: Language, words: tuple[str, ...]) -> Command | None:
    around = language.phrases(f"{name}.around", all_languages=POLITE)
    said = language.phrases(f"{name}.words", english=(f"{name}.words",))
    if covers(words, said, around):
        unnamed = language.phrases("again.unnamed", english=("again.unnamed",))
        return Command(name, is_clear=name != AGAIN or covers(words, unnamed, everywhere(*POLITE)))
    if name == HELP and covers(words, language["help.questions"], everywhere(*POLITE)):
        return Command(HELP, is_question=True)
    return _counted(language, words, said, around) if name == AGAIN else None


def _counted(language: Language, words: tuple[str, ...], said: Phrases, around: Phrases) -> Command | None:
    """ "Two more": how many is said in the place of a `#`."""
    for at, word in enumerate(words[:MAX_PLACES_OF_A_NUMBER]):
        count = language.cardinals.get((word,))
        if count and covers((*words[:at], HASH, *words[at + 1 :]), said, around):
            return Command(AGAIN, count=count, is_clear=False)
    return None


# How a number is written in the tables.
HASH = "n0"
MAX_PLACES_OF_A_NUMBER = 8


def _asks_to_stop(said: Utterance) -> bool:
    """Whether one of the sentences asks to be left alone: "I hate this. Please stop replying to my posts!"."""
    for sentence in map(Utterance, SENTENCE_ENDS.split(said.text)):
        begins = everywhere(*POLITE).skip(sentence.words, 0)
        for at in {0, begins}:
            if any(everywhere("stop.directed").at(sentence.words, at)):
                return True
    return False


def _bare(said: Utterance) -> str:
    return " ".join(said.words)


@cache
def _plain_commands() -> dict[str, str]:
    """The words that the help names."""
    return {"again": AGAIN, "rerun": AGAIN, "re run": AGAIN, DELETE: DELETE, STOP: STOP, START: START, HELP: HELP}


@cache
def _mended(word: str) -> str:
    known, others = everywhere("near.words"), everywhere("near.others")
    if len(word) < SHORTEST_TYPO or len(word) > 15 or (word,) in known.phrases | others.phrases:
        return word
    near = (phrase[0] for phrase in sorted(known.phrases) if len(phrase) == 1 and _is_near(word, phrase[0]))
    return next(near, word)


def _is_near(word: str, meant: str) -> bool:
    """In short words only letters that changed places count: "stpo" means stop, "step" does not."""
    if len(meant) >= SHORTEST_MEANT:
        return one_edit_apart(word, meant)
    return sorted(word) == sorted(meant) and one_edit_apart(word, meant)
