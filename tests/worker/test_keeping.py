"""What people take back goes: here, its files, its words, and our answer on X; what X does not show is not shown."""

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
from core.database import reading, transaction
from core.errors import TryLater
from core.forgetting import forget_person, take_back
from core.models import Picture, State, creations, notifications, people, pictures, posts
from core.queue import WorkQueue
from core.settings import KeepSettings, MoneySettings, load
from core.starts import was_taken_back
from core.storage import FolderStorage
from core.uploads import Uploads
from core.visibility import show
from tests.support.rows import make_creation, make_person, make_post, read_creation
from tests.support.sandbox_x import SandboxX, answers, lost_answer, lost_call
from tests.support.servers import wait_until
from worker.allowance import Allowance
from worker.alone import Alone
from worker.keeping import Keeping
from worker.lookups import Lookups

LONG_AGO = timedelta(hours=21)


@pytest.fixture
def make(engine: Engine, storage: FolderStorage, queue: WorkQueue, x: SandboxX) -> Callable[..., Keeping]:
    """Makes a keeping; settings that matter are given."""

    def made(**values: Any) -> Keeping:
        settings = load(KeepSettings, **values)
        allowance = Allowance(queue, settings, load(MoneySettings))
        return Keeping(engine, x.client(), storage, Lookups(engine, x.client(), allowance, settings), settings)

    return made


@pytest.fixture
def keeping(make: Callable[..., Keeping]) -> Keeping:
    return make()


class Hung:
    """A creation whose post and answer are on the sandbox, and whose file is in the storage."""

    def __init__(self, engine: Engine, x: SandboxX, storage: FolderStorage, by: str = "ada", **values: Any) -> None:
        self.engine, self.x = engine, x
        self.post_id = x.post("@threadpaint a fox", author=by)
        self.answer_id = x.post("here", author="threadpaint", in_reply_to=str(self.post_id))
        person_id = values.pop("person_id", None) or make_person(engine, username=by)
        make_post(engine, id=self.post_id, author_id=person_id, checked_at=now() - LONG_AGO)
        moment = now()
        row = {"state": State.REPLIED, "reply_post_id": self.answer_id, "painted_at": moment, "shown_at": moment}
        filled = row | {"next_attempt_at": None, "person_id": person_id, "with_post": False} | values
        self.id = make_creation(engine, post_id=self.post_id, **filled)
        self.key = storage.put(values.get("content", b"picture %d" % self.id), "webp")
        self.thumb = storage.put(b"thumb %d" % self.id, "webp")
        self.copies = {
            name: storage.put(f"{name} {self.id}".encode(), "avif")
            for name in ("thumb_avif_key", "wide_key", "wide_avif_key")
        }
        with transaction(engine) as session:
            session.add(picture(self.id, self.key, self.thumb, **self.copies))

    @property
    def row(self) -> Any:
        return read_creation(self.engine, self.id)

    def post_row(self) -> Any:
        with reading(self.engine) as connection:
            return connection.execute(select(posts).where(posts.c.id == self.post_id)).one()

    def answered(self) -> bool:
        """Whether our answer is on X."""
        return any(int(reply["id"]) == self.answer_id for reply in self.x.replies(self.post_id))


def picture(creation_id: int, key: str, thumb: str, **values: Any) -> Picture:
    return Picture(
        creation_id=creation_id, position=0, seed=1, width=64, height=64, mime="image/webp", size=9, key=key,
        thumb_key=thumb, thumb_width=8, thumb_height=8, placeholder="data:,", **values,
    )  # fmt: skip


@pytest.fixture
def hang(engine: Engine, x: SandboxX, storage: FolderStorage) -> Callable[..., Hung]:
    return lambda by="ada", **values: Hung(engine, x, storage, by, **values)


def delete(engine: Engine, creation_id: int) -> None:
    with transaction(engine) as session:
        take_back(session, [creation_id], "deleted")


def rows_of_pictures(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(pictures)).scalar_one())


def calls(x: SandboxX, name: str) -> int:
    return sum(x.state()["calls"].get(name, {}).values())


# --- what is deleted here ---


