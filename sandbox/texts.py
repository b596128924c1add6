"""Cuts what people type into pieces (words, links, handles, tags) and weighs them as X does. Knows no people."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.links import links_in

MAX_WEIGHT = 280
LINK_WEIGHT = 23

# Letters of a hashtag beyond \w: vowel signs and joiners of Hebrew, Arabic, Indic, Thai and their neighbours.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u05f3\u05f4\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0dff\u0e31-\u0e4e"
    "\u0eb1-\u0ecd\u0f0b-\u0fbc\u102b-\u109d\u17b4-\u17d3\u200c\u200d\u00b7\u301c\uff5e\u3003"
)
_PIECE = re.compile(
    rf"""
    (?P<mention>(?:(?<![A-Za-z0-9_!\#$%&*@＠])|(?<=\b[Rr][Tt]))[@＠](?P<handle>[A-Za-z0-9_]{{1,15}})(?![A-Za-z0-9_@＠À-ÖØ-öø-ÿ]|://))
    |(?P<hashtag>(?<![\w&/])[\#＃](?![\ufe0f\u20e3])(?P<tag>[\w{_MARKS}]*[^\W\d_][\w{_MARKS}]*)(?![\#＃]|://))
    |(?P<cashtag>(?<!\S)\$(?P<stock>[A-Za-z]{{1,6}}(?:[._][A-Za-z]{{1,2}})?)(?![A-Za-z0-9_]))
    """,
    re.VERBOSE | re.IGNORECASE,
)

_EMOJI_BASE = "©®‼⁉™ℹ↔-↪⌚-⏿Ⓜ▪-◾☀-➿⤴⤵⬅-⭕〰〽㊗㊙\U0001f000-\U0001faff"
_EMOJI_ONE = f"[{_EMOJI_BASE}](?:[\U0001f3fb-\U0001f3ff]|\ufe0f)?[\U000e0020-\U000e007f]*"
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_EMOJI_ONE}(?:\u200d{_EMOJI_ONE})*")
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind` is text, link, mention, hashtag or cashtag; `value` is the handle or tag without its sign."""

    kind: str
    raw: str
    value: str = ""


def scrub(text: str) -> str:
    """What X would keep of it: NFC, no control characters but line breaks and tabs, no half characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8") if _has_halves(text) else text
    kept = "".join(c for c in whole.replace("\r\n", "\n") if c in "\n\t" or unicodedata.category(c) != "Cc")
    return unicodedata.normalize("NFC", kept)


def _has_halves(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def pieces(text: str) -> list[Piece]:
    found: list[Piece] = []
    at = 0
    for start, piece in _marked(text):
        if start > at:
            found.append(Piece("text", text[at:start]))
        found.append(piece)
        at = start + len(piece.raw)
    if at < len(text):
        found.append(Piece("text", text[at:]))
    return found


def _marked(text: str) -> Iterator[tuple[int, Piece]]:
    """Links, and between them handles and tags; a sign inside a link belongs to the link."""
    links = iter([*links_in(text), (len(text), len(text))])
    start, end = next(links)
    for match in _PIECE.finditer(text):
        while match.start() >= end and start < len(text):
            yield start, Piece("link", text[start:end])
            start, end = next(links)
        if match.end() <= start:
            yield match.start(), _piece(match)
    while start < len(text):
        yield start, Piece("link", text[start:end])
        start, end = next(links)


def _piece(match: re.Match[str]) -> Piece:
    raw = match.group()
    if match["mention"]:
        return Piece("mention", raw, match["handle"])
    if match["hashtag"]:
        return Piece("hashtag", raw, match["tag"])
    return Piece("cashtag", raw, match["stock"])


def weight(of: Iterable[Piece]) -> int:
    """Weighted length as twitter-text counts: most letters 1, CJK and emoji 2, any link 23."""
    return sum(LINK_WEIGHT if piece.kind == "link" else weight_of_words(piece.raw) for piece in of)


def weight_of_words(words: str) -> int:
    total = at = 0
    for emoji in _EMOJI.finditer(words):
        total += sum(map(_letter, words[at : emoji.start()])) + 2
        at = emoji.end()
    return total + sum(map(_letter, words[at:]))


def _letter(letter: str) -> int:
    point = ord(letter)
    return 1 if any(low <= point <= high for low, high in _LIGHT) else 2


def cut(of: list[Piece], room: int) -> list[Piece]:
    """The first pieces that weigh no more than `room`; words may be cut, links and handles never."""
    kept: list[Piece] = []
    for piece in of:
        size = weight([piece])
        if size <= room:
            kept.append(piece)
            room -= size
            continue
        if piece.kind == "text":
            kept.append(Piece("text", _cut_words(piece.raw, room)))
        break
    return kept


def _cut_words(words: str, room: int) -> str:
    end = 0
    for letter in words:
        room -= _letter(letter)
        if room < 0:
            break
        end += 1
    return words[:end].rstrip("\u200d\ufe0f ")


def shown_link(link: str) -> str:
    """X's display_url: no scheme, no www, cut after 27 letters."""
    bare = re.sub(r"^https?://(www\.)?", "", link, flags=re.IGNORECASE)
    return bare if len(bare) <= 28 else bare[:27] + "…"


def full_link(link: str) -> str:
    return link if re.match(r"https?://", link, re.IGNORECASE) else f"http://{link}"
