"""Parse an edit of a picture: "make the second one blue" adds `blue` to the prompt of picture 2. Pure."""

from dataclasses import dataclass, replace

from bot.intent.commands import VARY, fix_typos, is_greeting, is_remark, is_small_talk, parse_command
from bot.intent.language import Language, all_phrases, languages
from bot.intent.polite_requests import TRAILING_REQUEST_PUNCTUATION, parse_reference
from bot.intent.tokens import Utterance, consists_of
from bot.intent.types import AGAIN

# Phrases beside "the second one" that ask for no edit.
AROUND_A_PICTURE = (
    "polite.phrases", "edit.verbs", "edit.prefixes", "edit.clear_prefixes", "again.phrases", "vary.phrases",
    "vary.optional", "request.asks", "request.wants",
)  # fmt: skip


# A longer text is a prompt. The bound keeps long posts from taking much time.
MAX_EDIT_WORDS = 60


@dataclass(frozen=True)
class PictureEdit:
    """What to change about a picture.

    added_text: text to append to its prompt. picture_number: which picture, from 1; -1 is the last, None if not said.
    negative: what to leave out. is_rerun: nothing but "again" was said; `count` is that of "two more".
    is_unambiguous: the words mean a picture wherever they are said.
    """

    added_text: str = ""
    picture_number: int | None = None
    negative: str = ""
    is_rerun: bool = False
    count: int | None = None
    is_unambiguous: bool = False


def parse_edit(utterance: Utterance) -> PictureEdit | None:
    """Return the edit, or None for thanks and talk."""
    if len(utterance.words) > MAX_EDIT_WORDS:
        return PictureEdit(utterance.text)
    utterance = _strip_small_talk(utterance)
    if not utterance.words:
        return None
    if (plain := _parse_rerun_or_variation(utterance)) is not None:
        return plain
    (start, end), picture_number = find_picture_number(utterance)
    if picture_number is None:
        return _parse_text_edit(utterance)
    return replace(
        _parse_around_picture(utterance.before(start), utterance.after(end)),
        picture_number=picture_number,
        is_unambiguous=True,
    )


def _parse_around_picture(before: Utterance, after: Utterance) -> PictureEdit:
    """Parse the words around "the second one": "make ... blue", "... but at night", "add a hat to ..."."""
    if not before.words or consists_of(before.words, all_phrases(*AROUND_A_PICTURE)):
        before = Utterance("")
    if not after.words or consists_of(after.words, all_phrases(*AROUND_A_PICTURE, "again.optional", "edit.suffixes")):
        after = Utterance("")
    if not before.words and not after.words:
        return PictureEdit()
    return _parse_text_edit(Utterance(f"{before.text} {after.text}".strip()))


def find_picture_number(utterance: Utterance) -> tuple[tuple[int, int], int | None]:
    """Find where one of several pictures is named, and which: "the second one", "picture 2", "V2", "top left"."""
    words = fix_typos(utterance.words)
    for language in languages():
        for at in range(len(words)):
            if (located := _picture_at(utterance, words, at, language)) is not None:
                end, number = located
                articles = language["ordinal.articles"] if at else all_phrases("ordinal.articles")
                return (articles.skip_back(words, at), end), number
    return (0, 0), None


def _picture_at(utterance: Utterance, words: tuple[str, ...], at: int, language: Language) -> tuple[int, int] | None:
    """Return the end of a picture's name that starts at word `at`, and its number."""
    for length in (4, 3, 2, 1):
        phrase = words[at : at + length]
        if len(phrase) == length and phrase in language.places:
            return at + length + language["ordinal.nouns"].match_length_at(words, at + length), language.places[phrase]
    prefixes = language["ordinal.prefixes"]
    if (length := prefixes.match_length_at(words, at)) and (number := _digit(words, at + length)) is not None:
        return at + length + 1, number
    if len(words[at]) == 2 and words[at][0] in "vu" and words[at][1] in "1234":
        return at + 1, int(words[at][1])
    return _ordinal_at(utterance, words, at, language)


def _ordinal_at(utterance: Utterance, words: tuple[str, ...], at: int, language: Language) -> tuple[int, int] | None:
    number, digit = language.ordinals.get((words[at],)), _digit(words, at)
    if number is not None and (noun_length := language["ordinal.nouns"].match_length_at(words, at + 1)):
        return at + 1 + noun_length, number
    if number is None:
        number = digit
    preceding = words[: language["ordinal.articles"].skip_back(words, at)]
    if number is None or (preceding and not consists_of(preceding, all_phrases(*AROUND_A_PICTURE))):
        return None
    is_complete = utterance.ends_clause(at + 1) or consists_of(
        words[at + 1 :], all_phrases("polite.phrases", "edit.suffixes")
    )
    is_complete = is_complete or language["edit.connectives"].match_length_at(words, at + 1) > 0
    is_complete = is_complete or (
        digit is None and language["edit.prepositions"].match_length_at(words, at + 1) > 0 and at > 0
    )
    return (at + 1, number) if is_complete else None


