"""What a member does with own creations, one or many at once: hide, veil, take back. Knows no HTTP.

Each change touches only rows that are not so yet: doing it twice is doing it once, and the count tells what changed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, select, update
from sqlmodel import Session

from core.clock import now
from core.database import transaction, unlocked
from core.forgetting import take_back
from core.models import creations
from core.refusals import NO_CREATION
from core.visibility import conceal, hold, show


class NotTheirs(Exception):
    """Among the creations is one of somebody else, or none at all: nothing is done with any of them."""


@unlocked
def change(engine: Engine, person_id: int, do: str, creation_ids: Sequence[int]) -> int:
    """Do one thing with own creations. Returns how many it changed. Raises NotTheirs; KeyError for what none knows."""
    act = DEEDS[do]
    with transaction(engine) as session:
        _hold(session, person_id, creation_ids)
        return act(session, list(creation_ids))


def are_theirs(connection: Connection, person_id: int, ids: Sequence[int]) -> bool:
    """Whether all of these are a member's own, taken back or not."""
    wanted = select(creations.c.id, creations.c.person_id, creations.c.code).where(creations.c.id.in_(ids))
    return _all_theirs(connection.execute(wanted).all(), person_id, ids)


def _all_theirs(rows: Sequence[Any], person_id: int, ids: Sequence[int]) -> bool:
    theirs = {row.id for row in rows if row.person_id == person_id and row.code not in NO_CREATION}
    return theirs == set(ids)


def _hold(session: Session, person_id: int, creation_ids: Sequence[int]) -> None:
    """What two tabs do with the same creations is done one after the other."""
    hold(session, creations.c.id.in_(creation_ids))
    wanted = select(creations.c.id, creations.c.person_id, creations.c.code).where(creations.c.id.in_(creation_ids))
    if not _all_theirs(session.execute(wanted).all(), person_id, creation_ids):
        raise NotTheirs


def _hide(session: Session, ids: list[int]) -> int:
    changed = _set(session, ids, creations.c.hidden_at.is_(None), hidden_at=now())
    conceal(session, creations.c.id.in_(ids))
    return changed


def _unhide(session: Session, ids: list[int]) -> int:
    changed = _set(session, ids, creations.c.hidden_at.is_not(None), hidden_at=None)
    show(session, creations.c.id.in_(ids))
    return changed


def _veil(session: Session, ids: list[int]) -> int:
    return _set(session, ids, ~creations.c.sensitive, sensitive=True)


def _unveil(session: Session, ids: list[int]) -> int:
    return _set(session, ids, creations.c.sensitive, sensitive=False)


def _delete(session: Session, ids: list[int]) -> int:
    return take_back(session, ids, "deleted")


def _set(session: Session, ids: list[int], where_not_yet: ColumnElement[bool], **values: Any) -> int:
    which = (creations.c.id.in_(ids), creations.c.deleted_at.is_(None), where_not_yet)
    changed = session.execute(update(creations).where(*which).values(**values).returning(creations.c.id))
    return len(changed.all())


DEEDS: dict[str, Callable[[Session, list[int]], int]] = {
    "hide": _hide,
    "unhide": _unhide,
    "sensitive": _veil,
    "unsensitive": _unveil,
    "delete": _delete,
}
