"""Estimate how long creations wait, with results cached for a second so that many readers cost as much as one.

What limits all creations, and the head of the queue, are loaded together in a thread. No request waits for new ones:
one loads them while the others use the previous ones. While the queue is away there are no estimates, and pages do
without.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Protocol

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from core.database import read_connection
from core.errors import TryLater
from core.models import State
from core.scheduling.eta import Capacity, Eta, estimate_eta
from core.scheduling.queue_position import QueueHeads, load_positions, load_queue_heads, position_if_added
from gallery.queries.run_query import run_query
from gallery.views.formatting import MAX_COUNTED

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


@dataclass
class Conditions:
    """What all estimates of the same second have in common, and those made so far by id and state."""

    capacity: Capacity
    heads: QueueHeads
    etas: dict[tuple[int, State], Eta | None] = field(default_factory=dict)


class EtaCache:
    """The estimates of one process. `load_capacity`: see `core.scheduling.eta`; may raise TryLater."""

    def __init__(self, engine: Engine, load_capacity: Callable[[], Capacity] | None) -> None:
        self._engine = engine
        self._load_capacity = load_capacity
        self._conditions: Conditions | None = None
        self._expires_at = 0.0

    async def for_creation(self, creation: PendingCreation) -> Eta | None:
        """Return the wait for the picture, or of a painted one for the reply on X; None if unknown or not waiting."""
        return (await self.for_creations([creation])).get(creation.id)

    async def for_creations(self, creations: Collection[PendingCreation]) -> dict[int, Eta]:
        """Return the waits that are known, by id. One query, however many creations there are."""
        waiting = [creation for creation in creations if creation.next_attempt_at is not None]
        conditions = await self._get_conditions() if waiting else None
        if conditions is None:
            return {}
        new = [creation for creation in waiting if (creation.id, creation.state) not in conditions.etas]
        if new:
            ids = [creation.id for creation in new]
            positions = await run_query(self._engine, load_positions, ids, conditions.heads)
            for creation in new:
                position = positions.get(creation.id)
                eta = estimate_eta(position, conditions.capacity) if position else None
                conditions.etas[creation.id, creation.state] = eta
        etas = {creation.id: conditions.etas[creation.id, creation.state] for creation in waiting}
        return {creation_id: eta for creation_id, eta in etas.items() if eta is not None}

    async def for_new_creation(self, person_id: int) -> Eta | None:
        """Return how long a picture would wait if this person requested it now; None if unknown."""
        conditions = await self._get_conditions()
        if conditions is None:
            return None
        position = await run_query(self._engine, position_if_added, person_id, conditions.heads)
        return estimate_eta(position, conditions.capacity)

    async def _get_conditions(self) -> Conditions | None:
        if self._load_capacity is not None and monotonic() >= self._expires_at:
            # Set first: the others go on with the previous conditions.
            self._expires_at = monotonic() + RETRY_SECONDS
            try:
                self._conditions = await run_in_threadpool(self._load, self._load_capacity)
                self._expires_at = monotonic() + CACHE_SECONDS
            except TryLater:
                self._conditions = None
        return self._conditions

    def _load(self, load_capacity: Callable[[], Capacity]) -> Conditions:
        capacity = load_capacity()
        with read_connection(self._engine) as connection:
            return Conditions(capacity, load_queue_heads(connection, MAX_COUNTED))
