"""Takes a prompt out of the words that ask for it: "can you please draw me a red boat? Thank you!" is a red boat.

Also knows who means another post: "paint this as a comic", "as an oil painting". Pure.
"""

from dataclasses import dataclass

from bot.intent.language import Language, everywhere, languages
from bot.intent.words import Phrases, Utterance, covers

# Who says more begins a prompt of their own with it: "in the style of Hokusai, a wave, ...".
MAX_VAGUE_WORDS = 12
AT_END_OF_REQUEST = " ?!.,;:\u2026\u3002\u3001\uff01\uff1f"


@dataclass(frozen=True)
class Reference:
    """Somebody means a post or a photo. `change`: how it is to be painted ("as a comic"), empty if they did not say.

    is_vague: they did not point at it, and may mean their words as they stand.
    """

    change: str = ""
    is_vague: bool = False


def strip_request(said: Utterance) -> Utterance:
    """The prompt without what only asks for it."""
    for language in languages():
        stripped = _stripped(said, language)
        if stripped is not None and stripped.words:
            return stripped
    without = _without_thanks(said)
    return without if without.words else said


def read_reference(said: Utterance) -> Reference | None:
    """Whom the words point at, if they point at another post at all."""
    if not said.words and not said.text.strip():
        return Reference()
    for language in languages():
        if covers(said.words, language["this.words"], language.phrases("this.around", all_languages=("polite.words",))):
            return Reference()
    for language in languages():
        if (found := _with_change(said, language)) is not None:
            return found
    return None


def _polite(language: Language) -> Phrases:
    return language.phrases("polite.words", all_languages=("polite.heads",))


def _stripped(said: Utterance, language: Language) -> Utterance | None:
    """The prompt, or None if nothing in this language asks for it."""
    polite, words = _polite(language), said.words
    start = polite.skip(words, 0)
    asks = language["request.asks"].longest_at(words, start)
    at = polite.skip(words, start + asks)
    rest = _behind_verb(words, at, language, is_asked=asks > 0)
    end = _before_closing(said, language, is_asked=asks > 0)
    if rest is None and end is None:
        heads = everywhere("polite.heads").skip(words, 0)
        return said.after(heads) if heads and _is_determined(words, heads, language) else None
    rest = (start if asks == 0 else at) if rest is None else rest
    rest = polite.skip(words, rest)
    rest += language["request.nouns"].longest_at(words, rest)
    end = len(words) if end is None else end
    if rest >= end:
        return None
    prompt = _without_closes(Utterance(said.before(end).text), language).after(rest)
    return Utterance(prompt.text.rstrip(AT_END_OF_REQUEST))


def _behind_verb(words: tuple[str, ...], at: int, language: Language, *, is_asked: bool) -> int | None:
    """The place behind "draw me", or None if it is not what asks for a picture there."""
    if whole := language["request.whole"].longest_at(words, at):
        return at + whole
    wants, verb = language["request.wants"].longest_at(words, at), language["request.verbs"].longest_at(words, at)
    if not (wants or verb):
        return None
    behind = _polite(language).skip(words, at + max(wants, verb))
    dative = language["request.datives"].longest_at(words, behind)
    behind = _polite(language).skip(words, behind + dative)
    if language["request.nouns"].longest_at(words, behind) or _is_determined(words, behind, language):
        return behind
    is_free = not language["request.not_after"].longest_at(words, behind)
    return behind if verb and (is_asked or dative) and is_free and behind < len(words) else None


def _is_determined(words: tuple[str, ...], at: int, language: Language) -> bool:
    return language["request.determiners"].longest_at(words, at) > 0


def _before_closing(said: Utterance, language: Language, *, is_asked: bool) -> int | None:
    """The place before a verb at the end: "kannst du ein Boot malen", "狐を描いてください"."""
    end = everywhere("request.closes").skip_back(said.words, len(said.words))
    length = language["request.ends"].longest_before(said.words, end)
    if is_asked:
        length = max(length, language["request.ends_if_asked"].longest_before(said.words, end))
    return end - length if length else None


