"""Posts as X hands them over, in our own types. Reads the old vocabulary (tweet) and the new one (post).

Offsets are code points in the raw text, which is HTML-escaped: slice first, unescape after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.logs import get_logger
from core.x.snowflakes import time_of

log = get_logger(__name__)

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Author:
    """Who wrote a post. `username` is without @; `name` is what people see."""

    id: int
    username: str
    name: str


@dataclass(frozen=True)
class Account:
    """The account the bot posts as, and the post it has pinned to its profile."""

    author: Author
    pinned_id: int | None


@dataclass(frozen=True)
class Span:
    """A stretch of a post's raw text, in code points, end exclusive. `person_id` for a mention."""

    start: int
    end: int
    person_id: int | None = None


@dataclass(frozen=True)
class Post:
    """One post. `text` is raw: escaped, with handles and links; whole also where X cuts it (`note_tweet`).

    `display_start` is where the author's own words begin, after the handles X puts before a reply.
    `root_id` is its id before any edit: one post keeps it through all its versions.
    """

    id: int
    root_id: int
    author: Author
    text: str
    created_at: datetime
    mentions: tuple[Span, ...] = ()
    links: tuple[Span, ...] = ()
    display_start: int = 0
    conversation_id: int | None = None
    in_reply_to_id: int | None = None
    in_reply_to_person_id: int | None = None
    is_repost: bool = False


def read_page(body: Raw) -> list[Post]:
    """The posts of one answer of X, in its order. Raises ValueError where the answer is not what X promises."""
    data = body.get("data") or []
    if not isinstance(data, list):
        raise ValueError("`data` is not a list")
    people = {int(user["id"]): _author(user) for user in (body.get("includes") or {}).get("users") or []}
    return [post for raw in data if (post := _post_or_none(raw, people))]


def read_account(body: Raw) -> Account:
    """The account of `GET /2/users/me`."""
    user = body["data"]
    pinned = user.get("pinned_tweet_id") or user.get("pinned_post_id")
    return Account(_author(user), int(pinned) if pinned else None)


def _author(user: Raw) -> Author:
    return Author(int(user["id"]), clean(str(user["username"])), clean(str(user.get("name") or user["username"])))


def _post_or_none(raw: Raw, people: Mapping[int, Author]) -> Post | None:
    """One post that makes no sense must not hide the ninety-nine beside it."""
    try:
        return _post(raw, people)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        log.error("a post of X makes no sense and is left out", error=repr(error))
        return None


def _post(raw: Raw, people: Mapping[int, Author]) -> Post:
    post_id = int(raw["id"])
    note = raw.get("note_tweet") or raw.get("note_post") or {}
    entities = (note if note else raw).get("entities") or {}
    references = {item["type"]: int(item["id"]) for item in _first(raw, "referenced_tweets", "referenced_posts")}
    author_id = int(raw["author_id"])
    return Post(
        id=post_id,
        root_id=_root(raw, post_id),
        author=people.get(author_id) or Author(author_id, str(author_id), "somebody"),
        text=clean(str(note.get("text") or raw.get("text") or "")),
        created_at=time_of(post_id),
        mentions=tuple(Span(m["start"], m["end"], _number(m.get("id"))) for m in entities.get("mentions") or []),
        links=tuple(Span(u["start"], u["end"]) for u in entities.get("urls") or []),
        display_start=_display_start(raw),
        conversation_id=_number(raw.get("conversation_id")),
        in_reply_to_id=references.get("replied_to"),
        in_reply_to_person_id=_number(raw.get("in_reply_to_user_id")),
        is_repost="retweeted" in references or "reposted" in references,
    )


def _first(raw: Raw, *names: str) -> Iterable[Any]:
    return next((raw[name] for name in names if raw.get(name)), ())


def _root(raw: Raw, post_id: int) -> int:
    history = [item for item in _first(raw, "edit_history_tweet_ids", "edit_history_post_ids") if item]
    return int(history[0]) if history else post_id


def _display_start(raw: Raw) -> int:
    span = raw.get("display_text_range")
    return int(span[0]) if span else 0


def _number(value: Any) -> int | None:
    return int(value) if value not in (None, "") else None


def clean(text: str) -> str:
    """Replace what no database or file takes (NUL, lone surrogates), one for one so that offsets stay true."""
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
