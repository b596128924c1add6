"""Query the most liked public creations of a day, a week, a month, or of all time.

The ranking of all time follows an index. The others are sorted once a minute and cached as ids, so pages neither
repeat nor skip creations meanwhile.
"""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from time import monotonic

from sqlalchemy import ColumnElement, Connection, Engine, literal_column, select
from starlette.concurrency import run_in_threadpool

from core.clock import now
from core.database import read_connection
from core.models import creations
from gallery.queries import creations as creation_queries
from gallery.queries.run_query import run_query
from gallery.views.creations import CreationView, Page
from gallery.views.top_cursor import TopCursor

PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30), "all": None}
CACHE_SECONDS = 60.0
MAX_RANKED = 1_000
# The picture of the day is one of so many. Some of those tried may be sensitive, deleted or muted.
PICKED_FROM, MAX_PICKS = 20, 3
# Of those ranked beside a creation, a few may have been deleted meanwhile.
NEIGHBORS_TRIED = 5

# (likes, id), most liked first.
Ranking = list[tuple[int, int]]
BY_LIKES = (creations.c.likes.desc(), creations.c.id.desc())
# A literal, not a bound value: only so the planner sees that the partial index of liked creations covers the query.
IS_LIKED = creations.c.likes > literal_column("0")
# The sum matches no index on purpose: sorting the likes of a period is cheaper than walking along all likes.
BY_LIKES_WITHOUT_INDEX = ((creations.c.likes + literal_column("0")).desc(), creations.c.id.desc())
LIKED_STMT = select(creations.c.likes, creations.c.id).where(IS_LIKED, creations.c.published_at.is_not(None))


@dataclass
class RankedCache:
    """The ranking of one period, and the monotonic time until which it is fresh."""

    ranking: Ranking
    expires_at: float


class TopFeed:
    """The most liked creations, with the rankings that this process has cached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cache: dict[str, RankedCache] = {}
        self._running: dict[str, asyncio.Future[Ranking]] = {}

    async def page(self, period: str, *, limit: int, after: TopCursor | None = None) -> Page:
        """Return one page of a period of PERIODS, most liked first."""
        if PERIODS[period] is None:
            ranked = await run_query(self._engine, _rank_all_time, limit=limit + 1, after=after)
        else:
            ranking = await self._get_ranking(period)
            start = 0 if after is None else _position(ranking, after)
            ranked = ranking[start : start + limit + 1]
        ids = [creation_id for _likes, creation_id in ranked[:limit]]
        views = await run_query(self._engine, creation_queries.list_by_ids, ids)
        last = ranked[limit - 1] if len(ranked) > limit else None
        return Page(views, str(TopCursor(*last)) if last else None)

    async def daily_picks(self, day: date) -> list[CreationView]:
        """Return a few of the most liked creations of the week, the same first one all day, without sensitive ones."""
        ranking = await self._get_ranking("week")
        ids = [creation_id for _likes, creation_id in ranking[:PICKED_FROM]]
        ids.sort(key=lambda creation_id: sha256(f"{day} {creation_id}".encode()).digest())
        views = await run_query(self._engine, creation_queries.list_by_ids, ids[:MAX_PICKS])
        return [view for view in views if view.pictures and not view.sensitive]

    async def find_neighbor(self, period: str, likes: int, creation_id: int, *, is_next: bool) -> int | None:
        """Return the id of the creation that is ranked next to this one, public when it was ranked; None at the end."""
        if PERIODS[period] is None:
            return await run_query(self._engine, _find_beside, (likes, creation_id), is_next=is_next)
        ranking = await self._get_ranking(period)
        ids = [ranked_id for _likes, ranked_id in ranking]
        # Its likes may have changed since it was ranked: its place has not.
        place = ids.index(creation_id) if creation_id in ids else _position(ranking, TopCursor(likes, creation_id))
        lower = [ranked_id for ranked_id in ids[place : place + NEIGHBORS_TRIED + 1] if ranked_id != creation_id]
        higher = ids[max(0, place - NEIGHBORS_TRIED) : place][::-1]
        views = await run_query(self._engine, creation_queries.list_by_ids, lower if is_next else higher)
        return views[0].id if views else None

    async def _get_ranking(self, period: str) -> Ranking:
        """Return the ranking, at most a minute old. While it is sorted again, others get the previous one."""
        cached = self._cache.get(period)
        if cached and (monotonic() < cached.expires_at or period in self._running):
            return cached.ranking
        if period in self._running:
            return await asyncio.shield(self._running[period])
        task = asyncio.ensure_future(run_in_threadpool(self._rank, period))
        self._running[period] = task
        try:
            ranking = await asyncio.shield(task)
            self._cache[period] = RankedCache(ranking, monotonic() + CACHE_SECONDS)
            return ranking
        finally:
            self._running.pop(period, None)

    def _rank(self, period: str) -> Ranking:
        duration = PERIODS[period]
        assert duration is not None  # noqa: S101
        is_recent = creations.c.published_at > now() - duration
        stmt = LIKED_STMT.where(is_recent).order_by(*BY_LIKES_WITHOUT_INDEX).limit(MAX_RANKED)
        with read_connection(self._engine) as connection:
            return [(row.likes, row.id) for row in connection.execute(stmt)]


def _rank_all_time(connection: Connection, *, limit: int, after: TopCursor | None) -> Ranking:
    if after is None:
        return _ranked(connection, limit)
    # Not `(likes, id) < (...)`: SQLite would walk along all creations with as many likes.
    tied = _ranked(connection, limit, creations.c.likes == after.likes, creations.c.id < after.id)
    if len(tied) == limit:
        return tied
    return tied + _ranked(connection, limit - len(tied), creations.c.likes < after.likes)


def _find_beside(connection: Connection, place: tuple[int, int], *, is_next: bool) -> int | None:
    likes, creation_id = place
    if is_next:
        ranked = _rank_all_time(connection, limit=1, after=TopCursor(likes, creation_id))
        return ranked[0][1] if ranked else None
    upward = (creations.c.likes, creations.c.id)
    for higher in ((creations.c.likes == likes, creations.c.id > creation_id), (creations.c.likes > likes,)):
        row = connection.execute(LIKED_STMT.where(*higher).order_by(*upward).limit(1)).first()
        if row is not None:
            return int(row.id)
    return None


def _ranked(connection: Connection, limit: int, *conditions: ColumnElement[bool]) -> Ranking:
    stmt = LIKED_STMT.where(*conditions).order_by(*BY_LIKES).limit(limit)
    return [(row.likes, row.id) for row in connection.execute(stmt)]


def _position(ranking: Ranking, after: TopCursor) -> int:
    return next((index for index, ranked in enumerate(ranking) if ranked < (after.likes, after.id)), len(ranking))
