"""Query what happens now: newly public creations, what is being painted or queued, the progress of one creation.

Each query follows an index, so its cost does not grow with the table.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, Select, func, select

from core.models import State, creations, people
from gallery.translations import format_number, gettext
from gallery.views import formatting
from gallery.views.creations import PENDING_STATES, UserView
from gallery.views.formatting import MAX_COUNTED

# Workers' clocks differ a little, and transactions may commit out of order.
OVERLAP = timedelta(seconds=30)
MAX_PUBLISHED = 24
MAX_ACTIVE = 4

ActiveRow = Row[int, str, State, int, str, str]


@dataclass(frozen=True, slots=True)
class ActiveCreation:
    """A prompt that is being painted or queued, in the activity strip above a feed."""

    id: int
    prompt: str
    person: UserView
    is_painting: bool

    @property
    def path(self) -> str:
        """Return the address of its page."""
        return f"/c/{self.id}"


@dataclass(frozen=True, slots=True)
class Activity:
    """What the activity strip shows: first what is being painted, then the head of the queue.

    `more`: how many others are queued; MAX_COUNTED + 1 stands for more.
    """

    creations: tuple[ActiveCreation, ...] = ()
    more: int = 0

    @property
    def more_text(self) -> str:
        """Return `+ 12 in the queue`; empty for none."""
        if not self.more:
            return ""
        if self.more > MAX_COUNTED:
            return gettext("+ more than %(num)s in the queue", num=format_number(MAX_COUNTED))
        return gettext("+ %(num)s in the queue", num=format_number(self.more))


@dataclass(frozen=True, slots=True)
class CreationProgress:
    """The state of one creation."""

    id: int
    state: State
    reason_code: str | None
    attempts: int
    next_attempt_at: datetime | None
    is_deleted: bool

    @property
    def is_pending(self) -> bool:
        """Return whether its picture may still come."""
        return self.state in PENDING_STATES and not self.is_deleted

    @property
    def text(self) -> str:
        """Return the state as a sentence; empty while it is queued."""
        if self.is_deleted:
            return gettext("This was deleted.")
        if self.state is State.PAINTING:
            return gettext("Painting now.")
        if self.is_pending:
            return ""
        return formatting.reason_text(self.state, self.reason_code, None) or gettext("The picture is ready.")


def recently_published(connection: Connection, since: datetime | None = None) -> list[tuple[datetime, int]]:
    """Return (published at, id) of the newest public creations, oldest first, at most MAX_PUBLISHED.

    With `since` only those after that time, less the overlap.
    """
    stmt = select(creations.c.published_at, creations.c.id).where(creations.c.published_at.is_not(None))
    if since is not None:
        stmt = stmt.where(creations.c.published_at > since - OVERLAP)
    newest_first = (creations.c.published_at.desc(), creations.c.id.desc())
    rows = connection.execute(stmt.order_by(*newest_first).limit(MAX_PUBLISHED)).all()
    return [(row.published_at, row.id) for row in reversed(rows)]


def current_activity(connection: Connection) -> Activity:
    """Return what is being painted and queued, without hidden or banned authors and without sensitive prompts."""
    painting = [_active_creation(row) for row in connection.execute(_active_stmt(State.PAINTING))]
    queued = [_active_creation(row) for row in connection.execute(_active_stmt(State.QUEUED))]
    shown = tuple((painting + queued)[:MAX_ACTIVE])
    if len(queued) < MAX_ACTIVE:
        return Activity(shown, len(painting) + len(queued) - len(shown))
    return Activity(shown, max(0, len(painting) + _count_queued(connection) - len(shown)))


def load_progress(connection: Connection, creation_ids: Collection[int]) -> list[CreationProgress]:
    """Return the state of these creations."""
    if not creation_ids:
        return []
    c = creations.c
    stmt = select(c.id, c.state, c.reason_code, c.attempts, c.next_attempt_at, c.deleted_at).where(
        c.id.in_(creation_ids)
    )
    return [
        CreationProgress(
            row.id, State(row.state), row.reason_code, row.attempts, row.next_attempt_at, row.deleted_at is not None
        )
        for row in connection.execute(stmt)
    ]


def _count_queued(connection: Connection) -> int:
    is_queued = (creations.c.state == State.QUEUED, creations.c.next_attempt_at.is_not(None))
    ids = select(creations.c.id).where(*is_queued).limit(MAX_COUNTED + MAX_ACTIVE + 1).subquery()
    return connection.execute(select(func.count()).select_from(ids)).scalar_one()


def _active_stmt(state: State) -> Select[int, str, State, int, str, str]:
    stmt: Select[int, str, State, int, str, str] = (
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
        .order_by(creations.c.queue_rank, creations.c.id)
        .limit(MAX_ACTIVE)
    )
    return stmt


def _active_creation(row: ActiveRow) -> ActiveCreation:
    creation_id, prompt, state, person_id, username, name = row
    return ActiveCreation(creation_id, prompt, UserView(person_id, username, name), state == State.PAINTING)
