"""Search posts of the last seven days, with X's indexing delay."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.clock import min_id_at, snowflake_ms
from sandbox.post_index import ids_between
from sandbox.x import fields, paging, search_query, visibility
from sandbox.x.call import ApiResponse, Call, Endpoint
from sandbox.x.faults import SEARCH
from sandbox.x.fields import POST_SHAPE, WINDOW
from sandbox.x.paging import Bounds
from sandbox.x.problems import Problem, invalid, not_one_of
from sandbox.x.reads import posts_response

MAX_QUERY = 512
DAY_MS = 86_400_000


async def search(call: Call) -> ApiResponse:
    matches = _parse_query(call)
    size = fields.parse_int(call.query, "max_results", low=10, high=100, default=10)
    if call.query.get("sort_order", "recency") not in ("recency", "relevancy"):
        raise not_one_of("sort_order", call.query["sort_order"], ("recency", "relevancy"))
    limits = _limits(call)
    posts = call.world.post_index.posts
    candidates = ids_between(call.world.post_index.all, after=limits.after, before=limits.before)
    visible = visibility.timeline(call.world, (i for i in candidates if matches(posts[i])), call.caller.person)
    page = paging.page(
        call.faults.visible_ids(SEARCH, visible),
        limits,
        size=size,
        token=_token(call),
        name="next_token",
        overlap=call.faults.overlap(SEARCH, later_page=_token(call) is not None),
    )
    page.meta.pop("previous_token", None)
    return posts_response(call, call.world.existing_posts(page.ids), [], meta=page.meta)


def _parse_query(call: Call) -> search_query.Predicate:
    text = call.query.get("query", "")
    if not text.strip():
        raise invalid("The `query` query parameter can not be empty", "query", text)
    if len(text) > MAX_QUERY:
        raise invalid(
            f"The `query` query parameter value length [{len(text)}] is greater than {MAX_QUERY}", "query", text
        )
    try:
        matches = search_query.compile_query(text, call.world.find_person)
    except search_query.InvalidQuery as reason:
        raise invalid(f"There were errors processing your request: {reason}", "query", text) from None
    if "is:retweet" in text.replace("-is:retweet", ""):
        return matches
    # Since May 2026 X returns reposts only for queries with is:retweet.
    return lambda post: post.repost_of_id is None and matches(post)


def _token(call: Call) -> str | None:
    return call.query.get("next_token") or call.query.get("pagination_token")


def _limits(call: Call) -> Bounds:
    settings, now = call.world.settings, call.world.clock.now_ms()
    oldest = now - settings.search_days * DAY_MS
    limits = paging.bounds(call.query, now_ms=now)
    if "since_id" in call.query and "start_time" in call.query:
        raise invalid("'since_id' and 'start_time' can not be used together.", "since_id", call.query["since_id"])
    if "since_id" in call.query and snowflake_ms(int(call.query["since_id"])) < oldest:
        raise _too_old(call.query["since_id"], oldest)
    lagging = min_id_at(now - round(settings.search_lag_seconds * 1000) + 1)
    latest = limits.before if "end_time" in call.query else min(limits.before, lagging)
    return Bounds(max(limits.after, min_id_at(oldest) - 1), latest)


def _too_old(since_id: str, oldest_ms: int) -> Problem:
    oldest = f"{datetime.fromtimestamp(oldest_ms / 1000, UTC):%Y-%m-%dT%H:%MZ}"
    return invalid(
        f"'since_id' must be a tweet id created after {oldest}. "
        f"Please use a 'since_id' that is larger than {min_id_at(oldest_ms)}",
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
