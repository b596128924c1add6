"""What happens right now: what came to hang, who waits or is painted, how one creation stands. Questions only.

Each costs the same with a million creations: they go along the index of the wall, or that of those who wait.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from core.models import State, creations, people
from gallery import labels
from gallery.shown import UNDER_WAY, PersonShown

# The painter's clock may go a little wrong, and who finishes first may be written last.
OVERLAP = timedelta(seconds=30)
MOST_AT_ONCE = 24
ON_THE_STRIP = 4
MOST_COUNTED = 999


@dataclass(frozen=True, slots=True)
class OnEasel:
    """A prompt that is painted or waits, on the strip above the wall."""

    id: int
    prompt: str
    person: PersonShown
    is_painted: bool

    @property
    def path(self) -> str:
        """Its page on this site."""
        return f"/c/{self.id}"


@dataclass(frozen=True, slots=True)
class AtWork:
    """Those in work, then those who wait, as many as the strip shows; and how many more wait."""

    shown: tuple[OnEasel, ...] = ()
    more: int = 0

    @property
    def more_in_words(self) -> str:
        """`and 12 more wait`; empty where nobody does."""
        if not self.more:
            return ""
        words = f"more than {MOST_COUNTED:,}" if self.more > MOST_COUNTED else f"{self.more:,} more"
        return f"and {words} {'waits' if self.more == 1 else 'wait'}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one creation stands."""

    id: int
    state: State
    code: str | None
    attempts: int
    next_attempt_at: datetime | None
    is_gone: bool

    @property
    def is_under_way(self) -> bool:
        """Whether there is more to wait for."""
        return self.state in UNDER_WAY and not self.is_gone

    @property
    def words(self) -> str:
        """What is told of one that is not waiting in line."""
        if self.is_gone:
            return "This was taken down."
        if self.state is State.PAINTING:
            return "It is on the easel now."
        return labels.reason(self.state, self.code, None) or ("" if self.is_under_way else "The picture is there.")


def hung_lately(connection: Connection, since: datetime | None = None) -> list[tuple[datetime, int]]:
    """What came to hang after a moment, with the overlap, or the newest at all: (shown_at, id), oldest first."""
    newest_first = (creations.c.shown_at.desc(), creations.c.id.desc())
    wanted = select(creations.c.shown_at, creations.c.id).where(creations.c.shown_at.is_not(None))
    if since is not None:
        wanted = wanted.where(creations.c.shown_at > since - OVERLAP)
    rows = connection.execute(wanted.order_by(*newest_first).limit(MOST_AT_ONCE)).all()
    return [(row.shown_at, row.id) for row in reversed(rows)]


def at_work(connection: Connection) -> AtWork:
    """Who is painted and who waits, next in line first; nobody whom X or the host hides, nothing behind a veil."""
    shown = [_on_easel(row) for row in connection.execute(_line(State.PAINTING))]
    waiting = [_on_easel(row) for row in connection.execute(_line(State.QUEUED))]
    strip = tuple((shown + waiting)[:ON_THE_STRIP])
    if len(waiting) < ON_THE_STRIP:
        return AtWork(strip, len(shown) + len(waiting) - len(strip))
    in_line = (creations.c.state == State.QUEUED, creations.c.next_attempt_at.is_not(None))
    some = select(creations.c.id).where(*in_line).limit(MOST_COUNTED + ON_THE_STRIP + 1).subquery()
    queued = int(connection.execute(select(func.count()).select_from(some)).scalar_one())
    return AtWork(strip, max(0, len(shown) + queued - len(strip)))


def standings(connection: Connection, creation_ids: Collection[int]) -> list[Standing]:
    """How these creations stand."""
    if not creation_ids:
        return []
    columns = ("id", "state", "code", "attempts", "next_attempt_at", "deleted_at")
    wanted = select(*(creations.c[name] for name in columns)).where(creations.c.id.in_(creation_ids))
    return [
        Standing(row.id, State(row.state), row.code, row.attempts, row.next_attempt_at, row.deleted_at is not None)
        for row in connection.execute(wanted)
    ]


def _line(state: State) -> Select[Any]:
    return (
        select(creations.c.id, creations.c.prompt, creations.c.state, people.c.id, people.c.username, people.c.name)
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(
            creations.c.state == state,
            creations.c.next_attempt_at.is_not(None),
            creations.c.deleted_at.is_(None),
            creations.c.hidden_at.is_(None),
            creations.c.sensitive.is_(False),
            people.c.hidden_at.is_(None),
            people.c.banned_at.is_(None),
        )
        .order_by(creations.c.turn, creations.c.id)
        .limit(ON_THE_STRIP)
    )


def _on_easel(row: Any) -> OnEasel:
    creation_id, prompt, state, *person = row
    return OnEasel(creation_id, prompt, PersonShown(*person), state == State.PAINTING)
