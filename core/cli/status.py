"""Render the status for the operator: queue, X's limits, costs, failures; and retry failed work."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine, func, select, update
from sqlmodel import Session

from core.cli import costs
from core.cli.reports import render_summary
from core.clock import now
from core.database import read_connection, write_session
from core.errors import ThreadpaintError, TryLater
from core.gpu_health import GpuCircuitBreaker
from core.health import REPLY_GATE_CLOSED, describe_blocks, describe_outage
from core.models import State, creations
from core.poll_status import read_polling
from core.queue import PAINT, REPLY, WorkQueue
from core.reason_codes import message_for
from core.reply_gate import is_closed
from core.scheduling.eta import Capacity, estimate_eta, humanize_duration, load_capacity
from core.scheduling.queue_position import QueuePosition, select_waiting
from core.settings import BudgetSettings
from core.states import move
from core.x.rate_limit import RateWindow, XRateLimiter
from core.x_problems import render_calls, render_poller

MAX_ERRORS = 20
RECENT = timedelta(days=30)


def render_status(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter, money: BudgetSettings) -> Iterator[str]:
    """Yield the lines for the operator. Without the queue the rest is still shown."""
    moment = now()
    yield _render_states(engine)
    yield from _render_queue(engine, queue, rate_limiter, money)
    yield render_poller(read_polling(engine))
    if is_closed(engine):
        yield REPLY_GATE_CLOSED
    yield ""
    yield f"spent {costs.render_budgets(engine, money, moment)}; {costs.render_month_end(engine, moment)}"
    for period in (f"{moment:%Y-%m-%d}", f"{moment:%Y-%m}"):
        yield from costs.render_bill(engine, period)
    yield from costs.render_gpu_costs(engine, moment)
    if top_users := list(costs.render_top_users(engine, f"{moment:%Y-%m-%d}")):
        yield f"highest costs today: {', '.join(top_users)}"
    if reports := render_summary(engine):
        yield reports
    if errors := list(_render_errors(engine, moment)):
        yield ""
        yield "latest errors"
        yield from errors


def _render_states(engine: Engine) -> str:
    stmt = select(creations.c.state, func.count()).group_by(creations.c.state).order_by(creations.c.state)
    with read_connection(engine) as connection:
        counts = connection.execute(stmt).all()
    return "  ".join(f"{state}: {count}" for state, count in counts) or "no creations yet"


def _render_queue(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter, money: BudgetSettings) -> Iterator[str]:
    """Yield how many creations wait for a picture or a reply, when the last one gets it, and X's limits."""
    try:
        capacity = load_capacity(engine, queue, rate_limiter, money)
        blocks = describe_blocks(rate_limiter, capacity.at)
        gpu_lines = list(_render_gpu(GpuCircuitBreaker(queue), _count_waiting(engine, PAINT), capacity.at))
    except TryLater as error:
        for step, label in ((PAINT, "pictures"), (REPLY, "replies")):
            yield f"{label}: {_count_waiting(engine, step)} wait"
        yield f"queue: no response ({error})"
        return
    for step, label in ((PAINT, "pictures"), (REPLY, "replies")):
        yield _render_step(label, step, _count_waiting(engine, step), capacity)
    yield f"workers: {capacity.workers}"
    yield from gpu_lines
    yield from _render_x_limits(capacity.window, blocks)
    yield from render_calls(queue)


def _count_waiting(engine: Engine, step: str) -> int:
    stmt = select(func.count()).select_from(select_waiting(step).subquery())
    with read_connection(engine) as connection:
        return int(connection.execute(stmt).scalar_one())


def _render_step(label: str, step: str, count: int, capacity: Capacity) -> str:
    if not count:
        return f"{label}: none waits"
    eta = estimate_eta(QueuePosition(step, count - 1), capacity)
    duration = f", the last one {humanize_duration(eta.seconds)}" if eta.seconds is not None else ""
    return f"{label}: {count:,} wait{duration}{f': {eta.reason}' if eta.reason else ''}"


