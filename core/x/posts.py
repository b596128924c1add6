"""Posts as X hands them over, in our own types. Reads the old vocabulary (tweet) and the new one (post).

Offsets are code points in the raw text, which is HTML-escaped: slice first, unescape after.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from core.logs import get_logger
from core.text import clean
from core.x.snowflakes import time_of

log = get_logger(__name__)

Raw = Mapping[str, Any]
Result = TypeVar("Result")


LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Author:
    """Who wrote a post. `username` is without @; `name` is what people see; both empty where X did not say."""

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


def read_page(body: Raw, *, strict: bool = False) -> list[Post]:
    """The posts of one answer of X, in its order.

    Raises ValueError where the answer does not say what it holds: an answer without posts says `result_count: 0`.
    One post that makes no sense must not hide the ninety-nine beside it; `strict` raises there too, for callers to whom
    a post that is not seen means something.
    """
    data = body.get("data") or []
    if not isinstance(data, list) or not (data or "result_count" in _object(body.get("meta"))):
        raise ValueError("the answer does not say what it holds")
    people = _people(_object(body.get("includes")).get("users") or [])
    posts = [_attempt(_post, raw, people) for raw in data]
    if strict and None in posts:
        raise ValueError("a post of the answer makes no sense")
    return [post for post in posts if post]


def read_account(body: Raw) -> Account:
    """The account of `GET /2/users/me`."""
    user = body["data"]
    return Account(_author(user), _id_or_none(user.get("pinned_tweet_id") or user.get("pinned_post_id")))


def next_token(body: Raw) -> str | None:
    """What to ask the next page with, or None on the last."""
    return _object(body.get("meta")).get("next_token") or None


def _people(users: Any) -> dict[int, Author]:
    read = [_attempt(_author, user) for user in users]
    return {author.id: author for author in read if author}


def _author(user: Raw) -> Author:
    return Author(_id(user["id"]), clean(str(user["username"])), clean(str(user.get("name") or user["username"])))


def _attempt(read: Callable[..., Result], *given: Any) -> Result | None:
    """What `read` makes of a part of X's answer, or None, and a line in the log, where that makes no sense."""
    try:
        return read(*given)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        log.error("a part of X's answer makes no sense and is left out", error=repr(error))
        return None


def _post(raw: Raw, people: Mapping[int, Author]) -> Post:
    post_id = _id(raw["id"])
    note = raw.get("note_tweet") or raw.get("note_post") or {}
    entities = (note if note else raw).get("entities") or {}
    references = {item["type"]: _id(item["id"]) for item in _first(raw, "referenced_tweets", "referenced_posts")}
    author_id = _id(raw["author_id"])
    return Post(
        id=post_id,
        root_id=_root(raw, post_id),
        author=people.get(author_id) or Author(author_id, "", ""),
        text=clean(str(note.get("text") or raw.get("text") or "")),
        created_at=time_of(post_id),
        mentions=_spans(entities.get("mentions")),
        links=_spans(entities.get("urls")),
        display_start=_display_start(raw),
        conversation_id=_id_or_none(raw.get("conversation_id")),
        in_reply_to_id=references.get("replied_to"),
        in_reply_to_person_id=_id_or_none(raw.get("in_reply_to_user_id")),
        is_repost="retweeted" in references or "reposted" in references,
    )


def _spans(entities: Any) -> tuple[Span, ...]:
    """Entities as spans. One without true offsets marks nothing."""
    read = [_attempt(_span, entity) for entity in entities or []]
    return tuple(span for span in read if span)


def _span(entity: Raw) -> Span:
    return Span(int(entity["start"]), int(entity["end"]), _id_or_none(entity.get("id")))


def _first(raw: Raw, *names: str) -> Iterable[Any]:
    return next((raw[name] for name in names if raw.get(name)), ())


def _root(raw: Raw, post_id: int) -> int:
    history = [item for item in _first(raw, "edit_history_tweet_ids", "edit_history_post_ids") if item]
    return _id(history[0]) if history else post_id


def _display_start(raw: Raw) -> int:
    span = raw.get("display_text_range")
    return int(span[0]) if span else 0


def _id(value: Any) -> int:
    number = int(value)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError(f"{number} is no id of X")
    return number


def _id_or_none(value: Any) -> int | None:
    return _id(value) if value not in (None, "") else None


def _object(value: Any) -> Raw:
    return value if isinstance(value, Mapping) else {}