def test_what_is_deleted_is_out_of_sight_at_once(engine: Engine, hang: Callable[..., Hung]) -> None:
    hung = hang()
    delete(engine, hung.id)
    assert hung.row.shown_at is None


def test_answer_files_and_words_of_what_is_deleted_go(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Callable[..., Hung]
) -> None:
    hung = hang(negative_prompt="people", start_key="ab/x", says="hm")
    delete(engine, hung.id)
    keeping.look()
    row = hung.row
    assert row.forgotten_at
    assert (row.prompt, row.negative_prompt, row.start_key, row.says) == ("", "", None, None)
    assert hung.post_row().text == ""
    assert [key for key in (hung.key, hung.thumb, *hung.copies.values()) if storage.get(key)] == []
    assert rows_of_pictures(engine) == 0
    assert not hung.answered()


def brings(engine: Engine, storage: FolderStorage, by: str) -> tuple[int, str]:
    """Somebody with a photograph of their own; their id and its key."""
    return make_person(engine, username=by), storage.put(b"a cat on a roof", "webp")


def test_the_photograph_that_came_with_the_post_goes_with_its_owner_whoever_begins_from_it(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Callable[..., Hung]
) -> None:
    ada, photo = brings(engine, storage, "ada")
    start = {"start_key": photo, "start_url": "http://x/1.jpg", "start_owner_id": ada}
    hung, again = hang(person_id=ada, **start), hang("bob", **start)
    waits = hang("cleo", **start, state=State.QUEUED, next_attempt_at=now(), shown_at=None, painted_at=None)
    at_work = hang("dora", **start, state=State.PAINTING, next_attempt_at=now(), shown_at=None, painted_at=None)
    delete(engine, hung.id)
    for one in (again, waits, at_work):
        assert (one.row.start_key, one.row.start_url) == (None, None)
    assert again.row.shown_at, "what others made of it is theirs"
    # Refused when it is their turn: tests/worker/test_start_picture.py.
    assert was_taken_back(waits.row)
    assert was_taken_back(at_work.row)
    keeping.look()
    assert storage.get(photo) is None


def test_a_photograph_stays_while_its_owner_has_another_creation_that_begins_from_it(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Callable[..., Hung]
) -> None:
    ada, photo = brings(engine, storage, "ada")
    start = {"start_key": photo, "start_owner_id": ada}
    first, second, again = hang(person_id=ada, **start), hang(person_id=ada, **start), hang("bob", **start)
    delete(engine, first.id)
    keeping.look()
    assert (storage.get(photo), again.row.start_key) == (b"a cat on a roof", photo)
    delete(engine, again.id)
    keeping.look()
    assert storage.get(photo)
    delete(engine, second.id)
    keeping.look()
    assert storage.get(photo) is None


def test_a_photograph_that_two_brought_along_stays_for_the_other(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Callable[..., Hung]
) -> None:
    ada, photo = brings(engine, storage, "ada")
    bob = make_person(engine, username="bob")
    hang(person_id=ada, start_key=photo, start_owner_id=ada)
    other = hang("bob", person_id=bob, start_key=photo, start_owner_id=bob)
    forget_person(engine, ada)
    keeping.look()
    assert (storage.get(photo), other.row.start_key) == (b"a cat on a roof", photo)


def test_who_is_erased_takes_their_photographs_from_everybody(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Callable[..., Hung]
) -> None:
    """Also a photograph of a post of theirs that somebody else showed to the bot."""
    ada, photo = brings(engine, storage, "ada")
    start = {"start_key": photo, "start_owner_id": ada}
    own, again = hang(person_id=ada, **start), hang("bob", **start)
    pointed_at = hang("cleo", start_key="ab/other.webp", start_owner_id=ada)
    forget_person(engine, ada)
    assert (again.row.start_key, pointed_at.row.start_key) == (None, None)
    keeping.look()
    assert (storage.get(photo), own.row.start_key) == (None, None)


