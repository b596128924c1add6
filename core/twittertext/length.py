"""Measure and shorten texts by X's rules, and remove what X would turn into links or mentions.

Letters of the Latin, Greek, Cyrillic, Arabic and similar alphabets count 1, all others and any emoji 2, any link 23. A
post may have 280. This is configuration v3 of twitter-text; its conformance cases are among our tests.
"""

import re
import unicodedata
from collections.abc import Iterator

from core.twittertext.links import INVALID, find_links

MAX_POST_LENGTH = 280
LINK_LENGTH = 23
HEAVY_WEIGHT = 2
# Code points that weigh 1; the rest weighs 2.
LIGHT_RANGES = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
ELLIPSIS = "…"

_BREAKS = re.compile(r"\r\n?")
# No database or file takes NUL or lone surrogates.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Variants of signs that some programs treat like the plain ones.
_PLAIN = str.maketrans("＠﹫＃﹟＄﹩．｡", "@@##$$..")
_JOINERS = "\u200c\u200d"
_NEAR_ASCII = re.compile(rf"(?<=[\x00-\x7f])[{_JOINERS}]+|[{_JOINERS}]+(?=[\x00-\x7f])")
_SCHEME = re.compile(r"(?:(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]*)?:/{2,}")
_BETWEEN_WORDS = re.compile(r"(?<=\w)@+(?=\w)")
# A sign before anything but a space, ASCII punctuation or a code point that makes an emoji of it.
_TAG = re.compile(r"[#$]+(?=[^\s\d!-/:-@\[-\^`{-~\ufe0f\u20e3])|#+(?=\d)")
# Endings of domains have two letters or more, or are not Latin: "e.g." and "U.S.A" stay as they are.
_DOT = re.compile(r"(?<=\S)\.(?=[^\W\d_]{2}|[^\x00-\x7f\W\d_])|(?<=[A-Za-z0-9])。(?=[A-Za-z]{2})")


def weighted_length(text: str, *, whole_emoji: bool = True) -> int:
    """Return the length as X counts it.

    Args:
        whole_emoji: count each emoji once. X counted each part of an emoji until 2018.
    """
    return sum(units for _, units in _units(_normalize(text), whole_emoji))


def is_valid_length(text: str, limit: int = MAX_POST_LENGTH) -> bool:
    """Return whether X accepts a text of this length: not empty, not too long, and without invalid characters."""
    return 0 < weighted_length(text) <= limit and not any(c in INVALID for c in text)


def truncate(text: str, limit: int = MAX_POST_LENGTH) -> str:
    """Cut a text to the limit, with an ellipsis, at a word if one is near. Emoji and links stay whole."""
    text = _normalize(text)
    if weighted_length(text) <= limit:
        return text
    available = limit - weighted_length(ELLIPSIS)
    while available >= 0:
        shortened = _cut_at_word(text, _end_within(text, available)) + ELLIPSIS
        # The cut text may have a link that the whole one had not: "a.community" becomes "a.com".
        if (excess := weighted_length(shortened) - limit) <= 0:
            return shortened
        available -= excess
    return ""


def strip_entities(text: str) -> str:
    """Return the text on one line, without anything that X turns into a link, mention, hashtag or cashtag.

    "foo.com" becomes "foo. com", with any ending: new ones appear. "https://" is removed. "me@home" becomes
    "me at home", "@ada" and "#art" become "ada" and "art", "$5" stays. Invisible characters are removed, because they
    can hide all of these.
    """
    plain = _remove_invisible(unicodedata.normalize("NFC", _clean(text)).translate(_PLAIN))
    plain = _BETWEEN_WORDS.sub(" at ", _NEAR_ASCII.sub("", plain)).replace("@", "")
    plain = _TAG.sub("", _SCHEME.sub(" ", plain))
    return " ".join(_DOT.sub(r"\g<0> ", plain).split())


def _clean(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _normalize(text: str) -> str:
    return _BREAKS.sub("\n", unicodedata.normalize("NFC", _clean(text)))


def _units(text: str, whole_emoji: bool = True) -> Iterator[tuple[int, int]]:
    """Yield the end and the weight of each unit: a link, an emoji or a code point."""
    link_ends = dict(find_links(text))
    emoji_ends = dict(_find_emoji(text)) if whole_emoji else {}
    position = 0
    while position < len(text):
        if position in link_ends:
            position, weight = link_ends[position], LINK_LENGTH
        elif position in emoji_ends:
            position, weight = emoji_ends[position], HEAVY_WEIGHT
        else:
            position, weight = position + 1, _letter_weight(text[position])
        yield position, weight


def _find_emoji(text: str) -> list[tuple[int, int]]:
    import emoji  # slow to import: loads all emoji

    return [(match["match_start"], match["match_end"]) for match in emoji.emoji_list(text)]


def _letter_weight(letter: str) -> int:
    point = ord(letter)
    return 1 if any(low <= point <= high for low, high in LIGHT_RANGES) else HEAVY_WEIGHT


def _end_within(text: str, available: int) -> int:
    """Return how many code points of `text` fit into this weight without cutting a unit."""
    end = 0
    for unit_end, weight in _units(text):
        available -= weight
        if available < 0:
            break
        end = unit_end
    while 0 < end < len(text) and (unicodedata.combining(text[end]) or text[end] in "\ufe0f" + _JOINERS):
        end -= 1
    return end


def _cut_at_word(text: str, end: int) -> str:
    if text[end : end + 1].isspace():
        return text[:end].rstrip()
    space = max(text.rfind(" ", end * 2 // 3, end), text.rfind("\n", end * 2 // 3, end))
    return text[: space if space > 0 else end].rstrip()


def _remove_invisible(text: str) -> str:
    """Replace white space and control characters with spaces; drop invisible ones. Flags and joined emoji stay."""
    return "".join(" " if c.isspace() or unicodedata.category(c) == "Cc" else c for c in text if _is_visible(c))


def _is_visible(c: str) -> bool:
    if c in _JOINERS or "\U000e0020" <= c <= "\U000e007f":
        return True
    return unicodedata.category(c) != "Cf" and c not in INVALID
