"""What the host sees from the command line: what waits, X's pace, the bill, what failed; and trying that again."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlmodel import Session

from core.clock import now
from core.database import reading, transaction
from core.errors import HouseError, TryLater
from core.failing import call_lines, poller_line
from core.health import UNCHECKED, painter_for_host, stops_for_host
from core.line.waiting import Conditions, Place, about, estimate, look_around, waiting
from core.models import State, creations
from core.money import bill
from core.pace import Pace, Window
from core.painters import Painters
from core.polling import read_polling
from core.queue import PAINT, REPLY, WorkQueue
from core.refusals import in_words
from core.reply_gate import is_closed
from core.reports import in_one_line
from core.settings import MoneySettings
from core.states import move

LATEST = 20
LATELY = timedelta(days=30)


def report(engine: Engine, queue: WorkQueue, pace: Pace, money: MoneySettings) -> Iterator[str]:
    """Lines for the host. Where the queue is away, the rest is told all the same."""
    moment = now()
    yield _counts(engine)
    yield from _waiting(engine, queue, pace, money)
    yield poller_line(read_polling(engine))
    if is_closed(engine):
        yield UNCHECKED
    yield ""
    yield f"spent {bill.against_budgets(engine, money, moment)}; {bill.month_end(engine, moment)}"
    for days in (f"{moment:%Y-%m-%d}", f"{moment:%Y-%m}"):
        yield from bill.lines(engine, days)
    yield from bill.painting_today(engine, moment)
    if expensive := list(bill.most_expensive(engine, f"{moment:%Y-%m-%d}")):
        yield f"most expensive people today: {', '.join(expensive)}"
    if reported := in_one_line(engine):
        yield reported
    if troubles := list(_troubles(engine, moment)):
        yield ""
        yield "latest troubles"
        yield from troubles


def _counts(engine: Engine) -> str:
    by_state = select(creations.c.state, func.count()).group_by(creations.c.state).order_by(creations.c.state)
    with reading(engine) as connection:
        counts = connection.execute(by_state).all()
    return "  ".join(f"{state}: {count}" for state, count in counts) or "no creations yet"


def _waiting(engine: Engine, queue: WorkQueue, pace: Pace, money: MoneySettings) -> Iterator[str]:
    """How many wait for a picture or an answer, and when the last of them has it; what X lets us do."""
    try:
        conditions = look_around(engine, queue, pace, money)
        stops = stops_for_host(pace, conditions.at)
        painters = list(_painters(Painters(queue), _number(engine, PAINT), conditions.at))
    except TryLater as error:
        for step, words in ((PAINT, "pictures"), (REPLY, "answers")):
            yield f"{words}: {_number(engine, step)} wait"
        yield f"queue: no answer ({error})"
        return
    for step, words in ((PAINT, "pictures"), (REPLY, "answers")):
        yield _line_of(words, step, _number(engine, step), conditions)
    yield f"workers: {conditions.workers}"
    yield from painters
    yield from _x(conditions.window, stops)
    yield from call_lines(queue)


def _number(engine: Engine, step: str) -> int:
    everybody = select(func.count()).select_from(waiting(step).subquery())
    with reading(engine) as connection:
        return int(connection.execute(everybody).scalar_one())


def _line_of(words: str, step: str, number: int, conditions: Conditions) -> str:
    if not number:
        return f"{words}: none waits"
    wait = estimate(Place(step, number - 1), conditions)
    when = f", the last one {about(wait.seconds)}" if wait.seconds is not None else ""
    return f"{words}: {number:,} wait{when}{f': {wait.why}' if wait.why else ''}"


def _painters(painters: Painters, unpainted: int, moment: datetime) -> Iterator[str]:
    """Which of them rest, since when and why."""
    if words := painter_for_host(painters.away(), unpainted, moment):
        yield words
    for one in painters.ill():
        again = f"tried again in {about(one.opens_in)}" if one.opens_in else "tried again with the next creation"
        since = f"{one.since.day} {one.since:%b %H:%M} UTC"
        yield f"painter {one.url}: {one.code}: {one.detail}, since {since}; {again}"
    for url in painters.unchecked():
        yield f"painter {url}: no safety check sees its pictures, and they are published (GPU_UNCHECKED=publish)"


def _x(window: Window, stops: list[str]) -> Iterator[str]:
    yield f"X takes {window.free} of {window.calls} answers now; the window ends in {about(window.ends_in)}"
    yield from stops


def latest_troubles(engine: Engine, moment: datetime) -> Sequence[Any]:
    """Rows of the creations of the last 30 days that have an error, newest first."""
    troubled = (
        select(creations)
        .where(creations.c.created_at >= moment - LATELY, creations.c.last_error.is_not(None))
        .order_by(creations.c.created_at.desc())
        .limit(LATEST)
    )
    with reading(engine) as connection:
        return connection.execute(troubled).all()


def _troubles(engine: Engine, moment: datetime) -> Iterator[str]:
    for row in latest_troubles(engine, moment):
        why = f" – {in_words(row.code)}" if row.code else ""
        due = f", next try {row.next_attempt_at:%H:%M:%S} UTC" if row.next_attempt_at else ""
        yield f"creation {row.id}: {row.state} after {row.attempts} attempts{due}: {row.last_error}{why}"


def send_again(engine: Engine, creation_ids: Sequence[int] | None = None) -> int:
    """Move failed creations (all, or those named) back to queued. Returns how many.

    Raises HouseError if one that is named does not exist or has not failed; then none is moved.
    """
    failed = select(creations.c.id).where(creations.c.state == State.FAILED.value)
    with transaction(engine) as session:
        if creation_ids:
            _require_failed(session, creation_ids)
            failed = failed.where(creations.c.id.in_(creation_ids))
        ids = list(session.execute(failed).scalars())
        return sum(
            move(session, one, State.FAILED, State.QUEUED, attempts=0, code=None, next_attempt_at=now()) for one in ids
        )


def _require_failed(session: Session, creation_ids: Sequence[int]) -> None:
    stmt = select(creations.c.id, creations.c.state).where(creations.c.id.in_(creation_ids))
    states = {row.id: row.state for row in session.execute(stmt)}
    for one in creation_ids:
        if one not in states:
            raise HouseError(f"there is no creation {one}")
        if states[one] != State.FAILED.value:
            raise HouseError(f"creation {one} has not failed: it is {states[one]}")


def hurry(engine: Engine, painters: Painters) -> str:
    """Let what waits for a painter be tried at once. Returns what was done, in words."""
    waits = (creations.c.state == State.QUEUED.value, creations.c.next_attempt_at > now())
    with transaction(engine) as session:
        found = session.execute(update(creations).where(*waits).values(next_attempt_at=now()))
    try:
        painters.forget()
    except TryLater as error:
        return f"painters rest on: {error}"
    return f"{found.rowcount} that waited are tried at once"  # type: ignore[attr-defined]  # an UPDATE's result has it
