"""Split a text into links, mentions, tags and plain text, as X does."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

from core.twittertext.length import weighted_length
from core.twittertext.links import find_links, find_mentions

# Letters of a hashtag beyond \w: vowel signs and joiners of Hebrew, Arabic, Indic, Thai and related scripts.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u05f3\u05f4\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0dff\u0e31-\u0e4e"
    "\u0eb1-\u0ecd\u0f0b-\u0fbc\u102b-\u109d\u17b4-\u17d3\u200c\u200d\u00b7\u301c\uff5e\u3003"
)
_TAG = re.compile(
    rf"""
    (?P<hashtag>(?<![\w&/])[\#＃](?![\ufe0f\u20e3])(?P<tag>[\w{_MARKS}]*[^\W\d_][\w{_MARKS}]*)(?![\#＃]|://))
    |(?P<cashtag>(?<!\S)\$(?P<stock>[A-Za-z]{{1,6}}(?:[._][A-Za-z]{{1,2}})?)(?![A-Za-z0-9_]))
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. `kind`: text, link, mention, hashtag or cashtag. `value`: handle or tag without its sign."""

    kind: str
    raw: str
    value: str = ""


def scrub(text: str) -> str:
    """Normalize as X does: NFC, no control characters but line breaks and tabs, no lone surrogates."""
    whole = text.encode("utf-8", "replace").decode("utf-8") if _has_surrogates(text) else text
    clean = "".join(c for c in whole.replace("\r\n", "\n") if c in "\n\t" or unicodedata.category(c) != "Cc")
    return unicodedata.normalize("NFC", clean)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def parse_pieces(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    position = 0
    for start, piece in _find_entities(text):
        if start > position:
            pieces.append(Piece("text", text[position:start]))
        pieces.append(piece)
        position = start + len(piece.raw)
    if position < len(text):
        pieces.append(Piece("text", text[position:]))
    return pieces


def _find_entities(text: str) -> Iterator[tuple[int, Piece]]:
    """Yield links, mentions and tags with their offsets. A sign inside a link belongs to the link."""
    links = iter([*find_links(text), (len(text), len(text))])
    start, end = next(links)
    for sign_start, sign in _find_signs(text):
        while sign_start >= end and start < len(text):
            yield start, Piece("link", text[start:end])
            start, end = next(links)
        if sign_start + len(sign.raw) <= start:
            yield sign_start, sign
    while start < len(text):
        yield start, Piece("link", text[start:end])
        start, end = next(links)


def _find_signs(text: str) -> list[tuple[int, Piece]]:
    """Return mentions and tags with their offsets."""
    mentions = [(one.start, Piece("mention", text[one.start : one.end], one.handle)) for one in find_mentions(text)]
    tags = [(match.start(), _parse_tag(match)) for match in _TAG.finditer(text)]
    return sorted(mentions + tags, key=itemgetter(0))


def _parse_tag(match: re.Match[str]) -> Piece:
    if match["hashtag"]:
        return Piece("hashtag", match.group(), match["tag"])
    return Piece("cashtag", match.group(), match["stock"])


def cut(pieces: Iterable[Piece], max_length: int) -> list[Piece]:
    """Return the first pieces up to this length. Plain text may be cut; links, mentions and tags are not."""
    cut_pieces: list[Piece] = []
    for piece in pieces:
        length = weighted_length(piece.raw)
        if length > max_length:
            if piece.kind == "text":
                cut_pieces.append(Piece("text", _cut_text(piece.raw, max_length)))
            break
        cut_pieces.append(piece)
        max_length -= length
    return cut_pieces


def _cut_text(text: str, max_length: int) -> str:
    ends = range(min(len(text), max_length) + 1)
    end = bisect_right(ends, max_length, key=lambda end: weighted_length(text[:end])) - 1
    return text[:end].rstrip("\u200d\ufe0f ")


def display_url(link: str) -> str:
    """Return X's display_url: without scheme and www, at most 28 characters."""
    bare = re.sub(r"^https?://(www\.)?", "", link, flags=re.IGNORECASE)
    return bare if len(bare) <= 28 else bare[:27] + "…"


def expanded_url(link: str) -> str:
    return link if re.match(r"https?://", link, re.IGNORECASE) else f"http://{link}"
