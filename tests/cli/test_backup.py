"""Test `threadpaint backup`: consistent while the instance writes, complete, and honest when it fails."""

import os
import shutil
import sqlite3
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlmodel import SQLModel
from typer.testing import CliRunner

from cli.app import app
from core.cli.backup import back_up
from core.database import open_database, read_connection
from core.errors import ThreadpaintError
from core.instance import MARKER, require_storage
from core.models import creations
from core.storage import FolderStorage
from tests.support.postgres import find_binaries
from tests.support.rows import make_creation, make_person


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'live.db'}")
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def storage(tmp_path: Path, sqlite: Engine) -> FolderStorage:
    """A bound storage with two pictures and the remains of an unfinished one."""
    folder = tmp_path / "pictures"
    storage = FolderStorage(folder, require_storage(sqlite, folder))
    keys = [storage.put(data, "webp") for data in (b"one", b"two")]
    (folder / keys[0]).with_name(".new-unfinished").write_bytes(b"half")
    return storage


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_backup_holds_database_pictures_and_marker(sqlite: Engine, storage: FolderStorage, tmp_path: Path) -> None:
    make_creation(sqlite)
    backup = back_up(sqlite, storage.folder, tmp_path / "backups")
    pictures = [name for name in files_in(storage.folder) if ".new-" not in name]
    assert files_in(backup.path) == sorted(["threadpaint.db", *(f"pictures/{name}" for name in pictures)])
    assert (backup.pictures, MARKER in pictures) == (2, True)
    copy = open_database(f"sqlite:///{backup.path / 'threadpaint.db'}")
    with read_connection(copy) as connection:
        assert len(connection.execute(select(creations.c.id)).all()) == 1
    copy.dispose()


def test_tar_holds_the_same_files(sqlite: Engine, storage: FolderStorage, tmp_path: Path) -> None:
    backup = back_up(sqlite, storage.folder, tmp_path / "backups", as_tar=True)
    with tarfile.open(backup.path) as tar:
        names = {Path(*Path(name).parts[1:]).as_posix() for name in tar.getnames()}
    pictures = {f"pictures/{name}" for name in files_in(storage.folder) if ".new-" not in name}
    assert names == {"threadpaint.db"} | pictures
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [backup.path.name]


def test_backup_is_consistent_while_rows_are_written(sqlite: Engine, storage: FolderStorage, tmp_path: Path) -> None:
    stopped = threading.Event()

    def write() -> None:
        while not stopped.is_set():
            make_creation(sqlite, pictures=2)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup = back_up(sqlite, storage.folder, tmp_path / "backups")
    finally:
        stopped.set()
        writer.join()
    with closing(sqlite3.connect(backup.path / "threadpaint.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        [count] = copy.execute("SELECT count(*) FROM creation").fetchone()
        assert copy.execute("SELECT count(*) FROM picture").fetchone() == (2 * count,)


def test_failed_backup_leaves_nothing_behind(
    sqlite: Engine, storage: FolderStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_paths: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", fail)
    with pytest.raises(ThreadpaintError, match="failed: No space left on device"):
        back_up(sqlite, storage.folder, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_folder_of_another_instance_is_not_backed_up(sqlite: Engine, storage: FolderStorage, tmp_path: Path) -> None:
    with pytest.raises(ThreadpaintError, match="is not where this instance keeps its pictures"):
        back_up(sqlite, tmp_path / "unmounted", tmp_path / "backups")


@pytest.mark.postgres
def test_postgresql_is_dumped_with_pg_dump(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries = find_binaries()
    assert binaries is not None
    engine = open_database(postgres_url)
    SQLModel.metadata.create_all(engine)
    monkeypatch.setenv("PATH", f"{binaries}{os.pathsep}{os.environ['PATH']}")
    backup = back_up(engine, tmp_path / "pictures", tmp_path / "backups")
    command = [str(binaries / "pg_restore"), "--list", str(backup.path / "threadpaint.dump")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "TABLE DATA public creation " in listed.stdout
    engine.dispose()


@pytest.mark.postgres
def test_without_pg_dump_the_error_says_what_to_install(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(postgres_url)
    SQLModel.metadata.create_all(engine)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ThreadpaintError, match="pg_dump is not installed: install the PostgreSQL client"):
        back_up(engine, tmp_path / "pictures", tmp_path / "backups")
    engine.dispose()


def test_command_prints_where_the_backup_is(tmp_path: Path) -> None:
    environment = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "", "STORAGE_URL": ""}
    assert CliRunner().invoke(app, ["migrate"], env=environment).exit_code == 0
    engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
    make_creation(engine, person_id=make_person(engine))
    engine.dispose()
    result = CliRunner().invoke(app, ["backup"], env=environment)
    [backup] = (tmp_path / "backups").iterdir()
    assert result.output.startswith(f"{backup}: database and 0 pictures, ")
    assert backup.stat().st_mode & 0o077 == 0
