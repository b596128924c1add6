"""Reads a change of a picture: "make the second one blue" is picture 2, with `blue` added to its words. Pure."""

from dataclasses import dataclass, replace

from bot.intent.commands import VARY, corrected, is_greeting, is_remark, is_small_talk, read_command
from bot.intent.language import Language, everywhere, languages
from bot.intent.requests import AT_END_OF_REQUEST, read_reference
from bot.intent.types import AGAIN
from bot.intent.words import Utterance, covers

# What may stand beside "the second one" and changes nothing about it.
BESIDE_A_PICTURE = (
    "polite.words", "change.verbs", "change.soft", "change.opens", "again.words", "vary.words", "vary.around",
    "request.asks", "request.wants",
)  # fmt: skip


# Whoever says more describes a picture; the time to take it apart is not theirs to take.
MAX_CHANGE_WORDS = 60


@dataclass(frozen=True)
class Change:
    """What is to become of a picture.

    added: words that are added to those of the picture. picture: which of its pictures is meant, from 1; -1 is the
    last, None if they did not say. left_out: what is not to be on it. is_plain: nothing but "again" was said.
    is_clear: the words mean a picture wherever they are said.
    """

    added: str = ""
    picture: int | None = None
    left_out: str = ""
    is_again: bool = False
    count: int | None = None
    is_clear: bool = False


def read_change(said: Utterance) -> Change | None:
    """The change that is asked for. None for what is thanks or talk."""
    if len(said.words) > MAX_CHANGE_WORDS:
        return Change(said.text)
    said = _without_talk(said)
    if not said.words:
        return None
    if (plain := _without_words(said)) is not None:
        return plain
    (start, end), picture = find_picture(said)
    if picture is None:
        return _worded(said)
    return replace(_beside_picture(said.before(start), said.after(end)), picture=picture, is_clear=True)


def _beside_picture(before: Utterance, after: Utterance) -> Change:
    """What is said around "the second one": "make ... blue", "... but at night", "add a hat to ..."."""
    if not before.words or covers(before.words, everywhere(*BESIDE_A_PICTURE)):
        before = Utterance("")
    if not after.words or covers(after.words, everywhere(*BESIDE_A_PICTURE, "again.around", "change.closes")):
        after = Utterance("")
    if not before.words and not after.words:
        return Change()
    return _worded(Utterance(f"{before.text} {after.text}".strip()))


def find_picture(said: Utterance) -> tuple[tuple[int, int], int | None]:
    """Where one of several pictures is named, and which: "the second one", "picture 2", "V2", "top left"."""
    words = corrected(said.words)
    for language in languages():
        for at in range(len(words)):
            if (found := _picture_at(said, words, at, language)) is not None:
                end, number = found
                articles = language["ordinal.articles"] if at else everywhere("ordinal.articles")
                return (articles.skip_back(words, at), end), number
    return (0, 0), None


def _picture_at(said: Utterance, words: tuple[str, ...], at: int, language: Language) -> tuple[int, int] | None:
    """The end of a picture's name that begins at a word, and its number."""
    for length in (4, 3, 2, 1):
        phrase = words[at : at + length]
        if len(phrase) == length and phrase in language.places:
            return at + length + language["ordinal.nouns"].longest_at(words, at + length), language.places[phrase]
    before = language["ordinal.before"]
    if (length := before.longest_at(words, at)) and (number := _digit(words, at + length)) is not None:
        return at + length + 1, number
    if len(words[at]) == 2 and words[at][0] in "vu" and words[at][1] in "1234":
        return at + 1, int(words[at][1])
    return _ordinal_at(said, words, at, language)


def _ordinal_at(said: Utterance, words: tuple[str, ...], at: int, language: Language) -> tuple[int, int] | None:
    number, bare = language.ordinals.get((words[at],)), _digit(words, at)
    if number is not None and (noun := language["ordinal.nouns"].longest_at(words, at + 1)):
        return at + 1 + noun, number
    if number is None:
        number = bare
    before = words[: language["ordinal.articles"].skip_back(words, at)]
    if number is None or (before and not covers(before, everywhere(*BESIDE_A_PICTURE))):
        return None
    ends = said.ends_clause(at + 1) or covers(words[at + 1 :], everywhere("polite.words", "change.closes"))
    ends = ends or language["change.connectives"].longest_at(words, at + 1) > 0
    ends = ends or (bare is None and language["change.prepositions"].longest_at(words, at + 1) > 0 and at > 0)
    return (at + 1, number) if ends else None


