"""Find the links and mentions that X makes of a text, by the rules of its twitter-text (Apache-2.0).

Links are found label by label. The single pattern of twitter-text takes hours on a text made to be slow, and any user
may post one. The public suffix list says which words end a domain. Offsets are code points, ends exclusive.
"""

import re
from collections.abc import Iterator
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
MAX_LINK_LENGTH = 4096
# Length of the code of a t.co link.
MAX_SHORT_LINK_LENGTH = 40

# A run of characters that a domain may have, up to the next scheme.
_DOMAIN_CHARACTER = rf"[^!'#%&()*+,\\/:;<=>?@\[\]^{{|}}~${SPACES}{INVALID}{DIRECTIONS}]"
_RUN = re.compile(rf"(?P<scheme>https?://)?(?P<run>(?:(?!https?://){_DOMAIN_CHARACTER})+)", re.IGNORECASE)
# A link may not follow one of these.
_FORBIDDEN_BEFORE = re.compile(r"[A-Za-z0-9@＠$#＃]")
_SIGNS = "@＠$#＃"
_JOINTS = "-_."
_LATIN_RUN = re.compile(rf"[\-a-z0-9.{ACCENTED}]+", re.IGNORECASE)
_LATIN_ENDING = re.compile(r"xn--[\-0-9a-z]+|[a-z]+(?![0-9a-z@+\-])", re.IGNORECASE)
_FORBIDDEN_AFTER = re.compile(r"[0-9a-zA-Z@+\-]")

_IN_PATH = rf"[a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{ACCENTED}]"
_PARENTHESES = rf"\((?:{_IN_PATH}+|{_IN_PATH}*\({_IN_PATH}+\){_IN_PATH}*)\)"
_PATH_END = rf"(?:[+\-a-z\u0400-\u04ff0-9=_#/{ACCENTED}]|{_PARENTHESES})"
_PATH = rf"(?:{_IN_PATH}*(?:{_PARENTHESES}{_IN_PATH}*)*{_PATH_END}|@{_IN_PATH}+/)"
_QUERY = r"(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?"
_AFTER_DOMAIN = re.compile(rf"(?::[0-9]+)?(?P<path>/{_PATH}*)?{_QUERY}", re.IGNORECASE)
_SHORT_LINK = re.compile(rf"https?://t\.co/([a-z0-9]+){_QUERY}", re.IGNORECASE)

_AT = "[@＠]"
_MENTION = re.compile(
    rf"(?:^|[^a-zA-Z0-9_!#$%&*@＠]|(?:^|[^a-zA-Z0-9_+~.\-])[rR][tT]:?)"
    rf"(?P<mention>{_AT}(?P<handle>[a-zA-Z0-9_]{{1,20}}))(?P<list>/[a-zA-Z][a-zA-Z0-9_\-]{{0,24}})?"
)
_NO_MENTION = re.compile(rf"{_AT}|[{ACCENTED}]|://")

Span = tuple[int, int]


@dataclass(frozen=True)
class Mention:
    """A handle in a text. `start` is the position of the at sign; `handle` is without it."""

    start: int
    end: int
    handle: str


@dataclass(frozen=True, slots=True)
class _Domain:
    start: int
    end: int


def find_mentions(text: str) -> list[Mention]:
    """Return the handles that X links to users. `@name/list` is a list and no mention."""
    return [
        Mention(*match.span("mention"), match["handle"])
        for match in _MENTION.finditer(text)
        if not match["list"] and not _NO_MENTION.match(text, match.end())
    ]


def find_links(text: str) -> list[Span]:
    """Return start and end of each link, with or without a scheme."""
    links: list[Span] = []
    position = last_end = 0
    while "." in text and (run := _RUN.search(text, position)):
        position = run.end()
        domain = _find_domain(text, run, last_end)
        if domain is None:
            continue
        rest = _AFTER_DOMAIN.match(text, domain.end)
        position = last_end = rest.end() if rest else domain.end
        if not _is_valid(text, run["scheme"] or "https://", domain, position):
            continue
        if run["scheme"]:
            links += _cut_short_link(text, run.start(), position)
        else:
            links += _find_bare_links(text, domain, position if rest and rest["path"] else None)
    return links