def test_a_remix_that_is_deleted_leaves_the_picture_it_began_from(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Callable[..., Hung]
) -> None:
    first = hang()
    remix = hang("bob", start_key=first.key)
    delete(engine, remix.id)
    keeping.look()
    assert storage.get(first.key)
    delete(engine, first.id)
    keeping.look()
    assert storage.get(first.key) is None


def test_what_is_forgotten_is_not_looked_at_again(keeping: Keeping, engine: Engine, hang: Any, x: SandboxX) -> None:
    delete(engine, hang().id)
    keeping.look()
    keeping.look()
    assert calls(x, "DELETE /2/tweets/:id") == 1


@pytest.mark.parametrize("state", [State.PAINTING, State.REPLYING])
def test_what_is_in_work_is_taken_back_when_the_work_is_done(
    keeping: Keeping, engine: Engine, hang: Callable[..., Hung], state: State
) -> None:
    hung = hang(state=state, claim="somebody")
    delete(engine, hung.id)
    keeping.look()
    assert hung.row.forgotten_at is None
    with transaction(engine) as session:
        session.execute(update(creations).values(state=State.REPLIED.value, shown_at=now()))
    keeping.look()
    assert hung.row.forgotten_at
    assert hung.row.shown_at is None


def test_a_waiting_creation_that_is_deleted_is_neither_painted_nor_answered(engine: Engine) -> None:
    queued, painted = make_creation(engine), make_creation(engine, state=State.PAINTED)
    for creation_id in (queued, painted):
        delete(engine, creation_id)
        assert read_creation(engine, creation_id).next_attempt_at is None
    assert read_creation(engine, queued).state == State.REFUSED


def test_a_file_that_another_creation_shows_is_kept(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Callable[..., Hung]
) -> None:
    first, second = hang(content=b"the same"), hang("bob", content=b"the same")
    assert first.key == second.key
    delete(engine, first.id)
    keeping.look()
    assert storage.get(second.key) == b"the same"
    delete(engine, second.id)
    keeping.look()
    assert storage.get(second.key) is None


def test_an_answer_that_is_gone_from_x_already_is_no_obstacle(
    keeping: Keeping, engine: Engine, hang: Any, x: SandboxX
) -> None:
    hung = hang()
    x.http.delete(f"{x.url}/sandbox/posts/{hung.answer_id}").raise_for_status()
    delete(engine, hung.id)
    keeping.look()
    assert hung.row.forgotten_at


def test_an_answer_that_x_does_not_know_is_gone(keeping: Keeping, engine: Engine, hang: Any, x: SandboxX) -> None:
    hung = hang(reply_post_id=12345)
    delete(engine, hung.id)
    keeping.look()
    assert hung.row.forgotten_at


def test_one_answer_that_cannot_be_deleted_does_not_stop_the_others(
    keeping: Keeping, engine: Engine, hang: Any, x: SandboxX
) -> None:
    stuck, other = hang(), hang("bob")
    delete(engine, stuck.id)
    delete(engine, other.id)
    # An empty 404 is an outage.
    x.spoil("DELETE", f"/2/tweets/{stuck.answer_id}", answers(404), answers(404))
    keeping.look()
    keeping.look()
    assert (stuck.row.forgotten_at, other.row.forgotten_at is not None) == (None, True)


@pytest.mark.parametrize("fault", [lost_call, lost_answer, answers(503), answers(429)])
def test_files_and_words_go_at_once_and_the_answer_when_x_can_be_reached(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Any, x: SandboxX, fault: Any
) -> None:
    hung = hang()
    delete(engine, hung.id)
    x.spoil("DELETE", f"/2/tweets/{hung.answer_id}", fault)
    keeping.look()
    assert (hung.row.prompt, storage.get(hung.key), hung.row.forgotten_at) == ("", None, None)
    keeping.look()
    assert hung.row.forgotten_at
    assert not hung.answered()


def test_an_answer_that_x_does_not_let_us_delete_is_not_asked_for_every_minute(
    keeping: Keeping, engine: Engine, hang: Any, x: SandboxX
) -> None:
    hung = hang()
    delete(engine, hung.id)
    x.spoil("DELETE", f"/2/tweets/{hung.answer_id}", answers(403, b'{"detail":"no"}'), answers(403, b"{}"))
    keeping.look()
    keeping.look()
    assert hung.row.forgotten_at is None
    assert len(x.line.faults["DELETE", f"/2/tweets/{hung.answer_id}"]) == 1


