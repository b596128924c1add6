"""Load a member's notifications as lines of a page, similar ones as one line, and mark them as read.

Notifications about deleted creations, or from hidden users, are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Engine, Integer, bindparam, func, select, update

from core.clock import now
from core.database import write_session
from core.models import NotificationKind, boards, comments, creations, notifications, people
from core.mutes import NO_MUTES, Mutes
from core.reason_codes import HIDDEN_PROMPT_CODES, message_for
from core.text import clip
from gallery.queries import creations as creation_queries
from gallery.translations import gettext
from gallery.views.creations import CreationView, UserView

GROUPED_KINDS = frozenset(
    {NotificationKind.LIKED, NotificationKind.FOLLOWED, NotificationKind.COMMENTED, NotificationKind.REMIXED}
)
MAX_TITLE_LENGTH = 90
MAX_COMMENT_LENGTH = 200

NOTIFICATION_STMT = (
    select(
        notifications.c.id,
        notifications.c.kind,
        notifications.c.creation_id,
        notifications.c.comment_id,
        notifications.c.at,
        notifications.c.read_at,
        notifications.c.actor_id,
        people.c.username,
        people.c.name,
        people.c.avatar_key,
        people.c.hidden_at,
        people.c.banned_at,
        creations.c.person_id,
        creations.c.parent_id,
        creations.c.prompt,
        creations.c.reason_code,
        creations.c.published_at,
        creations.c.deleted_at,
        comments.c.text,
        boards.c.name.label("board_name"),
        boards.c.title.label("board_title"),
    )
    .select_from(notifications)
    .outerjoin(people, people.c.id == notifications.c.actor_id)
    .outerjoin(creations, creations.c.id == notifications.c.creation_id)
    .outerjoin(comments, comments.c.id == notifications.c.comment_id)
    .outerjoin(boards, boards.c.id == notifications.c.board_id)
)

MAX_UNREAD_COUNT = 99
# More than one poll finds, unless somebody likes everything at once: then pages learn of the rest when they load.
MAX_RECENT = 1000
RECENT_STMT = (
    select(notifications.c.id, notifications.c.person_id)
    .where(notifications.c.id > bindparam("after", type_=BigInteger))
    .order_by(notifications.c.id.desc())
    .limit(bindparam("most", type_=Integer))
)
_UNREAD_IDS = (
    select(notifications.c.id)
    .where(notifications.c.person_id == people.c.id, notifications.c.read_at.is_(None))
    .limit(MAX_UNREAD_COUNT + 1)
    .correlate(people)
    .subquery()
)
UNREAD_COUNTS_STMT = select(people.c.id, select(func.count()).select_from(_UNREAD_IDS).scalar_subquery()).where(
    people.c.id.in_(bindparam("ids", expanding=True))
)


class NotificationRow(NamedTuple):
    """A row of NOTIFICATION_STMT. Fields of an actor, creation or comment are None if the notification has none."""

    id: int
    kind: str
    creation_id: int | None
    comment_id: int | None
    at: datetime
    read_at: datetime | None
    actor_id: int | None
    username: str | None
    name: str | None
    avatar_key: str | None
    actor_hidden_at: datetime | None
    actor_banned_at: datetime | None
    author_id: int | None
    parent_id: int | None
    prompt: str | None
    reason_code: str | None
    published_at: datetime | None
    deleted_at: datetime | None
    text: str | None
    board_name: str | None
    board_title: str | None

    @property
    def subject_id(self) -> int | None:
        """Return the creation by which lines are grouped: of remixes, what they were made from."""
        return self.parent_id if self.kind == NotificationKind.REMIXED else self.creation_id

    @property
    def actor(self) -> UserView | None:
        """Return who caused it, if anyone did."""
        if self.actor_id is None or self.username is None or self.name is None:
            return None
        return UserView(self.actor_id, self.username, self.name, avatar_key=self.avatar_key)


@dataclass(slots=True)
class NotificationLine:
    """One line: the actors, what they did, and the creation. `actors` starts with the latest."""

    kind: NotificationKind
    at: datetime
    unread: bool
    path: str
    title: str = ""
    comment: str = ""
    reason: str = ""
    creation: CreationView | None = None
    actors: list[UserView] = field(default_factory=list)

    @property
    def others(self) -> int:
        """Return how many actors the line does not name: it names two, or one and a number."""
        return len(self.actors) - 1 if len(self.actors) > 2 else 0


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """A page of lines. `older`: where the next one begins; `unread_ids`: what showing the page marks as read."""

    lines: list[NotificationLine]
    older: int | None
    unread_ids: list[int]
    newest_id: int


def load_notifications(
    connection: Connection, person_id: int, *, limit: int, before: int = 0, mutes: Mutes = NO_MUTES
) -> NotificationPage:
    """Load a page of notifications, newest first, without what the member mutes."""
    stmt = (
        NOTIFICATION_STMT.where(notifications.c.person_id == person_id)
        .order_by(notifications.c.id.desc())
        .limit(limit + 1)
    )
    if before:
        stmt = stmt.where(notifications.c.id < before)
    rows = [NotificationRow._make(row) for row in connection.execute(stmt)]
    page = rows[:limit]
    visible = [row for row in page if _is_visible(row, person_id) and not _is_muted(row, mutes)]
    ids = list({row.creation_id for row in visible if row.creation_id is not None and row.published_at is not None})
    public = {creation.id: creation for creation in creation_queries.list_by_ids(connection, ids)}
    unread = [row.id for row in page if row.read_at is None]
    older = page[-1].id if len(rows) > limit else None
    return NotificationPage(_lines(visible, public), older, unread, page[0].id if page else 0)


def list_recent(connection: Connection, after: int) -> list[tuple[int, int]]:
    """Return id and member of the newest notifications after an id, at most MAX_RECENT."""
    rows = connection.execute(RECENT_STMT, {"after": after, "most": MAX_RECENT})
    return [(row.id, row.person_id) for row in rows]


def count_unread(connection: Connection, person_ids: Sequence[int]) -> dict[int, int]:
    """Return the number of unread notifications of each of these members, up to MAX_UNREAD_COUNT + 1."""
    rows = connection.execute(UNREAD_COUNTS_STMT, {"ids": person_ids}).all()
    return {row[0]: row[1] for row in rows}


def mark_read(engine: Engine, person_id: int, ids: Sequence[int]) -> None:
    """Mark these notifications as read."""
    _mark(engine, person_id, notifications.c.id.in_(ids))


def mark_all_read(engine: Engine, person_id: int, until: int) -> None:
    """Mark all notifications up to this id as read, but no newer ones."""
    _mark(engine, person_id, notifications.c.id <= until)


def _mark(engine: Engine, person_id: int, which: ColumnElement[bool]) -> None:
    unread = (notifications.c.person_id == person_id, notifications.c.read_at.is_(None))
    with write_session(engine) as session:
        session.execute(update(notifications).where(*unread, which).values(read_at=now()))


def _is_visible(row: NotificationRow, person_id: int) -> bool:
    if row.actor_hidden_at or row.actor_banned_at or row.deleted_at:
        return False
    return row.creation_id is None or row.published_at is not None or row.author_id == person_id


def _is_muted(row: NotificationRow, mutes: Mutes) -> bool:
    """Return whether the member mutes who caused it, or a topic of what they wrote."""
    prompt = row.prompt if row.kind == NotificationKind.REMIXED else ""
    return row.actor_id is not None and mutes.hides(row.actor_id, row.text or prompt or "")


def _lines(rows: Sequence[NotificationRow], public: dict[int, CreationView]) -> list[NotificationLine]:
    """Build one line for each notification, but one for all of GROUPED_KINDS that are about the same creation."""
    lines: list[NotificationLine] = []
    together: dict[tuple[str, int | None, bool], NotificationLine] = {}
    for row in rows:
        actor = row.actor
        key = (row.kind, row.subject_id, row.read_at is None)
        line = together.get(key) if row.kind in GROUPED_KINDS else None
        if line is None:
            line = _line(row, actor, public)
            lines.append(line)
            together[key] = line
        if actor and all(actor.id != other.id for other in line.actors):
            line.actors.append(actor)
    return lines


def _line(row: NotificationRow, actor: UserView | None, public: dict[int, CreationView]) -> NotificationLine:
    subject = row.board_title or row.prompt or ""
    title = "" if row.reason_code in HIDDEN_PROMPT_CODES else clip(subject, MAX_TITLE_LENGTH)
    return NotificationLine(
        kind=NotificationKind(row.kind),
        at=row.at,
        unread=row.read_at is None,
        path=_path(row, actor),
        title=title or gettext("Untitled"),
        comment=clip(row.text or "", MAX_COMMENT_LENGTH),
        reason=message_for(row.reason_code) if row.kind == NotificationKind.REFUSED and row.reason_code else "",
        creation=public.get(row.creation_id or 0),
    )


def _path(row: NotificationRow, actor: UserView | None) -> str:
    if row.board_name:
        return f"/b/{row.board_name}"
    if row.creation_id is None:
        return actor.path if actor else "/"
    path = f"/c/{row.creation_id}"
    return path if row.comment_id is None else f"{path}/comments/{row.comment_id}"