def _find_domain(text: str, run: re.Match[str], last_end: int) -> _Domain | None:
    """Return the domain at the start of a run, unless the text before it forbids a link."""
    start, end = run.span("run")
    before = text[run.start() - 1 : run.start()]
    if 0 < last_end == run.start() and not run["scheme"]:
        # Right behind a link: one letter separates the two.
        return None if _FORBIDDEN_BEFORE.match(text, start) else _match_domain(text, start + 1, end)
    if not before and not run["scheme"] and not _FORBIDDEN_BEFORE.match(text, start):
        # X's pattern takes the first letter of a text for the one before the link, if it can.
        if text[start] in _JOINTS:
            return None
        return _match_domain(text, start + 1, end) or _match_domain(text, start, end)
    if run["scheme"] and not _FORBIDDEN_BEFORE.match(before):
        return _match_domain(text, start, end)
    if run["scheme"] or before == "/":
        return None
    if before and before in _SIGNS:
        start = _skip_ascii(text, start, end)
    return _match_domain(text, start, end)


def _skip_ascii(text: str, start: int, end: int) -> int:
    """Skip the word behind @, $ or #. Text in another script that follows it may still be a link."""
    while start < end and text[start].isascii():
        if text[start] in _JOINTS:
            return end
        start += 1
    return min(start + 1, end)


def _match_domain(text: str, start: int, end: int) -> _Domain | None:
    """Return the longest domain from `start`: labels up to one that may end a domain."""
    longest = None
    position = start
    while (dot := text.find(".", position, end)) > position:
        label = text[position:dot]
        if label[0] in _JOINTS or label[-1] in _JOINTS:
            break
        if "_" not in label and (ending := _find_ending(text, dot + 1, end)) is not None:
            longest = _Domain(start, ending)
        position = dot + 1
    return longest


def _find_ending(text: str, start: int, end: int) -> int | None:
    """Return the end of the word at `start` if a domain may end with it."""
    if word := _LATIN_ENDING.match(text, start):
        ending = word.group().lower()
        return word.end() if ending.startswith("xn--") or ending in _endings() else None
    for size in range(min(_max_foreign_length(), end - start), 0, -1):
        after = text[start + size : start + size + 1]
        if text[start : start + size].lower() in _endings() and not _FORBIDDEN_AFTER.match(after):
            return start + size
    return None


def _is_valid(text: str, scheme: str, domain: _Domain, end: int) -> bool:
    """Return whether the domain has labels of at most 63 ASCII characters, and the link is not too long."""
    name = text[domain.start : domain.end]
    try:
        ascii_name = name.encode("idna")
    except UnicodeError:
        return False
    return len(scheme) + end - domain.start + len(ascii_name) - len(name) <= MAX_LINK_LENGTH


def _cut_short_link(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the link. X's own short links end with their code."""
    short_link = _SHORT_LINK.match(text, start, end)
    if short_link is None:
        yield start, end
    elif len(short_link[1]) <= MAX_SHORT_LINK_LENGTH:
        yield start, short_link.end()


def _find_bare_links(text: str, domain: _Domain, path_end: int | None) -> list[Span]:
    """Return links without a scheme: only the Latin parts of the domain. The path belongs to the last one."""
    links: list[Span] = []
    for chunk in _LATIN_RUN.finditer(text, domain.start, domain.end):
        link = _match_latin_domain(text, chunk.end() - len(chunk[0].lstrip(".")), domain.end)
        links += [link] if link else []
    if links and path_end is not None:
        links[-1] = (links[-1][0], path_end)
    return links


def _match_latin_domain(text: str, start: int, end: int) -> Span | None:
    longest = None
    position = start
    while (dot := text.find(".", position, end)) > position and _LATIN_RUN.fullmatch(text, position, dot):
        ending = _find_ending(text, dot + 1, end)
        longest = (start, ending) if ending is not None else longest
        position = dot + 1
    return longest


@cache
def _endings() -> frozenset[str]:
    """Return all words that a domain may end with, from the public suffix list."""
    rules = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    official = rules.partition("===BEGIN ICANN DOMAINS===")[2].partition("// ===END ICANN DOMAINS===")[0]
    lines = (line.strip() for line in official.splitlines())
    return frozenset(line.rpartition(".")[2].lower() for line in lines if line and not line.startswith("//"))


@cache
def _max_foreign_length() -> int:
    return max(len(word) for word in _endings() if not word.isascii())