def _digit(words: tuple[str, ...], at: int) -> int | None:
    word = words[at] if at < len(words) else ""
    return int(word) if len(word) == 1 and word in "123456789" else None


def _strip_small_talk(utterance: Utterance) -> Utterance:
    """Remove thanks and remarks at both ends: "love it! now with a hat" asks for a hat."""
    if _is_talk_about_picture(utterance):
        return Utterance("")
    for at in range(len(utterance.words) - 1, 0, -1):
        if utterance.ends_clause(at) and _is_talk_about_picture(Utterance(utterance.before(at).text)):
            return _strip_small_talk(utterance.after(at))
    for at in range(1, len(utterance.words)):
        if utterance.ends_clause(at) and _is_talk_about_picture(utterance.after(at)):
            return Utterance(utterance.before(at).text)
    return utterance


def _is_talk_about_picture(utterance: Utterance) -> bool:
    return (
        not utterance.words
        or is_small_talk(utterance, of_picture=True)
        or is_greeting(utterance)
        or is_remark(utterance)
    )


def _parse_rerun_or_variation(utterance: Utterance) -> PictureEdit | None:
    """Parse "again", "two more" and "variations"."""
    command = parse_command(utterance)
    if command is not None and command.name == AGAIN:
        return PictureEdit(is_rerun=True, count=command.count, is_unambiguous=True)
    if command is not None and command.name == VARY:
        return PictureEdit(is_unambiguous=True)
    return None


def _parse_text_edit(utterance: Utterance) -> PictureEdit:
    reference = parse_reference(utterance)
    if reference is not None and not reference.edit_text:
        return PictureEdit(is_rerun=True, is_unambiguous=True)
    if reference is not None:
        rest, is_unambiguous = Utterance(reference.edit_text), not reference.is_ambiguous
    else:
        start, is_unambiguous = _skip_prefixes(utterance)
        rest = utterance.after(start)
    if not rest.words:
        return PictureEdit(is_rerun=True, is_unambiguous=is_unambiguous)
    added_text, negative = _parse_addition(_strip_suffixes(rest))
    return PictureEdit(added_text, negative=negative, is_unambiguous=is_unambiguous)


def _skip_prefixes(utterance: Utterance) -> tuple[int, bool]:
    """Return the position behind "and now please make it", and whether the words clearly mean a picture."""
    words, at, is_unambiguous = fix_typos(utterance.words), 0, False
    clear_prefixes, prefixes = (
        all_phrases("edit.clear_prefixes"),
        all_phrases("edit.prefixes", "polite.prefixes"),
    )
    while at < len(words):
        rerun_length = all_phrases("again.prefixes").match_length_at(words, at)
        rerun_length = rerun_length if _is_edit_ahead(utterance, words, at + rerun_length) else 0
        clear_length = max(clear_prefixes.match_length_at(words, at), rerun_length)
        length = max(clear_length, prefixes.match_length_at(words, at))
        if not length or at + length >= len(words) or all_phrases("edit.not_prefixes").match_length_at(words, at):
            break
        at, is_unambiguous = at + length, is_unambiguous or (clear_length == length)
    verb_length = all_phrases("edit.verbs_before_articles").match_length_at(words, at)
    if verb_length and all_phrases("request.determiners").match_length_at(words, at + verb_length):
        return at + verb_length, is_unambiguous
    return at, is_unambiguous


def _is_edit_ahead(utterance: Utterance, words: tuple[str, ...], at: int) -> bool:
    """Return whether an edit follows "again": ", in winter", "but in winter", "in winter"."""
    if at >= len(words):
        return False
    lists = ("edit.connectives", "edit.prepositions", "edit.adds", "edit.removes")
    return utterance.ends_clause(at) or any(all_phrases(name).match_length_at(words, at) for name in lists)


def _parse_addition(rest: Utterance) -> tuple[str, str]:
    """Return the text to add and what to leave out: "add a hat" is `with a hat`, "remove the hat" is `without`."""
    adds = max((language["edit.adds"].match_length_at(rest.words, 0), language.with_word) for language in languages())
    if adds[0] and rest.after(adds[0]).words:
        return f"{adds[1]} {rest.after(adds[0]).text}", ""
    removes = max(
        (language["edit.removes"].match_length_at(rest.words, 0), language.without_word) for language in languages()
    )
    if (
        removes[0]
        and rest.after(removes[0]).words
        and not all_phrases("edit.not_prefixes").match_length_at(rest.words, 0)
    ):
        negative = rest.after(removes[0]).text
        return f"{removes[1]} {negative}", negative
    return rest.text, ""


def _strip_suffixes(rest: Utterance) -> Utterance:
    suffixes = all_phrases("edit.suffixes", "request.thanks")
    end = suffixes.skip_back(rest.words, len(rest.words))
    return Utterance((rest.before(end) if end > 0 else rest).text.rstrip(TRAILING_REQUEST_PUNCTUATION))
