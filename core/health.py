"""How the house is: database, queue, poller, workers, painter, X, budget, and what waits. For `/healthz` and the host.

Anybody may read it at `/healthz`, so it names no sum of money: of a budget only that it is used up.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.clock_check import check_clock
from core.database import reading
from core.errors import ClockWrong, SettingsError, TryLater, WrongTables
from core.failing import call_problems, poller_problem
from core.instance import WrongStorage, check_storage, instance_key
from core.line.waiting import MOST_COUNTED, budget_in_words, count, waiting
from core.models import creations, cursors
from core.money.budget import room_for_work
from core.outage import STORAGE, outages
from core.pace import ANSWER, UPLOAD, Pace, Window
from core.painters import Away, Painters
from core.polling import Polling, read_polling
from core.queue import PAINT, REPLY, WorkQueue
from core.reply_gate import is_closed
from core.schema import require_current
from core.settings import MoneySettings
from core.storage import FolderStorage

HEARING = "GET /2/users/:id/mentions"
TOO_LONG = timedelta(hours=1)
# A painter that wakes up or has a full queue is no trouble yet.
BUSY_A_WHILE = timedelta(minutes=1)

# Why X suspended a kind of call, as the operator reads it.
STOPPED: dict[str, str] = {
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
    "x_blocked": "something before it refuses our calls",
    "pace_day": "all answers of a day are given",
}
# And what to do about it, if it is not plain.
HINTS: dict[str, str] = {
    "x_read_only": "allow the app to write, then create the access token anew",
    "x_not_enrolled": "attach the app to a project in the developer console",
    "x_account_locked": "log in on x.com to unlock it",
    "x_account_suspended": "appeal on x.com",
    "x_app_restricted": "see the developer console",
    "x_looks_automated": "see the account's inbox on x.com",
    "x_no_access": "see the app's plan in the developer console",
    "x_forbidden": "see the account on x.com, and the app in the developer console",
}
# Told while the gate before replies is closed (`core/reply_gate.py`).
UNCHECKED = "answers: all wait until the bot has read its own posts on X, as after restoring a backup"
# What a kind of call is called in `status` and `/healthz`.
KINDS: dict[str, str] = {
    ANSWER: "answers",
    HEARING: "hearing",
    "GET /2/users/me": "reading the own account",
    "GET /2/users/:id/tweets": "reading own posts",
    "GET /2/users": "reading people",
    "GET /2/tweets/search/recent": "search",
    "GET /2/tweets": "looking up posts",
    "GET /2/media/upload": "looking at uploads",
    "DELETE /2/tweets/:id": "deleting answers",
    UPLOAD: "uploads",
    "POST /2/media/metadata": "alt texts",
}


@dataclass(frozen=True)
class OnX:
    """How many answers X takes now, of how many per window, when the window ends, and why it takes none."""

    free: int
    calls: int
    window_ends_in: float
    stopped: str


@dataclass(frozen=True)
class Health:
    """One look at the house. `status` is `ok`, or `degraded` with the reasons in `problems`."""

    status: str
    problems: list[str]
    workers: int
    polled_seconds_ago: float | None
    states: dict[str, int] = field(default_factory=dict)
    x: OnX | None = None
    # The key of the instance; empty if it cannot be told. It opens nothing.
    instance: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


@dataclass
class _Findings:
    problems: list[str] = field(default_factory=list)
    workers: int = 0
    window: Window | None = None
    states: dict[str, int] = field(default_factory=dict)
    polled: float | None = None
    instance: str = ""
    polling: Polling = field(default_factory=lambda: Polling(now()))
    away: Away | None = None
    unpainted: int = 0


def look(
    engine: Engine,
    queue: WorkQueue,
    pace: Pace,
    money: MoneySettings,
    *,
    poll_seconds: float = 30.0,
    storage: FolderStorage | None = None,
) -> Health:
    """Look at the house now, whatever of it is away. `poll_seconds`: the poller's longest rest while all is well."""
    found = _Findings()
    try:
        _look_at_rows(engine, money, found)
    except SQLAlchemyError as error:
        found.problems.append(f"database: {_why_unreadable(engine, error)}")
    try:
        _look_at_queue(queue, pace, found)
    except TryLater:
        found.problems.append("queue: no answer")
    try:
        check_clock(engine, queue)
    except ClockWrong as error:
        found.problems.append(f"clock: {str(error).partition(':')[0]}")
    except SQLAlchemyError:
        pass  # told above
    if words := painter_for_host(found.away, found.unpainted, now()):
        found.problems.append(words)
    if words := poller_problem(found.polling, found.polled, poll_seconds):
        found.problems.append(words)
    if storage:
        _look_at_storage(engine, storage, found)
    return Health(
        status="degraded" if found.problems else "ok",
        problems=found.problems,
        workers=found.workers,
        polled_seconds_ago=found.polled,
        states=found.states,
        x=_on_x(found.window) if found.window else None,
        instance=found.instance,
    )


