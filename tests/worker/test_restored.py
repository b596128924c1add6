"""A restored backup doubles nothing: what was replied to since is found on X before anybody is replied to."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update

from bot.announcing import Announcement, parts_of
from bot.reconciling import reconcile
from core import reply_gate
from core.clock import now
from core.database import reading, transaction
from core.health import UNCHECKED
from core.models import State, creations, cursors, earlier_replies, ledger
from core.queue import WorkQueue
from core.reply_gate import ReplyGate, close, close_if_stale, is_closed
from core.reply_texts import wait_text
from core.storage import FolderStorage
from tests.support.backups import back_up, restore
from tests.support.hearing import creation_of
from tests.support.little_house import LittleHouse
from tests.support.sandbox_x import SandboxX

OWN = "GET /2/users/:id/tweets"
REPLY = "POST /2/tweets"
ONE_DATABASE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def house(engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, painter: str) -> Iterator[LittleHouse]:
    house = LittleHouse(engine, x, queue, storage, painter)
    house.control("limits", off=True)
    house.poller.look()
    yield house


def ask(house: LittleHouse, count: int, name: str = "asker", what: str = "@threadpaint a fox") -> list[int]:
    return [house.x.post(f"{what}", author=f"{name}_{number}") for number in range(count)]


def settle(house: LittleHouse, posts: list[int], rounds: int = 12) -> None:
    for _ in range(rounds):
        house.round()
        rows = [creation_of(house.engine, post) for post in posts]
        if all(row is not None and row.next_attempt_at is None for row in rows):
            return
    raise AssertionError(rows)


def start_again(house: LittleHouse) -> None:
    house.poller = house.new_poller()


def answers(house: LittleHouse) -> list[int]:
    return sorted(house.x.state()["answers"].values())


def calls(house: LittleHouse, name: str) -> int:
    return sum(house.x.state()["calls"].get(name, {}).values())


@pytest.mark.parametrize("queue_is", ["kept", "lost"])
def test_five_mentions_that_were_answered_after_the_backup_are_not_answered_again(
    house: LittleHouse, engine: Engine, queue_is: str
) -> None:
    before = ask(house, 1, "early")
    settle(house, before)
    backup = back_up(engine)
    posts = ask(house, 5)
    settle(house, posts)
    known = {post: (row.id, row.reply_post_id) for post in posts if (row := creation_of(engine, post))}
    restore(engine, backup)
    if queue_is == "lost":
        house.queue.connection.flushdb()
    start_again(house)
    settle(house, posts)
    assert (answers(house), house.x.state()["duplicates"]) == ([1] * 6, 0)
    rows = {post: creation_of(engine, post) for post in posts}
    assert {post: (row.id, row.reply_post_id) for post, row in rows.items()} == known, "links on X lead where they did"
    assert {row.state for row in rows.values()} == {State.REPLIED}
    assert all(row.shown_at for row in rows.values()), "the gallery has its pictures again"
    late = ask(house, 1, "late")
    settle(house, late)
    assert answers(house) == [1] * 7
    assert creation_of(engine, late[0]).id > max(number for number, _ in known.values())


@pytest.mark.parametrize("state", ["queued", "painted"])
def test_what_waited_when_the_backup_was_made_and_was_answered_since_is_marked(
    house: LittleHouse, engine: Engine, state: str
) -> None:
    (post,) = ask(house, 1)
    house.look()
    if state == "painted":
        house.queue.connection.flushdb()
        house.line.call_up("paint")
        house.work_off("paint")
        assert creation_of(engine, post).state == State.PAINTED
    backup = back_up(engine)
    settle(house, [post])
    (reply,) = house.x.replies(post)
    restore(engine, backup)
    house.queue.connection.flushdb()
    house.work_on()
    assert is_closed(engine) or creation_of(engine, post).state != State.REPLIED, "workers wait for the poller"
    start_again(house)
    settle(house, [post])
    row = creation_of(engine, post)
    assert (row.state, row.reply_post_id) == (State.REPLIED, int(reply["id"]))
    assert answers(house) == [1]


@ONE_DATABASE
def test_replies_in_words_are_not_said_again(house: LittleHouse, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(house, 2, what="@threadpaint help")
    settle(house, posts)
    restore(engine, backup)
    start_again(house)
    settle(house, posts)
    assert answers(house) == [1, 1]
    assert {creation_of(engine, post).reply_outcome for post in posts} == {"answered"}


@ONE_DATABASE
def test_who_was_only_told_of_a_wait_still_gets_the_picture(house: LittleHouse, engine: Engine) -> None:
    backup = back_up(engine)
    (post,) = ask(house, 1)
    house.poller.x.answer(wait_text(12, 40), to=post, media_ids=[])
    restore(engine, backup)
    start_again(house)
    settle(house, [post])
    assert creation_of(engine, post).state == State.REPLIED
    assert len(house.x.replies(post)) == 2, "the notice, and the picture"


@ONE_DATABASE
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html_503"},
        {"kind": "answer", "status": 429},
        {"kind": "garbage_200"},
        {"kind": "drop", "when": "after"},
        {"kind": "no_credits"},
    ],
)
def test_nobody_is_answered_until_x_shows_the_own_posts(
    house: LittleHouse, engine: Engine, fault: dict[str, Any]
) -> None:
    (waits,) = ask(house, 1, "waits")
    house.look()
    backup = back_up(engine)
    posts = ask(house, 2)
    settle(house, [waits, *posts])
    restore(engine, backup)
    start_again(house)
    replied = calls(house, REPLY)
    house.control("faults", endpoint=OWN, times=1000, **fault)
    for _ in range(4):
        house.round()
    assert calls(house, REPLY) == replied
    assert UNCHECKED in house.problems()
    assert UNCHECKED in house.status()
    house.x.http.delete(f"{house.x.url}/sandbox/faults")
    settle(house, [waits, *posts])
    assert answers(house) == [1] * 3
    assert UNCHECKED not in house.problems()


@ONE_DATABASE
def test_killed_in_the_middle_the_next_start_does_it_again(house: LittleHouse, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(house, 2)
    settle(house, posts)
    restore(engine, backup)
    with engine.begin() as connection:  # it breaks while it writes
        connection.execute(
            text("CREATE TRIGGER broken BEFORE INSERT ON earlier_reply BEGIN SELECT RAISE(ABORT, 'killed'); END")
        )
    start_again(house)
    for _ in range(2):
        house.round()
    assert is_closed(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER broken"))
    start_again(house)
    settle(house, posts)
    assert answers(house) == [1, 1]


@ONE_DATABASE
def test_two_pollers_find_the_same_once(house: LittleHouse, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(house, 3)
    settle(house, posts)
    restore(engine, backup)
    second, house.poller = house.new_poller(), house.new_poller()
    house.look()
    second.look()
    settle(house, posts)
    second.look()
    settle(house, posts)
    assert answers(house) == [1] * 3
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(earlier_replies)).scalar() == 3


@ONE_DATABASE
def test_a_mention_that_x_shows_late_is_known_to_be_answered(house: LittleHouse, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(house, 2)
    settle(house, posts)
    restore(engine, backup)
    for endpoint in ("GET /2/users/:id/mentions", "GET /2/tweets/search/recent"):
        house.control("faults", kind="index_delay", seconds=3000, endpoint=endpoint)
    start_again(house)
    house.round()
    assert creation_of(engine, posts[0]) is None
    house.x.http.delete(f"{house.x.url}/sandbox/faults")
    start_again(house)
    settle(house, posts)
    assert answers(house) == [1, 1]


@ONE_DATABASE
def test_replies_that_x_shows_no_more_are_looked_for_one_by_one(
    house: LittleHouse, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up(engine)
    posts = ask(house, 8)
    settle(house, posts, rounds=20)
    restore(engine, backup)
    monkeypatch.setattr("core.x.client.MAX_OWN_PAGES", 1)
    monkeypatch.setattr("core.x.client.PAGE", 5)
    start_again(house)
    house.look()
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(earlier_replies)).scalar() == 5
        assert reply_gate.replies_missed_before(connection) > posts[0]
    monkeypatch.undo()
    settle(house, posts, rounds=20)
    assert answers(house) == [1] * 8


@ONE_DATABASE
def test_an_announcement_is_found_again(house: LittleHouse, engine: Engine) -> None:
    parts = parts_of("The rules are simple.\n---\nReply with words.", {})
    backup = back_up(engine)
    posted = [number for _, number, _ in Announcement(house.client(), engine).post(parts)]
    restore(engine, backup)
    start_again(house)
    house.look()
    again = list(Announcement(house.client(), engine).post(parts))
    assert [(number, is_new) for _, number, is_new in again] == [(number, False) for number in posted]


@ONE_DATABASE
def test_what_was_paid_for_replies_stands_in_the_ledger_again(house: LittleHouse, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(house, 3)
    settle(house, posts)
    restore(engine, backup)
    start_again(house)
    settle(house, posts)
    bill = house.x.http.get(f"{house.x.url}/sandbox/money").json()["by_item"]
    with reading(engine) as connection:
        counts = dict(connection.execute(select(ledger.c.item, func.count()).group_by(ledger.c.item)).all())
    for item in ("reply", "alt_text"):
        assert counts[item] == bill[item]["count"] == 3


@ONE_DATABASE
def test_an_instance_that_goes_on_reads_its_own_posts_once_per_start_and_pays_nothing(house: LittleHouse) -> None:
    posts = ask(house, 2)
    settle(house, posts)
    start_again(house)
    house.look()  # the pinned thread is read and paid for once a day
    start_again(house)
    before, paid = calls(house, OWN), house.x.state()["bill_micro"]
    house.look()
    assert calls(house, OWN) - before == 2, "the pinned thread, and what is unknown"
    for _ in range(3):
        house.look()
    assert calls(house, OWN) - before == 2
    assert house.x.state()["bill_micro"] == paid
    assert not is_closed(house.engine)


@ONE_DATABASE
def test_a_worker_that_starts_long_after_the_last_look_lets_replies_wait(house: LittleHouse, engine: Engine) -> None:
    close_if_stale(engine)
    assert not is_closed(engine)
    with transaction(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - 2 * reply_gate.STALE))
    close_if_stale(engine)
    assert is_closed(engine)
    house.look()
    assert not is_closed(engine)


@ONE_DATABASE
def test_the_operator_can_have_it_done_at_once(house: LittleHouse, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(house, 2)
    settle(house, posts)
    restore(engine, backup)
    close(engine, "a backup was restored")
    client = house.client()
    found = reconcile(client, ReplyGate(engine, house.pace), client.my_id())
    assert (found.replies, found.marked, found.kept, found.complete) == (2, 0, 2, True)
    assert not is_closed(engine)
    start_again(house)
    settle(house, posts)
    assert answers(house) == [1, 1]


@ONE_DATABASE
def test_a_reply_that_names_another_creation_marks_none(house: LittleHouse, engine: Engine) -> None:
    """Under one post may stand replies of several creations: of the one that asked, and of those from the gallery."""
    (post,) = ask(house, 1)
    settle(house, [post])
    own = creation_of(engine, post)
    house.client().answer(f"No. {own.id + 7}. Another one.", to=post, media_ids=[])
    start_again(house)
    house.look()
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(earlier_replies)).scalar() == 0
        found = connection.execute(select(creations.c.reply_post_id).where(creations.c.post_id == post)).scalar()
    assert found == own.reply_post_id


@ONE_DATABASE
def test_of_several_replies_the_one_with_the_picture_counts_and_a_wait_notice_alone_is_no_answer(
    house: LittleHouse, engine: Engine
) -> None:
    backup = back_up(engine)
    answered, waits = ask(house, 2)
    house.client().answer(wait_text(5, 901), to=answered, media_ids=[])
    house.client().answer(wait_text(5, 902), to=waits, media_ids=[])
    house.control("faults", endpoint="POST /2/media/upload", kind="html_503", calls=[2, 3, 4, 5, 6, 7, 8])
    for _ in range(3):
        house.round()
    picture = creation_of(engine, answered).reply_post_id
    assert (picture is not None, creation_of(engine, waits).reply_post_id) == (True, None)
    restore(engine, backup)
    house.x.http.delete(f"{house.x.url}/sandbox/faults")
    start_again(house)
    settle(house, [answered, waits])
    assert creation_of(engine, answered).reply_post_id == picture
    assert [len(house.x.replies(post)) for post in (answered, waits)] == [2, 2]
