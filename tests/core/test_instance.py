"""All processes of an instance store pictures in one folder. Another folder is rejected, and nothing is lost."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.errors import SettingsError, TryLater
from core.instance import MARKER, WrongStorage, adopt_storage, check_storage, instance_key, require_storage
from core.outage import STORAGE, outages
from core.settings import StorageSettings, load
from core.storage import FolderStorage
from tests.core.test_commands import KEYS, run

PICTURES = "pictures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / PICTURES


def test_the_first_process_marks_the_folder(engine: Engine, folder: Path) -> None:
    assert check_storage(engine, folder) == ""
    assert not folder.exists()
    key = require_storage(engine, folder)
    assert (folder / MARKER).read_text().strip() == key == instance_key(engine)
    assert check_storage(engine, folder) == require_storage(engine, folder) == key


def test_another_folder_is_rejected_and_not_created(engine: Engine, folder: Path, tmp_path: Path) -> None:
    require_storage(engine, folder)
    other = tmp_path / "other"
    with pytest.raises(WrongStorage, match=rf"STORAGE_URL: {re.escape(str(other))} is not where this instance keeps"):
        require_storage(engine, other)
    assert not other.exists()


def test_a_folder_of_another_instance_is_rejected(engine: Engine, folder: Path) -> None:
    folder.mkdir()
    (folder / MARKER).write_text("0123456789abcdef\n")
    with pytest.raises(WrongStorage, match="pictures of another instance"):
        require_storage(engine, folder)
    assert (folder / MARKER).read_text() == "0123456789abcdef\n"


def test_a_replaced_disk_can_be_adopted(engine: Engine, folder: Path) -> None:
    key = require_storage(engine, folder)
    (folder / MARKER).unlink()
    with pytest.raises(WrongStorage, match="threadpaint adopt-storage"):
        check_storage(engine, folder)
    assert adopt_storage(engine, folder) == key == check_storage(engine, folder)


def test_a_folder_that_cannot_be_created_is_a_settings_error(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="STORAGE_URL: cannot save pictures in"):
        require_storage(engine, tmp_path / "file" / PICTURES)


def test_put_get_and_delete_fail_in_a_wrong_folder(engine: Engine, folder: Path) -> None:
    storage = FolderStorage(folder, require_storage(engine, folder))
    key = storage.put(b"picture", "webp")
    (folder / MARKER).rename(folder / "away")  # the disk is unmounted
    calls: list[Callable[[], object]] = [storage.check_room, lambda: storage.get(key), lambda: storage.delete(key)]
    for call in calls:
        with pytest.raises(TryLater, match="not the folder of this instance") as caught:
            call()
        assert not caught.value.counted
        assert caught.value.after > 0
    with pytest.raises(TryLater):
        storage.put(b"another", "webp")
    assert outages.is_ongoing(STORAGE)
    (folder / "away").rename(folder / MARKER)
    assert storage.get(key) == b"picture"
    outages.end(STORAGE)


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/pictures",
        "S3://b",
        "gs://b/p",
        "https://user:secret@host/p",
        "file://host/p",
        "file:p",
        "s3:/b",
        "c:/p",
    ],
)
def test_an_unknown_scheme_is_rejected_without_showing_the_url(url: str) -> None:
    with pytest.raises(SettingsError, match="STORAGE_URL is wrong: pictures are stored in a folder") as refused:
        load(StorageSettings, storage_url=url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["/srv/a:b/pictures", "file:///srv/a:b/pictures"])
def test_a_path_with_a_colon_is_accepted(url: str) -> None:
    assert load(StorageSettings, storage_url=url).folder == Path("/srv/a:b/pictures")


@pytest.mark.processes
@pytest.mark.parametrize("module", ["worker", "gallery"])
def test_a_process_does_not_start_with_an_unknown_scheme(module: str, tmp_path: Path) -> None:
    done = run(module, DATA_DIR=str(tmp_path), STORAGE_URL="s3://bucket/pictures", **KEYS)
    assert done.returncode != 0
    assert "STORAGE_URL is wrong: pictures are stored in a folder" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.processes
@pytest.mark.usefixtures("migrated_engine")
def test_a_worker_does_not_start_until_its_folder_is_adopted(tmp_path: Path) -> None:
    here, other = {"DATA_DIR": str(tmp_path)}, {"DATA_DIR": str(tmp_path), "STORAGE_URL": str(tmp_path / "other")}
    assert run("core", "adopt-storage", **here).stdout == f"this instance keeps its pictures in {tmp_path / PICTURES}\n"
    done = run("worker", **other, **KEYS)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"worker: STORAGE_URL: {tmp_path / 'other'} is not where this instance keeps")
    assert run("core", "adopt-storage", **other).returncode == 0
    done = run("worker", "--burst", **other, REDIS_URL="redis://127.0.0.1:1", **KEYS)
    assert "STORAGE_URL" not in done.stderr