def _why_unreadable(engine: Engine, error: SQLAlchemyError) -> str:
    """What the operator can do about it, if the tables are the reason; otherwise the kind of the error."""
    try:
        require_current(engine)
    except WrongTables as wrong:
        return str(wrong).removeprefix("DATABASE_URL: ")
    except SettingsError:
        pass
    return type(error).__name__


def stops_for_host(pace: Pace, moment: datetime) -> list[str]:
    """A line for every kind of call that X has suspended, answers first. Raises TryLater when the queue is away."""
    found = {ANSWER: pace.look(ANSWER)} | pace.suspended()
    lines = [stop_for_host(KINDS.get(call, call), window, moment) for call, window in found.items()]
    return [line for line in lines if line]


def stop_for_host(what: str, window: Window, moment: datetime) -> str:
    """`X: no credits for answers since 20 Nov 14:05 UTC, tried again every few minutes`; empty if all goes."""
    if not window.stopped:
        return ""
    why = STOPPED.get(window.stopped, window.stopped)
    if window.stopped == "pace_day":
        return f"X: {why}"
    since = moment - timedelta(seconds=window.stopped_for)
    hint = f"; {HINTS[window.stopped]}" if window.stopped in HINTS else ""
    return f"X: {why} for {what} since {since.day} {since:%b %H:%M} UTC, tried again every few minutes{hint}"


def painter_for_host(away: Away | None, unpainted: int, moment: datetime) -> str:
    """`painter: away since 20 Nov 14:05 UTC, 12 creations wait`; empty where none waits, or it is only busy."""
    if away is None or not unpainted or (away.code == "gpu_busy" and moment - away.since < BUSY_A_WHILE):
        return ""
    number = f"more than {MOST_COUNTED:,}" if unpainted > MOST_COUNTED else f"{unpainted:,}"
    since = f"{away.since.day} {away.since:%b %H:%M} UTC"
    return f"painter: away since {since}, {number} {'creation waits' if unpainted == 1 else 'creations wait'}"


def _on_x(window: Window) -> OnX:
    return OnX(window.free, window.calls, round(window.ends_in, 1), window.stopped)


def _look_at_queue(queue: WorkQueue, pace: Pace, found: _Findings) -> None:
    found.workers = queue.count_workers()
    if found.workers == 0:
        found.problems.append("workers: none")
    found.window = pace.look(ANSWER)
    found.problems += stops_for_host(pace, now())
    found.problems += call_problems(queue)
    found.away = Painters(queue).away()


def note_storage(engine: Engine, storage: FolderStorage) -> str:
    """Look whether the folder is the one in which this instance keeps its pictures, and remember its key.

    Returns what is wrong, for `/healthz`; the log gets it with the path, once per outage. Raises SQLAlchemyError.
    """
    try:
        storage.instance = check_storage(engine, storage.folder)
        storage.check_room()
    except WrongStorage as error:
        outages.failed(STORAGE, error)
        return "storage: the folder is not the one of this instance"
    except (OSError, TryLater) as error:
        outages.failed(STORAGE, error)
        return "storage: no picture can be kept"
    outages.works(STORAGE)
    return ""


def _look_at_storage(engine: Engine, storage: FolderStorage, found: _Findings) -> None:
    with suppress(SQLAlchemyError):  # the database has its own line
        if words := note_storage(engine, storage):
            found.problems.append(words)


def _look_at_rows(engine: Engine, money: MoneySettings, found: _Findings) -> None:
    moment = now()
    # Grouped by the bare column, SQLite would walk the whole of an index that begins with the state.
    state = creations.c.state.concat("")
    recent = select(state, func.count()).where(creations.c.created_at >= moment - timedelta(days=1)).group_by(state)
    late = waiting(REPLY).where(func.coalesce(creations.c.painted_at, creations.c.created_at) < moment - TOO_LONG)
    with reading(engine) as connection:
        found.states = {str(state): int(rows) for state, rows in connection.execute(recent)}
        polled_at = connection.execute(select(func.max(cursors.c.polled_at))).scalar()
        waiting_long = count(connection, late)
        found.unpainted = count(connection, waiting(PAINT))
    found.polling, found.instance = read_polling(engine), instance_key(engine)
    found.polled = (moment - polled_at).total_seconds() if polled_at else None
    if waiting_long:
        number = f"more than {MOST_COUNTED:,}" if waiting_long > MOST_COUNTED else f"{waiting_long:,}"
        found.problems.append(f"answers: {number} wait longer than an hour")
    if is_closed(engine):
        found.problems.append(UNCHECKED)
    if spent := budget_in_words(room_for_work(engine, money, moment), moment):
        found.problems.append(f"budget: {spent}")
