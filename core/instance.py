"""Make sure that all processes of an instance see the same pictures: a marker file, and its key in the database.

Whoever first keeps a picture marks the folder. Afterwards a folder without the marker is another one, or its disk was
replaced: pictures written there would be lost to all others, and nothing there may be deleted.
"""

import os
import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update
from sqlmodel import Session

from core.database import insert_new, reading, shared_now, transaction
from core.errors import SettingsError
from core.models import instances
from core.private_files import mode_like

MARKER = ".threadpaint-instance"
ADOPT = "If its disk was replaced: restore the pictures, then run: python -m core adopt-storage"


class WrongStorage(SettingsError):
    """STORAGE_URL names a folder that is not the one in which this instance keeps its pictures."""


def instance_key(engine: Engine) -> str:
    """Return the key that names this instance everywhere. Made once, at its first use."""
    with reading(engine) as connection:
        if key := connection.execute(select(instances.c.key)).scalar():
            return str(key)
    with transaction(engine) as session:
        return str(_row(session).key)


def require_storage(engine: Engine, folder: Path) -> str:
    """Return the instance's key if `folder` is the one of its pictures, marking it if it is the first. For who writes
    pictures. Raises SettingsError in one line, and SQLAlchemyError."""
    try:
        return check_storage(engine, folder, may_mark=True)
    except OSError as error:
        raise SettingsError(f"STORAGE_URL: cannot keep pictures in {folder}: {error.strerror}") from None


def check_storage(engine: Engine, folder: Path, *, may_mark: bool = False) -> str:
    """Return the instance's key if `folder` is the one of its pictures; empty if nobody has marked one yet.

    `may_mark`: then mark it. Raises WrongStorage, OSError if the folder cannot be read or written, and SQLAlchemyError.
    """
    with reading(engine) as connection:
        row = connection.execute(select(instances)).first()
    found = read_marker(folder)
    if row is not None and found == row.key:
        return found
    if found:
        raise WrongStorage(f"STORAGE_URL: {folder} holds the pictures of another instance; name this one's. {ADOPT}")
    if row is None or row.storage_marked_at is None:
        return _mark(engine, folder) if may_mark else ""
    raise WrongStorage(
        f"STORAGE_URL: {folder} is not where this instance keeps its pictures ({MARKER} is missing): mount or name the "
        f"right folder. {ADOPT}"
    )


def adopt_storage(engine: Engine, folder: Path) -> str:
    """Make `folder` the one of this instance, whatever was before. Returns the instance's key. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with transaction(engine) as session:
        row = _row(session)
        _write_marker(folder, row.key)
        session.execute(update(instances).values(storage_marked_at=shared_now(session.connection())))
        return str(row.key)


def read_marker(folder: Path) -> str:
    """Return the key in the folder's marker; empty if there is none. Raises OSError if it cannot be read."""
    try:
        return (folder / MARKER).read_text(encoding="ascii", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _mark(engine: Engine, folder: Path) -> str:
    """The first one marks; who comes at the same moment with another folder is refused."""
    with transaction(engine) as session:
        key = _row(session).key
        mine = update(instances).where(instances.c.storage_marked_at.is_(None))
        mine = mine.values(storage_marked_at=shared_now(session.connection())).returning(instances.c.id)
        is_first = session.execute(mine).first() is not None
        if is_first:
            _write_marker(folder, key)
    return str(key) if is_first else check_storage(engine, folder)


def _row(session: Session) -> Any:
    """The one row, made if it is not there."""
    insert_new(session, instances, id=1, key=secrets.token_hex(8), made_at=shared_now(session.connection()))
    return session.execute(select(instances)).one()


def _write_marker(folder: Path, key: str) -> None:
    """Whole or not at all, also after a power cut."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{MARKER}.new"
    with fresh.open("w", encoding="ascii") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(mode_like(folder))  # the gallery may be another user
    fresh.replace(folder / MARKER)
