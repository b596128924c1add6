"""Recent search: the last seven days up to half a minute ago. Knows the window; `query` knows the operators."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.clock import first_id_at, ms_of
from sandbox.index import window
from sandbox.x import fields, paging, query, visible
from sandbox.x.call import Answer, Call, Endpoint
from sandbox.x.faults import SEARCH
from sandbox.x.fields import POST_SHAPE, WINDOW
from sandbox.x.paging import Bounds
from sandbox.x.problems import Problem, invalid, not_one_of
from sandbox.x.reads import posts_answer

MAX_QUERY = 512
DAY_MS = 86_400_000


async def search(call: Call) -> Answer:
    asked = _asked(call)
    size = fields.whole_number(call.query, "max_results", low=10, high=100, default=10)
    if call.query.get("sort_order", "recency") not in ("recency", "relevancy"):
        raise not_one_of("sort_order", call.query["sort_order"], ("recency", "relevancy"))
    limits = _limits(call)
    posts = call.world.shelf.posts
    near = window(call.world.shelf.all, after=limits.after, before=limits.before)
    seen = visible.timeline(call.world, (i for i in near if asked(posts[i])), call.caller.person)
    page = paging.page(
        call.faults.shown(SEARCH, seen),
        limits,
        size=size,
        token=_token(call),
        name="next_token",
        overlap=call.faults.overlap(SEARCH, later_page=_token(call) is not None),
    )
    page.meta.pop("previous_token", None)
    return posts_answer(call, call.world.existing(page.ids), [], meta=page.meta)


def _asked(call: Call) -> query.Ask:
    text = call.query.get("query", "")
    if not text.strip():
        raise invalid("The `query` query parameter can not be empty", "query", text)
    if len(text) > MAX_QUERY:
        raise invalid(
            f"The `query` query parameter value length [{len(text)}] is greater than {MAX_QUERY}", "query", text
        )
    try:
        asked = query.read(text, call.world.person)
    except query.Unreadable as reason:
        raise invalid(f"There were errors processing your request: {reason}", "query", text) from None
    if "is:retweet" in text.replace("-is:retweet", ""):
        return asked
    # Since May 2026 X's index returns no reposts unless they are asked for.
    return lambda post: post.repost_of_id is None and asked(post)


def _token(call: Call) -> str | None:
    return call.query.get("next_token") or call.query.get("pagination_token")


def _limits(call: Call) -> Bounds:
    own, now = call.world.settings, call.world.clock.now_ms()
    oldest = now - own.search_days * DAY_MS
    limits = paging.bounds(call.query, now_ms=now)
    if "since_id" in call.query and "start_time" in call.query:
        raise invalid("'since_id' and 'start_time' can not be used together.", "since_id", call.query["since_id"])
    if "since_id" in call.query and ms_of(int(call.query["since_id"])) < oldest:
        raise _too_old(call.query["since_id"], oldest)
    lagging = first_id_at(now - round(own.search_lag_seconds * 1000) + 1)
    latest = limits.before if "end_time" in call.query else min(limits.before, lagging)
    return Bounds(max(limits.after, first_id_at(oldest) - 1), latest)


def _too_old(since_id: str, oldest_ms: int) -> Problem:
    moment = f"{datetime.fromtimestamp(oldest_ms / 1000, UTC):%Y-%m-%dT%H:%MZ}"
    return invalid(
        f"'since_id' must be a tweet id created after {moment}. "
        f"Please use a 'since_id' that is larger than {first_id_at(oldest_ms)}",
        "since_id",
        since_id,
    )


ENDPOINTS = [
    Endpoint(
        SEARCH,
        search,
        POST_SHAPE | WINDOW | {"query", "next_token", "sort_order"},
    ),
]
