"""Deleted creations are purged: files, text, and our reply on X. What X hides is hidden."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.deletion import erase_user, soft_delete_creations
from core.errors import TryLater
from core.init_image_access import is_init_image_removed
from core.models import Picture, State, creations, notifications, people, pictures, posts
from core.publishing import publish
from core.queue import WorkQueue
from core.settings import BudgetSettings, PurgeSettings, load
from core.storage import FolderStorage
from core.upload_store import UploadStore
from tests.support.rows import make_creation, make_person, make_post, read_creation
from tests.support.sandbox_x import SandboxX, answers, lost_call, lost_response
from tests.support.servers import wait_until
from worker.lookup_quota import DailyQuota
from worker.post_recheck import PostRecheck
from worker.purge import Purger
from worker.redis_lock import LeaseLock

LONG_AGO = timedelta(hours=21)


@pytest.fixture
def make(engine: Engine, storage: FolderStorage, queue: WorkQueue, x: SandboxX) -> Callable[..., Purger]:
    """Return a factory of purgers. It takes settings."""

    def made(**values: Any) -> Purger:
        settings = load(PurgeSettings, **values)
        quota = DailyQuota(queue, settings, load(BudgetSettings))
        return Purger(engine, x.client(), storage, PostRecheck(engine, x.client(), quota, settings), settings)

    return made


@pytest.fixture
def purger(make: Callable[..., Purger]) -> Purger:
    return make()


class Published:
    """A published creation: its post and reply are on the sandbox, its files are in the storage."""

    def __init__(self, engine: Engine, x: SandboxX, storage: FolderStorage, by: str = "ada", **values: Any) -> None:
        self.engine, self.x = engine, x
        self.post_id = x.post("@threadpaint a fox", author=by)
        self.answer_id = x.post("here", author="threadpaint", in_reply_to=str(self.post_id))
        person_id = values.pop("person_id", None) or make_person(engine, username=by)
        make_post(engine, id=self.post_id, author_id=person_id, last_checked_on_x_at=now() - LONG_AGO)
        moment = now()
        row: dict[str, Any] = {
            "state": State.REPLIED,
            "reply_post_id": self.answer_id,
            "painted_at": moment,
            "published_at": moment,
        }
        filled = row | {"next_attempt_at": None, "person_id": person_id, "with_post": False} | values
        self.id = make_creation(engine, post_id=self.post_id, **filled)
        self.key = storage.put(values.get("content", b"picture %d" % self.id), "webp")
        self.thumb = storage.put(b"thumb %d" % self.id, "webp")
        self.copies = {
            name: storage.put(f"{name} {self.id}".encode(), "avif")
            for name in ("thumb_avif_key", "wide_key", "wide_avif_key")
        }
        with write_session(engine) as session:
            session.add(picture(self.id, self.key, self.thumb, **self.copies))

    @property
    def row(self) -> Any:
        return read_creation(self.engine, self.id)

    def post_row(self) -> Any:
        with read_connection(self.engine) as connection:
            return connection.execute(select(posts).where(posts.c.id == self.post_id)).one()

    def answered(self) -> bool:
        """Return whether our reply is on X."""
        return any(int(reply["id"]) == self.answer_id for reply in self.x.replies(self.post_id))


MakePublished = Callable[..., Published]


def picture(creation_id: int, key: str, thumb: str, **values: Any) -> Picture:
    return Picture(
        creation_id=creation_id, position=0, seed=1, width=64, height=64, mime="image/webp", size=9, key=key,
        thumb_key=thumb, thumb_width=8, thumb_height=8, placeholder="data:,", **values,
    )  # fmt: skip


@pytest.fixture
def make_published(engine: Engine, x: SandboxX, storage: FolderStorage) -> MakePublished:
    return lambda by="ada", **values: Published(engine, x, storage, by, **values)


def delete(engine: Engine, creation_id: int) -> None:
    with write_session(engine) as session:
        soft_delete_creations(session, [creation_id], "deleted")


def rows_of_pictures(engine: Engine) -> int:
    with read_connection(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(pictures)).scalar_one())


def calls(x: SandboxX, name: str) -> int:
    return sum(x.state()["calls"].get(name, {}).values())


# -- deleted here


def test_a_deleted_creation_is_unpublished_at_once(engine: Engine, make_published: MakePublished) -> None:
    published = make_published()
    delete(engine, published.id)
    assert published.row.published_at is None


def test_reply_files_and_text_of_a_deleted_creation_are_purged(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    published = make_published(negative_prompt="people", init_image_key="ab/x", reply_text="hm")
    delete(engine, published.id)
    purger.run_once()
    row = published.row
    assert row.purged_at
    assert (row.prompt, row.negative_prompt, row.init_image_key, row.reply_text) == ("", "", None, None)
    assert published.post_row().text == ""
    assert [key for key in (published.key, published.thumb, *published.copies.values()) if storage.get(key)] == []
    assert rows_of_pictures(engine) == 0
    assert not published.answered()


def brings(engine: Engine, storage: FolderStorage, by: str) -> tuple[int, str]:
    """Insert a user with an init image of their own. Returns the user's id and the file's key."""
    return make_person(engine, username=by), storage.put(b"a cat on a roof", "webp")


def test_an_init_image_is_deleted_with_its_owners_creation(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    ada, photo = brings(engine, storage, "ada")
    start = {"init_image_key": photo, "init_image_url": "http://x/1.jpg", "init_image_owner_id": ada}
    published, again = make_published(person_id=ada, **start), make_published("bob", **start)
    waits = make_published(
        "cleo", **start, state=State.QUEUED, next_attempt_at=now(), published_at=None, painted_at=None
    )
    at_work = make_published(
        "dora", **start, state=State.PAINTING, next_attempt_at=now(), published_at=None, painted_at=None
    )
    delete(engine, published.id)
    for one in (again, waits, at_work):
        assert (one.row.init_image_key, one.row.init_image_url) == (None, None)
    assert again.row.published_at, "what others made of it is theirs"
    # Refused when their jobs run: tests/worker/test_init_image.py.
    assert is_init_image_removed(waits.row)
    assert is_init_image_removed(at_work.row)
    purger.run_once()
    assert storage.get(photo) is None


def test_an_init_image_stays_while_another_creation_of_its_owner_uses_it(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    ada, photo = brings(engine, storage, "ada")
    start = {"init_image_key": photo, "init_image_owner_id": ada}
    first, second, again = (
        make_published(person_id=ada, **start),
        make_published(person_id=ada, **start),
        make_published("bob", **start),
    )
    delete(engine, first.id)
    purger.run_once()
    assert (storage.get(photo), again.row.init_image_key) == (b"a cat on a roof", photo)
    delete(engine, again.id)
    purger.run_once()
    assert storage.get(photo)
    delete(engine, second.id)
    purger.run_once()
    assert storage.get(photo) is None


def test_an_init_image_uploaded_by_two_users_stays_for_the_other(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    ada, photo = brings(engine, storage, "ada")
    bob = make_person(engine, username="bob")
    make_published(person_id=ada, init_image_key=photo, init_image_owner_id=ada)
    other = make_published("bob", person_id=bob, init_image_key=photo, init_image_owner_id=bob)
    erase_user(engine, ada)
    purger.run_once()
    assert (storage.get(photo), other.row.init_image_key) == (b"a cat on a roof", photo)


def test_erasing_a_user_removes_their_init_images_everywhere(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    """Also an image of their post that another user replied to."""
    ada, photo = brings(engine, storage, "ada")
    start = {"init_image_key": photo, "init_image_owner_id": ada}
    own, again = make_published(person_id=ada, **start), make_published("bob", **start)
    pointed_at = make_published("cleo", init_image_key="ab/other.webp", init_image_owner_id=ada)
    erase_user(engine, ada)
    assert (again.row.init_image_key, pointed_at.row.init_image_key) == (None, None)
    purger.run_once()
    assert (storage.get(photo), own.row.init_image_key) == (None, None)


def test_deleting_a_remix_keeps_the_original_picture(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    first = make_published()
    remix = make_published("bob", init_image_key=first.key)
    delete(engine, remix.id)
    purger.run_once()
    assert storage.get(first.key)
    delete(engine, first.id)
    purger.run_once()
    assert storage.get(first.key) is None


def test_a_purged_creation_is_not_processed_again(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX
) -> None:
    delete(engine, make_published().id)
    purger.run_once()
    purger.run_once()
    assert calls(x, "DELETE /2/tweets/:id") == 1


@pytest.mark.parametrize("state", [State.PAINTING, State.REPLYING])
def test_a_creation_in_progress_is_purged_after_its_job(
    purger: Purger, engine: Engine, make_published: MakePublished, state: State
) -> None:
    published = make_published(state=state, lease_token="somebody")
    delete(engine, published.id)
    purger.run_once()
    assert published.row.purged_at is None
    with write_session(engine) as session:
        session.execute(update(creations).values(state=State.REPLIED.value, published_at=now()))
    purger.run_once()
    assert published.row.purged_at
    assert published.row.published_at is None


def test_a_waiting_creation_that_is_deleted_is_neither_painted_nor_answered(engine: Engine) -> None:
    queued, painted = make_creation(engine), make_creation(engine, state=State.PAINTED)
    for creation_id in (queued, painted):
        delete(engine, creation_id)
        assert read_creation(engine, creation_id).next_attempt_at is None
    assert read_creation(engine, queued).state == State.REFUSED


def test_a_file_that_another_creation_uses_stays(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    first, second = make_published(content=b"the same"), make_published("bob", content=b"the same")
    assert first.key == second.key
    delete(engine, first.id)
    purger.run_once()
    assert storage.get(second.key) == b"the same"
    delete(engine, second.id)
    purger.run_once()
    assert storage.get(second.key) is None


def test_a_reply_already_deleted_on_x_counts_as_deleted(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX
) -> None:
    published = make_published()
    x.http.delete(f"{x.url}/sandbox/posts/{published.answer_id}").raise_for_status()
    delete(engine, published.id)
    purger.run_once()
    assert published.row.purged_at


def test_a_reply_unknown_to_x_counts_as_deleted(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX
) -> None:
    published = make_published(reply_post_id=12345)
    delete(engine, published.id)
    purger.run_once()
    assert published.row.purged_at


def test_one_reply_that_cannot_be_deleted_does_not_stop_the_others(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX
) -> None:
    stuck, other = make_published(), make_published("bob")
    delete(engine, stuck.id)
    delete(engine, other.id)
    # An empty 404 is an outage.
    x.spoil("DELETE", f"/2/tweets/{stuck.answer_id}", answers(404), answers(404))
    purger.run_once()
    purger.run_once()
    assert (stuck.row.purged_at, other.row.purged_at is not None) == (None, True)


@pytest.mark.parametrize("fault", [lost_call, lost_response, answers(503), answers(429)])
def test_files_and_text_are_purged_while_x_is_unreachable(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished, x: SandboxX, fault: Any
) -> None:
    published = make_published()
    delete(engine, published.id)
    x.spoil("DELETE", f"/2/tweets/{published.answer_id}", fault)
    purger.run_once()
    assert (published.row.prompt, storage.get(published.key), published.row.purged_at) == ("", None, None)
    purger.run_once()
    assert published.row.purged_at
    assert not published.answered()


def test_a_refused_deletion_is_paused_for_hours(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX
) -> None:
    published = make_published()
    delete(engine, published.id)
    x.spoil("DELETE", f"/2/tweets/{published.answer_id}", answers(403, b'{"detail":"no"}'), answers(403, b"{}"))
    purger.run_once()
    purger.run_once()
    assert published.row.purged_at is None
    assert len(x.injector.faults["DELETE", f"/2/tweets/{published.answer_id}"]) == 1


def test_many_refused_deletions_do_not_delay_other_purges(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.purge.BATCH_SIZE", 2)
    stuck, other = [make_published(f"ada_{n}") for n in range(2)], make_published("bob")
    for one in [*stuck, other]:
        delete(engine, one.id)
    for one in stuck:
        x.spoil("DELETE", f"/2/tweets/{one.answer_id}", answers(403, b'{"detail":"no"}'))
    purger.run_once()
    purger.run_once()
    assert [one.row.purged_at for one in stuck] == [None, None]
    assert (other.row.prompt, other.row.purged_at is not None) == ("", True)


def test_all_text_is_purged_while_x_refuses_deletions(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.purge.BATCH_SIZE", 2)
    published = [make_published(f"ada_{n}") for n in range(5)]
    for one in published:
        delete(engine, one.id)
        x.spoil("DELETE", f"/2/tweets/{one.answer_id}", *[answers(503)] * 5)
    for _ in range(3):
        purger.run_once()
    assert [one.row.prompt for one in published] == [""] * 5


def test_a_run_killed_between_files_and_rows_is_finished_by_the_next(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    published = make_published()
    delete(engine, published.id)
    storage.delete(published.key)
    purger.run_once()
    assert (published.row.purged_at is not None, storage.get(published.thumb), rows_of_pictures(engine)) == (
        True,
        None,
        0,
    )


def test_a_creation_is_not_purged_while_its_files_remain(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    stuck, other = make_published(), make_published("bob")
    delete(engine, stuck.id)
    delete(engine, other.id)

    class Away(FolderStorage):
        """A storage that fails for one file."""

        def delete(self, key: str) -> None:
            if key == stuck.key:
                raise TryLater("storage", "away")
            super().delete(key)

    purger.storage = Away(storage.folder)
    purger.run_once()
    assert (stuck.row.purged_at, stuck.row.prompt, other.row.purged_at is not None) == (None, "a fox", True)
    assert stuck.answered()
    purger.storage = storage
    purger.run_once()
    assert stuck.row.purged_at


# -- deleted on X


def remove(x: SandboxX, post_id: int) -> None:
    x.http.delete(f"{x.url}/sandbox/posts/{post_id}").raise_for_status()


def test_a_post_deleted_on_x_deletes_its_creation(purger: Purger, make_published: MakePublished, x: SandboxX) -> None:
    gone, stored = make_published(), make_published("bob")
    remove(x, gone.post_id)
    purger.run_once()
    assert (gone.row.purged_at is not None, gone.row.prompt, gone.post_row().text) == (True, "", "")
    assert not gone.answered()
    assert (stored.row.deleted_at, stored.row.prompt) == (None, "a fox")
    assert stored.row.published_at


def test_a_post_is_rechecked_only_after_the_interval(
    purger: Purger, make_published: MakePublished, x: SandboxX
) -> None:
    make_published()
    purger.run_once()
    purger.run_once()
    assert calls(x, "GET /2/tweets") == 1


def test_posts_are_rechecked_in_batches_of_a_hundred(make: Callable[..., Purger], engine: Engine, x: SandboxX) -> None:
    person = make_person(engine)
    for number in range(102):
        post_id = x.post(f"@threadpaint fox {number}")
        make_post(engine, id=post_id, author_id=person, last_checked_on_x_at=now() - LONG_AGO)
        make_creation(engine, post_id=post_id, person_id=person, with_post=False, next_attempt_at=None)
    make().run_once()
    assert calls(x, "GET /2/tweets") == 2


def test_rechecks_stay_within_the_daily_quota(
    make: Callable[..., Purger], make_published: MakePublished, x: SandboxX
) -> None:
    first, second = make_published(), make_published("bob")
    purger = make(post_recheck_daily_usd=0.005)
    purger.run_once()
    purger.run_once()
    assert calls(x, "GET /2/tweets") == 1
    old = [
        published
        for published in (first, second)
        if published.post_row().last_checked_on_x_at < now() - LONG_AGO + timedelta(hours=1)
    ]
    assert len(old) == 1


@pytest.mark.parametrize("state", ["protected", "suspended"])
def test_protected_or_suspended_authors_are_hidden_until_they_return(
    purger: Purger, engine: Engine, make_published: MakePublished, x: SandboxX, state: str
) -> None:
    published = make_published()
    flagged = make_published(by="ada2", person_id=published.row.person_id, published_at=None)
    with write_session(engine) as session:
        session.execute(update(pictures).where(pictures.c.creation_id == flagged.id).values(flagged=True))
    was = published.row.published_at
    x.http.patch(f"{x.url}/sandbox/people/ada", json={state: True}).raise_for_status()
    purger.run_once()
    assert (published.row.published_at, published.row.deleted_at, published.row.prompt) == (None, None, "a fox")
    x.http.patch(f"{x.url}/sandbox/people/ada", json={state: False}).raise_for_status()
    look_again(engine)
    purger.run_once()
    assert published.row.published_at == was
    assert flagged.row.published_at is None
    with read_connection(engine) as connection:
        assert set(connection.execute(select(people.c.hidden_at)).scalars()) == {None}


def look_again(engine: Engine) -> None:
    with write_session(engine) as session:
        session.execute(update(posts).values(last_checked_on_x_at=now() - LONG_AGO))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[]", b'{"data": 7}', b'{"errors": []}', b'{"errors": [{"title": "?"}]}']
)
def test_an_invalid_response_deletes_nothing(
    purger: Purger, make_published: MakePublished, x: SandboxX, body: bytes
) -> None:
    published = make_published()
    x.spoil("GET", "/2/tweets", answers(200, body, content_type="application/json"))
    purger.run_once()
    assert (published.row.deleted_at, published.row.prompt) == (None, "a fox")
    assert published.row.published_at


def test_a_batch_that_is_gone_is_believed_after_an_hour(
    purger: Purger, make_published: MakePublished, x: SandboxX
) -> None:
    published = [make_published(f"p{number}") for number in range(5)]
    for each in published:
        remove(x, each.post_id)
    purger.run_once()
    purger.run_once()
    assert [each.row.deleted_at for each in published] == [None] * 5
    assert calls(x, "GET /2/tweets") == 1
    purger.recheck._unconfirmed = {one: now() - timedelta(hours=2) for one in purger.recheck._unconfirmed}
    purger.run_once()
    assert all(each.row.purged_at for each in published)


def test_a_temporary_fault_of_x_deletes_nothing(purger: Purger, make_published: MakePublished, x: SandboxX) -> None:
    published = [make_published(f"p{number}") for number in range(5)]
    errors = b",".join(
        b'{"title":"Not Found Error","detail":"Could not find tweet with id: [%d].","value":"%d","resource_id":"%d",'
        b'"parameter":"ids","resource_type":"tweet","type":"https://api.twitter.com/2/problems/resource-not-found"}'
        % (each.post_id, each.post_id, each.post_id)
        for each in published
    )
    x.spoil("GET", "/2/tweets", answers(200, b'{"errors":[%s]}' % errors, content_type="application/json"))
    purger.run_once()
    assert purger.recheck._unconfirmed
    purger.recheck._unconfirmed = {one: now() - timedelta(hours=2) for one in purger.recheck._unconfirmed}
    purger.run_once()
    assert all(each.row.published_at for each in published)


def test_unrelated_posts_are_cleared_without_a_lookup(purger: Purger, engine: Engine, x: SandboxX) -> None:
    old = make_post(engine, classification="talk", text="thanks!", last_checked_on_x_at=now() - LONG_AGO)
    new = make_post(engine, classification="talk", text="nice!")
    purger.run_once()
    with read_connection(engine) as connection:
        words = {row.id: row.text for row in connection.execute(select(posts))}
    assert words == {old: "", new: "nice!"}
    assert calls(x, "GET /2/tweets") == 0
    with write_session(engine) as session:
        session.execute(update(posts).where(posts.c.id == new).values(last_checked_on_x_at=now() - timedelta(hours=20)))
    purger.run_once()
    with read_connection(engine) as connection:
        assert set(connection.execute(select(posts.c.text)).scalars()) == {""}


# -- erased users


def test_erasing_a_user_purges_everything(
    purger: Purger, engine: Engine, storage: FolderStorage, make_published: MakePublished
) -> None:
    mine, other = make_published("ada"), make_published("bob")
    assert erase_user(engine, mine.row.person_id) == 1
    with read_connection(engine) as connection:
        ada = connection.execute(select(people).where(people.c.id == mine.row.person_id)).one()
    assert {ada.username, ada.handle} == {str(ada.id)}
    assert (mine.row.published_at, mine.post_row().text) == (None, "")
    purger.run_once()
    assert (mine.row.purged_at is not None, mine.row.prompt, storage.get(mine.key)) == (True, "", None)
    assert not mine.answered()
    assert other.row.published_at
    assert other.answered()


# -- running


def test_the_purger_runs_periodically_and_one_at_a_time(
    make: Callable[..., Purger], engine: Engine, queue: WorkQueue, make_published: MakePublished
) -> None:
    published, stopped = make_published(), threading.Event()
    delete(engine, published.id)
    other = LeaseLock(queue.connection, "purge", duration=60)
    assert other.acquire()
    purger = make(purge_interval_seconds=0.2)
    mine = LeaseLock(queue.connection, "purge", duration=60)
    running = threading.Thread(target=purger.run_forever, args=(stopped, mine))
    running.start()
    stopped.wait(0.5)
    assert published.row.purged_at is None
    other.release()
    wait_until(lambda: published.row.purged_at, "it did not run")
    stopped.set()
    running.join(5)
    assert not running.is_alive()


def test_a_lost_lock_is_not_renewed(queue: WorkQueue) -> None:
    mine = LeaseLock(queue.connection, "purge", duration=60)
    assert mine.acquire()
    assert mine.renew()
    queue.connection.flushdb()
    assert not mine.renew()
    mine.release()


def test_deleting_a_file_twice_is_no_error(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    key = storage.put(b"picture", "webp")
    storage.delete(key)
    storage.delete(key)
    storage.delete("../../etc/passwd")
    assert storage.get(key) is None


def test_unused_uploads_are_deleted_after_a_day(purger: Purger, tmp_path: Path) -> None:
    uploads = UploadStore(tmp_path)
    old, new = uploads.save(1, b"old"), uploads.save(1, b"new")
    yesterday = (now() - timedelta(hours=25)).timestamp()
    os.utime(uploads.folder / f"1-{old}.webp", (yesterday, yesterday))
    replace(purger, uploads=uploads).run_once()
    assert uploads.get(1, old) is None
    assert uploads.get(1, new) == b"new"


def test_old_notifications_are_pruned(purger: Purger, engine: Engine) -> None:
    member = make_person(engine, member_since=now())
    with write_session(engine) as session:
        for days in (91, 89):
            values = {"person_id": member, "kind": "followed", "key": str(days), "at": now() - timedelta(days=days)}
            session.execute(notifications.insert().values(**values))
    purger.run_once()
    with read_connection(engine) as connection:
        assert connection.execute(select(notifications.c.key)).scalars().all() == ["89"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_purged_text_is_not_in_the_database_file(
    purger: Purger, engine: Engine, make_published: MakePublished, tmp_path: Path
) -> None:
    """SQLite keeps deleted text in free pages, in its log, and in the search index."""
    published = make_published(prompt="a zyxwvutsrq fox", published_at=None)
    for number in range(40):
        make_published(prompt=f"a hen {number}")
    with write_session(engine) as session:
        publish(session, creations.c.id == published.id)

    def holds_it() -> bool:
        return any(b"zyxwvutsrq" in path.read_bytes() for path in tmp_path.glob("threadpaint.db*"))

    assert holds_it()
    delete(engine, published.id)
    purger.run_once()
    assert not holds_it()
