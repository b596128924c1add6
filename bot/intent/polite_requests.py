"""Strip the request from a prompt: "can you please draw me a red boat? Thank you!" is a red boat.

Also recognize references to another post: "paint this as a comic", "as an oil painting". Pure.
"""

from dataclasses import dataclass

from bot.intent.language import Language, all_phrases, languages
from bot.intent.tokens import Phrases, Utterance, consists_of

# A longer text is a prompt of its own: "in the style of Hokusai, a wave, ...".
MAX_AMBIGUOUS_WORDS = 12
TRAILING_REQUEST_PUNCTUATION = " ?!.,;:\u2026\u3002\u3001\uff01\uff1f"


@dataclass(frozen=True)
class Reference:
    """A reference to another post or a photo. `edit_text`: how to paint it ("as a comic"), empty if not said.

    is_ambiguous: the words do not point at the post, and may be a prompt as they stand.
    """

    edit_text: str = ""
    is_ambiguous: bool = False


def strip_request(utterance: Utterance) -> Utterance:
    """Return the prompt without the words that only ask for it."""
    for language in languages():
        stripped = _strip_in_language(utterance, language)
        if stripped is not None and stripped.words:
            return stripped
    remaining = _strip_thanks(utterance)
    return remaining if remaining.words else utterance


def parse_reference(utterance: Utterance) -> Reference | None:
    """Return the reference to another post, or None."""
    if not utterance.words and not utterance.text.strip():
        return Reference()
    for language in languages():
        if consists_of(
            utterance.words,
            language["reference.phrases"],
            language.phrases("reference.optional", all_languages=("polite.phrases",)),
        ):
            return Reference()
    for language in languages():
        if (match := _parse_reference_with_edit(utterance, language)) is not None:
            return match
    return None


def _polite(language: Language) -> Phrases:
    return language.phrases("polite.phrases", all_languages=("polite.prefixes",))


def _strip_in_language(utterance: Utterance, language: Language) -> Utterance | None:
    """Return the prompt, or None if no phrase of this language asks for it."""
    polite, words = _polite(language), utterance.words
    start = polite.skip(words, 0)
    ask_length = language["request.asks"].match_length_at(words, start)
    at = polite.skip(words, start + ask_length)
    rest = _end_of_request(words, at, language, after_ask=ask_length > 0)
    end = _start_of_suffix(utterance, language, after_ask=ask_length > 0)
    if rest is None and end is None:
        prefixes = all_phrases("polite.prefixes").skip(words, 0)
        return utterance.after(prefixes) if prefixes and _has_determiner(words, prefixes, language) else None
    rest = (start if ask_length == 0 else at) if rest is None else rest
    rest = polite.skip(words, rest)
    rest += language["request.nouns"].match_length_at(words, rest)
    end = len(words) if end is None else end
    if rest >= end:
        return None
    prompt = _strip_suffixes(Utterance(utterance.before(end).text), language).after(rest)
    return Utterance(prompt.text.rstrip(TRAILING_REQUEST_PUNCTUATION))


def _end_of_request(words: tuple[str, ...], at: int, language: Language, *, after_ask: bool) -> int | None:
    """Return the position behind "draw me", or None if no request for a picture starts at `at`."""
    if length := language["request.complete"].match_length_at(words, at):
        return at + length
    want_length, verb_length = (
        language["request.wants"].match_length_at(words, at),
        language["request.verbs"].match_length_at(words, at),
    )
    if not (want_length or verb_length):
        return None
    end = _polite(language).skip(words, at + max(want_length, verb_length))
    dative_length = language["request.datives"].match_length_at(words, end)
    end = _polite(language).skip(words, end + dative_length)
    if language["request.nouns"].match_length_at(words, end) or _has_determiner(words, end, language):
        return end
    continues_request = not language["request.not_after"].match_length_at(words, end)
    return end if verb_length and (after_ask or dative_length) and continues_request and end < len(words) else None


def _has_determiner(words: tuple[str, ...], at: int, language: Language) -> bool:
    return language["request.determiners"].match_length_at(words, at) > 0


def _start_of_suffix(utterance: Utterance, language: Language, *, after_ask: bool) -> int | None:
    """Return the position before a verb at the end: "kannst du ein Boot malen", "狐を描いてください"."""
    end = all_phrases("request.polite_suffixes").skip_back(utterance.words, len(utterance.words))
    length = language["request.suffixes"].match_length_before(utterance.words, end)
    if after_ask:
        length = max(length, language["request.suffixes_after_ask"].match_length_before(utterance.words, end))
    return end - length if length else None


