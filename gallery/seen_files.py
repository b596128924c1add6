"""Who may see a picture's file, and what an author sees of their own though it does not hang. Core selects only."""

from sqlalchemy import BindParameter, ColumnElement, Connection, or_, select

from core.models import FILES_OF_PICTURES, creations, pictures


def is_shown(connection: Connection, key: str) -> bool:
    """Whether a file is a picture of a creation that is visible. Who knows the address of another gets nothing."""
    return _has_file(connection, key, creations.c.shown_at.is_not(None))


def is_own(connection: Connection, key: str, viewer_id: int) -> bool:
    """Whether a file is a picture of a creation that its author may see, though it does not hang."""
    return _has_file(connection, key, *own(viewer_id))


def own(viewer_id: int | BindParameter[int]) -> tuple[ColumnElement[bool], ...]:
    """What its author sees though it does not hang; what is taken back or a check held back is gone for them, too."""
    other = pictures.alias("other")
    flagged = select(other.c.id).where(other.c.creation_id == creations.c.id, other.c.flagged)
    return creations.c.person_id == viewer_id, creations.c.deleted_at.is_(None), ~flagged.exists()


def _has_file(connection: Connection, key: str, *of_which: ColumnElement[bool]) -> bool:
    its_files = or_(*(column == key for column in FILES_OF_PICTURES))
    wanted = select(pictures.c.id).join(creations).where(its_files, *of_which).limit(1)
    return connection.execute(wanted).first() is not None
