"""Count how many posts one account may write in 24 hours.

X's help page names the numbers. The status (403 or 429) and the caps per half hour are not documented.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.clock import min_id_at, snowflake_ms
from sandbox.model import User
from sandbox.post_index import PostIndex, ids_between

DAY_MS = 86_400_000
HALF_HOUR_MS = 1_800_000


@dataclass(frozen=True, slots=True)
class Caps:
    """Posts per account in 24 hours. `half_hour`: posts and replies in any 30 minutes, None for no such cap."""

    posts: int = 50
    replies: int = 200
    verified: int = 2_400
    half_hour: int | None = None
    status: int = 403


def is_over_cap(caps: Caps, index: PostIndex, author: User, *, reply: bool, now_ms: int) -> bool:
    """Return whether one more post is above a cap. Deleted posts count, and those written on the page."""
    if caps.half_hour is not None and count_posts(index, author, now_ms - HALF_HOUR_MS) >= caps.half_hour:
        return True
    day = now_ms - DAY_MS
    if author.verified:
        return count_posts(index, author, day) >= caps.verified
    if reply:
        return _count_since(index.written_replies[author.id], day) >= caps.replies
    return _count_since(index.written_posts[author.id], day) >= caps.posts


def count_posts(index: PostIndex, author: User, since_ms: int) -> int:
    posts, replies = index.written_posts[author.id], index.written_replies[author.id]
    return _count_since(posts, since_ms) + _count_since(replies, since_ms)


def remaining_posts(caps: Caps, index: PostIndex, author: User, now_ms: int) -> tuple[int, int, int]:
    """Return limit, remaining and reset (epoch seconds) for the 24-hour headers."""
    limit = caps.verified if author.verified else caps.posts + caps.replies
    day = now_ms - DAY_MS
    ids = [*_window(index.written_posts[author.id], day), *_window(index.written_replies[author.id], day)]
    oldest = snowflake_ms(min(ids)) if ids else now_ms
    return limit, max(0, limit - len(ids)), (oldest + DAY_MS) // 1000


def _count_since(ids: list[int], since_ms: int) -> int:
    return len(_window(ids, since_ms))


def _window(ids: list[int], since_ms: int) -> list[int]:
    return ids_between(ids, after=min_id_at(since_ms))
