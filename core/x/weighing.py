"""How long a text is to X, and words made fit for an answer. Pure.

X weighs: letters of the Latin, Greek, Cyrillic, Arabic ... alphabets 1, all others and any emoji 2, any link 23, in
sum 280. That is twitter-text's configuration v3, and its conformance cases are among our tests.
"""

import re
import unicodedata
from collections.abc import Iterator

from core.text import clean
from core.x.links import INVALID, links_in

MOST = 280
LINK = 23
HEAVY = 2
# Code points that weigh 1; the rest weighs 2.
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
ELLIPSIS = "…"

_BREAKS = re.compile(r"\r\n?")
# Shapes of signs that some reader somewhere takes for the plain ones.
_PLAIN = str.maketrans("＠﹫＃﹟＄﹩．｡", "@@##$$..")
_JOINERS = "\u200c\u200d"
_NEAR_ASCII = re.compile(rf"(?<=[\x00-\x7f])[{_JOINERS}]+|[{_JOINERS}]+(?=[\x00-\x7f])")
_SCHEME = re.compile(r"(?:(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]*)?:/{2,}")
_BETWEEN_WORDS = re.compile(r"(?<=\w)@+(?=\w)")
# A sign and then anything but a space, ASCII punctuation or what makes an emoji of it.
_TAG = re.compile(r"[#$]+(?=[^\s\d!-/:-@\[-\^`{-~\ufe0f\u20e3])|#+(?=\d)")
# Endings of domains have two letters or more, or are not Latin: "e.g." and "U.S.A" stay as they are.
_DOT = re.compile(r"(?<=\S)\.(?=[^\W\d_]{2}|[^\x00-\x7f\W\d_])|(?<=[A-Za-z0-9])。(?=[A-Za-z]{2})")


def weight(text: str, *, whole_emoji: bool = True) -> int:
    """Weighted length, as X counts it. Not `whole_emoji`: as it counted until 2018, each part of an emoji by itself."""
    return sum(units for _, units in _units(_normal(text), whole_emoji))


def is_valid_length(text: str, limit: int = MOST) -> bool:
    """Whether X would take a text of this length: not empty, not too long, no characters that are none."""
    return 0 < weight(text) <= limit and not any(c in INVALID for c in text)


def fits(text: str, limit: int = MOST) -> str:
    """`text`, cut to the limit at a word where there is one near, with an ellipsis. Emoji and links stay whole."""
    text = _normal(text)
    if weight(text) <= limit:
        return text
    room = limit - weight(ELLIPSIS)
    while room >= 0:
        cut = _at_a_word(text, _reach(text, room)) + ELLIPSIS
        # What is cut may be a link where the whole was none ("a.community", "a.com").
        if (over := weight(cut) - limit) <= 0:
            return cut
        room -= over
    return ""


def harmless(text: str) -> str:
    """The same words on one line, without anything X would make a link, a mention, a hashtag or a cashtag of.

    "foo.com" becomes "foo. com", with any ending: tomorrow's are not on today's lists. "https://" goes. "me@home"
    becomes "me at home", "@ada" and "#art" become "ada" and "art", "$5" stays. No invisible character is put in: they
    are taken out, since they can hide all of these.
    """
    plain = _visible(unicodedata.normalize("NFC", clean(text)).translate(_PLAIN))
    plain = _BETWEEN_WORDS.sub(" at ", _NEAR_ASCII.sub("", plain)).replace("@", "")
    plain = _TAG.sub("", _SCHEME.sub(" ", plain))
    return " ".join(_DOT.sub(r"\g<0> ", plain).split())


def _normal(text: str) -> str:
    return _BREAKS.sub("\n", unicodedata.normalize("NFC", clean(text)))


def _units(text: str, whole_emoji: bool = True) -> Iterator[tuple[int, int]]:
    """What X counts as one, in order: where it ends, and what it weighs."""
    wholes = dict(links_in(text))
    pictures = dict(_emoji_in(text)) if whole_emoji else {}
    at = 0
    while at < len(text):
        if at in wholes:
            at, units = wholes[at], LINK
        elif at in pictures:
            at, units = pictures[at], HEAVY
        else:
            at, units = at + 1, _letter(text[at])
        yield at, units


def _emoji_in(text: str) -> list[tuple[int, int]]:
    import emoji  # reads its list of all of them

    return [(found["match_start"], found["match_end"]) for found in emoji.emoji_list(text)]


def _letter(letter: str) -> int:
    point = ord(letter)
    return 1 if any(low <= point <= high for low, high in LIGHT) else HEAVY


def _reach(text: str, room: int) -> int:
    """How many code points of `text` have room, none of them half of something."""
    end = 0
    for after, units in _units(text):
        room -= units
        if room < 0:
            break
        end = after
    while 0 < end < len(text) and (unicodedata.combining(text[end]) or text[end] in "\ufe0f" + _JOINERS):
        end -= 1
    return end


def _at_a_word(text: str, end: int) -> str:
    if text[end : end + 1].isspace():
        return text[:end].rstrip()
    space = max(text.rfind(" ", end * 2 // 3, end), text.rfind("\n", end * 2 // 3, end))
    return text[: space if space > 0 else end].rstrip()


def _visible(text: str) -> str:
    """Spaces for white space and control characters, nothing for the invisible; flags and joined emoji stay."""
    return "".join(" " if c.isspace() or unicodedata.category(c) == "Cc" else c for c in text if _is_seen(c))


def _is_seen(c: str) -> bool:
    if c in _JOINERS or "\U000e0020" <= c <= "\U000e007f":
        return True
    return unicodedata.category(c) != "Cf" and c not in INVALID
