"""What an instance stores is closed to the other users of its machine, also what earlier versions left open."""

import os
import stat

import pytest

from core.private_files import keep_private
from core.storage import FolderStorage
from core.uploads import Uploads
from tests.support.servers import process


@pytest.fixture(autouse=True)
def usual_mask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def put(path, bits):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    path.chmod(bits)
    return path


def open_instance(folder):
    for name in ("threadpaint.db", "threadpaint.db-wal", "logs/poller.log", "pictures/ab/1.webp", "queue/a.aof"):
        put(folder / name, 0o644)
    folder.chmod(0o755)
    return folder


def test_what_was_left_open_is_closed(tmp_path):
    folder = open_instance(tmp_path / "data")
    keep_private(folder)
    assert mode(folder) == 0o700
    assert {mode(folder / name) for name in ("pictures", "logs", "queue")} == {0o700}
    assert {mode(folder / name) for name in ("threadpaint.db", "threadpaint.db-wal")} == {0o600}


def test_a_folder_with_things_of_others_stays_open_and_what_is_ours_in_it_does_not(tmp_path):
    folder = open_instance(tmp_path / "data")
    site = put(folder / "website" / "index.html", 0o644)
    keep_private(folder)
    assert (mode(folder), mode(site.parent), mode(site)) == (0o755, 0o755, 0o644)
    assert (mode(folder / "threadpaint.db"), mode(folder / "pictures")) == (0o600, 0o700)


def test_no_link_is_followed_out_of_the_folder(tmp_path):
    elsewhere = put(tmp_path / "elsewhere" / "pictures.txt", 0o644)
    folder = open_instance(tmp_path / "data")
    (folder / "queue.sock").symlink_to(elsewhere)
    keep_private(folder)
    assert mode(elsewhere) == 0o644


@pytest.mark.parametrize("what", ["missing", "a file"])
def test_a_folder_that_is_none_is_no_error_here(tmp_path, what):
    if what == "a file":
        put(tmp_path / "data", 0o644)
    keep_private(tmp_path / "data")


def test_a_start_makes_a_private_folder_and_database(tmp_path):
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), "ENV_FILE": ""}
    with process("-m", "core", "migrate", environment=environment) as child:
        assert child.wait(60) == 0
    assert (mode(tmp_path / "data"), mode(tmp_path / "data" / "threadpaint.db")) == (0o700, 0o600)


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o700, 0o600), (0o750, 0o640), (0o755, 0o644)])
def test_pictures_are_as_open_as_their_folder(tmp_path, folder_mode, file_mode):
    """A web server that serves STORAGE_URL runs as another user: its operator opens that folder."""
    os.umask(0o077)
    folder = tmp_path / "pictures"
    folder.mkdir()
    folder.chmod(folder_mode)
    path = folder / FolderStorage(folder).put(b"a picture", "webp")
    assert (mode(path), mode(path.parent)) == (file_mode, folder_mode)


def test_uploads_are_closed_wherever_they_are(tmp_path):
    tmp_path.chmod(0o755)
    uploads = Uploads(tmp_path)
    uploads.folder.mkdir(mode=0o755)
    uploads.keep(1, b"a photo")
    assert mode(uploads.folder) == 0o700
