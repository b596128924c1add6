"""Decide who may use an init image, at which strength, and what happens when its owner deletes it.

    uploaded, or a photo of a post   every creation that uses it names its owner
    a picture generated here         no owner; usable while its creation is public

Other users never see an uploaded init image, and use at least the strength of the creation that they re-run or remix.
That holds along any chain of re-runs and remixes, since each link names the same owner.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, update
from sqlmodel import Session

from core.counters import chunked
from core.models import creations, people, pictures

# Strength that the GPU service uses by default (`gpu/engine.py`).
DEFAULT_STRENGTH = 0.6
REMOVED_CODE = "start_taken_back"


class InitImage(Protocol):
    """An init image: a creation that uses it, or a row or form with these fields."""

    @property
    def init_image_key(self) -> str | None:
        """Its storage key, once it is stored."""

    @property
    def init_image_url(self) -> str | None:
        """Its URL on X."""

    @property
    def init_image_owner_id(self) -> int | None:
        """The user who uploaded it; None if it was generated here."""


def allowed_strength(person_id: int, owner_id: int | None, chosen: float | None, parent: float | None) -> float | None:
    """Return the strength for a re-run or remix. None stands for DEFAULT_STRENGTH.

    Args:
        owner_id: owner of the init image; None for a picture generated here.
        chosen: strength that the user chose.
        parent: strength of the creation that is re-run or remixed.
    """
    if owner_id in (None, person_id) or _strength(chosen) >= _strength(parent):
        return chosen
    return parent


def may_use_init_image(connection: Connection, image: InitImage, person_id: int) -> bool:
    """Return whether a user may use this init image now."""
    if image.init_image_owner_id == person_id or not (image.init_image_key or image.init_image_url):
        return True
    if image.init_image_owner_id is None:  # a URL means a photo that is public on X
        return bool(image.init_image_url) or _is_visible_picture(connection, image.init_image_key, person_id)
    hidden = select(people.c.id).where(people.c.id == image.init_image_owner_id, people.c.hidden_at.is_not(None))
    return connection.execute(hidden).first() is None and _is_shared_by_owner(connection, image)


def is_init_image_removed(creation: InitImage) -> bool:
    """Return whether the owner of a creation's init image has deleted it since."""
    return creation.init_image_owner_id is not None and not (creation.init_image_key or creation.init_image_url)


def used_by_others(session: Session, creation_ids: Collection[int]) -> list[int]:
    """Return creations of other users that use init images uploaded for these creations."""
    owned = _own_init_images(session, creation_ids)
    return [creation_id for image in owned for creation_id in session.execute(_others_stmt(image)).scalars()]


def remove_init_images(session: Session, creation_ids: Collection[int]) -> None:
    """Remove the init images that were uploaded for these creations from creations of other users.

    An image stays if its owner has another creation that uses it. The file is deleted with the owner's creation.
    """
    for image in _own_init_images(session, creation_ids):
        own = select(creations.c.id).where(
            creations.c.person_id == image.init_image_owner_id,
            creations.c.init_image_owner_id == image.init_image_owner_id,
            creations.c.deleted_at.is_(None),
            creations.c.id.not_in(creation_ids),
            _same_image(image),
        )
        if session.execute(own.limit(1)).first() is None:
            _clear_init_images(session, session.execute(_others_stmt(image)).scalars().all())


def remove_all_init_images(session: Session, owner_id: int) -> None:
    """Remove all init images of a user who is erased from creations of other users."""
    others = (creations.c.init_image_owner_id == owner_id, creations.c.person_id != owner_id)
    _clear_init_images(session, session.execute(select(creations.c.id).where(*others)).scalars().all())


def _strength(strength: float | None) -> float:
    return DEFAULT_STRENGTH if strength is None else strength


def _is_visible_picture(connection: Connection, key: str | None, person_id: int) -> bool:
    """Return whether the file is a picture of a public creation, or of one of the user's own."""
    seen = or_(
        creations.c.published_at.is_not(None),
        and_(creations.c.person_id == person_id, creations.c.deleted_at.is_(None)),
    )
    stmt = select(pictures.c.id).join(creations).where(pictures.c.key == key, seen)
    return connection.execute(stmt.limit(1)).first() is not None


def _is_shared_by_owner(connection: Connection, image: InitImage) -> bool:
    """Return whether the owner has a visible or pending creation that uses the image, or has none at all.

    A creation that the safety check withheld is neither public nor pending.
    """
    is_open = and_(
        creations.c.deleted_at.is_(None),
        creations.c.hidden_at.is_(None),
        or_(creations.c.published_at.is_not(None), creations.c.painted_at.is_(None)),
    )
    stmt = select(is_open).where(
        creations.c.init_image_owner_id == image.init_image_owner_id,
        creations.c.person_id == image.init_image_owner_id,
        _same_image(image),
    )
    open_flags = list(connection.execute(stmt).scalars())
    return not open_flags or any(open_flags)


def _own_init_images(session: Session, creation_ids: Collection[int]) -> Sequence[InitImage]:
    """Return the init images that the authors of these creations uploaded, each once."""
    mine = creations.c.init_image_owner_id == creations.c.person_id
    found = select(creations.c.init_image_owner_id, creations.c.init_image_key, creations.c.init_image_url).distinct()
    return session.execute(found.where(creations.c.id.in_(creation_ids), mine, _has_init_image())).all()


def _others_stmt(image: InitImage) -> Select[int]:
    others = (
        creations.c.init_image_owner_id == image.init_image_owner_id,
        creations.c.person_id != image.init_image_owner_id,
    )
    return select(creations.c.id).where(*others, _same_image(image)).order_by(creations.c.id)


def _same_image(image: InitImage) -> ColumnElement[bool]:
    """Return the condition for the same image: the same file, or the same URL of one that is not fetched yet."""
    same = []
    if image.init_image_key:
        same.append(creations.c.init_image_key == image.init_image_key)
    if image.init_image_url:
        same.append(creations.c.init_image_url == image.init_image_url)
    return or_(*same)


def _has_init_image() -> ColumnElement[bool]:
    return or_(creations.c.init_image_key.is_not(None), creations.c.init_image_url.is_not(None))


def _clear_init_images(session: Session, creation_ids: Iterable[int]) -> None:
    """Clear the init image of these creations. The owner's id stays, which marks the image as removed.

    Pending creations among them are refused when they are due (`worker/init_image.py`).
    """
    for ids in chunked(creation_ids):
        session.execute(
            update(creations).where(creations.c.id.in_(ids)).values(init_image_key=None, init_image_url=None)
        )
