"""How long creations wait, as the pages tell it. What is known is kept for a second, so that a crowd does not hurt.

Nobody waits for it: while one looks around, the others take what was known before, and where the queue is away there
is no estimate and the page is as good as without.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Protocol

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from core.errors import TryLater
from core.line.waiting import Conditions, Wait, estimate, place_of, place_of_one_more
from core.models import State
from gallery import queries

KEPT_SECONDS = 1.0
# A queue that hangs takes seconds to say so: it is not asked for every page.
AWAY_SECONDS = 15.0


class Waiting(Protocol):
    """What may wait: a creation, as far as this is about it."""

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> State: ...
    @property
    def next_attempt_at(self) -> datetime | None: ...


class Waits:
    """The estimates of one process. `look_around` tells the conditions for all, or raises TryLater."""

    def __init__(self, engine: Engine, look_around: Callable[[], Conditions] | None) -> None:
        self._engine = engine
        self._look_around = look_around
        self._conditions: Conditions | None = None
        self._until = 0.0
        self._kept: dict[tuple[int, State], Wait | None] = {}

    async def of(self, creation: Waiting) -> Wait | None:
        """How long a creation waits for its picture, or its picture for the answer on X; None where nothing is known,
        or nothing waits."""
        if creation.next_attempt_at is None or self._look_around is None:
            return None
        if monotonic() >= self._until:
            await self._renew(self._look_around)
        conditions, kept = self._conditions, self._kept
        if conditions is None:
            return None
        key = creation.id, creation.state
        if key not in kept:
            place = await queries.ask(self._engine, partial(place_of, creation_id=creation.id))
            kept[key] = estimate(place, conditions) if place else None
        return kept[key]

    async def of_one_more(self, person_id: int) -> Wait | None:
        """How long a picture would wait that this person asked for now."""
        if self._look_around is None:
            return None
        if monotonic() >= self._until:
            await self._renew(self._look_around)
        conditions = self._conditions
        if conditions is None:
            return None
        place = await queries.ask(self._engine, partial(place_of_one_more, person_id=person_id))
        return estimate(place, conditions)

    async def _renew(self, look_around: Callable[[], Conditions]) -> None:
        # Set before the look, so that one looks and all others go on.
        self._until = monotonic() + AWAY_SECONDS
        try:
            self._conditions = await run_in_threadpool(look_around)
            self._until = monotonic() + KEPT_SECONDS
        except TryLater:
            self._conditions = None
        self._kept = {}
