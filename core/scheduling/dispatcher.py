"""Choose which creations are painted and replied to next, and put them into the queue.

Rows wait in the database in the order of their rank (`fair_queue.py`); only the next few are in RQ. So order and rate
are decided at the last moment. If X, the GPU backends or the budget allow nothing, nothing is enqueued. Every finished
step dispatches the next, and the recovery loop dispatches every second in case one was missed.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Engine, bindparam, exists, func, or_, select

from core.budget.budget import work_allowance
from core.budget.prices import ALT_TEXT, REPLY, REPLY_WITH_LINK, price_list
from core.clock import now
from core.database import database_now, read_connection, without_index
from core.generation_limits import MAX_IMAGES
from core.gpu_health import GpuCircuitBreaker
from core.models import State, creations, pictures
from core.queue import PAINT, WorkQueue
from core.reply_gate import is_closed
from core.settings import BudgetSettings
from core.x.rate_limit import XRateLimiter

# Upper bounds for one creation: generating, and a reply with four pictures, each with its alt text.
GENERATION_MICRO_USD = 2_000
# X drops an unused upload after 24 hours.
UPLOAD_MAX_AGE = timedelta(hours=22)


def reserve_price(money: BudgetSettings) -> int:
    """Return the micro-dollars that the budget must still have before one more creation is dispatched."""
    prices = price_list(money.x_prices)
    return max(prices[REPLY], prices[REPLY_WITH_LINK]) + MAX_IMAGES * prices[ALT_TEXT] + GENERATION_MICRO_USD


def _is_prepared() -> ColumnElement[bool]:
    """Return whether X has everything the reply needs: nothing for a text reply, a fresh upload for pictures."""
    is_fresh = pictures.c.uploaded_at > now() - UPLOAD_MAX_AGE
    has_upload = exists().where(pictures.c.creation_id == creations.c.id, is_fresh)
    return or_(creations.c.reply_text.is_not(None), has_upload)


# Rank and id of the first `count` due creations of a state, along the index of the queue: SQLite would take the
# index of due times, and sort all that wait. Built once, since that takes longer than to run it.
DUE = (
    select(creations.c.queue_rank, creations.c.id)
    .where(creations.c.state == bindparam("state"), creations.c.next_attempt_at.is_not(None))
    .where(without_index(creations.c.next_attempt_at) <= bindparam("due_by"))
    .order_by(creations.c.queue_rank, creations.c.id)
    .limit(bindparam("count"))
)


@dataclass(frozen=True)
class Dispatcher:
    """Puts waiting creations into the queue, as many as X, the GPU backends and the budget allow."""

    engine: Engine
    queue: WorkQueue
    rate_limiter: XRateLimiter
    money: BudgetSettings

    @property
    def gpu_breaker(self) -> GpuCircuitBreaker:
        """The circuit breaker of the GPU backends."""
        return GpuCircuitBreaker(self.queue)

    def dispatch(self, step: str, *, done: int | None = None) -> int:
        """Enqueue the next creations of a step and return their number. Raises TryLater if the queue is down.

        done: the creation whose job ends with this call.
        """
        with self.queue.dispatching(step) as may_dispatch:
            return self._dispatch(step, done) if may_dispatch else 0

    def _dispatch(self, step: str, done: int | None) -> int:
        state = self.queue.load_state(step, done=done)
        queued, excluded = state.queued, state.queued | state.dispatched
        slots = 2 * max(2, state.workers) + 4 - len(queued)
        if slots <= 0:
            return 0
        if step == PAINT:
            ids = self._limit_to_gpu(self._next_ids(slots, excluded, State.QUEUED), slots, excluded, len(queued))
            ids = self._limit_to_budget_and_x(ids, step, len(queued))
        else:
            # A creation in REPLYING only looks on X for its own reply, so no limit applies.
            ids = self._next_ids(slots, excluded, State.REPLYING)
            ids += self._limit_to_budget_and_x(self._next_reply_ids(slots - len(ids), excluded), step, len(queued))
        self.queue.enqueue(step, ids)
        return len(ids)

    def _limit_to_budget_and_x(self, ids: list[int], step: str, queued: int) -> list[int]:
        """Return as many as the budget pays for and, for replies, X accepts, less those already under way."""
        if not ids:
            return []
        limits = [self._affordable_count(), None if step == PAINT else self.rate_limiter.peek().remaining]
        known_limits = [limit for limit in limits if limit is not None]
        if not known_limits:
            return ids
        return ids[: max(0, min(known_limits) - self._count_replying() - queued)]

    def _limit_to_gpu(self, ids: list[int], slots: int, excluded: set[int], queued: int) -> list[int]:
        """Return none if all backends are open, one probe if they are half-open, else all.

        The probe is no creation that a backend recently refused or failed with, if there is another: it may be the
        reason why the backends seem to be down.
        """
        capacity = self.gpu_breaker.capacity() if ids else None
        if capacity is None:
            return ids
        suspects = self.gpu_breaker.suspects() if capacity else set()
        if suspects:
            ids = self._next_ids(slots, excluded, State.QUEUED, where=creations.c.id.not_in(suspects)) or ids
        return ids[: max(0, capacity - queued)]

    def _affordable_count(self) -> int | None:
        """Return how many creations the budget pays for; None if there is no budget."""
        allowance = work_allowance(self.engine, self.money, now())
        return None if allowance.micro_usd is None else allowance.micro_usd // reserve_price(self.money)

    def _next_reply_ids(self, count: int, excluded: set[int]) -> list[int]:
        """Return none until the bot knows all its replies (`core/reply_gate.py`).

        While X suspends replies, one creation probes. Prefer one whose pictures are on X already: otherwise a failed
        probe would pay for an upload and alt text.
        """
        states = (State.PAINTED, State.REFUSED)
        if is_closed(self.engine):
            return []
        if self.rate_limiter.peek().blocked_reason:
            prepared = self._next_ids(min(1, count), excluded, *states, where=_is_prepared())
            if prepared:
                return prepared
        return self._next_ids(count, excluded, *states)

    def _next_ids(
        self, count: int, excluded: set[int], *states: State, where: ColumnElement[bool] | None = None
    ) -> list[int]:
        if count <= 0:
            return []
        with read_connection(self.engine) as connection:
            params = {"due_by": database_now(connection), "count": count + len(excluded)}
            stmt = DUE if where is None else DUE.where(where)
            rows = [tuple(row) for state in states for row in connection.execute(stmt, params | {"state": state.value})]
        ids = [creation_id for _rank, creation_id in sorted(rows)]
        return [creation_id for creation_id in ids if creation_id not in excluded][:count]

    def _count_replying(self) -> int:
        """Return the number of replies under way. Creations in backoff before a look on X do not count."""
        is_leased = (creations.c.state == State.REPLYING.value, creations.c.lease_token.is_not(None))
        stmt = select(func.count()).select_from(creations).where(*is_leased)
        with read_connection(self.engine) as connection:
            is_current = creations.c.next_attempt_at > database_now(connection)
            return int(connection.execute(stmt.where(is_current)).scalar_one())
