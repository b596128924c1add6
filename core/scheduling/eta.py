"""Estimate when a creation is done: its position in the queue, its picture, its reply on X.

    QueuePosition (`queue_position.py`) + Capacity (rate limit, GPU, budget; the same for all) = Eta

If X, the GPU service or the budget stops all work, there is no number but a reason for people to read.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select

from core.budget.budget import Allowance, work_allowance
from core.clock import now
from core.database import read_connection
from core.gpu_health import GpuCircuitBreaker, Outage
from core.models import State, creations
from core.queue import PAINT, REPLY, WorkQueue
from core.scheduling import reserve_price
from core.scheduling.queue_position import QueuePosition, count_up_to
from core.settings import BudgetSettings
from core.text import mark
from core.x.rate_limit import DAILY_REPLY_CAP, RateWindow, XRateLimiter

# Creations whose times are averaged.
SAMPLE_SIZE = 20
# Throughput is measured over at most this time, and from at least this many creations.
MAX_SAMPLE_AGE = timedelta(minutes=5)
MIN_SAMPLE_SIZE = 3
# Typical time of upload, alt text and reply.
REPLY_SECONDS = 2.0

BLOCK_MESSAGES: dict[str, str] = {
    "x_no_credits": mark("the bot's X API credits are used up"),
    "x_usage_cap": mark("the bot's X API usage cap is reached"),
    "x_unauthorized": mark("X does not accept the bot's keys"),
    "x_read_only": mark("the bot's X keys are read-only"),
    "x_not_enrolled": mark("the bot's X app is not enrolled"),
    "x_account_locked": mark("X has locked the bot's account"),
    "x_account_suspended": mark("X has suspended the bot's account"),
    "x_suspended": mark("X has suspended the bot's account"),
    "x_app_restricted": mark("X has restricted the bot's app"),
    "x_looks_automated": mark("X has paused the bot's account"),
    "x_no_access": mark("X does not allow the bot's app to reply"),
    "x_forbidden": mark("X refuses the bot's replies"),
    "x_blocked": mark("a proxy blocks the bot's calls to X"),
}


@dataclass(frozen=True)
class Eta:
    """Creations ahead, seconds until this one is done (None if unknown), and why it cannot go now."""

    ahead: int
    seconds: float | None
    reason: str = ""


@dataclass(frozen=True)
class Capacity:
    """What limits all creations.

    Attributes:
        window: X's rate limit of replies.
        painting_seconds: recent average time of one generation; None if there is none.
        allowance: what the budget allows now.
        reserve_price: micro-dollars that one more creation must find in the budget.
        at: time of this state.
        gpu_outage: why the GPU service takes no requests; empty if it does.
        finished_per_second: rate at which creations left the busy queue; None if too few did.
    """

    window: RateWindow
    workers: int
    painting_seconds: float | None
    allowance: Allowance
    reserve_price: int
    at: datetime
    gpu_outage: str = ""
    finished_per_second: float | None = None


def load_capacity(engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter, money: BudgetSettings) -> Capacity:
    """Return the current capacity. Raises TryLater if the queue is down."""
    moment = now()
    return Capacity(
        window=rate_limiter.peek(),
        workers=queue.count_workers(),
        painting_seconds=_average_painting_seconds(engine),
        allowance=work_allowance(engine, money, moment),
        reserve_price=reserve_price(money),
        at=moment,
        gpu_outage=describe_outage(GpuCircuitBreaker(queue).outage()),
        finished_per_second=_finished_per_second(engine, moment),
    )


def estimate_eta(position: QueuePosition, capacity: Capacity) -> Eta:
    """Estimate the time from this position at this capacity."""
    reason = "" if position.in_progress else _why_blocked(position, capacity)
    if reason:
        return Eta(position.ahead, None, reason)
    estimate = _seconds_until_painted if position.step == PAINT else _seconds_until_replied
    seconds = estimate(position, capacity)
    return Eta(position.ahead, None if seconds is None else max(1.0, seconds, position.retry_in))


def humanize_duration(seconds: float) -> str:
    """Return `a few seconds`, `about 40 seconds`, `about 12 min`, `about 2 hours` or `about 3 days`."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} seconds"
    if seconds < 100 * 60:
        return f"about {round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"about {round(seconds / 3600)} hours"
    return f"about {round(seconds / 86400)} days"


