"""Whose a start picture is, who may begin from it and how near, and what happens when its owner takes it back.

    brought along (an upload, a photo of a post)   every creation that begins from it names its owner
    painted here (a picture of a creation)         no owner; it may be begun from while its creation is shown

Others never see a picture that was brought along, and go at least as far from it as the creation they go on from went.
That holds along any chain of re-runs and remixes, since each link names the same owner. Knows rows, no storage.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update
from sqlmodel import Session

from core.counting import at_once
from core.models import creations, people, pictures

# How far the GPU service goes from a start picture if it is not told (`gpu/engine.py`).
USUAL_STRENGTH = 0.6
TAKEN_BACK = "start_taken_back"


def strength_for(person_id: int, owner_id: int | None, chosen: float | None, parent: float | None) -> float | None:
    """How far somebody goes from the start picture of a creation they go on from; None is USUAL_STRENGTH.

    Args:
        owner_id: who brought the picture along; None for a picture that was painted here.
        chosen: how far they want to go. parent: how far that creation went.
    """
    if owner_id in (None, person_id) or _far(chosen) >= _far(parent):
        return chosen
    return parent


def may_begin(connection: Connection, start: Any, person_id: int) -> bool:
    """Whether somebody may begin from this start picture now.

    Args:
        start: a row of a creation, or anything with its start_key, start_url and start_owner_id.
    """
    if start.start_owner_id == person_id or not (start.start_key or start.start_url):
        return True
    if start.start_owner_id is None:  # an address is of a photo that is public on X
        return bool(start.start_url) or _is_painted_here(connection, start.start_key, person_id)
    hidden = select(people.c.id).where(people.c.id == start.start_owner_id, people.c.hidden_at.is_not(None))
    return connection.execute(hidden).first() is None and _owner_lets(connection, start)


def was_taken_back(creation: Any) -> bool:
    """Whether a creation began from a picture that its owner has taken back since."""
    return creation.start_owner_id is not None and not (creation.start_key or creation.start_url)


def begun_by_others(session: Session, creation_ids: Collection[int]) -> list[int]:
    """Creations of others that begin from pictures whose owners brought them along to these creations."""
    owned = _owned(session, creation_ids)
    return [one for start in owned for one in session.execute(_of_others(start)).scalars()]


def take_back_starts(session: Session, creation_ids: Collection[int]) -> None:
    """The owners of these creations delete them: nobody else begins from the pictures they brought along for them.

    A picture stays where its owner has another creation that begins from it. The file goes with the owner's creation.
    """
    for start in _owned(session, creation_ids):
        own = select(creations.c.id).where(
            creations.c.person_id == start.start_owner_id,
            creations.c.start_owner_id == start.start_owner_id,
            creations.c.deleted_at.is_(None),
            creations.c.id.not_in(creation_ids),
            _same(start),
        )
        if session.execute(own.limit(1)).first() is None:
            _strip(session, session.execute(_of_others(start)).scalars().all())


def take_back_all_starts(session: Session, owner_id: int) -> None:
    """An owner is erased: nobody begins any more from what they ever brought along."""
    others = (creations.c.start_owner_id == owner_id, creations.c.person_id != owner_id)
    _strip(session, session.execute(select(creations.c.id).where(*others)).scalars().all())


def _far(strength: float | None) -> float:
    return USUAL_STRENGTH if strength is None else strength


def _is_painted_here(connection: Connection, key: str, person_id: int) -> bool:
    """Whether it is a picture of a creation that everybody may see, or of their own."""
    seen = or_(
        creations.c.shown_at.is_not(None), and_(creations.c.person_id == person_id, creations.c.deleted_at.is_(None))
    )
    wanted = select(pictures.c.id).join(creations).where(pictures.c.key == key, seen)
    return connection.execute(wanted.limit(1)).first() is not None


def _owner_lets(connection: Connection, start: Any) -> bool:
    """Whether an owner neither hides nor deleted all that they made from it; so do owners who made nothing here.

    What a check held back was painted and is not shown: it does not count either.
    """
    open_one = and_(
        creations.c.deleted_at.is_(None),
        creations.c.hidden_at.is_(None),
        or_(creations.c.shown_at.is_not(None), creations.c.painted_at.is_(None)),
    )
    own = select(open_one).where(
        creations.c.start_owner_id == start.start_owner_id,
        creations.c.person_id == start.start_owner_id,
        _same(start),
    )
    answers = list(connection.execute(own).scalars())
    return not answers or any(answers)


def _owned(session: Session, creation_ids: Collection[int]) -> list[Any]:
    """The start pictures that these creations' own authors brought along, each once."""
    mine = creations.c.start_owner_id == creations.c.person_id
    found = select(creations.c.start_owner_id, creations.c.start_key, creations.c.start_url).distinct()
    return list(session.execute(found.where(creations.c.id.in_(creation_ids), mine, _has_start())))


def _of_others(start: Any) -> Any:
    others = (creations.c.start_owner_id == start.start_owner_id, creations.c.person_id != start.start_owner_id)
    return select(creations.c.id).where(*others, _same(start)).order_by(creations.c.id)


def _same(start: Any) -> ColumnElement[bool]:
    """Begins from the same picture: the same file, or the same address of one that is not fetched yet."""
    same = []
    if start.start_key:
        same.append(creations.c.start_key == start.start_key)
    if start.start_url:
        same.append(creations.c.start_url == start.start_url)
    return or_(*same)


def _has_start() -> ColumnElement[bool]:
    return or_(creations.c.start_key.is_not(None), creations.c.start_url.is_not(None))


def _strip(session: Session, creation_ids: Iterable[int]) -> None:
    """They lose their start picture. The id of its owner stays and tells that they began from something that is gone:
    what waits to be painted from it is refused when its turn comes (`worker/start_picture.py`)."""
    for ids in at_once(creation_ids):
        session.execute(update(creations).where(creations.c.id.in_(ids)).values(start_key=None, start_url=None))
