"""Publish and unpublish creations: the only module that sets `published_at`, and with it search index and remix counts.

A creation is public if it is painted, no picture is flagged, neither its author hid it nor deleted it, and X shows its
author. Called within the transaction that changes one of these.

Writers of several tables lock rows in this order: people, creations, boards, others; within a table by id. So
concurrent writers wait for each other and do not deadlock.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlmodel import Session

from core import search_index
from core.clock import now
from core.counters import increment, lock_rows
from core.models import creations, people, pictures


def publish(session: Session, *conditions: ColumnElement[bool]) -> list[int]:
    """Publish the matching creations that may be public and are not, dated when they were painted. Return their ids."""
    lock_creations(session, *conditions, creations.c.published_at.is_(None))
    stmt = update(creations).where(*conditions, creations.c.published_at.is_(None), is_publishable())
    rows = session.execute(
        stmt.values(published_at=creations.c.painted_at)
        .returning(creations.c.id, creations.c.parent_id, creations.c.prompt)
        .execution_options(synchronize_session=False)
    ).all()
    _update_remix_counts(session, (row.parent_id for row in rows), 1)
    search_index.add(session, ((row.id, row.prompt) for row in rows))
    return [row.id for row in rows]


def unpublish(session: Session, *conditions: ColumnElement[bool]) -> list[int]:
    """Unpublish the matching creations that are public. Return their ids."""
    lock_creations(session, *conditions, creations.c.published_at.is_not(None))
    stmt = update(creations).where(*conditions, creations.c.published_at.is_not(None))
    rows = session.execute(
        stmt.values(published_at=None)
        .returning(creations.c.id, creations.c.parent_id)
        .execution_options(synchronize_session=False)
    ).all()
    _update_remix_counts(session, (row.parent_id for row in rows), -1)
    search_index.remove(session, (row.id for row in rows))
    return [row.id for row in rows]


def hide_users(session: Session, person_ids: Collection[int]) -> None:
    """Hide users whom X does not show: their creations stay, unpublished."""
    in_ids = people.c.id.in_(person_ids)
    hidden_by_ban = and_(people.c.ban_hides, people.c.hidden_at == people.c.banned_at)
    stmt = update(people).where(in_ids, or_(people.c.hidden_at.is_(None), hidden_by_ban))
    session.execute(stmt.values(hidden_at=now()))
    unpublish(session, creations.c.person_id.in_(person_ids))


def unhide_users(session: Session, person_ids: Collection[int]) -> None:
    """Publish the creations of users whom X shows again, unless a ban hides them."""
    hidden = (people.c.id.in_(person_ids), people.c.hidden_at.is_not(None))
    session.execute(update(people).where(*hidden, people.c.ban_hides).values(hidden_at=people.c.banned_at))
    stmt = update(people).where(*hidden, people.c.ban_hides.is_(False)).values(hidden_at=None)
    ids = list(session.execute(stmt.returning(people.c.id)).scalars())
    if ids:
        publish(session, creations.c.person_id.in_(ids))


def lock_creations(session: Session, *conditions: ColumnElement[bool], also: Iterable[int] = ()) -> None:
    """Lock the matching creations, their parents and the creations `also`, until the end of the transaction.

    Call it before the first of them is changed.
    """
    if session.connection().dialect.name == "sqlite":
        return
    rows = session.execute(select(creations.c.id, creations.c.parent_id).where(*conditions)).all()
    lock_rows(session, creations, {row_id for row in rows for row_id in row if row_id is not None}.union(also))


def is_publishable() -> ColumnElement[bool]:
    """Return the condition for a creation to be public."""
    its_pictures = pictures.c.creation_id == creations.c.id
    hidden_author = select(people.c.id).where(people.c.id == creations.c.person_id, people.c.hidden_at.is_not(None))
    return and_(
        creations.c.painted_at.is_not(None),
        creations.c.deleted_at.is_(None),
        creations.c.hidden_at.is_(None),
        exists().where(its_pictures),
        ~exists().where(its_pictures, pictures.c.flagged),
        ~hidden_author.exists(),
    )


def _update_remix_counts(session: Session, parent_ids: Iterable[int | None], step: int) -> None:
    counts = Counter(parent_id for parent_id in parent_ids if parent_id is not None)
    steps = {parent_id: step * count for parent_id, count in counts.items()}
    increment(session, creations, creations.c.remixes, steps)