def describe_block(window: RateWindow) -> str:
    """Return why X takes no replies now; empty if it does."""
    if window.blocked_reason == DAILY_REPLY_CAP:
        return mark("the bot's daily reply limit on X is reached; replies continue within 24 hours")
    default = mark("X refuses the bot's replies") if window.blocked_reason else ""
    return BLOCK_MESSAGES.get(window.blocked_reason, default)


def describe_outage(outage: Outage | None) -> str:
    """Return why the GPU service takes no requests now; empty if it does."""
    if outage is None:
        return ""
    return mark("the GPU service is busy") if outage.code == "gpu_busy" else mark("the GPU service is unavailable")


def describe_budget(allowance: Allowance, at: datetime) -> str:
    """Return why the budget stops work now; empty if it does not."""
    if allowance.micro_usd != 0:
        return ""
    if not allowance.exhausted:
        return mark("the budget is almost used up, so work continues slowly")
    # Half a second makes up for floating-point error.
    resets_at = at + timedelta(seconds=allowance.resets_in + 0.5)
    if resets_at.date() <= at.date() + timedelta(days=1):
        return mark("today's budget is used up; work resumes at 00:00 UTC")
    return mark("this month's budget is used up; work resumes on the first of next month at 00:00 UTC")


def _why_blocked(position: QueuePosition, capacity: Capacity) -> str:
    if capacity.workers == 0:
        return mark("no worker is running")
    if position.step == REPLY and (block := describe_block(capacity.window)):
        return block
    if position.step == PAINT and capacity.gpu_outage:
        return capacity.gpu_outage
    allowance = capacity.allowance
    if allowance.micro_usd is None or allowance.micro_usd // capacity.reserve_price > position.ahead:
        return ""
    # The rest of the budget does not pay for this creation and those ahead of it.
    return describe_budget(Allowance(0, allowance.resets_in, allowance.exhausted), capacity.at)


def _seconds_until_painted(position: QueuePosition, capacity: Capacity) -> float | None:
    if capacity.finished_per_second and position.ahead and not position.in_progress:
        return max(capacity.painting_seconds or 0.0, (position.ahead + 1) / capacity.finished_per_second)
    if capacity.painting_seconds is None:
        return None
    return capacity.painting_seconds * (1 + position.ahead / max(1, capacity.workers))


def _seconds_until_replied(position: QueuePosition, capacity: Capacity) -> float:
    """Estimate from the remaining replies of this window, then one window for each `limit` replies."""
    window = capacity.window
    excess = position.ahead + 1 - window.remaining
    if position.in_progress or excess <= 0:
        return REPLY_SECONDS * (1 + position.ahead / max(1, capacity.workers))
    return window.resets_in + (math.ceil(excess / max(1, window.limit)) - 1) * window.seconds


def _finished_per_second(engine: Engine, moment: datetime) -> float | None:
    """Measure the throughput since the oldest of the next creations joined the queue.

    The queue was never empty since then, so uploads, other workers and the database are included. Creations in backoff
    joined long ago and do not count.
    """
    next_up = (
        select(creations.c.created_at)
        .where(creations.c.state == State.QUEUED.value, creations.c.next_attempt_at.is_not(None))
        .where(creations.c.attempts == 0)
        .order_by(creations.c.queue_rank, creations.c.id)
        .limit(SAMPLE_SIZE)
        .subquery()
    )
    with read_connection(engine) as connection:
        joined_at = connection.execute(select(func.min(next_up.c.created_at))).scalar_one()
        if joined_at is None:
            return None
        since = max(joined_at, moment - MAX_SAMPLE_AGE)
        finished = count_up_to(connection, select(creations.c.id).where(creations.c.published_at >= since))
    seconds = (moment - since).total_seconds()
    return finished / seconds if finished >= MIN_SAMPLE_SIZE and seconds > 0 else None


def _average_painting_seconds(engine: Engine) -> float | None:
    """Average the latest published creations. They are found by time: the newest ids may all be unpainted."""
    latest = (
        select(creations.c.painting_seconds)
        .where(creations.c.published_at.is_not(None))
        .order_by(creations.c.published_at.desc(), creations.c.id.desc())
        .limit(SAMPLE_SIZE)
        .subquery()
    )
    with read_connection(engine) as connection:
        mean = connection.execute(select(func.avg(latest.c.painting_seconds))).scalar_one()
    return None if mean is None else float(mean)