def _render_gpu(gpu_breaker: GpuCircuitBreaker, unpainted: int, moment: datetime) -> Iterator[str]:
    """Yield which backends are suspended, since when and why."""
    if outage := describe_outage(gpu_breaker.outage(), unpainted, moment):
        yield outage
    for backend in gpu_breaker.unhealthy():
        retry = (
            f"retry in {humanize_duration(backend.retry_in)}" if backend.retry_in else "retry with the next creation"
        )
        since = f"{backend.since.day} {backend.since:%b %H:%M} UTC"
        yield f"GPU backend {backend.url}: {backend.code}: {backend.detail}, since {since}; {retry}"
    for url in gpu_breaker.unchecked():
        yield f"GPU backend {url}: its pictures have no safety check and are published (GPU_UNCHECKED=publish)"


def _render_x_limits(window: RateWindow, blocks: list[str]) -> Iterator[str]:
    resets_in = humanize_duration(window.resets_in)
    yield f"X allows {window.remaining} of {window.limit} replies now; the limit resets in {resets_in}"
    yield from blocks


class CreationError(NamedTuple):
    """A creation with its last error."""

    id: int
    state: str
    reason_code: str | None
    attempts: int
    last_error: str
    next_attempt_at: datetime | None


def find_latest_errors(engine: Engine, moment: datetime) -> list[CreationError]:
    """Return the creations of the last 30 days with an error, newest first."""
    stmt = (
        select(
            creations.c.id,
            creations.c.state,
            creations.c.reason_code,
            creations.c.attempts,
            creations.c.last_error,
            creations.c.next_attempt_at,
        )
        .where(creations.c.created_at >= moment - RECENT, creations.c.last_error.is_not(None))
        .order_by(creations.c.created_at.desc())
        .limit(MAX_ERRORS)
    )
    with read_connection(engine) as connection:
        return [CreationError(*row) for row in connection.execute(stmt)]


def _render_errors(engine: Engine, moment: datetime) -> Iterator[str]:
    for row in find_latest_errors(engine, moment):
        reason = f" – {message_for(row.reason_code)}" if row.reason_code else ""
        due = f", next attempt {row.next_attempt_at:%H:%M:%S} UTC" if row.next_attempt_at else ""
        yield f"creation {row.id}: {row.state} after {row.attempts} attempts{due}: {row.last_error}{reason}"


def requeue_failed(engine: Engine, creation_ids: Sequence[int] | None = None) -> int:
    """Queue failed creations again, all or those given. Return how many.

    Raises ThreadpaintError if one does not exist or has not failed; then none is queued.
    """
    stmt = select(creations.c.id).where(creations.c.state == State.FAILED.value)
    with write_session(engine) as session:
        if creation_ids:
            _ensure_failed(session, creation_ids)
            stmt = stmt.where(creations.c.id.in_(creation_ids))
        ids = list(session.execute(stmt).scalars())
        return sum(
            move(session, creation_id, State.FAILED, State.QUEUED, attempts=0, reason_code=None, next_attempt_at=now())
            for creation_id in ids
        )


def _ensure_failed(session: Session, creation_ids: Sequence[int]) -> None:
    stmt = select(creations.c.id, creations.c.state).where(creations.c.id.in_(creation_ids))
    states = {row.id: row.state for row in session.execute(stmt)}
    for creation_id in creation_ids:
        if creation_id not in states:
            raise ThreadpaintError(f"there is no creation {creation_id}")
        if states[creation_id] != State.FAILED.value:
            raise ThreadpaintError(f"creation {creation_id} has not failed: it is {states[creation_id]}")


def retry_now(engine: Engine, gpu_breaker: GpuCircuitBreaker) -> str:
    """Retry everything that waits for a GPU backend at once. Return a line that says what was done."""
    is_waiting = (creations.c.state == State.QUEUED.value, creations.c.next_attempt_at > now())
    with write_session(engine) as session:
        result = session.execute(update(creations).where(*is_waiting).values(next_attempt_at=now()))
    try:
        gpu_breaker.reset()
    except TryLater as error:
        return f"GPU backends stay suspended: {error}"
    return f"{result.rowcount} waiting creations are retried at once"  # type: ignore[attr-defined]  # an UPDATE's result has it