def _without_closes(said: Utterance, language: Language) -> Utterance:
    """Without the politeness behind it."""
    end = language.phrases("request.closes", all_languages=("request.thanks",)).skip_back(said.words, len(said.words))
    return Utterance(said.before(end).text) if 0 < end < len(said.words) else _without_thanks(said)


def _without_thanks(said: Utterance) -> Utterance:
    """Without thanks in a clause of their own at the end: "a red boat. Thank you!"."""
    end = len(said.words)
    while (length := everywhere("request.thanks").longest_before(said.words, end)) and said.ends_clause(end - length):
        end -= length
    return Utterance(said.before(end).text.rstrip(" .,;:!")) if end < len(said.words) else said


def points_at_photo(said: Utterance) -> bool:
    """Whether the prompt begins with "this cat": the photo above is meant, if there is one."""
    return len(said.words) > 1 and everywhere("this.determiners").longest_at(said.words, 0) > 0


def _with_change(said: Utterance, language: Language) -> Reference | None:
    """ "Paint this as a comic", "as a comic", "turn this into a comic", "make a comic out of this"."""
    polite, words = _polite(language), said.words
    at = polite.skip(words, 0)
    at = polite.skip(words, at + language["request.asks"].longest_at(words, at))
    if language["style.opens"].longest_at(words, at):
        return Reference(_change(said.after(at), language), is_vague=True) if len(words) <= MAX_VAGUE_WORDS else None
    if new_form := _new_form(said, at, language):
        return Reference(_change(Utterance(f"{language.as_word} {new_form}"), language))
    return _pointing(said, at, language)


def _new_form(said: Utterance, at: int, language: Language) -> str:
    """What "this" is to become: "turn this into ...", "make ... out of this"; of "make this" only before an article."""
    words = said.words
    if into := language["style.into"].longest_at(words, at):
        return said.after(at + into).text
    into = language["style.into_if_article"].longest_at(words, at)
    if into and language["request.articles"].longest_at(words, at + into):
        return said.after(at + into).text
    verb = language["request.verbs"].longest_at(words, at)
    end = language.phrases("request.closes", all_languages=("request.thanks",)).skip_back(words, len(words))
    end -= (tail := language["this.tails"].longest_before(words, end))
    return said.before(end).after(at + verb).text if verb and tail and at + verb < end else ""


def _pointing(said: Utterance, at: int, language: Language) -> Reference | None:
    """ "Paint this ..." before a change; "paint him ..." may also be meant as it stands."""
    words = said.words
    pointing, somebody = language["this.words"].longest_at(words, at), _pointing_at_somebody(words, at, language)
    behind = at + max(pointing, somebody)
    if behind == at:
        return None
    behind += language["this.nouns"].longest_at(words, behind)
    behind = _polite(language).skip(words, behind)
    rest = said.after(behind)
    opens = language.phrases("change.prepositions", "style.opens")
    is_change = opens.longest_at(words, behind) > 0 or (said.ends_clause(behind) and behind > 1)
    return Reference(_change(rest, language), is_vague=somebody > pointing) if rest.words and is_change else None


def _pointing_at_somebody(words: tuple[str, ...], at: int, language: Language) -> int:
    """Length of "draw him"."""
    verb = language["request.verbs"].longest_at(words, at)
    pointer = language["this.pointers"].longest_at(words, at + verb) if verb else 0
    return verb + pointer if pointer else 0


def _change(rest: Utterance, language: Language) -> str:
    soft = language["change.connectives"].skip(rest.words, 0)
    rest = rest.after(soft) if soft < len(rest.words) else rest
    end = language.phrases("change.closes", all_languages=("request.thanks",)).skip_back(rest.words, len(rest.words))
    return (rest.before(end) if 0 < end < len(rest.words) else rest).text.rstrip(AT_END_OF_REQUEST)