def test_many_answers_that_x_does_not_let_us_delete_keep_no_words_of_others(
    keeping: Keeping, engine: Engine, hang: Any, x: SandboxX, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.keeping.AT_ONCE", 2)
    stuck, other = [hang(f"ada_{n}") for n in range(2)], hang("bob")
    for one in [*stuck, other]:
        delete(engine, one.id)
    for one in stuck:
        x.spoil("DELETE", f"/2/tweets/{one.answer_id}", answers(403, b'{"detail":"no"}'))
    keeping.look()
    keeping.look()
    assert [one.row.forgotten_at for one in stuck] == [None, None]
    assert (other.row.prompt, other.row.forgotten_at is not None) == ("", True)


def test_while_x_takes_no_deletions_all_words_go(
    keeping: Keeping, engine: Engine, hang: Any, x: SandboxX, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.keeping.AT_ONCE", 2)
    hung = [hang(f"ada_{n}") for n in range(5)]
    for one in hung:
        delete(engine, one.id)
        x.spoil("DELETE", f"/2/tweets/{one.answer_id}", *[answers(503)] * 5)
    for _ in range(3):
        keeping.look()
    assert [one.row.prompt for one in hung] == [""] * 5


def test_a_look_killed_between_files_and_rows_is_finished_by_the_next(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Any
) -> None:
    hung = hang()
    delete(engine, hung.id)
    storage.delete(hung.key)
    keeping.look()
    assert (hung.row.forgotten_at is not None, storage.get(hung.thumb), rows_of_pictures(engine)) == (True, None, 0)


def test_files_that_cannot_be_removed_now_are_not_said_to_be_forgotten(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Any
) -> None:
    stuck, other = hang(), hang("bob")
    delete(engine, stuck.id)
    delete(engine, other.id)

    class Away(FolderStorage):
        """A storage that is away for one file."""

        def delete(self, key: str) -> None:
            if key == stuck.key:
                raise TryLater("storage", "away")
            super().delete(key)

    keeping.storage = Away(storage.folder)
    keeping.look()
    assert (stuck.row.forgotten_at, stuck.row.prompt, other.row.forgotten_at is not None) == (None, "a fox", True)
    assert stuck.answered()
    keeping.storage = storage
    keeping.look()
    assert stuck.row.forgotten_at


# --- what is deleted on X ---


def remove(x: SandboxX, post_id: int) -> None:
    x.http.delete(f"{x.url}/sandbox/posts/{post_id}").raise_for_status()


def test_a_post_deleted_on_x_takes_its_picture_with_it(keeping: Keeping, hang: Any, x: SandboxX) -> None:
    gone, kept = hang(), hang("bob")
    remove(x, gone.post_id)
    keeping.look()
    assert (gone.row.forgotten_at is not None, gone.row.prompt, gone.post_row().text) == (True, "", "")
    assert not gone.answered()
    assert (kept.row.deleted_at, kept.row.prompt) == (None, "a fox")
    assert kept.row.shown_at


def test_a_post_is_looked_up_again_only_after_its_time(keeping: Keeping, hang: Any, x: SandboxX) -> None:
    hang()
    keeping.look()
    keeping.look()
    assert calls(x, "GET /2/tweets") == 1


def test_posts_are_looked_up_a_hundred_at_a_time(make: Callable[..., Keeping], engine: Engine, x: SandboxX) -> None:
    person = make_person(engine)
    for number in range(102):
        post_id = x.post(f"@threadpaint fox {number}")
        make_post(engine, id=post_id, author_id=person, checked_at=now() - LONG_AGO)
        make_creation(engine, post_id=post_id, person_id=person, with_post=False, next_attempt_at=None)
    make().look()
    assert calls(x, "GET /2/tweets") == 2


def test_looking_up_costs_no_more_a_day_than_it_may(make: Callable[..., Keeping], hang: Any, x: SandboxX) -> None:
    first, second = hang(), hang("bob")
    keeping = make(recheck_day_usd=0.005)
    keeping.look()
    keeping.look()
    assert calls(x, "GET /2/tweets") == 1
    old = [hung for hung in (first, second) if hung.post_row().checked_at < now() - LONG_AGO + timedelta(hours=1)]
    assert len(old) == 1


@pytest.mark.parametrize("state", ["protected", "suspended"])
def test_who_is_protected_or_suspended_is_hidden_and_shown_again_afterwards(
    keeping: Keeping, engine: Engine, hang: Any, x: SandboxX, state: str
) -> None:
    hung = hang()
    flagged = hang(by="ada2", person_id=hung.row.person_id, shown_at=None)
    with transaction(engine) as session:
        session.execute(update(pictures).where(pictures.c.creation_id == flagged.id).values(flagged=True))
    was = hung.row.shown_at
    x.http.patch(f"{x.url}/sandbox/people/ada", json={state: True}).raise_for_status()
    keeping.look()
    assert (hung.row.shown_at, hung.row.deleted_at, hung.row.prompt) == (None, None, "a fox")
    x.http.patch(f"{x.url}/sandbox/people/ada", json={state: False}).raise_for_status()
    look_again(engine)
    keeping.look()
    assert hung.row.shown_at == was
    assert flagged.row.shown_at is None
    with reading(engine) as connection:
        assert set(connection.execute(select(people.c.hidden_at)).scalars()) == {None}


def look_again(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(posts).values(checked_at=now() - LONG_AGO))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[]", b'{"data": 7}', b'{"errors": []}', b'{"errors": [{"title": "?"}]}']
)
def test_an_answer_that_makes_no_sense_takes_nothing_back(
    keeping: Keeping, hang: Any, x: SandboxX, body: bytes
) -> None:
    hung = hang()
    x.spoil("GET", "/2/tweets", answers(200, body, content_type="application/json"))
    keeping.look()
    assert (hung.row.deleted_at, hung.row.prompt) == (None, "a fox")
    assert hung.row.shown_at


def test_that_all_of_a_batch_are_gone_is_believed_only_after_an_hour(keeping: Keeping, hang: Any, x: SandboxX) -> None:
    hung = [hang(f"p{number}") for number in range(5)]
    for each in hung:
        remove(x, each.post_id)
    keeping.look()
    keeping.look()
    assert [each.row.deleted_at for each in hung] == [None] * 5
    assert calls(x, "GET /2/tweets") == 1
    keeping.lookups._doubted = {one: now() - timedelta(hours=2) for one in keeping.lookups._doubted}
    keeping.look()
    assert all(each.row.forgotten_at for each in hung)


def test_an_x_that_had_lost_its_mind_for_a_moment_takes_nothing_back(keeping: Keeping, hang: Any, x: SandboxX) -> None:
    hung = [hang(f"p{number}") for number in range(5)]
    errors = b",".join(
        b'{"title":"Not Found Error","detail":"Could not find tweet with id: [%d].","value":"%d","resource_id":"%d",'
        b'"parameter":"ids","resource_type":"tweet","type":"https://api.twitter.com/2/problems/resource-not-found"}'
        % (each.post_id, each.post_id, each.post_id)
        for each in hung
    )
    x.spoil("GET", "/2/tweets", answers(200, b'{"errors":[%s]}' % errors, content_type="application/json"))
    keeping.look()
    assert keeping.lookups._doubted
    keeping.lookups._doubted = {one: now() - timedelta(hours=2) for one in keeping.lookups._doubted}
    keeping.look()
    assert all(each.row.shown_at for each in hung)


def test_talk_loses_its_words_without_being_looked_up(keeping: Keeping, engine: Engine, x: SandboxX) -> None:
    old = make_post(engine, verdict="talk", text="thanks!", checked_at=now() - LONG_AGO)
    new = make_post(engine, verdict="talk", text="nice!")
    keeping.look()
    with reading(engine) as connection:
        words = {row.id: row.text for row in connection.execute(select(posts))}
    assert words == {old: "", new: "nice!"}
    assert calls(x, "GET /2/tweets") == 0
    with transaction(engine) as session:
        session.execute(update(posts).where(posts.c.id == new).values(checked_at=now() - timedelta(hours=20)))
    keeping.look()
    with reading(engine) as connection:
        assert set(connection.execute(select(posts.c.text)).scalars()) == {""}


# --- a person who wants all of it gone ---


def test_delete_my_data_takes_everything_of_one_person(
    keeping: Keeping, engine: Engine, storage: FolderStorage, hang: Any
) -> None:
    mine, other = hang("ada"), hang("bob")
    assert forget_person(engine, mine.row.person_id) == 1
    with reading(engine) as connection:
        ada = connection.execute(select(people).where(people.c.id == mine.row.person_id)).one()
    assert {ada.username, ada.handle} == {str(ada.id)}
    assert (mine.row.shown_at, mine.post_row().text) == (None, "")
    keeping.look()
    assert (mine.row.forgotten_at is not None, mine.row.prompt, storage.get(mine.key)) == (True, "", None)
    assert not mine.answered()
    assert other.row.shown_at
    assert other.answered()


# --- running ---


def test_it_looks_by_itself_and_only_one_at_a_time(
    make: Callable[..., Keeping], engine: Engine, queue: WorkQueue, hang: Any
) -> None:
    hung, stopped = hang(), threading.Event()
    delete(engine, hung.id)
    other = Alone(queue.connection, "keeping", lease=60)
    assert other.take()
    keeping = make(keep_seconds=0.2)
    mine = Alone(queue.connection, "keeping", lease=60)
    running = threading.Thread(target=keeping.keep_running, args=(stopped, mine))
    running.start()
    stopped.wait(0.5)
    assert hung.row.forgotten_at is None
    other.leave()
    wait_until(lambda: hung.row.forgotten_at, "it did not look")
    stopped.set()
    running.join(5)
    assert not running.is_alive()


def test_who_has_lost_the_lock_stops(queue: WorkQueue) -> None:
    mine = Alone(queue.connection, "keeping", lease=60)
    assert mine.take()
    assert mine.keep()
    queue.connection.flushdb()
    assert not mine.keep()
    mine.leave()


def test_a_removed_file_is_gone_and_removing_it_twice_is_no_error(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    key = storage.put(b"picture", "webp")
    storage.delete(key)
    storage.delete(key)
    storage.delete("../../etc/passwd")
    assert storage.get(key) is None


def test_pictures_that_were_chosen_and_never_used_go_after_a_day(keeping: Keeping, tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    old, new = uploads.keep(1, b"old"), uploads.keep(1, b"new")
    yesterday = (now() - timedelta(hours=25)).timestamp()
    os.utime(uploads.folder / f"1-{old}.webp", (yesterday, yesterday))
    replace(keeping, uploads=uploads).look()
    assert uploads.get(1, old) is None
    assert uploads.get(1, new) == b"new"


def test_notifications_of_three_months_ago_go_too(keeping: Keeping, engine: Engine) -> None:
    member = make_person(engine, member_since=now())
    with transaction(engine) as session:
        for days in (91, 89):
            told = {"person_id": member, "kind": "followed", "key": str(days), "at": now() - timedelta(days=days)}
            session.execute(notifications.insert().values(**told))
    keeping.look()
    with reading(engine) as connection:
        assert connection.execute(select(notifications.c.key)).scalars().all() == ["89"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_words_that_are_forgotten_are_not_in_the_database_file(
    keeping: Keeping, engine: Engine, hang: Any, tmp_path: Path
) -> None:
    """SQLite keeps what was deleted in free pages, in its log, and in the index of words."""
    hung = hang(prompt="a zyxwvutsrq fox", shown_at=None)
    for number in range(40):
        hang(prompt=f"a hen {number}")
    with transaction(engine) as session:
        show(session, creations.c.id == hung.id)

    def holds_it() -> bool:
        return any(b"zyxwvutsrq" in path.read_bytes() for path in tmp_path.glob("house.db*"))

    assert holds_it()
    delete(engine, hung.id)
    keeping.look()
    assert not holds_it()
