"""The line: who is called up next, for painting and for answering, and how many at a time.

The rows wait in the database, in the order of their turns (`turns.py`); only the next few stand in the queue. So order
and pace are decided in one place, at the last moment: when X, the painters or the budget let nobody go, nobody is
called, and whoever is first in line goes when the moment has come. Whoever finished a step calls up the next; a sweep
every second sees to it that nobody is forgotten.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Engine, exists, func, or_, select

from core.clock import now
from core.database import reading, shared_now
from core.models import State, creations, pictures
from core.money.budget import room_for_work
from core.money.prices import ALT_TEXT, REPLY, REPLY_WITH_LINK, price_list
from core.pace import Pace
from core.painters import Painters
from core.queue import PAINT, WorkQueue
from core.reply_gate import is_closed
from core.settings import MoneySettings
from core.wishes import MOST_PICTURES

# What one may cost is counted generously: a painting, and an answer with four pictures, each with its alt text.
PAINTING_MICRO_USD = 2_000
# X forgets an unused copy of a picture after a day.
COPY_LASTS = timedelta(hours=22)


def price_of_one(money: MoneySettings) -> int:
    """Micro-dollars that have to be there for one more to go."""
    prices = price_list(money.prices)
    return max(prices[REPLY], prices[REPLY_WITH_LINK]) + MOST_PICTURES * prices[ALT_TEXT] + PAINTING_MICRO_USD


def _is_prepared() -> ColumnElement[bool]:
    """Whether all that its reply needs is on X: a text reply needs nothing, a picture its copy of today."""
    fresh = pictures.c.uploaded_at > now() - COPY_LASTS
    copies = exists().where(pictures.c.creation_id == creations.c.id, fresh)
    return or_(creations.c.says.is_not(None), copies)


@dataclass(frozen=True)
class Line:
    """All who wait, and what decides how many may go."""

    engine: Engine
    queue: WorkQueue
    pace: Pace
    money: MoneySettings

    @property
    def painters(self) -> Painters:
        """What is known of the painters."""
        return Painters(self.queue)

    def call_up(self, step: str) -> int:
        """Put the next in line into the queue of a step. Returns how many. Raises TryLater when the queue is away."""
        waiting = self.queue.waiting(step)
        free = 2 * max(2, self.queue.count_workers()) + 4 - len(waiting)
        if free <= 0:
            return 0
        if step == PAINT:
            chosen = self._painters_take(self._next(free, waiting, State.QUEUED), free, waiting)
            chosen = self._allowed(chosen, step, waiting)
        else:
            # Who may have answered already only looks on X for it; that needs nobody's leave.
            chosen = self._next(free, waiting, State.REPLYING)
            chosen += self._allowed(self._next_replies(free - len(chosen), waiting), step, waiting)
        self.queue.put(step, chosen)
        return len(chosen)

    def _allowed(self, due: list[int], step: str, waiting: set[int]) -> list[int]:
        """The first of them: as many as the budget pays and, for answers, X takes; less those on their way."""
        if not due:
            return []
        limits = [self._affordable(), None if step == PAINT else self.pace.look().free]
        counted = [limit for limit in limits if limit is not None]
        if not counted:
            return due
        return due[: max(0, min(counted) - self._at_work() - len(waiting))]

    def _painters_take(self, chosen: list[int], free: int, waiting: set[int]) -> list[int]:
        """None while all painters rest; one to look whether they are back; else all of them.

        The one that looks is no order that was refused or failed lately, if there is another: it may be the reason
        why they seem to be away.
        """
        room = self.painters.room() if chosen else None
        if room is None:
            return chosen
        suspects = self.painters.suspects() if room else set()
        if suspects:
            chosen = self._next(free, waiting, State.QUEUED, which=creations.c.id.not_in(suspects)) or chosen
        return chosen[: max(0, room - len(waiting))]

    def _affordable(self) -> int | None:
        """How many the budget has room for; None where there is no budget."""
        room = room_for_work(self.engine, self.money, now())
        return None if room.micro_usd is None else room.micro_usd // price_of_one(self.money)

    def _next_replies(self, count: int, waiting: set[int]) -> list[int]:
        """None until the bot knows what it replied (`core/reply_gate.py`).

        While X has suspended replies, one goes and probes: rather one for which nothing is uploaded or described,
        since that would be paid for nothing.
        """
        states = (State.PAINTED, State.REFUSED)
        if is_closed(self.engine):
            return []
        if self.pace.look().stopped and (ready := self._next(min(1, count), waiting, *states, which=_is_prepared())):
            return ready
        return self._next(count, waiting, *states)

    def _next(
        self, count: int, waiting: set[int], *states: State, which: ColumnElement[bool] | None = None
    ) -> list[int]:
        if count <= 0:
            return []
        in_turn = select(creations.c.id).order_by(creations.c.turn, creations.c.id).limit(count + len(waiting))
        in_turn = in_turn if which is None else in_turn.where(which)
        with reading(self.engine) as connection:
            due = (
                creations.c.state.in_([state.value for state in states]),
                creations.c.next_attempt_at.is_not(None),
                creations.c.next_attempt_at <= shared_now(connection),
            )
            ids = [int(one) for one in connection.execute(in_turn.where(*due)).scalars()]
        return [one for one in ids if one not in waiting][:count]

    def _at_work(self) -> int:
        """Answers that a worker is giving at this moment. Who rests before a look for its answer is not among them."""
        claimed = (creations.c.state == State.REPLYING.value, creations.c.claim.is_not(None))
        wanted = select(func.count()).select_from(creations).where(*claimed)
        with reading(self.engine) as connection:
            lasting = creations.c.next_attempt_at > shared_now(connection)
            return int(connection.execute(wanted.where(lasting)).scalar_one())
