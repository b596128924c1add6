"""AVIF copies are made once, after the reply, whatever is killed or deleted meanwhile."""

import io
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, features
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.deletion import soft_delete_creations
from core.imaging import Provenance, make_derivatives
from core.models import FILES_OF_PICTURES, Picture, pictures
from core.queue import AVIF, WorkQueue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, PurgeSettings, load
from core.storage import FolderStorage
from tests.support.query_plans import analyze, explained_statements
from tests.support.rows import make_creation, make_creations
from tests.support.sandbox_x import SandboxX
from worker.avif_copies import MAX_ATTEMPTS, MAX_QUEUED, AvifCopies, dispatch_avif
from worker.lookup_quota import DailyQuota
from worker.post_recheck import PostRecheck
from worker.purge import Purger
from worker.recovery import RecoveryLoop

PAUSE = 45.0
PAST = now() - timedelta(minutes=1)


def webp(width: int, height: int, color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, "PNG")
    return make_derivatives(buffer.getvalue(), Provenance("a fox", "Ada", "sketch", 1)).image.data


@pytest.fixture
def add(engine: Engine, storage: FolderStorage) -> Callable[..., int]:
    """Return a factory of painted creations whose AVIF copies are due. It takes a size, a color and columns."""

    def added(width: int = 512, height: int = 512, color: str = "teal", *, number: int = 1, **values: Any) -> int:
        creation_id = make_creation(engine, next_attempt_at=None)
        with write_session(engine) as session:
            for position in range(number):
                key = storage.put(webp(width, height, color), "webp")
                row: dict[str, Any] = {"key": key, "thumb_key": key, "thumb_width": width, "thumb_height": height}
                row |= {"width": width, "height": height, "mime": "image/webp", "size": 9, "seed": 1}
                row |= {"placeholder": "data:,", "avif_due_at": PAST, "position": position} | values
                session.add(Picture(creation_id=creation_id, **row))
        return creation_id

    return added


@pytest.fixture
def copies(engine: Engine, storage: FolderStorage) -> AvifCopies:
    return AvifCopies(engine, storage, PAUSE)


def rows(engine: Engine, creation_id: int) -> list[Any]:
    with read_connection(engine) as connection:
        stmt = select(pictures).where(pictures.c.creation_id == creation_id).order_by(pictures.c.position)
        return list(connection.execute(stmt))


def set_due(engine: Engine, **values: Any) -> None:
    with write_session(engine) as session:
        due = pictures.c.avif_due_at.is_not(None)
        session.execute(update(pictures).where(due).values(**({"avif_due_at": PAST} | values)))


def size_of(storage: FolderStorage, key: str) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(storage.get(key) or b"")) as image:
        return image.format, image.size


def files(storage: FolderStorage) -> set[str]:
    return {str(path.relative_to(storage.folder)) for path in storage.folder.rglob("*") if path.is_file()}


def named(engine: Engine) -> set[str]:
    with read_connection(engine) as connection:
        return {key for row in connection.execute(select(*FILES_OF_PICTURES)) for key in row if key}


def test_a_small_picture_gets_one_copy_of_its_own_size(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, storage: FolderStorage
) -> None:
    creation_id = add(512, 384)
    copies.make(creation_id)
    (row,) = rows(engine, creation_id)
    assert size_of(storage, row.thumb_avif_key) == ("AVIF", (512, 384))
    assert (row.wide_avif_key, row.avif_due_at) == (None, None)


