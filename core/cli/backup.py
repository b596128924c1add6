"""Back up an instance while it runs: first the database, then the pictures.

In this order the copy holds every picture that its database names, except pictures that were deleted meanwhile. The
queue needs no backup: the rows fill it again.
"""

import os
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Engine

from core.clock import now
from core.errors import ThreadpaintError
from core.instance import MARKER, check_storage
from core.storage import ASIDE, KEY, SHARDS

MIB = 2**20


@dataclass(frozen=True)
class Backup:
    """A finished backup: its folder or .tar file, how many pictures it holds, and its size in bytes."""

    path: Path
    pictures: int
    bytes: int

    def __str__(self) -> str:
        """Return the line for a terminal."""
        return f"{self.path}: database and {self.pictures:,} pictures, {self.bytes / MIB:,.1f} MiB"

    def as_json(self) -> dict[str, str | int]:
        """Return the JSON object."""
        return {"path": str(self.path), "pictures": self.pictures, "bytes": self.bytes}


def back_up(engine: Engine, storage: Path, destination: Path, *, as_tar: bool = False) -> Backup:
    """Copy database and pictures to `threadpaint-<UTC time>` in the destination, as a folder or a .tar file.

    An interrupted backup leaves only a `.partial` folder behind. Raises ThreadpaintError with the reason.
    """
    check_storage(engine, storage)
    name = f"threadpaint-{now():%Y%m%dT%H%M%SZ}"
    partial = destination / f"{name}.partial"
    try:
        partial.mkdir(parents=True)
        return _back_up(engine.url, storage, partial, destination / (f"{name}.tar" if as_tar else name))
    except (OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ThreadpaintError(f"backup to {destination} failed: {_reason(error)}") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _back_up(url: URL, storage: Path, partial: Path, path: Path) -> Backup:
    database = _dump_database(url, partial)
    if path.suffix != ".tar":
        pictures = _add_pictures(storage, partial / "pictures", _copy)
        partial.rename(path)
        return Backup(path, pictures, sum(file.stat().st_size for file in path.rglob("*") if file.is_file()))
    archive = partial / path.name
    with tarfile.open(archive, "w") as tar:
        tar.add(database, f"{path.stem}/{database.name}")
        pictures = _add_pictures(storage, Path(path.stem) / "pictures", tar.add)
    archive.rename(path)
    shutil.rmtree(partial)
    return Backup(path, pictures, path.stat().st_size)


def _dump_database(url: URL, folder: Path) -> Path:
    if url.get_backend_name() == "sqlite":
        return _copy_sqlite(Path(url.database or ""), folder / "threadpaint.db")
    return _dump_postgres(url, folder / "threadpaint.dump")


def _copy_sqlite(source: Path, target: Path) -> Path:
    """Copy in one read transaction: writers continue, and the copy is one consistent state."""
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it
        [problem] = copy.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise ThreadpaintError(f"the copy of {source} is damaged: {problem}")
    return target


def _dump_postgres(url: URL, target: Path) -> Path:
    """Dump with pg_dump's custom format, which `pg_restore` reads. The password is passed in the environment."""
    program = shutil.which("pg_dump")
    if program is None:
        raise ThreadpaintError(
            "pg_dump is not installed: install the PostgreSQL client of the server's version, "
            "or use the backups of your database host, and copy the folder of STORAGE_URL"
        )
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    command = [program, "--format=custom", "--no-owner", f"--file={target}", f"--dbname={address}"]
    environment = os.environ | ({"PGPASSWORD": url.password} if url.password else {})
    subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603  # no shell
    return target


def _add_pictures(storage: Path, target: Path, add: Callable[[Path, Path], object]) -> int:
    """Add each picture and the instance's marker. Pictures that are deleted meanwhile are skipped."""
    count = 0
    for name, path in _pictures(storage):
        try:
            add(path, target / name)
            count += 1
        except FileNotFoundError:
            continue
    if (storage / MARKER).is_file():
        add(storage / MARKER, target / MARKER)
    return count


def _pictures(storage: Path) -> Iterator[tuple[str, Path]]:
    for shard in SHARDS:
        folder = storage / shard
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            # A picture that is set aside may be put back (`FolderStorage.discard`).
            name = f"{shard}/{path.name.removeprefix(ASIDE)}"
            if KEY.fullmatch(name):
                yield name, path


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return (error.stderr or str(error)).strip().splitlines()[-1]
    return getattr(error, "strerror", None) or str(error)
