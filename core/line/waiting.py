"""How long a creation still waits: who is before it, how long until its picture, how long until its answer on X.

    place in line (one count along an index) + conditions (pace, painters, budget: the same for all) = Wait

An estimate, told with "about". Where no honest number can be given, because X, painters or budget let nobody go, it is
a reason in plain words instead. Knows rows, the pace's window and which painters rest; changes nothing.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select, tuple_

from core.clock import now
from core.database import reading
from core.line import price_of_one
from core.line.turns import next_turn
from core.models import State, creations
from core.money.budget import Room, room_for_work
from core.pace import Pace, Window
from core.painters import Away, Painters
from core.queue import PAINT, REPLY, WorkQueue
from core.settings import MoneySettings

STAGES: dict[str, tuple[State, ...]] = {
    PAINT: (State.QUEUED, State.PAINTING),
    REPLY: (State.PAINTED, State.REPLYING, State.REFUSED),
}
# Beyond that nobody counts: the page says "more than".
MOST_COUNTED = 9_999
LATEST = 20
# Throughput is measured over the last minutes, and not from fewer creations than this.
BUSY_AT_MOST = timedelta(minutes=5)
ENOUGH_TO_TELL = 3
# Upload, alt text and answer take X about so long.
ANSWERING_SECONDS = 2.0

STOPPED: dict[str, str] = {
    "x_no_credits": "X asks the host for money",
    "x_usage_cap": "what the host may use of X is used up",
    "x_unauthorized": "X does not accept the host's keys",
    "x_read_only": "the host's keys let the bot read only",
    "x_not_enrolled": "X has not let the host's app in",
    "x_account_locked": "X has locked the bot's account",
    "x_account_suspended": "X has suspended the bot's account",
    "x_suspended": "X has suspended the bot's account",
    "x_app_restricted": "X has restricted the bot's app",
    "x_looks_automated": "X lets the bot pause",
    "x_no_access": "X does not let the bot's app answer",
    "x_forbidden": "X does not let the bot answer",
    "x_blocked": "something before X refuses the bot's calls",
}


@dataclass(frozen=True)
class Wait:
    """What is told: how many are before it, seconds until it is done (None: not known), why it cannot go now."""

    ahead: int
    seconds: float | None
    why: str = ""


@dataclass(frozen=True)
class Place:
    """Where a creation stands. `begun`: somebody works on it now; `due_in`: seconds until it may be tried again."""

    step: str
    ahead: int
    due_in: float = 0.0
    begun: bool = False


@dataclass(frozen=True)
class Conditions:
    """What decides for all who wait. `painting`: seconds of one painting lately; `price`: micro-dollars of one more;
    `painter`: why no painter takes orders, empty where one does. `leaving`: creations per second that have left the
    queue while it was busy, None if too few have."""

    window: Window
    workers: int
    painting: float | None
    room: Room
    price: int
    at: datetime
    painter: str = ""
    leaving: float | None = None


def look_around(engine: Engine, queue: WorkQueue, pace: Pace, money: MoneySettings) -> Conditions:
    """The conditions right now. Raises TryLater when the queue is away."""
    moment = now()
    return Conditions(
        window=pace.look(),
        workers=queue.count_workers(),
        painting=_painting_seconds(engine),
        room=room_for_work(engine, money, moment),
        price=price_of_one(money),
        at=moment,
        painter=painter_in_words(Painters(queue).away()),
        leaving=_leaving_per_second(engine, moment),
    )


def place_of(connection: Connection, creation_id: int) -> Place | None:
    """Where a creation stands in line; None where nothing is left to do."""
    columns = (creations.c.state, creations.c.turn, creations.c.next_attempt_at, creations.c.claim)
    row = connection.execute(select(*columns).where(creations.c.id == creation_id)).one_or_none()
    if row is None or row.next_attempt_at is None:
        return None
    step = next((step for step, states in STAGES.items() if row.state in states), None)
    if step is None:
        return None
    if row.claim is not None:
        return Place(step, 0, begun=True)
    before = waiting(step).where(tuple_(creations.c.turn, creations.c.id) < (row.turn, creation_id))
    return Place(step, count(connection, before), max(0.0, (row.next_attempt_at - now()).total_seconds()))


def place_of_one_more(connection: Connection, person_id: int) -> Place:
    """Where a creation would stand that this person asked for now."""
    turn = next_turn(connection, person_id)
    return Place(PAINT, count(connection, waiting(PAINT).where(creations.c.turn <= turn)))


def waiting(step: str) -> Select[Any]:
    """All who wait for a step, as `ix_creation_line` knows them."""
    states = [state.value for state in STAGES[step]]
    return select(creations.c.id).where(creations.c.state.in_(states), creations.c.next_attempt_at.is_not(None))


def count(connection: Connection, rows: Select[Any]) -> int:
    """How many; MOST_COUNTED + 1 stands for more."""
    some = rows.limit(MOST_COUNTED + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def estimate(place: Place, conditions: Conditions) -> Wait:
    """How long it takes from this place, under these conditions. Pure."""
    why = "" if place.begun else _why_not(place, conditions)
    if why:
        return Wait(place.ahead, None, why)
    until = _until_painted if place.step == PAINT else _until_answered
    seconds = until(place, conditions)
    return Wait(place.ahead, None if seconds is None else max(1.0, seconds, place.due_in))


def about(seconds: float) -> str:
    """`a few seconds`, `about 40 seconds`, `about 12 min`, `about 2 hours`."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} seconds"
    if seconds < 100 * 60:
        return f"about {round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"about {round(seconds / 3600)} hours"
    return f"about {round(seconds / 86400)} days"


