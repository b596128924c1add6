"""Estimate how long creations wait, with results cached for a second so that many readers cost as much as one.

No request waits for new conditions: one loads them while the others use the previous ones. While the queue is away
there are no estimates, and pages do without.
"""

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Protocol

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from core.errors import TryLater
from core.models import State
from core.scheduling.eta import Capacity, Eta, estimate_eta, position_if_added, position_of
from gallery.queries.run_query import run_query

CACHE_SECONDS = 1.0
# Before a queue that is away is asked again: its timeout takes seconds.
RETRY_SECONDS = 15.0


class PendingCreation(Protocol):
    """The fields of a creation that an estimate needs."""

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> State: ...
    @property
    def next_attempt_at(self) -> datetime | None: ...


class EtaCache:
    """The estimates of one process. `load_capacity`: see `core.scheduling.eta`; may raise TryLater."""

    def __init__(self, engine: Engine, load_capacity: Callable[[], Capacity] | None) -> None:
        self._engine = engine
        self._load_capacity = load_capacity
        self._capacity: Capacity | None = None
        self._expires_at = 0.0
        self._etas: dict[tuple[int, State], Eta | None] = {}

    async def for_creation(self, creation: PendingCreation) -> Eta | None:
        """Return the wait for the picture, or of a painted one for the reply on X; None if unknown or not waiting."""
        if creation.next_attempt_at is None:
            return None
        capacity = await self._get_capacity()
        if capacity is None:
            return None
        # The dictionary that belongs to this capacity: others may renew both while this one waits for the database.
        key, etas = (creation.id, creation.state), self._etas
        if key not in etas:
            position = await run_query(self._engine, position_of, creation.id)
            etas[key] = estimate_eta(position, capacity) if position else None
        return etas[key]

    async def for_new_creation(self, person_id: int) -> Eta | None:
        """Return how long a picture would wait if this person requested it now; None if unknown."""
        capacity = await self._get_capacity()
        if capacity is None:
            return None
        return estimate_eta(await run_query(self._engine, position_if_added, person_id), capacity)

    async def _get_capacity(self) -> Capacity | None:
        if self._load_capacity is not None and monotonic() >= self._expires_at:
            # Set first: the others go on with the previous capacity.
            self._expires_at = monotonic() + RETRY_SECONDS
            try:
                self._capacity = await run_in_threadpool(self._load_capacity)
                self._expires_at = monotonic() + CACHE_SECONDS
            except TryLater:
                self._capacity = None
            self._etas = {}
        return self._capacity
