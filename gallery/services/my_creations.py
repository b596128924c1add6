"""Hide, mark as sensitive and delete a member's own creations, one or several at once.

Each change updates only rows that differ, so a repeated change has no effect, and undoing it changes no others.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, select, update
from sqlmodel import Session

from core.clock import now
from core.database import retry_on_deadlock, without_index, write_session
from core.deletion import soft_delete_creations
from core.models import creations
from core.publishing import lock_creations, publish, unpublish
from core.reason_codes import COMMAND_CODES


class NotOwned(Exception):
    """One of the creations is missing or belongs to another user, so none of them is changed."""


class _OwnedRow(NamedTuple):
    id: int
    person_id: int
    reason_code: str | None


@retry_on_deadlock
def change_creations(engine: Engine, person_id: int, action: str, creation_ids: Sequence[int]) -> list[int]:
    """Apply one of ACTIONS to own creations. Return which it changed. Raises NotOwned; KeyError if unknown."""
    apply = ACTIONS[action]
    with write_session(engine) as session:
        _lock_owned(session, person_id, creation_ids)
        return apply(session, list(creation_ids))


def are_all_owned(connection: Connection, person_id: int, ids: Sequence[int]) -> bool:
    """Return whether all of these creations are the member's own, deleted or not."""
    return _is_owner_of_all(_rows(connection, ids), person_id, ids)


def _rows(connection: Connection, ids: Sequence[int]) -> list[_OwnedRow]:
    stmt = select(creations.c.id, creations.c.person_id, creations.c.reason_code).where(creations.c.id.in_(ids))
    return [_OwnedRow(row.id, row.person_id, row.reason_code) for row in connection.execute(stmt)]


def _is_owner_of_all(rows: list[_OwnedRow], person_id: int, ids: Sequence[int]) -> bool:
    return {row.id for row in rows if row.person_id == person_id and row.reason_code not in COMMAND_CODES} == set(ids)


def _lock_owned(session: Session, person_id: int, creation_ids: Sequence[int]) -> None:
    """Lock the rows, so that changes from two tabs run one after the other. Raises NotOwned."""
    lock_creations(session, creations.c.id.in_(creation_ids))
    if not _is_owner_of_all(_rows(session.connection(), creation_ids), person_id, creation_ids):
        raise NotOwned


def _hide(session: Session, ids: list[int]) -> list[int]:
    changed = _update(session, ids, creations.c.hidden_at.is_(None), hidden_at=now())
    unpublish(session, creations.c.id.in_(ids))
    return changed


def _unhide(session: Session, ids: list[int]) -> list[int]:
    changed = _update(session, ids, creations.c.hidden_at.is_not(None), hidden_at=None)
    publish(session, creations.c.id.in_(ids))
    return changed


def _mark_sensitive(session: Session, ids: list[int]) -> list[int]:
    return _update(session, ids, ~creations.c.sensitive, sensitive=True)


def _unmark_sensitive(session: Session, ids: list[int]) -> list[int]:
    return _update(session, ids, creations.c.sensitive, sensitive=False)


def _delete(session: Session, ids: list[int]) -> list[int]:
    exist = (creations.c.id.in_(ids), without_index(creations.c.deleted_at).is_(None))
    deleted = list(session.execute(select(creations.c.id).where(*exist)).scalars())
    soft_delete_creations(session, ids, "deleted")
    return deleted


def _update(session: Session, ids: list[int], is_unchanged: ColumnElement[bool], **values: object) -> list[int]:
    conditions = (creations.c.id.in_(ids), without_index(creations.c.deleted_at).is_(None), is_unchanged)
    changed = session.execute(update(creations).where(*conditions).values(**values).returning(creations.c.id))
    return list(changed.scalars())


ACTIONS: dict[str, Callable[[Session, list[int]], list[int]]] = {
    "hide": _hide,
    "unhide": _unhide,
    "sensitive": _mark_sensitive,
    "unsensitive": _unmark_sensitive,
    "delete": _delete,
}
# What takes a change back. A deletion is final.
REVERSE = {"hide": "unhide", "unhide": "hide", "sensitive": "unsensitive", "unsensitive": "sensitive"}