@pytest.mark.parametrize(("width", "wide"), [(1024, 1024), (1104, 1104), (1344, 960)])
def test_a_large_picture_gets_a_small_and_a_large_copy(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, storage: FolderStorage, width: int, wide: int
) -> None:
    creation_id = add(width, width // 2, thumb_width=480, thumb_height=240)
    copies.make(creation_id)
    (row,) = rows(engine, creation_id)
    assert size_of(storage, row.thumb_avif_key) == ("AVIF", (480, 240))
    assert size_of(storage, row.wide_avif_key) == ("AVIF", (wide, wide // 2))
    assert (row.wide_width, row.wide_height) == (wide, wide // 2)


def test_earlier_pictures_get_the_copies_that_they_lack(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, storage: FolderStorage
) -> None:
    """Versions before this one made copies of 480 pixels, and of 960 of wide pictures."""
    thumb = {"thumb_width": 480, "thumb_height": 480, "thumb_avif_key": "ab/thumb.avif"}
    square = add(512, 512, **thumb)
    complete = add(1344, 768, wide_width=960, wide_height=549, wide_avif_key="ab/wide.avif", **thumb)
    for creation_id in (square, complete):
        copies.make(creation_id)
    (row,) = rows(engine, square)
    assert (row.thumb_avif_key, row.wide_width, row.wide_height) == ("ab/thumb.avif", 512, 512)
    assert size_of(storage, row.wide_avif_key) == ("AVIF", (512, 512))
    (row,) = rows(engine, complete)
    assert (row.thumb_avif_key, row.wide_avif_key, row.avif_due_at) == ("ab/thumb.avif", "ab/wide.avif", None)


def test_due_creations_are_enqueued_newest_first_a_few_at_a_time(
    add: Callable[..., int], engine: Engine, queue: WorkQueue
) -> None:
    ids = [add(8, 8, number=2) for _ in range(MAX_QUEUED + 3)]
    assert dispatch_avif(engine, queue, PAUSE) == MAX_QUEUED
    assert queue.queued_ids(AVIF) == set(ids[3:])
    assert dispatch_avif(engine, queue, PAUSE) == 0
    queue.connection.flushdb()
    assert dispatch_avif(engine, queue, PAUSE) == 3
    assert queue.queued_ids(AVIF) == set(ids[:3])


def test_a_picture_that_is_not_due_waits(add: Callable[..., int], engine: Engine, queue: WorkQueue) -> None:
    add(8, 8, avif_due_at=now() + timedelta(seconds=5))
    add(8, 8, avif_due_at=None)
    assert dispatch_avif(engine, queue, PAUSE) == 0


def test_the_recovery_loop_enqueues_lost_jobs_again(
    add: Callable[..., int], engine: Engine, dispatcher: Dispatcher, queue: WorkQueue
) -> None:
    creation_id = add(8, 8)
    recovery = RecoveryLoop(engine, dispatcher, load(JobSettings))
    assert [recovery.run_once(), recovery.run_once()] == [1, 0]
    queue.connection.flushdb()
    assert recovery.run_once() == 0
    set_due(engine)
    assert recovery.run_once() == 1
    assert queue.queued_ids(AVIF) == {creation_id}


def test_a_picture_that_kills_each_job_is_given_up(add: Callable[..., int], engine: Engine, queue: WorkQueue) -> None:
    creation_id = add(8, 8)
    for _ in range(MAX_ATTEMPTS):
        set_due(engine)
        assert dispatch_avif(engine, queue, PAUSE) == 1
        queue.connection.flushdb()
    set_due(engine)
    assert dispatch_avif(engine, queue, PAUSE) == 0
    (row,) = rows(engine, creation_id)
    assert (row.avif_due_at, row.thumb_avif_key) == (None, None)


def test_a_picture_that_cannot_be_encoded_fails_alone(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, storage: FolderStorage
) -> None:
    creation_id = add(16, 16, number=3)
    damaged = storage.put(b"not a picture", "webp")
    with write_session(engine) as session:
        session.execute(update(pictures).where(pictures.c.position == 1).values(key=damaged))
        session.execute(update(pictures).where(pictures.c.position == 2).values(key=f"ab/{'0' * 30}.webp"))
    copies.make(creation_id)
    assert [bool(row.thumb_avif_key) for row in rows(engine, creation_id)] == [True, False, False]
    assert [row.avif_due_at for row in rows(engine, creation_id)] == [None, None, None]


def test_a_repeated_job_changes_nothing(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, storage: FolderStorage
) -> None:
    creation_id = add()
    copies.make(creation_id)
    before = rows(engine, creation_id), files(storage)
    copies.make(creation_id)
    copies.make(10**9)
    assert (rows(engine, creation_id), files(storage)) == before


def test_a_job_that_is_killed_before_its_row_is_written_is_repeated(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, queue: WorkQueue, storage: FolderStorage
) -> None:
    creation_id = add(number=2)
    dispatch_avif(engine, queue, PAUSE)
    for picture in copies._load(creation_id):
        copies._store_copies(picture)  # the job dies here
    set_due(engine)
    queue.connection.flushdb()
    assert dispatch_avif(engine, queue, PAUSE) == 1
    copies.make(creation_id)
    assert all(row.thumb_avif_key for row in rows(engine, creation_id))
    assert files(storage) == named(engine)


def test_a_storage_that_is_away_uses_no_attempt(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, queue: WorkQueue, storage: FolderStorage
) -> None:
    creation_id = add(avif_attempts=MAX_ATTEMPTS - 1)
    dispatch_avif(engine, queue, PAUSE)
    storage.instance = "another one's"
    copies.make(creation_id)
    (row,) = rows(engine, creation_id)
    assert row.avif_attempts == MAX_ATTEMPTS - 1
    assert row.avif_due_at > now()
    storage.instance = ""
    copies.make(creation_id)
    assert rows(engine, creation_id)[0].thumb_avif_key


def test_a_machine_without_avif_leaves_pictures_to_others(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    creation_id = add(avif_attempts=1)
    monkeypatch.setattr(features, "check", lambda _name: False)
    assert dispatch_avif(engine, queue, PAUSE) == 0
    copies.make(creation_id)
    (row,) = rows(engine, creation_id)
    assert (row.thumb_avif_key, row.avif_attempts) == (None, 0)
    assert row.avif_due_at > now()


@pytest.fixture
def purger(engine: Engine, storage: FolderStorage, queue: WorkQueue, x: SandboxX) -> Purger:
    settings = load(PurgeSettings)
    quota = DailyQuota(queue, settings, load(BudgetSettings))
    return Purger(engine, x.client(), storage, PostRecheck(engine, x.client(), quota, settings), settings)


def delete(engine: Engine, purger: Purger, creation_id: int) -> None:
    with write_session(engine) as session:
        soft_delete_creations(session, [creation_id], "deleted")
    purger.run_once()


class Interrupted(FolderStorage):
    """A storage in which something happens after the first file is stored."""

    def __init__(self, folder: Path, happens: Callable[[], None]) -> None:
        super().__init__(folder)
        self.happens: list[Callable[[], None]] = [happens]

    def put(self, data: bytes, extension: str) -> str:
        key = super().put(data, extension)
        if self.happens:
            self.happens.pop()()
        return key


def test_a_picture_deleted_during_its_job_leaves_no_file(
    copies: AvifCopies, add: Callable[..., int], engine: Engine, purger: Purger, storage: FolderStorage
) -> None:
    same = add(color="teal")
    copies.make(same)
    for color in ("teal", "red"):
        creation_id = add(color=color)
        interrupted = Interrupted(storage.folder, partial(delete, engine, purger, creation_id))
        AvifCopies(engine, interrupted, PAUSE).make(creation_id)
        assert rows(engine, creation_id) == []
    assert files(storage) == named(engine)
    assert rows(engine, same)[0].thumb_avif_key in files(storage)


def test_a_row_id_that_is_used_again_gets_no_copy_of_the_deleted_picture(
    add: Callable[..., int], engine: Engine, purger: Purger, storage: FolderStorage
) -> None:
    """SQLite gives the id of a deleted last row to the next one."""
    creation_id = add(color="red")
    row_id = rows(engine, creation_id)[0].id
    others: list[int] = []

    def replace() -> None:
        delete(engine, purger, creation_id)
        others.append(add(color="blue", id=row_id))

    AvifCopies(engine, Interrupted(storage.folder, replace), PAUSE).make(creation_id)
    (row,) = rows(engine, others[0])
    assert (row.id, row.thumb_avif_key) == (row_id, None)
    assert files(storage) == named(engine)


@pytest.mark.parametrize("analyzed", [False, True])
def test_finding_due_pictures_reads_only_those(engine: Engine, queue: WorkQueue, analyzed: bool) -> None:
    make_creations(engine, 3000, with_pictures=True)
    with write_session(engine) as session:
        session.execute(update(pictures).where(pictures.c.id > 1000).values(avif_due_at=PAST))
    analyze(engine, on_sqlite=analyzed)
    with explained_statements(engine) as plans:
        assert dispatch_avif(engine, queue, PAUSE) == MAX_QUEUED
    of_pictures = [plan for plan in plans if "avif_due_at" in plan.statement]
    assert len(of_pictures) == 3
    for plan in of_pictures:
        assert "ix_picture_" in plan.steps, plan
        assert "TEMP B-TREE" not in plan.steps, plan
