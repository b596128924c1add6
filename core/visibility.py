"""What hangs and what does not: the only file that changes `shown_at`, and with it what is found, and remixes.

    painted, with pictures that no check flagged; not hidden or taken back by its author; its author visible on X

Called within the transaction that changes one of these; tells which creations came into sight or went out of it.

Who writes to several tables holds rows in this order: people, creations, boards, the rest; of each table by their ids.
So two who write at once wait for each other, and never in a circle.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlmodel import Session

from core import searching
from core.clock import now
from core.counting import count, lock
from core.models import creations, people, pictures


def show(session: Session, *which: ColumnElement[bool]) -> list[int]:
    """Hang those of the creations that may hang and do not, at the place of their painting. Returns their ids."""
    hold(session, *which, creations.c.shown_at.is_(None))
    statement = update(creations).where(*which, creations.c.shown_at.is_(None), may_hang())
    hung = session.execute(
        statement.values(shown_at=creations.c.painted_at)
        .returning(creations.c.id, creations.c.parent_id, creations.c.prompt)
        .execution_options(synchronize_session=False)
    ).all()
    _count_remixes(session, hung, 1)
    searching.add(session, ((row.id, row.prompt) for row in hung))
    return [row.id for row in hung]


def conceal(session: Session, *which: ColumnElement[bool]) -> list[int]:
    """Take those of the creations that hang from the wall. Returns their ids."""
    hold(session, *which, creations.c.shown_at.is_not(None))
    statement = update(creations).where(*which, creations.c.shown_at.is_not(None))
    taken = session.execute(
        statement.values(shown_at=None)
        .returning(creations.c.id, creations.c.parent_id)
        .execution_options(synchronize_session=False)
    ).all()
    _count_remixes(session, taken, -1)
    searching.remove(session, (row.id for row in taken))
    return [row.id for row in taken]


def hide_people(session: Session, person_ids: Collection[int]) -> None:
    """X does not show these people: what they made is kept, but not shown."""
    theirs = people.c.id.in_(person_ids)
    by_ban_alone = and_(people.c.ban_hides, people.c.hidden_at == people.c.banned_at)
    unseen = update(people).where(theirs, or_(people.c.hidden_at.is_(None), by_ban_alone))
    session.execute(unseen.values(hidden_at=now()))
    conceal(session, creations.c.person_id.in_(person_ids))


def show_people(session: Session, person_ids: Collection[int]) -> None:
    """X shows these people: what they made is shown again at its old place, unless a ban hides it."""
    theirs = (people.c.id.in_(person_ids), people.c.hidden_at.is_not(None))
    session.execute(update(people).where(*theirs, people.c.ban_hides).values(hidden_at=people.c.banned_at))
    back = update(people).where(*theirs, people.c.ban_hides.is_(False)).values(hidden_at=None)
    ids = list(session.execute(back.returning(people.c.id)).scalars())
    if ids:
        show(session, creations.c.person_id.in_(ids))


def hold(session: Session, *which: ColumnElement[bool], also: Iterable[int] = ()) -> None:
    """Nobody else changes these creations until the end of the transaction, nor those whose remixes they are.

    Called before the first of them is changed. `also`: ids of more, which will be held, too.
    """
    if session.connection().dialect.name == "sqlite":
        return
    rows = session.execute(select(creations.c.id, creations.c.parent_id).where(*which)).all()
    lock(session, creations, {one for row in rows for one in row if one is not None}.union(also))


def may_hang() -> ColumnElement[bool]:
    """What a creation must be to hang."""
    its_pictures = pictures.c.creation_id == creations.c.id
    hidden = select(people.c.id).where(people.c.id == creations.c.person_id, people.c.hidden_at.is_not(None))
    return and_(
        creations.c.painted_at.is_not(None),
        creations.c.deleted_at.is_(None),
        creations.c.hidden_at.is_(None),
        exists().where(its_pictures),
        ~exists().where(its_pictures, pictures.c.flagged),
        ~hidden.exists(),
    )


def _count_remixes(session: Session, rows: Iterable[Any], step: int) -> None:
    times = Counter(row.parent_id for row in rows if row.parent_id is not None)
    count(session, creations, creations.c.remixes, {parent_id: step * each for parent_id, each in times.items()})
