"""Finds what X would make a link or a mention of in a text, by the rules of its twitter-text. Pure; knows no posts.

The patterns follow twitter-text (Apache-2.0). Which words end a domain comes from the public suffix list, which the
package of that name carries and keeps fresh. Offsets are code points, ends exclusive.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SPACES = "\x09-\x0d \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
INVALID = "\ufffe\ufeff\uffff"
DIRECTIONS = "\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
ACCENTED = (
    "\xc0-\xd6\xd8-\xf6\xf8-\xff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    "\u02bb\u0300-\u036f\u1e00-\u1eff"
)
LONGEST_LINK = 4096
LONGEST_SHORT_LINK = 40

_LABEL = rf"[^!'#%&()*+,\\\-./:;<=>?@\[\]^_{{|}}~${SPACES}{INVALID}{DIRECTIONS}]"
_IN_PATH = rf"[a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{ACCENTED}]"
_PARENTHESES = rf"\((?:{_IN_PATH}+|{_IN_PATH}*\({_IN_PATH}+\){_IN_PATH}*)\)"
_ENDS_PATH = rf"(?:[+\-a-z\u0400-\u04ff0-9=_#/{ACCENTED}]|{_PARENTHESES})"
_PATH = rf"(?:{_IN_PATH}*(?:{_PARENTHESES}{_IN_PATH}*)*{_ENDS_PATH}|@{_IN_PATH}+/)"
_QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]"
_SHORT_LINK = re.compile(rf"https?://t\.co/([a-z0-9]+)(?:{_QUERY})?", re.IGNORECASE)

# Every ending begins with a letter. The patterns below are slow on long texts; most texts never meet them.
_MAY_LINK = re.compile(r"\.[^\W\d_]")

_AT = "[@＠]"
_MENTION = re.compile(
    rf"(?:^|[^a-zA-Z0-9_!#$%&*@＠]|(?:^|[^a-zA-Z0-9_+~.\-])[rR][tT]:?)"
    rf"(?P<mention>{_AT}(?P<handle>[a-zA-Z0-9_]{{1,20}}))(?P<list>/[a-zA-Z][a-zA-Z0-9_\-]{{0,24}})?"
)
_NO_MENTION = re.compile(rf"{_AT}|[{ACCENTED}]|://")
_REPLY = re.compile(rf"[{SPACES}]*{_AT}([a-zA-Z0-9_]{{1,20}})")


@dataclass(frozen=True)
class Mention:
    """A handle in a text. `start` is the at sign; `handle` is without it."""

    start: int
    end: int
    handle: str


def mentions_in(text: str) -> list[Mention]:
    """The handles X would link to people. Not `@name/list`, which is a list."""
    return [
        Mention(*found.span("mention"), found["handle"])
        for found in _MENTION.finditer(text)
        if not found["list"] and not _NO_MENTION.match(text, found.end())
    ]


def reply_to(text: str) -> str | None:
    """The handle a text begins with, if it begins with one."""
    found = _REPLY.match(text)
    return found[1] if found and not _NO_MENTION.match(text, found.end()) else None


def links_in(text: str) -> list[tuple[int, int]]:
    """Where X would make a link, with or without `https://` before it."""
    if not _MAY_LINK.search(text):
        return []
    found: list[tuple[int, int]] = []
    for match in _links().finditer(text):
        if not _is_domain(match):
            continue
        found += [_with_scheme(match)] if match["scheme"] else _without_scheme(match)
    return [span for span in found if span != NOTHING]


NOTHING = (0, 0)


def _with_scheme(match: re.Match[str]) -> tuple[int, int]:
    """The whole link; X's own short ones end with their code."""
    start, end = match.span("link")
    if short := _SHORT_LINK.match(match["link"]):
        return (start, start + short.end()) if len(short[1]) <= LONGEST_SHORT_LINK else NOTHING
    return start, end


def _without_scheme(match: re.Match[str]) -> list[tuple[int, int]]:
    """Bare domains are links only where they are in Latin letters; a path belongs to the last of them."""
    start = match.start("link")
    if start and match.string[start - 1] in "-_./":
        return []
    spans = [(start + domain.start(), start + domain.end()) for domain in _bare_domains().finditer(match["domain"])]
    if spans and match["path"]:
        spans[-1] = (spans[-1][0], match.end())
    return spans


def _is_domain(match: re.Match[str]) -> bool:
    """Whether the domain can be written in ASCII with labels of at most 63 letters, in a link that is not too long."""
    try:
        written = match["domain"].encode("idna")
    except UnicodeError:
        return False
    scheme = match["scheme"] or "https://"
    return len(scheme) + len(match["link"]) + len(written) - len(match["domain"]) <= LONGEST_LINK


@cache
def _endings() -> str:
    """All words a domain may end with, as a pattern, the longest first."""
    rules = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    official = rules.partition("===BEGIN ICANN DOMAINS===")[2].partition("// ===END ICANN DOMAINS===")[0]
    lines = (line.strip() for line in official.splitlines())
    words = {line.rpartition(".")[2] for line in lines if line and not line.startswith("//")}
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return rf"(?:(?:{'|'.join(longest_first)})(?=[^0-9a-zA-Z@+\-]|$)|xn--[\-0-9a-z]+)"


@cache
def _links() -> re.Pattern[str]:
    # A label has at most 63 letters, and no domain has thirty; unbounded, a long text without spaces takes minutes.
    inner = rf"(?:{_LABEL}(?:[_\-]|{_LABEL}){{0,62}})?{_LABEL}\."
    last = rf"(?:{_LABEL}(?:-|{_LABEL}){{0,62}})?{_LABEL}\."
    domain = rf"(?:{inner}){{0,30}}{last}{_endings()}"
    return re.compile(
        rf"(?:[^A-Za-z0-9@＠$#＃{INVALID}]|^)"
        rf"(?P<link>(?P<scheme>https?://)?(?P<domain>{domain})(?::[0-9]+)?(?P<path>/{_PATH}*)?(?:{_QUERY})?)",
        re.IGNORECASE,
    )


@cache
def _bare_domains() -> re.Pattern[str]:
    return re.compile(rf"(?:[\-a-z0-9{ACCENTED}]+\.)+{_endings()}", re.IGNORECASE)
