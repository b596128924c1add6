"""Check that all processes of an instance use the same picture folder: a marker file, and its key in the database.

The first process that writes pictures marks the folder. Later a folder without the marker is a wrong folder or a
replaced disk. Other processes would not find pictures written there, and nothing there may be deleted.
"""

import os
import secrets
from pathlib import Path

from sqlalchemy import Engine, select, update
from sqlmodel import Session

from core.database import database_now, insert_if_absent, read_connection, write_session
from core.errors import SettingsError
from core.models import instances
from core.private_files import mode_like

MARKER = ".threadpaint-instance"
ADOPT = "If its disk was replaced: restore the pictures, then run: threadpaint adopt-storage"


class WrongStorage(SettingsError):
    """STORAGE_URL names a folder that is not this instance's picture folder."""


def instance_key(engine: Engine) -> str:
    """Return the key that identifies this instance. It is created on first use."""
    with read_connection(engine) as connection:
        if key := connection.execute(select(instances.c.key)).scalar():
            return str(key)
    with write_session(engine) as session:
        return _create_key(session)


def require_storage(engine: Engine, folder: Path) -> str:
    """Return the instance's key if `folder` is its picture folder; mark the folder if none is marked yet.

    For processes that write pictures. Raises SettingsError with one line, and SQLAlchemyError.
    """
    try:
        return check_storage(engine, folder, may_mark=True)
    except OSError as error:
        raise SettingsError(f"STORAGE_URL: cannot save pictures in {folder}: {error.strerror}") from None


def check_storage(engine: Engine, folder: Path, *, may_mark: bool = False) -> str:
    """Return the instance's key if `folder` is its picture folder; empty if no folder is marked yet.

    `may_mark`: mark the folder in that case.

    Raises WrongStorage, OSError if the folder cannot be read or written, and SQLAlchemyError.
    """
    with read_connection(engine) as connection:
        row = connection.execute(select(instances)).first()
    marker = read_marker(folder)
    if row is not None and marker == row.key:
        return marker
    if marker:
        raise WrongStorage(f"STORAGE_URL: {folder} holds the pictures of another instance; name this one's. {ADOPT}")
    if row is None or row.storage_marked_at is None:
        return _mark(engine, folder) if may_mark else ""
    raise WrongStorage(
        f"STORAGE_URL: {folder} is not where this instance keeps its pictures ({MARKER} is missing): mount or name the "
        f"right folder. {ADOPT}"
    )


def adopt_storage(engine: Engine, folder: Path) -> str:
    """Mark `folder` as this instance's picture folder unconditionally. Return the instance's key. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with write_session(engine) as session:
        key = _create_key(session)
        _write_marker(folder, key)
        session.execute(update(instances).values(storage_marked_at=database_now(session.connection())))
        return key


def read_marker(folder: Path) -> str:
    """Return the key in the folder's marker; empty if there is none. Raises OSError if it cannot be read."""
    try:
        return (folder / MARKER).read_text(encoding="ascii", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _mark(engine: Engine, folder: Path) -> str:
    """Mark the folder, unless another process marks one at the same moment: then check against that one."""
    with write_session(engine) as session:
        key = _create_key(session)
        mine = update(instances).where(instances.c.storage_marked_at.is_(None))
        mine = mine.values(storage_marked_at=database_now(session.connection())).returning(instances.c.id)
        is_first = session.execute(mine).first() is not None
        if is_first:
            _write_marker(folder, key)
    return key if is_first else check_storage(engine, folder)


def _create_key(session: Session) -> str:
    """Return the key in the only row; create it if it is missing."""
    insert_if_absent(session, instances, id=1, key=secrets.token_hex(8), created_at=database_now(session.connection()))
    return str(session.execute(select(instances.c.key)).scalar_one())


def _write_marker(folder: Path, key: str) -> None:
    """Write the marker atomically, even in case of a power cut."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{MARKER}.new"
    with fresh.open("w", encoding="ascii") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(mode_like(folder))  # the gallery may run as another user
    fresh.replace(folder / MARKER)
