"""What a member is told: notifications as lines of a page, like ones as one line; and what they have read of them.

Knows no HTTP. What happened to things that are gone, or was done by somebody who is not shown, is not told any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from core.clock import now
from core.database import transaction
from core.models import Kind, comments, creations, notifications, people
from core.refusals import UNSHOWN, in_words
from core.text import clip
from gallery import queries
from gallery.shown import CreationShown, PersonShown

TOGETHER = frozenset({Kind.LIKED, Kind.FOLLOWED})
LONGEST_TITLE = 90
LONGEST_SAID = 200

ROWS = (
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
        people.c.hidden_at.label("actor_hidden_at"),
        people.c.banned_at.label("actor_banned_at"),
        creations.c.person_id.label("author_id"),
        creations.c.prompt,
        creations.c.code,
        creations.c.shown_at,
        creations.c.deleted_at,
        comments.c.text,
    )
    .select_from(notifications)
    .outerjoin(people, people.c.id == notifications.c.actor_id)
    .outerjoin(creations, creations.c.id == notifications.c.creation_id)
    .outerjoin(comments, comments.c.id == notifications.c.comment_id)
)


@dataclass(slots=True)
class Notice:
    """One line: who did what to which creation. `actors` begins with the latest."""

    kind: Kind
    at: datetime
    unread: bool
    path: str
    title: str = ""
    said: str = ""
    reason: str = ""
    creation: CreationShown | None = None
    actors: list[PersonShown] = field(default_factory=list)

    @property
    def others(self) -> int:
        """How many more there are than the line names: it names two, or one and a number."""
        return len(self.actors) - 1 if len(self.actors) > 2 else 0


@dataclass(frozen=True, slots=True)
class Notices:
    """A page of lines. `older`: where the next one begins; `unread_ids`: what is read by looking at it."""

    lines: list[Notice]
    older: int | None
    unread_ids: list[int]
    newest_id: int


def notices_of(connection: Connection, person_id: int, *, limit: int, before: int = 0) -> Notices:
    """What a member is told, newest first."""
    wanted = ROWS.where(notifications.c.person_id == person_id).order_by(notifications.c.id.desc()).limit(limit + 1)
    if before:
        wanted = wanted.where(notifications.c.id < before)
    rows = connection.execute(wanted).all()
    page = rows[:limit]
    told = [row for row in page if _is_told(row, person_id)]
    ids = list({row.creation_id for row in told if row.shown_at is not None})
    hung = {creation.id: creation for creation in queries.by_ids(connection, ids)}
    unread = [row.id for row in page if row.read_at is None]
    older = page[-1].id if len(rows) > limit else None
    return Notices(_lines(told, hung), older, unread, page[0].id if page else 0)


def mark_read(engine: Engine, person_id: int, ids: Sequence[int]) -> None:
    """These are read now."""
    _mark(engine, person_id, notifications.c.id.in_(ids))


def mark_all_read(engine: Engine, person_id: int, until: int) -> None:
    """All up to this one are read now; what came since then is not."""
    _mark(engine, person_id, notifications.c.id <= until)


def _mark(engine: Engine, person_id: int, which: Any) -> None:
    unread = (notifications.c.person_id == person_id, notifications.c.read_at.is_(None))
    with transaction(engine) as session:
        session.execute(update(notifications).where(*unread, which).values(read_at=now()))


def _is_told(row: Any, person_id: int) -> bool:
    if row.actor_hidden_at or row.actor_banned_at or row.deleted_at:
        return False
    return row.creation_id is None or row.shown_at is not None or row.author_id == person_id


def _lines(rows: Sequence[Any], hung: dict[int, CreationShown]) -> list[Notice]:
    """One line each, but for those that are told together: the same thing liked, the same person followed."""
    lines: list[Notice] = []
    together: dict[Any, Notice] = {}
    for row in rows:
        actor = PersonShown(row.actor_id, row.username, row.name) if row.actor_id is not None else None
        key = (row.kind, row.creation_id, row.read_at is None)
        line = together.get(key) if row.kind in TOGETHER else None
        if line is None:
            line = _line(row, actor, hung)
            lines.append(line)
            together[key] = line
        if actor and all(actor.id != one.id for one in line.actors):
            line.actors.append(actor)
    return lines


def _line(row: Any, actor: PersonShown | None, hung: dict[int, CreationShown]) -> Notice:
    title = "" if row.code in UNSHOWN else clip(row.prompt or "", LONGEST_TITLE)
    return Notice(
        kind=Kind(row.kind),
        at=row.at,
        unread=row.read_at is None,
        path=_path(row, actor),
        title=title or "Untitled",
        said=clip(row.text or "", LONGEST_SAID),
        reason=in_words(row.code) if row.kind == Kind.REFUSED and row.code else "",
        creation=hung.get(row.creation_id),
    )


def _path(row: Any, actor: PersonShown | None) -> str:
    if row.creation_id is None:
        return actor.path if actor else "/"
    path = f"/c/{row.creation_id}"
    return path if row.comment_id is None else f"{path}/comments/{row.comment_id}"
