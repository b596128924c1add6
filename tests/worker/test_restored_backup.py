"""A restored backup doubles no reply: replies since the backup are found on X first."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update

from bot.announcement import AnnouncementThread, parse_thread
from bot.reply_reconciliation import reconcile
from core import reply_gate
from core.clock import now
from core.database import read_connection, write_session
from core.health import REPLY_GATE_CLOSED
from core.models import State, creations, cursors, earlier_replies, ledger
from core.queue import WorkQueue
from core.reply_gate import ReplyGate, close, close_if_stale, is_closed
from core.reply_texts import wait_notice_text
from core.storage import FolderStorage
from tests.support.backups import back_up, restore
from tests.support.in_process_bot import InProcessBot
from tests.support.poller import creation_of
from tests.support.sandbox_x import SandboxX

OWN = "GET /2/users/:id/tweets"
REPLY = "POST /2/tweets"
ONE_DATABASE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def bot(engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, gpu_url: str) -> Iterator[InProcessBot]:
    bot = InProcessBot(engine, x, queue, storage, gpu_url)
    bot.control("limits", off=True)
    bot.poller.poll_once()
    yield bot


def ask(bot: InProcessBot, count: int, name: str = "asker", what: str = "@threadpaint a fox") -> list[int]:
    return [bot.x.post(f"{what}", author=f"{name}_{number}") for number in range(count)]


def settle(bot: InProcessBot, posts: list[int], rounds: int = 12) -> None:
    for _ in range(rounds):
        bot.round()
        rows = [creation_of(bot.engine, post) for post in posts]
        if all(row is not None and row.next_attempt_at is None for row in rows):
            return
    raise AssertionError(rows)


def start_again(bot: InProcessBot) -> None:
    bot.poller = bot.new_poller()


def answers(bot: InProcessBot) -> list[int]:
    return sorted(bot.x.state()["answers"].values())


def calls(bot: InProcessBot, name: str) -> int:
    return sum(bot.x.state()["calls"].get(name, {}).values())


@pytest.mark.parametrize("queue_is", ["kept", "lost"])
def test_mentions_answered_after_the_backup_get_no_second_reply(
    bot: InProcessBot, engine: Engine, queue_is: str
) -> None:
    before = ask(bot, 1, "early")
    settle(bot, before)
    backup = back_up(engine)
    posts = ask(bot, 5)
    settle(bot, posts)
    known = {post: (row.id, row.reply_post_id) for post in posts if (row := creation_of(engine, post))}
    restore(engine, backup)
    if queue_is == "lost":
        bot.queue.connection.flushdb()
    start_again(bot)
    settle(bot, posts)
    assert (answers(bot), bot.x.state()["duplicates"]) == ([1] * 6, 0)
    rows = {post: creation_of(engine, post) for post in posts}
    assert {post: (row.id, row.reply_post_id) for post, row in rows.items()} == known, "links on X lead where they did"
    assert {row.state for row in rows.values()} == {State.REPLIED}
    assert all(row.published_at for row in rows.values()), "the gallery has its pictures again"
    late = ask(bot, 1, "late")
    settle(bot, late)
    assert answers(bot) == [1] * 7
    assert creation_of(engine, late[0]).id > max(number for number, _ in known.values())


@pytest.mark.parametrize("state", ["queued", "painted"])
def test_a_creation_answered_after_the_backup_is_marked(bot: InProcessBot, engine: Engine, state: str) -> None:
    (post,) = ask(bot, 1)
    bot.poll_once()
    if state == "painted":
        bot.queue.connection.flushdb()
        bot.dispatcher.dispatch("paint")
        bot.run_jobs("paint")
        assert creation_of(engine, post).state == State.PAINTED
    backup = back_up(engine)
    settle(bot, [post])
    (reply,) = bot.x.replies(post)
    restore(engine, backup)
    bot.queue.connection.flushdb()
    bot.dispatch_and_work()
    assert is_closed(engine) or creation_of(engine, post).state != State.REPLIED, "workers wait for the poller"
    start_again(bot)
    settle(bot, [post])
    row = creation_of(engine, post)
    assert (row.state, row.reply_post_id) == (State.REPLIED, int(reply["id"]))
    assert answers(bot) == [1]


@ONE_DATABASE
def test_text_replies_are_not_repeated(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(bot, 2, what="@threadpaint help")
    settle(bot, posts)
    restore(engine, backup)
    start_again(bot)
    settle(bot, posts)
    assert answers(bot) == [1, 1]
    assert {creation_of(engine, post).reply_status for post in posts} == {"answered"}


@ONE_DATABASE
def test_a_wait_notice_does_not_replace_the_picture(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    (post,) = ask(bot, 1)
    bot.poller.x.reply(wait_notice_text(12, 40), to=post, media_ids=[])
    restore(engine, backup)
    start_again(bot)
    settle(bot, [post])
    assert creation_of(engine, post).state == State.REPLIED
    assert len(bot.x.replies(post)) == 2, "the notice, and the picture"


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
def test_no_reply_is_sent_until_x_returns_the_own_posts(
    bot: InProcessBot, engine: Engine, fault: dict[str, Any]
) -> None:
    (waits,) = ask(bot, 1, "waits")
    bot.poll_once()
    backup = back_up(engine)
    posts = ask(bot, 2)
    settle(bot, [waits, *posts])
    restore(engine, backup)
    start_again(bot)
    replied = calls(bot, REPLY)
    bot.control("faults", endpoint=OWN, times=1000, **fault)
    for _ in range(4):
        bot.round()
    assert calls(bot, REPLY) == replied
    assert REPLY_GATE_CLOSED in bot.problems()
    assert REPLY_GATE_CLOSED in bot.status()
    bot.x.http.delete(f"{bot.x.url}/sandbox/faults")
    settle(bot, [waits, *posts])
    assert answers(bot) == [1] * 3
    assert REPLY_GATE_CLOSED not in bot.problems()


@ONE_DATABASE
def test_a_killed_reconciliation_is_repeated_at_the_next_start(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(bot, 2)
    settle(bot, posts)
    restore(engine, backup)
    with engine.begin() as connection:  # fails while it writes
        connection.execute(
            text("CREATE TRIGGER broken BEFORE INSERT ON earlier_reply BEGIN SELECT RAISE(ABORT, 'killed'); END")
        )
    start_again(bot)
    for _ in range(2):
        bot.round()
    assert is_closed(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER broken"))
    start_again(bot)
    settle(bot, posts)
    assert answers(bot) == [1, 1]


@ONE_DATABASE
def test_two_pollers_reconcile_once(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(bot, 3)
    settle(bot, posts)
    restore(engine, backup)
    second, bot.poller = bot.new_poller(), bot.new_poller()
    bot.poll_once()
    second.poll_once()
    settle(bot, posts)
    second.poll_once()
    settle(bot, posts)
    assert answers(bot) == [1] * 3
    with read_connection(engine) as connection:
        assert connection.execute(select(func.count()).select_from(earlier_replies)).scalar() == 3


@ONE_DATABASE
def test_a_late_mention_is_known_to_be_answered(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(bot, 2)
    settle(bot, posts)
    restore(engine, backup)
    for endpoint in ("GET /2/users/:id/mentions", "GET /2/tweets/search/recent"):
        bot.control("faults", kind="index_delay", seconds=3000, endpoint=endpoint)
    start_again(bot)
    bot.round()
    assert creation_of(engine, posts[0]) is None
    bot.x.http.delete(f"{bot.x.url}/sandbox/faults")
    start_again(bot)
    settle(bot, posts)
    assert answers(bot) == [1, 1]


@ONE_DATABASE
def test_replies_beyond_the_timeline_are_looked_up_one_by_one(
    bot: InProcessBot, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up(engine)
    posts = ask(bot, 8)
    settle(bot, posts, rounds=20)
    restore(engine, backup)
    monkeypatch.setattr("core.x.reader.MAX_OWN_PAGES", 1)
    monkeypatch.setattr("core.x.reader.PAGE_SIZE", 5)
    start_again(bot)
    bot.poll_once()
    with read_connection(engine) as connection:
        assert connection.execute(select(func.count()).select_from(earlier_replies)).scalar() == 5
        assert reply_gate.unchecked_before_id(connection) > posts[0]
    monkeypatch.undo()
    settle(bot, posts, rounds=20)
    assert answers(bot) == [1] * 8


@ONE_DATABASE
def test_an_announcement_is_found_again(bot: InProcessBot, engine: Engine) -> None:
    parts = parse_thread("The rules are simple.\n---\nReply with words.", {})
    backup = back_up(engine)
    posted = [number for _, number, _ in AnnouncementThread(bot.client(), engine).publish(parts)]
    restore(engine, backup)
    start_again(bot)
    bot.poll_once()
    again = list(AnnouncementThread(bot.client(), engine).publish(parts))
    assert [(number, is_new) for _, number, is_new in again] == [(number, False) for number in posted]


@ONE_DATABASE
def test_costs_of_replies_are_restored_in_the_ledger(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(bot, 3)
    settle(bot, posts)
    restore(engine, backup)
    start_again(bot)
    settle(bot, posts)
    bill = bot.x.http.get(f"{bot.x.url}/sandbox/money").json()["by_item"]
    with read_connection(engine) as connection:
        stmt = select(ledger.c.item, func.count().label("count")).group_by(ledger.c.item)
        counts = {row.item: row.count for row in connection.execute(stmt)}
    for item in ("reply", "alt_text"):
        assert counts[item] == bill[item]["count"] == 3


@ONE_DATABASE
def test_a_restart_reads_own_posts_once_and_pays_nothing(bot: InProcessBot) -> None:
    posts = ask(bot, 2)
    settle(bot, posts)
    start_again(bot)
    bot.poll_once()  # the pinned thread is read and paid for once a day
    start_again(bot)
    before, paid = calls(bot, OWN), bot.x.state()["bill_micro"]
    bot.poll_once()
    assert calls(bot, OWN) - before == 2, "the pinned thread, and what is unknown"
    for _ in range(3):
        bot.poll_once()
    assert calls(bot, OWN) - before == 2
    assert bot.x.state()["bill_micro"] == paid
    assert not is_closed(bot.engine)


@ONE_DATABASE
def test_a_worker_started_long_after_the_last_poll_delays_replies(bot: InProcessBot, engine: Engine) -> None:
    close_if_stale(engine)
    assert not is_closed(engine)
    with write_session(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - 2 * reply_gate.MAX_POLL_AGE))
    close_if_stale(engine)
    assert is_closed(engine)
    bot.poll_once()
    assert not is_closed(engine)


@ONE_DATABASE
def test_the_operator_can_reconcile_at_once(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    posts = ask(bot, 2)
    settle(bot, posts)
    restore(engine, backup)
    close(engine, "a backup was restored")
    client = bot.client()
    found = reconcile(client, ReplyGate(engine, bot.rate_limiter), client.get_my_id())
    assert (found.replies, found.marked, found.stored, found.complete) == (2, 0, 2, True)
    assert not is_closed(engine)
    start_again(bot)
    settle(bot, posts)
    assert answers(bot) == [1, 1]


@ONE_DATABASE
def test_a_reply_that_names_another_creation_marks_none(bot: InProcessBot, engine: Engine) -> None:
    """A post may have replies of several creations: of its own, and of those from the gallery."""
    (post,) = ask(bot, 1)
    settle(bot, [post])
    own = creation_of(engine, post)
    bot.client().reply(f"No. {own.id + 7}. Another one.", to=post, media_ids=[])
    start_again(bot)
    bot.poll_once()
    with read_connection(engine) as connection:
        assert connection.execute(select(func.count()).select_from(earlier_replies)).scalar() == 0
        found = connection.execute(select(creations.c.reply_post_id).where(creations.c.post_id == post)).scalar()
    assert found == own.reply_post_id


@ONE_DATABASE
def test_the_reply_with_the_picture_counts_and_a_wait_notice_does_not(bot: InProcessBot, engine: Engine) -> None:
    backup = back_up(engine)
    answered, waits = ask(bot, 2)
    bot.client().reply(wait_notice_text(5, 901), to=answered, media_ids=[])
    bot.client().reply(wait_notice_text(5, 902), to=waits, media_ids=[])
    bot.control("faults", endpoint="POST /2/media/upload", kind="html_503", calls=[2, 3, 4, 5, 6, 7, 8])
    for _ in range(3):
        bot.round()
    picture = creation_of(engine, answered).reply_post_id
    assert (picture is not None, creation_of(engine, waits).reply_post_id) == (True, None)
    restore(engine, backup)
    bot.x.http.delete(f"{bot.x.url}/sandbox/faults")
    start_again(bot)
    settle(bot, [answered, waits])
    assert creation_of(engine, answered).reply_post_id == picture
    assert [len(bot.x.replies(post)) for post in (answered, waits)] == [2, 2]
