"""How many posts one account may write in a day, whatever it writes with. Pure counting; knows no HTTP.

X's help page names the numbers; how it refuses (403 or 429) and how it cuts the day into half hours is not documented.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.clock import first_id_at, ms_of
from sandbox.index import Shelf, window
from sandbox.model import Person

DAY_MS = 86_400_000
HALF_HOUR_MS = 1_800_000


@dataclass(frozen=True, slots=True)
class Caps:
    """`half_hour`: posts and replies together in any thirty minutes, None for no such slice. `status`: 403 or 429."""

    posts: int = 50
    replies: int = 200
    verified: int = 2_400
    half_hour: int | None = None
    status: int = 403


def over(caps: Caps, shelf: Shelf, author: Person, *, reply: bool, now_ms: int) -> bool:
    """Whether one more would be too many. Deleted posts count, and those written on the page."""
    if caps.half_hour is not None and written(shelf, author, now_ms - HALF_HOUR_MS) >= caps.half_hour:
        return True
    day = now_ms - DAY_MS
    if author.verified:
        return written(shelf, author, day) >= caps.verified
    if reply:
        return _since(shelf.written_replies[author.id], day) >= caps.replies
    return _since(shelf.written_posts[author.id], day) >= caps.posts


def written(shelf: Shelf, author: Person, since_ms: int) -> int:
    return _since(shelf.written_posts[author.id], since_ms) + _since(shelf.written_replies[author.id], since_ms)


def left(caps: Caps, shelf: Shelf, author: Person, now_ms: int) -> tuple[int, int, int]:
    """(limit, remaining, reset in epoch seconds) of the account's day, for the 24-hour headers."""
    limit = caps.verified if author.verified else caps.posts + caps.replies
    day = now_ms - DAY_MS
    ids = [*_window(shelf.written_posts[author.id], day), *_window(shelf.written_replies[author.id], day)]
    oldest = ms_of(min(ids)) if ids else now_ms
    return limit, max(0, limit - len(ids)), (oldest + DAY_MS) // 1000


def _since(ids: list[int], since_ms: int) -> int:
    return len(_window(ids, since_ms))


def _window(ids: list[int], since_ms: int) -> list[int]:
    return window(ids, after=first_id_at(since_ms))