def _digit(words: tuple[str, ...], at: int) -> int | None:
    word = words[at] if at < len(words) else ""
    return int(word) if len(word) == 1 and word in "123456789" else None


def _without_talk(said: Utterance) -> Utterance:
    """Without thanks and remarks around it: "love it! now with a hat" asks for a hat."""
    if _is_talk(said):
        return Utterance("")
    for at in range(len(said.words) - 1, 0, -1):
        if said.ends_clause(at) and _is_talk(Utterance(said.before(at).text)):
            return _without_talk(said.after(at))
    for at in range(1, len(said.words)):
        if said.ends_clause(at) and _is_talk(said.after(at)):
            return Utterance(said.before(at).text)
    return said


def _is_talk(said: Utterance) -> bool:
    return not said.words or is_small_talk(said, of_picture=True) or is_greeting(said) or is_remark(said)


def _without_words(said: Utterance) -> Change | None:
    """ "Again", "two more", "variations"."""
    command = read_command(said)
    if command is not None and command.name == AGAIN:
        return Change(is_again=True, count=command.count, is_clear=True)
    if command is not None and command.name == VARY:
        return Change(is_clear=True)
    return None


def _worded(said: Utterance) -> Change:
    reference = read_reference(said)
    if reference is not None and not reference.change:
        return Change(is_again=True, is_clear=True)
    if reference is not None:
        rest, is_clear = Utterance(reference.change), not reference.is_vague
    else:
        start, is_clear = _opening(said)
        rest = said.after(start)
    if not rest.words:
        return Change(is_again=True, is_clear=is_clear)
    added, left_out = _added(_without_closes(rest))
    return Change(added, left_out=left_out, is_clear=is_clear)


def _opening(said: Utterance) -> tuple[int, bool]:
    """The place behind "and now please make it", and whether it is clear that a picture is meant."""
    words, at, is_clear = corrected(said.words), 0, False
    opens, soft = everywhere("change.opens"), everywhere("change.soft", "polite.heads")
    while at < len(words):
        again = everywhere("again.heads").longest_at(words, at)
        again = again if _goes_on(said, words, at + again) else 0
        clear = max(opens.longest_at(words, at), again)
        length = max(clear, soft.longest_at(words, at))
        if not length or at + length >= len(words) or everywhere("change.keeps").longest_at(words, at):
            break
        at, is_clear = at + length, is_clear or (clear == length)
    makes = everywhere("change.makes").longest_at(words, at)
    if makes and everywhere("request.determiners").longest_at(words, at + makes):
        return at + makes, is_clear
    return at, is_clear


def _goes_on(said: Utterance, words: tuple[str, ...], at: int) -> bool:
    """Whether a change follows on "again": ", in winter", "but in winter", "in winter"."""
    if at >= len(words):
        return False
    lists = ("change.connectives", "change.prepositions", "change.adds", "change.removes")
    return said.ends_clause(at) or any(everywhere(name).longest_at(words, at) for name in lists)


def _added(rest: Utterance) -> tuple[str, str]:
    """The words to add, and what is to be left out: "add a hat" is `with a hat`, "remove the hat" is `without`."""
    adds = max((language["change.adds"].longest_at(rest.words, 0), language.with_word) for language in languages())
    if adds[0] and rest.after(adds[0]).words:
        return f"{adds[1]} {rest.after(adds[0]).text}", ""
    removes = max(
        (language["change.removes"].longest_at(rest.words, 0), language.without_word) for language in languages()
    )
    if removes[0] and rest.after(removes[0]).words and not everywhere("change.keeps").longest_at(rest.words, 0):
        left_out = rest.after(removes[0]).text
        return f"{removes[1]} {left_out}", left_out
    return rest.text, ""


def _without_closes(rest: Utterance) -> Utterance:
    closes = everywhere("change.closes", "request.thanks")
    end = closes.skip_back(rest.words, len(rest.words))
    return Utterance((rest.before(end) if end > 0 else rest).text.rstrip(AT_END_OF_REQUEST))