def stopped_in_words(window: Window) -> str:
    """Why X takes no answer at all now; empty where it does."""
    if window.stopped == "pace_day":
        return f"X allows the bot no more answers today; the next may go in {about(window.ends_in)}"
    return STOPPED.get(window.stopped, "X does not let the bot answer") if window.stopped else ""


def painter_in_words(away: Away | None) -> str:
    """Why no painter takes orders now; empty where one does."""
    if away is None:
        return ""
    return "the painter has too much to do" if away.code == "gpu_busy" else "the painter is away"


def budget_in_words(room: Room, at: datetime) -> str:
    """Why the budget lets nothing go now; empty where it does."""
    if room.micro_usd != 0:
        return ""
    if not room.reached:
        return "the house is close to its budget and goes on slowly"
    # Half a second for what floating point has lost of it.
    opens = at + timedelta(seconds=room.opens_in + 0.5)
    if opens.date() <= at.date() + timedelta(days=1):
        return "the house's budget for today is used up; it goes on at 00:00 UTC"
    return f"the house's budget for this month is used up; it goes on at 00:00 UTC on {opens.day} {opens:%B}"


def _why_not(place: Place, conditions: Conditions) -> str:
    if conditions.workers == 0:
        return "nobody is at work in the house"
    if place.step == REPLY and (stopped := stopped_in_words(conditions.window)):
        return stopped
    if place.step == PAINT and conditions.painter:
        return conditions.painter
    room = conditions.room
    if room.micro_usd is None or room.micro_usd // conditions.price > place.ahead:
        return ""
    # What is left is not enough for all before it and for itself.
    return budget_in_words(Room(0, room.opens_in, room.reached), conditions.at)


def _until_painted(place: Place, conditions: Conditions) -> float | None:
    if conditions.leaving and place.ahead and not place.begun:
        return max(conditions.painting or 0.0, (place.ahead + 1) / conditions.leaving)
    if conditions.painting is None:
        return None
    return conditions.painting * (1 + place.ahead / max(1, conditions.workers))


def _until_answered(place: Place, conditions: Conditions) -> float:
    """Soon while X takes answers; then when this window ends, and a whole one for as many as fit into each."""
    window = conditions.window
    beyond = place.ahead + 1 - window.free
    if place.begun or beyond <= 0:
        return ANSWERING_SECONDS * (1 + place.ahead / max(1, conditions.workers))
    return window.ends_in + (math.ceil(beyond / max(1, window.calls)) - 1) * window.seconds


def _leaving_per_second(engine: Engine, moment: datetime) -> float | None:
    """Throughput of the busy queue: what was published since the oldest of the next in line joined it.

    The queue was never empty since then, so this counts all that slows it down: uploads, other workers, the database.
    Rows in back-off joined long ago and say nothing about it.
    """
    first = (
        select(creations.c.created_at)
        .where(creations.c.state == State.QUEUED.value, creations.c.next_attempt_at.is_not(None))
        .where(creations.c.attempts == 0)
        .order_by(creations.c.turn, creations.c.id)
        .limit(LATEST)
        .subquery()
    )
    with reading(engine) as connection:
        joined = connection.execute(select(func.min(first.c.created_at))).scalar_one()
        if joined is None:
            return None
        since = max(joined, moment - BUSY_AT_MOST)
        left = count(connection, select(creations.c.id).where(creations.c.shown_at >= since))
    seconds = (moment - since).total_seconds()
    return left / seconds if left >= ENOUGH_TO_TELL and seconds > 0 else None


def _painting_seconds(engine: Engine) -> float | None:
    """One painting lately, on average. By the order of the wall: the newest ids may all be unpainted."""
    latest = (
        select(creations.c.painting_seconds)
        .where(creations.c.shown_at.is_not(None))
        .order_by(creations.c.shown_at.desc(), creations.c.id.desc())
        .limit(LATEST)
        .subquery()
    )
    with reading(engine) as connection:
        mean = connection.execute(select(func.avg(latest.c.painting_seconds))).scalar_one()
    return None if mean is None else float(mean)
