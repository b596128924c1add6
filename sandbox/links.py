"""Finds in a text what X makes a link of, with `https://` before it or without. Pure; knows no posts and no prices.

The rules are those of twitter-text (Apache-2.0), walked through label by label and not as its one pattern: that takes
hours on a text made to hurt it, and anybody may post one. Which words end a domain says the public suffix list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_SPACES = "\x09-\x0d \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NEVER = "\ufffe\ufeff\uffff\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
_ACCENTED = (
    "À-ÖØ-öø-ÿ\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b\u02bb"
    "\u0300-\u036f\u1e00-\u1eff"
)
_LONGEST = 4096
_LONGEST_CODE = 40  # of a t.co link

# A run of what may stand in a domain, up to where the next link says so itself.
_HOST = rf"[^!'#%&()*+,\\/:;<=>?@\[\]^{{|}}~${_SPACES}{_NEVER}]"
_RUN = re.compile(rf"(?P<scheme>https?://)?(?P<run>(?:(?!https?://){_HOST})+)", re.IGNORECASE)
_FORBIDS = re.compile(r"[A-Za-z0-9@＠$#＃]")
_GLUED = "@＠$#＃"
_JOINTS = "-_."
_LATIN_RUN = re.compile(rf"[\-a-z0-9.{_ACCENTED}]+", re.IGNORECASE)
_WORD = re.compile(r"xn--[\-0-9a-z]+|[a-z]+(?![0-9a-z@+\-])", re.IGNORECASE)

_IN_PATH = rf"[a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_ACCENTED}]"
_PARENTHESES = rf"\((?:{_IN_PATH}+|{_IN_PATH}*\({_IN_PATH}+\){_IN_PATH}*)\)"
_PATH_END = rf"(?:[+\-a-z\u0400-\u04ff0-9=_#/{_ACCENTED}]|{_PARENTHESES})"
_PATH = rf"(?:{_IN_PATH}*(?:{_PARENTHESES}{_IN_PATH}*)*{_PATH_END}|@{_IN_PATH}+/)"
_QUERY = r"(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?"
_REST = re.compile(rf"(?::[0-9]+)?(?P<path>/{_PATH}*)?{_QUERY}", re.IGNORECASE)
_T_CO = re.compile(rf"https?://t\.co/([a-z0-9]+){_QUERY}", re.IGNORECASE)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Domain:
    """Where it stands, and where the links with it end."""

    start: int
    end: int


def links_in(text: str) -> list[Span]:
    """Start and end (exclusive) of each link, in code points."""
    found: list[Span] = []
    at = taken = 0
    while "." in text and (match := _RUN.search(text, at)):
        at = match.end()
        domain = _domain_of(text, match, taken)
        if domain is None:
            continue
        rest = _REST.match(text, domain.end)
        at = taken = rest.end() if rest else domain.end
        if not _is_real(text, domain, at):
            continue
        if match["scheme"]:
            found += _with_scheme(text, match.start(), at)
        else:
            found += _bare(text, domain, at if rest and rest["path"] else None)
    return found


def _domain_of(text: str, match: re.Match[str], taken: int) -> _Domain | None:
    """The domain a run begins with, unless what stands before it forbids a link. `taken`: the end of the last one."""
    start, end = match.span("run")
    before = text[match.start() - 1 : match.start()]
    if 0 < taken == match.start() and not match["scheme"]:
        # Right behind a link: one letter parts the two.
        return None if _FORBIDS.match(text, start) else _longest(text, start + 1, end)
    if not before and not match["scheme"] and not _FORBIDS.match(text, start):
        # X's pattern takes the first letter of a text for the one before the link, where it can.
        glued = text[start] in _JOINTS
        return None if glued else _longest(text, start + 1, end) or _longest(text, start, end)
    if match["scheme"] and not _FORBIDS.match(before):
        return _longest(text, start, end)
    if match["scheme"] or before == "/":
        return None
    if before and before in _GLUED:
        start = _behind_latin(text, start, end)
    return _longest(text, start, end)


def _behind_latin(text: str, start: int, end: int) -> int:
    """Behind @, $ and # the word itself is no link, but what follows it in another script may hold one."""
    while start < end and text[start].isascii():
        if text[start] in _JOINTS:
            return end
        start += 1
    return min(start + 1, end)


def _longest(text: str, start: int, end: int) -> _Domain | None:
    """From `start` as many labels as there can be, up to one that ends a domain."""
    best = None
    at = start
    while (dot := text.find(".", at, end)) > at:
        label = text[at:dot]
        if label[0] in _JOINTS or label[-1] in _JOINTS:
            break
        if "_" not in label and (ending := _ending(text, dot + 1, end)) is not None:
            best = _Domain(start, ending)
        at = dot + 1
    return best


def _ending(text: str, at: int, end: int) -> int | None:
    """Where the word at `at` ends, when domains may end with it."""
    if word := _WORD.match(text, at):
        said = word.group().lower()
        return word.end() if said.startswith("xn--") or said in _endings() else None
    for size in range(min(_longest_foreign(), end - at), 0, -1):
        behind = text[at + size : at + size + 1]
        if text[at : at + size].lower() in _endings() and not re.match(r"[0-9a-zA-Z@+\-]", behind):
            return at + size
    return None


def _is_real(text: str, domain: _Domain, end: int) -> bool:
    """Labels of at most 63 letters once they are written in ASCII, and a link that is not too long."""
    try:
        text[domain.start : domain.end].encode("idna")
    except UnicodeError:
        return False
    return end - domain.start <= _LONGEST


def _with_scheme(text: str, start: int, end: int) -> Iterator[Span]:
    """The whole of it; X's own short links end with their code."""
    short = _T_CO.match(text, start, end)
    if short is None:
        yield start, end
    elif len(short[1]) <= _LONGEST_CODE:
        yield start, short.end()


def _bare(text: str, domain: _Domain, path_end: int | None) -> list[Span]:
    """Without a scheme only what is written in Latin letters is a link; a path belongs to the last of them."""
    spans: list[Span] = []
    for chunk in _LATIN_RUN.finditer(text, domain.start, domain.end):
        latin = _longest_latin(text, chunk.end() - len(chunk[0].lstrip(".")), domain.end)
        spans += [latin] if latin else []
    if spans and path_end is not None:
        spans[-1] = (spans[-1][0], path_end)
    return spans


def _longest_latin(text: str, start: int, end: int) -> Span | None:
    best = None
    at = start
    while (dot := text.find(".", at, end)) > at and _LATIN_RUN.fullmatch(text, at, dot):
        ending = _ending(text, dot + 1, end)
        best = (start, ending) if ending is not None else best
        at = dot + 1
    return best


@cache
def _endings() -> frozenset[str]:
    rules = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    official = rules.partition("===BEGIN ICANN DOMAINS===")[2].partition("// ===END ICANN DOMAINS===")[0]
    lines = (line.strip() for line in official.splitlines())
    return frozenset(line.rpartition(".")[2].lower() for line in lines if line and not line.startswith("//"))


@cache
def _longest_foreign() -> int:
    return max(len(word) for word in _endings() if not word.isascii())
