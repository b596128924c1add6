"""Files of an instance are private to its user on the machine, also those that earlier versions left readable."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.private_files import keep_private
from core.storage import FolderStorage
from core.upload_store import UploadStore
from tests.support.forked_process import forked_process


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def put(path: Path, bits: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    path.chmod(bits)
    return path


def open_instance(folder: Path) -> Path:
    for name in ("threadpaint.db", "threadpaint.db-wal", "logs/poller.log", "pictures/ab/1.webp", "queue/a.aof"):
        put(folder / name, 0o644)
    folder.chmod(0o755)
    return folder


def test_readable_files_are_made_private(tmp_path: Path) -> None:
    folder = open_instance(tmp_path / "data")
    keep_private(folder)
    assert mode(folder) == 0o700
    assert {mode(folder / name) for name in ("pictures", "logs", "queue")} == {0o700}
    assert {mode(folder / name) for name in ("threadpaint.db", "threadpaint.db-wal")} == {0o600}


def test_files_of_other_programs_keep_their_permissions(tmp_path: Path) -> None:
    folder = open_instance(tmp_path / "data")
    site = put(folder / "website" / "index.html", 0o644)
    keep_private(folder)
    assert (mode(folder), mode(site.parent), mode(site)) == (0o755, 0o755, 0o644)
    assert (mode(folder / "threadpaint.db"), mode(folder / "pictures")) == (0o600, 0o700)


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere" / "pictures.txt", 0o644)
    folder = open_instance(tmp_path / "data")
    (folder / "queue.sock").symlink_to(elsewhere)
    keep_private(folder)
    assert mode(elsewhere) == 0o644


@pytest.mark.parametrize("what", ["missing", "a file"])
def test_a_missing_folder_is_no_error(tmp_path: Path, what: str) -> None:
    if what == "a file":
        put(tmp_path / "data", 0o644)
    keep_private(tmp_path / "data")


def test_a_new_folder_and_database_are_private(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), "ENV_FILE": ""}
    with forked_process("core", "migrate", environment=environment) as child:
        assert child.wait(60) == 0
    assert (mode(tmp_path / "data"), mode(tmp_path / "data" / "threadpaint.db")) == (0o700, 0o600)


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o700, 0o600), (0o750, 0o640), (0o755, 0o644)])
def test_pictures_have_the_permissions_of_their_folder(tmp_path: Path, folder_mode: int, file_mode: int) -> None:
    """The operator may open the folder to a web server that runs as another user."""
    os.umask(0o077)
    folder = tmp_path / "pictures"
    folder.mkdir()
    folder.chmod(folder_mode)
    path = folder / FolderStorage(folder).put(b"a picture", "webp")
    assert (mode(path), mode(path.parent)) == (file_mode, folder_mode)


def test_uploads_are_always_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    uploads = UploadStore(tmp_path)
    uploads.folder.mkdir(mode=0o755)
    uploads.save(1, b"a photo")
    assert mode(uploads.folder) == 0o700
