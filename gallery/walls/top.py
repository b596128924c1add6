"""The best liked of a day, a week, a month, or of all. Knows no HTTP.

Of all time they go along an index. Of a window they are put in order once a minute and kept as ids: whoever looks
meanwhile sees the same order, and pages neither repeat nor leave out.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic

from sqlalchemy import Connection, Engine, literal_column, select, tuple_
from starlette.concurrency import run_in_threadpool

from core.clock import now
from core.database import reading
from core.models import creations
from gallery import queries
from gallery.shown import Page
from gallery.walls.place import Place

WINDOWS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30), "all": None}
KEPT_SECONDS = 60.0
MOST_KEPT = 1_000

Ranked = list[tuple[int, int]]
ORDER = (creations.c.likes.desc(), creations.c.id.desc())
# Written out, not bound: only so a database sees that the index of those that are liked holds all that is asked for.
LIKED = creations.c.likes > literal_column("0")
# As a sum no index has it in order: what is liked of a day is fewer to sort than what was ever liked is to walk along.
SORTED = ((creations.c.likes + literal_column("0")).desc(), creations.c.id.desc())
RANKED = select(creations.c.likes, creations.c.id).where(LIKED, creations.c.shown_at.is_not(None))


@dataclass
class Kept:
    """What was put in order, and until when it counts."""

    ranked: Ranked
    until: float


class Top:
    """The best liked, as this process knows them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[str, Kept] = {}
        self._busy: dict[str, asyncio.Future[Ranked]] = {}

    async def page(self, window: str, *, limit: int, after: Place | None = None) -> Page:
        """One page of the best liked of a window of WINDOWS, most likes first."""
        if WINDOWS[window] is None:
            some = await queries.ask(self._engine, partial(_of_all, limit=limit + 1, after=after))
        else:
            ranked = await self._ranked(window)
            start = 0 if after is None else _position(ranked, after)
            some = ranked[start : start + limit + 1]
        shown = await queries.ask(self._engine, partial(queries.by_ids, creation_ids=[one for _, one in some[:limit]]))
        last = some[limit - 1] if len(some) > limit else None
        return Page(shown, str(Place(*last)) if last else None)

    async def _ranked(self, window: str) -> Ranked:
        """In order, no older than a minute; while one puts them in order, all others look at the order before."""
        kept = self._kept.get(window)
        if kept and (monotonic() < kept.until or window in self._busy):
            return kept.ranked
        if window in self._busy:
            return await asyncio.shield(self._busy[window])
        task = asyncio.ensure_future(run_in_threadpool(self._rank, window))
        self._busy[window] = task
        try:
            ranked = await asyncio.shield(task)
            self._kept[window] = Kept(ranked, monotonic() + KEPT_SECONDS)
            return ranked
        finally:
            self._busy.pop(window, None)

    def _rank(self, window: str) -> Ranked:
        span = WINDOWS[window]
        assert span is not None  # noqa: S101
        wanted = RANKED.where(creations.c.shown_at > now() - span).order_by(*SORTED).limit(MOST_KEPT)
        with reading(self._engine) as connection:
            return [(row.likes, row.id) for row in connection.execute(wanted)]


def _of_all(connection: Connection, *, limit: int, after: Place | None) -> Ranked:
    wanted = RANKED.order_by(*ORDER).limit(limit)
    if after is not None:
        wanted = wanted.where(tuple_(creations.c.likes, creations.c.id) < (after.likes, after.id))
    return [(row.likes, row.id) for row in connection.execute(wanted)]


def _position(ranked: Ranked, after: Place) -> int:
    return next((n for n, place in enumerate(ranked) if place < (after.likes, after.id)), len(ranked))
