"""All processes of an instance keep their pictures in one folder; another one is noticed, and nothing is lost."""

import re
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


def test_the_first_who_keeps_pictures_marks_the_folder(engine: Engine, folder: Path) -> None:
    assert check_storage(engine, folder) == ""
    assert not folder.exists()
    key = require_storage(engine, folder)
    assert (folder / MARKER).read_text().strip() == key == instance_key(engine)
    assert check_storage(engine, folder) == require_storage(engine, folder) == key


def test_another_folder_is_refused_and_not_touched(engine: Engine, folder: Path, tmp_path: Path) -> None:
    require_storage(engine, folder)
    other = tmp_path / "other"
    with pytest.raises(WrongStorage, match=rf"STORAGE_URL: {re.escape(str(other))} is not where this instance keeps"):
        require_storage(engine, other)
    assert not other.exists()


def test_a_folder_of_another_instance_is_refused(engine: Engine, folder: Path) -> None:
    folder.mkdir()
    (folder / MARKER).write_text("0123456789abcdef\n")
    with pytest.raises(WrongStorage, match="pictures of another instance"):
        require_storage(engine, folder)
    assert (folder / MARKER).read_text() == "0123456789abcdef\n"


def test_a_replaced_disk_is_adopted_when_the_operator_says_so(engine: Engine, folder: Path) -> None:
    key = require_storage(engine, folder)
    (folder / MARKER).unlink()
    with pytest.raises(WrongStorage, match="python -m core adopt-storage"):
        check_storage(engine, folder)
    assert adopt_storage(engine, folder) == key == check_storage(engine, folder)


def test_a_folder_that_cannot_be_made_is_one_line(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="STORAGE_URL: cannot keep pictures in"):
        require_storage(engine, tmp_path / "file" / PICTURES)


def test_nothing_is_kept_read_or_deleted_in_a_wrong_folder(engine: Engine, folder: Path) -> None:
    storage = FolderStorage(folder, require_storage(engine, folder))
    key = storage.put(b"picture", "webp")
    (folder / MARKER).rename(folder / "away")  # the disk is unmounted
    for verb in (storage.check_room, lambda: storage.get(key), lambda: storage.delete(key)):
        with pytest.raises(TryLater, match="not the folder of this instance") as refused:
            verb()
        assert not refused.value.counted
        assert refused.value.after > 0
    with pytest.raises(TryLater):
        storage.put(b"another", "webp")
    assert outages.ongoing(STORAGE)
    (folder / "away").rename(folder / MARKER)
    assert storage.get(key) == b"picture"
    outages.over(STORAGE)


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
def test_an_unknown_scheme_is_refused_without_the_address(url: str) -> None:
    with pytest.raises(SettingsError, match="STORAGE_URL is wrong: pictures are kept in a folder") as refused:
        load(StorageSettings, storage_url=url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["/srv/a:b/pictures", "file:///srv/a:b/pictures"])
def test_a_path_is_taken_as_it_is(url: str) -> None:
    assert load(StorageSettings, storage_url=url).folder == Path("/srv/a:b/pictures")


@pytest.mark.parametrize("module", ["worker", "gallery"])
def test_a_process_does_not_start_with_a_scheme_that_it_does_not_know(module: str, tmp_path: Path) -> None:
    done = run(module, DATA_DIR=str(tmp_path), STORAGE_URL="s3://bucket/pictures", **KEYS)
    assert done.returncode != 0
    assert "STORAGE_URL is wrong: pictures are kept in a folder" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_worker_of_another_folder_does_not_start_until_it_is_adopted(tmp_path: Path) -> None:
    here, other = {"DATA_DIR": str(tmp_path)}, {"DATA_DIR": str(tmp_path), "STORAGE_URL": str(tmp_path / "other")}
    assert run("core", "migrate", **here).returncode == 0
    assert run("core", "adopt-storage", **here).stdout == f"this instance keeps its pictures in {tmp_path / PICTURES}\n"
    done = run("worker", **other, **KEYS)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"worker: STORAGE_URL: {tmp_path / 'other'} is not where this instance keeps")
    assert run("core", "adopt-storage", **other).returncode == 0
    done = run("worker", "--burst", **other, REDIS_URL="redis://127.0.0.1:1", **KEYS)
    assert "STORAGE_URL" not in done.stderr
