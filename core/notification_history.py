"""Tell new members what happened to their creations before they signed in.

People ask on X first and sign in to the gallery later. Without this, the first page of notifications would say that
nothing has happened, although others have liked and remixed their pictures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVarTuple

from sqlalchemy import Column, ColumnElement, Select, and_, select
from sqlmodel import Session

from core.clock import now
from core.database import insert_if_absent
from core.models import NotificationKind, comments, creations, follows, likes, notifications, people

Columns = TypeVarTuple("Columns")
REACHES_BACK = timedelta(days=30)
# More than a person reads; each one is a row that is written while they wait for the page.
MAX_EVENTS = 100


@dataclass(frozen=True)
class _Event:
    kind: NotificationKind
    key: str
    at: datetime
    actor_id: int
    creation_id: int | None = None
    comment_id: int | None = None


def fill_in(session: Session, person_id: int) -> int:
    """Write the newest events of the last 30 days as unread notifications, oldest first. Returns how many are new."""
    events = [*_likes(session, person_id), *_comments(session, person_id)]
    events += [*_follows(session, person_id), *_remixes(session, person_id)]
    newest = sorted(events, key=lambda event: event.at)[-MAX_EVENTS:]
    return sum(insert_if_absent(session, notifications, person_id=person_id, **_row(event)) for event in newest)


def _row(event: _Event) -> dict[str, str | int | datetime | None]:
    return vars(event) | {"kind": event.kind.value}


def _likes(session: Session, person_id: int) -> Iterator[_Event]:
    at, actor_id = likes.c.at, likes.c.person_id
    stmt = select(at, actor_id, creations.c.id).join(creations, creations.c.id == likes.c.creation_id)
    for row in session.execute(_recent(stmt, person_id, at, actor_id).where(_is_public_of(person_id))):
        yield _Event(NotificationKind.LIKED, f"liked:{row.id}:{row.person_id}", row.at, row.person_id, row.id)


def _comments(session: Session, person_id: int) -> Iterator[_Event]:
    at, actor_id = comments.c.created_at, comments.c.person_id
    stmt = select(at, actor_id, creations.c.id, comments.c.id.label("comment_id"))
    stmt = stmt.join(creations, creations.c.id == comments.c.creation_id).where(comments.c.deleted_at.is_(None))
    for row in session.execute(_recent(stmt, person_id, at, actor_id).where(_is_public_of(person_id))):
        key = f"commented:{row.comment_id}"
        yield _Event(NotificationKind.COMMENTED, key, row.created_at, row.person_id, row.id, row.comment_id)


def _follows(session: Session, person_id: int) -> Iterator[_Event]:
    at, actor_id = follows.c.at, follows.c.follower_id
    stmt = _recent(select(at, actor_id), person_id, at, actor_id).where(follows.c.followed_id == person_id)
    for row in session.execute(stmt):
        yield _Event(NotificationKind.FOLLOWED, f"followed:{person_id}:{row.follower_id}", row.at, row.follower_id)


def _remixes(session: Session, person_id: int) -> Iterator[_Event]:
    parent = creations.alias("parent")
    at, actor_id = creations.c.published_at, creations.c.person_id
    stmt = select(at, actor_id, creations.c.id).join(parent, parent.c.id == creations.c.parent_id)
    theirs = and_(parent.c.person_id == person_id, parent.c.deleted_at.is_(None))
    for row in session.execute(_recent(stmt, person_id, at, actor_id).where(theirs)):
        yield _Event(NotificationKind.REMIXED, f"remixed:{row.id}", row.published_at, row.person_id, row.id)


def _is_public_of(person_id: int) -> ColumnElement[bool]:
    return and_(creations.c.person_id == person_id, creations.c.published_at.is_not(None))


def _recent(stmt: Select[*Columns], person_id: int, at: Column[datetime], actor_id: Column[int]) -> Select[*Columns]:
    """Select the newest events by other users who are neither hidden nor banned."""
    visible = (people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    stmt = stmt.join(people, people.c.id == actor_id).where(actor_id != person_id, *visible)
    return stmt.where(at >= now() - REACHES_BACK).order_by(at.desc()).limit(MAX_EVENTS)
