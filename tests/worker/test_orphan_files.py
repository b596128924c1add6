"""Files that no row names are removed after a day, and no others."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.models import Picture
from core.storage import SHARDS, FolderStorage
from tests.support.rows import make_creation
from worker import orphan_files
from worker.orphan_files import OrphanFiles

LONG_AGO = (now() - timedelta(days=2)).timestamp()
NEVER_NEEDED: Callable[[str], bool] = lambda _key: False  # noqa: E731


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "pictures")


def put(storage: FolderStorage, data: bytes, *, old: bool = True) -> str:
    key = storage.put(data, "webp")
    if old:
        os.utime(storage.folder / key, (LONG_AGO, LONG_AGO))
    return key


def files(storage: FolderStorage) -> set[str]:
    return {str(path.relative_to(storage.folder)) for path in storage.folder.rglob("*") if path.is_file()}


def sweep_all(sweep: OrphanFiles) -> int:
    """Run through all shards. Returns how many files were removed."""
    return sum(sweep.run_once() for _ in SHARDS)


def with_picture(engine: Engine, storage: FolderStorage) -> set[str]:
    """Insert a creation with all files that it can have. Returns the file names."""
    names = ("key", "thumb_key", "thumb_avif_key", "wide_key", "wide_avif_key", "start")
    keys: dict[str, Any] = {name: put(storage, name.encode()) for name in names}
    creation_id = make_creation(engine, init_image_key=keys.pop("start"), with_post=False)
    with write_session(engine) as session:
        sizes: dict[str, Any] = {
            "width": 1,
            "height": 1,
            "thumb_width": 1,
            "thumb_height": 1,
            "size": 1,
            "seed": 1,
            "position": 0,
        }
        session.add(Picture(creation_id=creation_id, mime="image/webp", placeholder="data:,", **sizes, **keys))
    return files(storage)


def test_orphans_are_removed_after_a_day_and_named_files_stay(engine: Engine, storage: FolderStorage) -> None:
    needed = with_picture(engine, storage)
    put(storage, b"painted, and killed before it was marked")
    young = put(storage, b"painted a moment ago", old=False)
    unfinished = storage.folder / young[:2] / ".new-abc"
    unfinished.write_bytes(b"half")
    os.utime(unfinished, (LONG_AGO, LONG_AGO))
    (storage.folder / young[:2] / ".new-young").write_bytes(b"half")
    assert sweep_all(OrphanFiles(engine, storage)) == 2
    assert files(storage) == needed | {young, f"{young[:2]}/.new-young"}


def test_unknown_files_are_left_alone(engine: Engine, storage: FolderStorage) -> None:
    for name in ("marker", "ab/notes.txt", "uploads/7-abc.webp", "ab/cd/deep.webp"):
        path = storage.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (LONG_AGO, LONG_AGO))
    before = files(storage)
    assert sweep_all(OrphanFiles(engine, storage)) == 0
    assert files(storage) == before


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_large_shard_takes_several_runs(
    engine: Engine, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphan_files, "BATCH_SIZE", 10)
    folder = storage.folder / "ab"
    folder.mkdir(parents=True)
    for number in range(35):
        (folder / f"{number:030x}.webp").write_bytes(b"x")
        os.utime(folder / f"{number:030x}.webp", (LONG_AGO, LONG_AGO))
    sweep = OrphanFiles(engine, storage)
    sweep._shard = SHARDS.index("ab")
    assert [sweep.run_once() for _ in range(5)] == [10, 10, 10, 5, 0]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_database_that_names_few_files_is_reported_as_wrong(
    engine: Engine, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphan_files, "MAX_WITHOUT_NAMED", 3)
    needed = with_picture(engine, storage)
    for number in range(30):
        put(storage, b"of another database %d" % number)
    removed = sweep_all(OrphanFiles(engine, storage))
    assert removed <= 3 + len(needed)
    assert len(files(storage)) == len(needed) + 30 - removed
    assert needed < files(storage)


def discard(storage: FolderStorage, key: str, is_needed: Callable[[str], bool] = NEVER_NEEDED) -> bool:
    return storage.discard(key, yesterday(), is_needed)


def yesterday() -> datetime:
    return now() - timedelta(days=1)


def test_storing_a_file_again_renews_its_age(storage: FolderStorage) -> None:
    """A retry generates the same bytes as the job that was killed two days ago."""
    key = put(storage, b"the same")
    assert storage.old_files(key[:2], yesterday(), limit=9).names == [key]
    assert storage.put(b"the same", "webp") == key
    assert storage.old_files(key[:2], yesterday(), limit=9).names == []
    assert not discard(storage, key)
    assert storage.get(key) == b"the same"


def test_a_file_stored_during_its_removal_stays(storage: FolderStorage) -> None:
    key = put(storage, b"the same")

    def stored_meanwhile(_key: str) -> bool:
        storage.put(b"the same", "webp")
        return False

    discard(storage, key, stored_meanwhile)
    assert storage.get(key) == b"the same"
    assert files(storage) == {key}


def test_a_file_named_during_its_removal_stays(storage: FolderStorage) -> None:
    key = put(storage, b"the same")
    assert not discard(storage, key, lambda _key: True)
    assert files(storage) == {key}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_file_set_aside_before_a_crash_is_restored_or_removed(engine: Engine, storage: FolderStorage) -> None:
    needed = with_picture(engine, storage)
    aside = [sorted(needed)[0], put(storage, b"an orphan")]
    for key in aside:
        (storage.folder / key).rename(storage.folder / key[:2] / f".gone-{key[3:]}")
    assert sweep_all(OrphanFiles(engine, storage)) == 1
    assert files(storage) == needed


def test_a_missing_storage_has_no_files(storage: FolderStorage) -> None:
    assert storage.old_files("ab", yesterday(), limit=9) == ([], "")
