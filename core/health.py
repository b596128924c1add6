"""Check the health of the instance: database, queue, poller, workers, GPU service, X, budget, and what waits.

Used by `/healthz` and `status`. `/healthz` is public, so no amount of money is named.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from core.budget.budget import work_allowance
from core.clock import now
from core.clock_check import check_clock
from core.database import read_connection
from core.errors import ClockWrong, SettingsError, TryLater, WrongTables
from core.gpu_health import GpuCircuitBreaker, Outage
from core.instance import WrongStorage, check_storage, instance_key
from core.migrate import require_current
from core.models import creations, cursors
from core.outage import STORAGE, outages
from core.poll_status import Polling, read_polling
from core.queue import PAINT, REPLY, WorkQueue
from core.reply_gate import is_closed
from core.scheduling.eta import describe_budget
from core.scheduling.queue_position import MAX_COUNTED, count_up_to, select_waiting
from core.settings import BudgetSettings
from core.storage import FolderStorage
from core.x.rate_limit import CREATE_POST, UPLOAD_MEDIA, RateWindow, XRateLimiter
from core.x_problems import describe_poller_problem, find_call_problems

MENTIONS_CALL = "GET /2/users/:id/mentions"
MAX_WAIT = timedelta(hours=1)
# A GPU service that starts up or has a full queue is not reported yet.
MAX_BUSY_TIME = timedelta(minutes=1)

# Why X suspended a kind of call, for the operator.
BLOCK_MESSAGES: dict[str, str] = {
    "x_no_credits": "no credits",
    "x_usage_cap": "the usage cap is reached",
    "x_unauthorized": "the keys are not accepted",
    "x_read_only": "the keys may only read",
    "x_not_enrolled": "the app is not enrolled",
    "x_account_locked": "the account is locked",
    "x_account_suspended": "the account is suspended",
    "x_suspended": "an account is suspended",
    "x_app_restricted": "the app is restricted",
    "x_looks_automated": "the account looks automated to it",
    "x_no_access": "the app has no access",
    "x_forbidden": "every call is refused without a reason",
    "x_blocked": "a proxy in front of it refuses our calls",
    "daily_reply_cap": "the daily reply limit is reached",
}
# What the operator can do about it.
HINTS: dict[str, str] = {
    "x_read_only": "allow the app to write, then create a new access token",
    "x_not_enrolled": "attach the app to a project in the developer console",
    "x_account_locked": "log in on x.com to unlock it",
    "x_account_suspended": "appeal on x.com",
    "x_app_restricted": "see the developer console",
    "x_looks_automated": "see the account's inbox on x.com",
    "x_no_access": "see the app's plan in the developer console",
    "x_forbidden": "see the account on x.com, and the app in the developer console",
}
# Reported while the reply gate is closed (`core/reply_gate.py`).
REPLY_GATE_CLOSED = "replies: all wait until the bot has read its own posts on X, as after restoring a backup"
# Names of calls in `status` and `/healthz`.
CALL_LABELS: dict[str, str] = {
    CREATE_POST: "replies",
    MENTIONS_CALL: "reading mentions",
    "GET /2/users/me": "reading the account",
    "GET /2/users/:id/tweets": "reading own posts",
    "GET /2/users": "reading users",
    "GET /2/tweets/search/recent": "search",
    "GET /2/tweets": "looking up posts",
    "GET /2/media/upload": "checking uploads",
    "DELETE /2/tweets/:id": "deleting replies",
    UPLOAD_MEDIA: "uploads",
    "POST /2/media/metadata": "alt texts",
}


@dataclass(frozen=True)
class XCapacity:
    """X's rate limit of replies, as `/healthz` shows it. `stopped` is why X takes none; empty if it does."""

    free: int
    calls: int
    window_ends_in: float
    stopped: str