def _strip_suffixes(utterance: Utterance, language: Language) -> Utterance:
    """Remove polite words at the end."""
    end = language.phrases("request.polite_suffixes", all_languages=("request.thanks",)).skip_back(
        utterance.words, len(utterance.words)
    )
    return Utterance(utterance.before(end).text) if 0 < end < len(utterance.words) else _strip_thanks(utterance)


def _strip_thanks(utterance: Utterance) -> Utterance:
    """Remove thanks in a clause of their own at the end: "a red boat. Thank you!"."""
    end = len(utterance.words)
    while (length := all_phrases("request.thanks").match_length_before(utterance.words, end)) and utterance.ends_clause(
        end - length
    ):
        end -= length
    return Utterance(utterance.before(end).text.rstrip(" .,;:!")) if end < len(utterance.words) else utterance


def points_at_photo(utterance: Utterance) -> bool:
    """Return whether the prompt starts like "this cat": the photo of the parent post is meant, if it has one."""
    return len(utterance.words) > 1 and all_phrases("reference.determiners").match_length_at(utterance.words, 0) > 0


def _parse_reference_with_edit(utterance: Utterance, language: Language) -> Reference | None:
    """Parse "paint this as a comic", "as a comic", "turn this into a comic", "make a comic out of this"."""
    polite, words = _polite(language), utterance.words
    at = polite.skip(words, 0)
    at = polite.skip(words, at + language["request.asks"].match_length_at(words, at))
    if language["style.prefixes"].match_length_at(words, at):
        return (
            Reference(_edit_text(utterance.after(at), language), is_ambiguous=True)
            if len(words) <= MAX_AMBIGUOUS_WORDS
            else None
        )
    if new_form := _new_form(utterance, at, language):
        return Reference(_edit_text(Utterance(f"{language.as_word} {new_form}"), language))
    return _parse_pronoun(utterance, at, language)


def _new_form(utterance: Utterance, at: int, language: Language) -> str:
    """Return what "this" becomes: "turn this into ...", "make ... out of this". "Make this" needs an article."""
    words = utterance.words
    if into_length := language["style.into"].match_length_at(words, at):
        return utterance.after(at + into_length).text
    into_length = language["style.into_before_articles"].match_length_at(words, at)
    if into_length and language["request.articles"].match_length_at(words, at + into_length):
        return utterance.after(at + into_length).text
    verb_length = language["request.verbs"].match_length_at(words, at)
    end = language.phrases("request.polite_suffixes", all_languages=("request.thanks",)).skip_back(words, len(words))
    end -= (suffix_length := language["reference.suffixes"].match_length_before(words, end))
    return (
        utterance.before(end).after(at + verb_length).text
        if verb_length and suffix_length and at + verb_length < end
        else ""
    )


def _parse_pronoun(utterance: Utterance, at: int, language: Language) -> Reference | None:
    """Parse "paint this ..." before an edit. "Paint him ..." may also be a prompt as it stands."""
    words = utterance.words
    reference_length, pronoun_length = (
        language["reference.phrases"].match_length_at(words, at),
        _pronoun_length(words, at, language),
    )
    end = at + max(reference_length, pronoun_length)
    if end == at:
        return None
    end += language["reference.nouns"].match_length_at(words, end)
    end = _polite(language).skip(words, end)
    rest = utterance.after(end)
    edit_prefixes = language.phrases("edit.prepositions", "style.prefixes")
    is_edit = edit_prefixes.match_length_at(words, end) > 0 or (utterance.ends_clause(end) and end > 1)
    return (
        Reference(_edit_text(rest, language), is_ambiguous=pronoun_length > reference_length)
        if rest.words and is_edit
        else None
    )


def _pronoun_length(words: tuple[str, ...], at: int, language: Language) -> int:
    """Return the number of words in "draw him"."""
    verb_length = language["request.verbs"].match_length_at(words, at)
    pointer = language["reference.pronouns"].match_length_at(words, at + verb_length) if verb_length else 0
    return verb_length + pointer if pointer else 0


def _edit_text(rest: Utterance, language: Language) -> str:
    connectives = language["edit.connectives"].skip(rest.words, 0)
    rest = rest.after(connectives) if connectives < len(rest.words) else rest
    end = language.phrases("edit.suffixes", all_languages=("request.thanks",)).skip_back(rest.words, len(rest.words))
    return (rest.before(end) if 0 < end < len(rest.words) else rest).text.rstrip(TRAILING_REQUEST_PUNCTUATION)
