"""The feed by which a user came to a creation. It decides which creations are the next and the previous one."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

MAX_LENGTH = 600
DEFAULT_PERIOD = "week"


class OriginKind(StrEnum):
    """The feeds that creations can be walked through."""

    NEWEST = "newest"
    TOP = "top"
    FOLLOWING = "following"
    SEARCH = "search"
    PERSON = "person"
    LIKES = "likes"
    BOARD = "board"
    REMIXES = "remixes"


# Feeds whose path is fixed, and the parameter of their query that names their content.
BY_PATH = {"/": (OriginKind.NEWEST, ""), "/following": (OriginKind.FOLLOWING, "")}
BY_QUERY = {"/top": (OriginKind.TOP, "period"), "/search": (OriginKind.SEARCH, "q")}
BY_PATTERN = (
    (OriginKind.PERSON, re.compile(r"/@([^/]+)"), "/@{}"),
    (OriginKind.LIKES, re.compile(r"/@([^/]+)/likes"), "/@{}/likes"),
    (OriginKind.BOARD, re.compile(r"/b/([\w-]+)", re.ASCII), "/b/{}"),
    (OriginKind.REMIXES, re.compile(r"/c/([0-9]{1,18})/remixes", re.ASCII), "/c/{}/remixes"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A feed: its kind, the handle, words, period, name or id that it is of, and its address."""

    kind: OriginKind
    value: str
    path: str

    @property
    def query(self) -> str:
        """Return the query that links to creations carry; empty for the newest, which is the default."""
        return "" if self.kind == OriginKind.NEWEST else f"?{urlencode({'in': self.path})}"


NEWEST = Origin(OriginKind.NEWEST, "", "/")


def parse_origin(address: str) -> Origin:
    """Return the feed that a path and query name. Every other address stands for the newest creations."""
    try:
        parts = urlsplit(address[:MAX_LENGTH])
    except ValueError:
        return NEWEST
    if parts.path in BY_PATH:
        kind, value = BY_PATH[parts.path]
        return Origin(kind, value, parts.path)
    if parts.path in BY_QUERY:
        kind, name = BY_QUERY[parts.path]
        value = parse_qs(parts.query).get(name, [""])[0].replace("\0", "")
        return Origin(kind, value, f"{parts.path}?{urlencode({name: value})}") if value else _without_value(kind)
    return _match_pattern(parts.path)


def _without_value(kind: OriginKind) -> Origin:
    return Origin(kind, DEFAULT_PERIOD, "/top") if kind == OriginKind.TOP else NEWEST


def _match_pattern(path: str) -> Origin:
    for kind, pattern, address in BY_PATTERN:
        if match := pattern.fullmatch(path):
            value = unquote(match[1]).replace("\0", "")
            return Origin(kind, value, address.format(quote(value, safe="")))
    return NEWEST