@dataclass(frozen=True)
class Health:
    """Result of a check. `status` is `ok`, or `degraded` with the reasons in `problems`."""

    status: str
    problems: list[str]
    workers: int
    polled_seconds_ago: float | None
    states: dict[str, int] = field(default_factory=dict)
    x: XCapacity | None = None
    # Key of the instance; empty if unknown. It is not a secret.
    instance: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


@dataclass
class _Findings:
    problems: list[str] = field(default_factory=list)
    workers: int = 0
    window: RateWindow | None = None
    states: dict[str, int] = field(default_factory=dict)
    polled: float | None = None
    instance: str = ""
    polling: Polling = field(default_factory=lambda: Polling(now()))
    outage: Outage | None = None
    unpainted: int = 0

    def report(self, problem: str) -> None:
        """Add a problem unless it is empty."""
        if problem:
            self.problems.append(problem)

    def as_health(self) -> Health:
        """Return the result of the check."""
        return Health(
            status="degraded" if self.problems else "ok",
            problems=self.problems,
            workers=self.workers,
            polled_seconds_ago=self.polled,
            states=self.states,
            x=_x_capacity(self.window) if self.window else None,
            instance=self.instance,
        )


def check_health(
    engine: Engine,
    queue: WorkQueue,
    rate_limiter: XRateLimiter,
    money: BudgetSettings,
    *,
    poll_seconds: float = 30.0,
    storage: FolderStorage | None = None,
) -> Health:
    """Check everything that responds.

    Args:
        poll_seconds: longest poll interval while there are no failures.
    """
    findings = _Findings()
    _check_database(engine, money, findings)
    _check_queue(queue, rate_limiter, findings)
    _check_clock(engine, queue, findings)
    findings.report(describe_outage(findings.outage, findings.unpainted, now()))
    findings.report(describe_poller_problem(findings.polling, findings.polled, poll_seconds))
    if storage:
        _check_storage(engine, storage, findings)
    return findings.as_health()


def _why_unreadable(engine: Engine, error: SQLAlchemyError) -> str:
    """Return what the operator can do if the tables are the reason; otherwise the type of the error."""
    try:
        require_current(engine)
    except WrongTables as wrong:
        return str(wrong).removeprefix("DATABASE_URL: ")
    except SettingsError:
        pass
    return type(error).__name__


def describe_blocks(rate_limiter: XRateLimiter, moment: datetime) -> list[str]:
    """Return a line per kind of call that X has suspended, replies first. Raises TryLater if the queue is down."""
    windows = {CREATE_POST: rate_limiter.peek(CREATE_POST)} | rate_limiter.blocked_calls()
    lines = [describe_block(CALL_LABELS.get(call, call), window, moment) for call, window in windows.items()]
    return [line for line in lines if line]


def describe_block(label: str, window: RateWindow, moment: datetime) -> str:
    """Return a line like `X: no credits for replies since 20 Nov 14:05 UTC, ...`; empty if not blocked."""
    if not window.blocked_reason:
        return ""
    reason = BLOCK_MESSAGES.get(window.blocked_reason, window.blocked_reason)
    if window.blocked_reason == "daily_reply_cap":
        return f"X: {reason}"
    since = moment - timedelta(seconds=window.blocked_for)
    hint = f"; {HINTS[window.blocked_reason]}" if window.blocked_reason in HINTS else ""
    return f"X: {reason} for {label} since {since.day} {since:%b %H:%M} UTC, tried again every few minutes{hint}"


def describe_outage(outage: Outage | None, unpainted: int, moment: datetime) -> str:
    """Return `GPU: unavailable since 20 Nov 14:05 UTC, 12 creations wait`; empty if none waits or it is only busy."""
    if outage is None or not unpainted or (outage.code == "gpu_busy" and moment - outage.since < MAX_BUSY_TIME):
        return ""
    number = f"more than {MAX_COUNTED:,}" if unpainted > MAX_COUNTED else f"{unpainted:,}"
    since = f"{outage.since.day} {outage.since:%b %H:%M} UTC"
    return f"GPU: unavailable since {since}, {number} {'creation waits' if unpainted == 1 else 'creations wait'}"


