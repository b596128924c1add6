"""Decide who may see the file of a picture."""

from sqlalchemy import BindParameter, ColumnElement, Connection, or_, select

from core.models import FILES_OF_PICTURES, creations, people, pictures


def is_public_file(connection: Connection, key: str) -> bool:
    """Return whether the file belongs to a picture of a public creation, or is the avatar of a visible user."""
    is_visible = (people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    return _has_file(connection, key, creations.c.published_at.is_not(None)) or _is_avatar(connection, key, *is_visible)


def is_own_file(connection: Connection, key: str, viewer_id: int) -> bool:
    """Return whether the file belongs to a creation that the viewer may see as its author, or is their avatar."""
    is_own = people.c.id == viewer_id
    return _has_file(connection, key, *visible_to_owner(viewer_id)) or _is_avatar(connection, key, is_own)


def visible_to_owner(viewer_id: int | BindParameter[int]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for creations that the viewer made and may see, public or not.

    Deleted creations and those with a picture that the safety check flagged are hidden from their author, too.
    """
    siblings = pictures.alias("siblings")
    flagged = select(siblings.c.id).where(siblings.c.creation_id == creations.c.id, siblings.c.flagged)
    return creations.c.person_id == viewer_id, creations.c.deleted_at.is_(None), ~flagged.exists()


def _has_file(connection: Connection, key: str, *conditions: ColumnElement[bool]) -> bool:
    has_key = or_(*(column == key for column in FILES_OF_PICTURES))
    stmt = select(pictures.c.id).join(creations).where(has_key, *conditions).limit(1)
    return connection.execute(stmt).first() is not None


def _is_avatar(connection: Connection, key: str, *conditions: ColumnElement[bool]) -> bool:
    stmt = select(people.c.id).where(people.c.avatar_key == key, *conditions).limit(1)
    return connection.execute(stmt).first() is not None