def _x_capacity(window: RateWindow) -> XCapacity:
    return XCapacity(window.remaining, window.limit, round(window.resets_in, 1), window.blocked_reason)


def _check_queue(queue: WorkQueue, rate_limiter: XRateLimiter, findings: _Findings) -> None:
    try:
        _read_queue(queue, rate_limiter, findings)
    except TryLater:
        findings.report("queue: no response")


def _read_queue(queue: WorkQueue, rate_limiter: XRateLimiter, findings: _Findings) -> None:
    findings.workers = queue.count_workers()
    if findings.workers == 0:
        findings.report("workers: none")
    findings.window = rate_limiter.peek(CREATE_POST)
    findings.problems += describe_blocks(rate_limiter, now())
    findings.problems += find_call_problems(queue)
    findings.outage = GpuCircuitBreaker(queue).outage()


def _check_clock(engine: Engine, queue: WorkQueue, findings: _Findings) -> None:
    with suppress(SQLAlchemyError):  # the database has its own line
        try:
            check_clock(engine, queue)
        except ClockWrong as error:
            findings.report(f"clock: {str(error).partition(':')[0]}")


def check_picture_storage(engine: Engine, storage: FolderStorage) -> str:
    """Check that the folder is this instance's picture storage, and remember its key.

    Return the problem for `/healthz`; the log has it with the path, once per outage. Raises SQLAlchemyError.
    """
    try:
        storage.instance = check_storage(engine, storage.folder)
        storage.check_room()
    except WrongStorage as error:
        outages.record_failure(STORAGE, error)
        return "storage: the folder is not the one of this instance"
    except (OSError, TryLater) as error:
        outages.record_failure(STORAGE, error)
        return "storage: no picture can be saved"
    outages.record_success(STORAGE)
    return ""


def _check_storage(engine: Engine, storage: FolderStorage, findings: _Findings) -> None:
    with suppress(SQLAlchemyError):  # the database has its own line
        findings.report(check_picture_storage(engine, storage))


def _check_database(engine: Engine, money: BudgetSettings, findings: _Findings) -> None:
    try:
        moment = now()
        waiting_long = _read_database(engine, moment, findings)
        if waiting_long:
            number = f"more than {MAX_COUNTED:,}" if waiting_long > MAX_COUNTED else f"{waiting_long:,}"
            findings.report(f"replies: {number} wait longer than an hour")
        if is_closed(engine):
            findings.report(REPLY_GATE_CLOSED)
        if spent := describe_budget(work_allowance(engine, money, moment), moment):
            findings.report(f"budget: {spent}")
    except SQLAlchemyError as error:
        findings.report(f"database: {_why_unreadable(engine, error)}")


def _read_database(engine: Engine, moment: datetime, findings: _Findings) -> int:
    """Return how many replies wait too long, and note the rest in the findings."""
    # Grouped by the bare column, SQLite would scan an index that begins with the state.
    state = creations.c.state.concat("")
    recent = select(state, func.count()).where(creations.c.created_at >= moment - timedelta(days=1)).group_by(state)
    overdue = select_waiting(REPLY).where(
        func.coalesce(creations.c.painted_at, creations.c.created_at) < moment - MAX_WAIT
    )
    with read_connection(engine) as connection:
        findings.states = {str(state): int(rows) for state, rows in connection.execute(recent)}
        polled_at = connection.execute(select(func.max(cursors.c.polled_at))).scalar()
        waiting_long = count_up_to(connection, overdue)
        findings.unpainted = count_up_to(connection, select_waiting(PAINT))
    findings.polling, findings.instance = read_polling(engine), instance_key(engine)
    findings.polled = (moment - polled_at).total_seconds() if polled_at else None
    return waiting_long
