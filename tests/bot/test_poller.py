"""Test the poller against the real sandbox, a real queue and both databases."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from bot import policy
from bot.mention_source import MENTIONS as SOURCE
from bot.poller import Poller
from bot.repository import read_cursor
from core.clock import now
from core.database import read_connection, write_session
from core.database_lease import ProcessLease
from core.errors import TryLater
from core.models import creations, cursors, people
from core.poll_status import LEASE
from core.queue import PAINT, WorkQueue, open_queue
from core.x import Post, reader, snowflake_from_time
from sandbox.settings import SandboxSettings
from tests.support.forked_process import forked_process
from tests.support.poller import EAGER, classifications, control, make_poller, prompts
from tests.support.sandbox_x import KEYS, SandboxX, answers, lost_call
from tests.support.servers import wait_until


@pytest.fixture
def short_lists(x: SandboxX, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let X list 80 mentions in pages of 10, instead of 800 in pages of 100."""
    assert SandboxSettings().mentions_reach == reader.MAX_PAGES * reader.PAGE_SIZE
    monkeypatch.setattr(reader, "PAGE_SIZE", 10)
    world = x.injector.app.state.world
    world.settings = world.settings.model_copy(update={"mentions_reach": 10 * reader.MAX_PAGES})


def post_prompts(x: SandboxX, count: int, *, authors: int = 1) -> None:
    """Post the prompts `prompt 0`, `prompt 1` and so on, as so many users in turn."""
    x.post_many([{"text": f"@threadpaint prompt {n}", "author": f"p{n % authors}"} for n in range(count)])


def run_until_saved(poller: Poller, engine: Engine) -> None:
    """Run the poller until the prompt `a fox` is stored, then stop it."""
    stopped = threading.Event()
    running = threading.Thread(target=poller.run_forever, args=(stopped,))
    running.start()
    wait_until(lambda: prompts(engine) == ["a fox"], "polling does not continue")
    stopped.set()
    running.join(5)
    assert not running.is_alive()


def test_mention_becomes_a_creation_and_a_job(poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    post_id = x.post("@threadpaint a red fox", author="ada")
    assert poller.poll_once() == 1
    with read_connection(engine) as connection:
        row = connection.execute(select(creations, people.c.username).join(people)).one()
    assert (row.prompt, row.post_id, row.state, row.username) == ("a red fox", post_id, "queued", "ada")
    assert queue.queued_ids(PAINT) == {row.id}


def test_nothing_older_than_the_first_start_is_answered(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    x.post("@threadpaint before you were born")
    control(x, "clock", advance=2)  # X sends whole seconds
    poller = make_poller(x.client(), engine, queue)
    assert poller.poll_once() == 0
    x.post("@threadpaint after")
    assert poller.poll_once() == 1
    assert prompts(engine) == ["after"]


def test_post_that_is_read_again_changes_nothing(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint once")
    assert [poller.poll_once(), poller.poll_once(), poller.poll_once()] == [1, 0, 0]
    assert prompts(engine) == ["once"]


def test_two_pollers_save_a_post_once(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_prompts(x, 20)
    twin = make_poller(x.client(), engine, poller.dispatcher.queue)

    def poll(poller: Poller) -> None:
        for _ in range(3):
            try:
                poller.poll_once()
            except Exception:  # PostgreSQL rejects the loser of a race; its next poll succeeds
                continue

    threads = [threading.Thread(target=poll, args=(each_poller,)) for each_poller in (poller, twin)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(prompts(engine)) == sorted(f"prompt {number}" for number in range(20))


def test_late_indexed_post_is_read(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint late to the list")
    with write_session(engine) as session:  # as if a newer post was read first
        session.execute(update(cursors).values(since_id=snowflake_from_time(now()) + (1 << 22), polled_at=now()))
    assert poller.poll_once() == 1


def test_idle_bot_does_not_read_posts_again(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint a fox")
    poller.poll_once()
    cursor = read_cursor(engine, SOURCE)
    assert cursor is not None
    poller.poll_once()
    assert poller.source.overlap_since_id(cursor, 0) >= cursor.min_id
    assert poller.x.get_mentions(poller.load_account().author.id, since_id=cursor.since_id).posts == []


def test_reply_to_the_pinned_thread_is_a_prompt(poller: Poller, x: SandboxX, engine: Engine) -> None:
    root, *rest = sorted(poller.watched)
    assert rest, "the opening thread has several posts"
    x.post("a lighthouse in fog", author="bea", in_reply_to=str(root))
    x.post("a boat", author="carl", in_reply_to=str(rest[-1]))
    assert poller.poll_once() == 2
    assert sorted(prompts(engine)) == ["a boat", "a lighthouse in fog"]


def test_talk_in_a_thread_creates_nothing(poller: Poller, x: SandboxX, engine: Engine) -> None:
    asked = x.post("@threadpaint a fox", author="ada")
    poller.poll_once()
    answer = poller.x.reply("Painting No. 1", to=asked, media_ids=[])
    thanks = x.post("wow, thanks!", author="ada", in_reply_to=str(answer))
    assert poller.poll_once() == 0
    assert classifications(engine)[thanks] == "talk"
    assert answer not in classifications(engine)


@pytest.mark.usefixtures("short_lists")
def test_several_pages_of_posts_are_saved_and_the_first_posts_dispatched(
    poller: Poller, x: SandboxX, queue: WorkQueue
) -> None:
    post_prompts(x, 25, authors=5)
    assert poller.poll_once() == 25
    assert len(prompts(poller.engine)) == 25
    assert 0 < len(queue.queued_ids(PAINT)) < 25  # the others wait in the rows


def test_rejected_prompt_is_stored_with_its_reason(
    poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    x.post("@threadpaint https://example.com/")
    x.post("@threadpaint " + "very " * 800 + "long")
    assert poller.poll_once() == 0
    with read_connection(engine) as connection:
        rows = connection.execute(select(creations).order_by(creations.c.id)).all()
    assert [(row.state, row.reason_code, row.reply_text is None) for row in rows] == [
        ("refused", "empty", False),
        ("refused", "too_long", False),
    ]
    assert [row.next_attempt_at is None for row in rows] == [False, False]  # the worker sends the text replies
    assert queue.queued_ids(PAINT) == set()


def test_long_post_is_read_completely(poller: Poller, x: SandboxX, engine: Engine) -> None:
    words = "a fox & a hen in the snow, " * 40
    x.post(f"@threadpaint {words}")
    poller.poll_once()
    assert prompts(engine) == [words.strip()]


def test_rows_are_saved_without_a_queue(poller: Poller, x: SandboxX, engine: Engine, tmp_path: Path) -> None:
    poller.dispatcher = replace(poller.dispatcher, queue=open_queue(f"unix://{tmp_path / 'nobody.sock'}"))
    x.post("@threadpaint a fox")
    assert poller.poll_once() == 1
    assert prompts(engine) == ["a fox"]


def test_failing_page_changes_nothing(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint a fox")
    before = read_cursor(engine, SOURCE)
    path = f"/2/users/{poller.load_account().author.id}/mentions"
    for fault in (answers(503, b"<html>"), answers(200, b""), answers(429), lost_call, answers(200, b'{"data": 3}')):
        x.spoil("GET", path, fault)
        with pytest.raises(TryLater):
            poller.poll_once()
    after = read_cursor(engine, SOURCE)
    assert before is not None
    assert after is not None
    assert (before.since_id, before.polled_at) == (after.since_id, after.polled_at)
    assert poller.poll_once() == 1


def test_polling_resumes_when_x_is_back(poller: Poller, x: SandboxX, engine: Engine) -> None:
    path = f"/2/users/{poller.load_account().author.id}/mentions"
    x.spoil("GET", path, answers(503), lost_call)
    x.post("@threadpaint a fox")
    run_until_saved(poller, engine)


def test_unreadable_post_does_not_hide_others(poller: Poller, x: SandboxX, engine: Engine) -> None:
    good = x.post("@threadpaint a fox", author="ada")
    poller.poll_once()
    author = {"id": "5", "username": "ada", "name": "Ada"}
    mention = {"start": 0, "end": 12, "id": str(poller.load_account().author.id), "username": "threadpaint"}
    edit = {"id": str(good + 1), "author_id": "5", "text": "@threadpaint a wolf", "edit_history_tweet_ids": [str(good)]}
    new = {"id": str(good + 2), "author_id": "5", "text": "@threadpaint a hen", "entities": {"mentions": [mention]}}
    serve_page(poller, x, {"id": "nonsense"}, None, edit, new, users=[author])
    assert poller.poll_once() == 1
    assert prompts(engine) == ["a fox", "a hen"]


def serve_page(poller: Poller, x: SandboxX, *raw: object, users: object = None) -> None:
    """Make the next poll find exactly these posts."""
    meta = {"result_count": len(raw)}
    page = {"data": list(raw), "includes": {"users": users or []}, "meta": meta}
    path = f"/2/users/{poller.load_account().author.id}/mentions"
    x.spoil("GET", path, answers(200, json.dumps(page).encode(), content_type="application/json"))


def raw_mention(poller: Poller, number: int, text: str = "@threadpaint a fox", **values: object) -> dict[str, object]:
    mention = {"start": 0, "end": 12, "id": str(poller.load_account().author.id), "username": "threadpaint"}
    post_id = str(snowflake_from_time(now()) + number)
    return {"id": post_id, "author_id": "5", "text": text, "entities": {"mentions": [mention]}} | values


def test_root_id_that_arrives_later_does_not_stop_polling(poller: Poller, x: SandboxX, engine: Engine) -> None:
    first = raw_mention(poller, 7, edit_history_tweet_ids=[""])
    serve_page(poller, x, first)
    assert poller.poll_once() == 1
    serve_page(poller, x, first | {"edit_history_tweet_ids": [str(snowflake_from_time(now()) - 5), first["id"]]})
    assert poller.poll_once() == 0


@pytest.mark.parametrize(
    "poison",
    [
        {"author_id": str(2**63)},
        {"conversation_id": str(2**70)},
        {"edit_history_tweet_ids": [str(2**64)]},
        {"entities": {"mentions": [{"start": None, "end": "x"}], "urls": [{"start": 3.5}]}},
        {"entities": {"mentions": 7}},
        {"display_text_range": ["x"]},
        {"referenced_tweets": [{"type": "replied_to"}]},
        {"text": None},
        {"note_tweet": "?"},
    ],
)
def test_unsavable_post_does_not_block_others(
    poller: Poller, x: SandboxX, engine: Engine, poison: dict[str, object]
) -> None:
    serve_page(poller, x, raw_mention(poller, 1) | poison, raw_mention(poller, 2, "@threadpaint a hen"))
    poller.poll_once()
    assert "a hen" in prompts(engine)


def test_malformed_user_does_not_hide_posts(poller: Poller, x: SandboxX, engine: Engine) -> None:
    serve_page(poller, x, raw_mention(poller, 1), users=[{"id": "5"}, None, {"id": "6", "username": "bea"}])
    assert poller.poll_once() == 1


def test_user_missing_from_the_response_keeps_the_known_name(poller: Poller, x: SandboxX, engine: Engine) -> None:
    serve_page(poller, x, raw_mention(poller, 1), users=[{"id": "5", "username": "Ada_L", "name": "Ada"}])
    poller.poll_once()
    serve_page(poller, x, raw_mention(poller, 2))
    poller.poll_once()
    with read_connection(engine) as connection:
        row = connection.execute(select(people).where(people.c.id == 5)).one()
    assert (row.username, row.handle, row.name) == ("Ada_L", "ada_l", "Ada")


def test_response_without_result_count_is_not_trusted(poller: Poller, x: SandboxX) -> None:
    path = f"/2/users/{poller.load_account().author.id}/mentions"
    for body in (b"{}", b"[]", b'"x"', b'{"meta":[]}', b'{"data":{}}', b"[" * 100_000, b'{"data":[],"meta":null}'):
        x.spoil("GET", path, answers(200, body, content_type="application/json"))
        with pytest.raises(TryLater, match="x_garbage"):
            poller.poll_once()


@pytest.mark.usefixtures("short_lists")
def test_search_finds_more_mentions_than_x_lists(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_prompts(x, 85, authors=5)
    assert poller.poll_once() == 85
    assert len(set(prompts(engine))) == 85


def test_bug_on_one_post_affects_only_that_post(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(post: Post, *values: object) -> policy.Decision:
        if "fox" in post.text:
            raise ZeroDivisionError
        return decide(post, *values)  # type: ignore[arg-type]

    decide = policy.decide
    monkeypatch.setattr(policy, "decide", broken)  # stands for any bug
    x.post("@threadpaint a fox")
    x.post("@threadpaint a hen")
    assert poller.poll_once() == 1
    with read_connection(engine) as connection:
        rows = connection.execute(select(creations.c.state, creations.c.reason_code).order_by(creations.c.id)).all()
    assert [tuple(row) for row in rows] == [("refused", "unexpected"), ("queued", None)]


def test_polling_resumes_after_rejection_and_database_outage(poller: Poller, x: SandboxX, engine: Engine) -> None:
    path = f"/2/users/{poller.load_account().author.id}/mentions"
    x.spoil("GET", path, answers(400, b"{}"), answers(400, b"{}"))
    x.post("@threadpaint a fox")
    run_until_saved(poller, engine)


def test_local_clock_skew_does_not_move_the_first_start(
    x: SandboxX, engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = lambda: now() + timedelta(minutes=10)  # noqa: E731
    monkeypatch.setattr("core.x.transport.now", fast)
    poller = make_poller(x.client(), engine, queue)
    poller.poll_once()
    x.post("@threadpaint a fox")
    assert poller.poll_once() == 1


def test_local_clock_skew_does_not_shorten_the_overlap(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.x.transport.now", lambda: now() + timedelta(minutes=5))
    monkeypatch.setattr("bot.mention_source.now", lambda: now() + timedelta(minutes=5))
    x.post("@threadpaint late to the list")
    poller.x.get_me()
    with write_session(engine) as session:  # as if a newer post was read first
        since_id, polled_at = snowflake_from_time(now()) + (1 << 22), now() + timedelta(minutes=5)
        session.execute(update(cursors).values(since_id=since_id, polled_at=polled_at))
    assert poller.poll_once() == 1


@pytest.mark.usefixtures("short_lists")
def test_weeks_of_downtime_are_backfilled_as_far_as_possible(poller: Poller, x: SandboxX, engine: Engine) -> None:
    long_ago = now() - timedelta(days=20)
    with write_session(engine) as session:
        session.execute(
            update(cursors).values(
                since_id=snowflake_from_time(long_ago), min_id=snowflake_from_time(long_ago), polled_at=long_ago
            )
        )
    post_prompts(x, 85)
    assert poller.poll_once() == 85


@pytest.mark.usefixtures("short_lists")
def test_mentions_are_saved_if_search_is_denied(poller: Poller, x: SandboxX) -> None:
    post_prompts(x, 81)
    x.spoil("GET", "/2/tweets/search/recent", answers(403, b"{}"))
    assert poller.poll_once() == 80


def test_endless_empty_pages_end_the_poll(poller: Poller, x: SandboxX) -> None:
    path = f"/2/users/{poller.load_account().author.id}/mentions"
    body = b'{"meta":{"result_count":0,"next_token":"more"}}'
    x.spoil("GET", path, *[answers(200, body, content_type="application/json")] * 8)
    assert poller.poll_once() == 0


def test_naughty_strings_are_processed(poller: Poller, x: SandboxX, engine: Engine, material: Path) -> None:
    strings = [s for s in json.loads((material / "web-blns" / "blns.json").read_text()) if len(s) < 4000]
    x.post_many([{"text": f"@threadpaint {string}", "author": "ada"} for string in strings])
    poller.poll_once()
    with read_connection(engine) as connection:
        stmt = select(creations.c.state, func.count()).group_by(creations.c.state)
        states = {row.state: row[1] for row in connection.execute(stmt)}
    assert sum(states.values()) == len(strings)
    assert set(states) <= {"queued", "refused"}
    assert states["queued"] > 400


# --- two pollers ---


def test_standby_poller_reads_nothing_and_takes_over(
    x: SandboxX, engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.poller.STANDBY_INTERVAL_SECONDS", 0.1)
    first, second = (make_poller(x.client(), engine, queue, **EAGER) for _ in range(2))
    first.lease, second.lease = ProcessLease(engine, LEASE), ProcessLease(engine, LEASE)
    stops = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=one.run_forever, args=(stop,)) for one, stop in zip((first, second), stops, strict=True)
    ]
    threads[0].start()
    wait_until(lambda: first.lease.held, "the first does not poll")
    second.x = None  # type: ignore[assignment]  # whatever it asked of X would fail
    threads[1].start()
    wait_until(lambda: second._is_standby, "the second does not wait")
    x.post("@threadpaint a fox")
    wait_until(lambda: prompts(engine) == ["a fox"], "the first does not go on")
    assert not second.lease.held
    second.x = x.client()
    stops[0].set()
    wait_until(lambda: second.lease.held, "the second does not take over")
    x.post("@threadpaint a hare")
    wait_until(lambda: prompts(engine) == ["a fox", "a hare"], "the second does not poll")
    stops[1].set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.processes
@pytest.mark.usefixtures("migrated_engine")
def test_standby_poller_takes_over_from_a_killed_one(
    x: SandboxX, tmp_path: Path, queue_server: str, queue: WorkQueue
) -> None:
    keys = {name.upper(): value for name, value in KEYS.items()}
    given = {"DATA_DIR": str(tmp_path), "REDIS_URL": queue_server, "X_API_URL": x.url, "POLL_SECONDS": "0.5", **keys}
    logs = tmp_path / "first.log", tmp_path / "second.log"
    with forked_process("bot", environment=given, log=logs[0]) as first:
        wait_until(lambda: "polling started" in logs[0].read_text(), "the first does not poll")
        with forked_process("bot", environment=given, log=logs[1]):
            wait_until(lambda: "another poller is active" in logs[1].read_text(), "the second does not notice")
            assert f"pid={first.pid}" in logs[1].read_text()
            first.kill()
            first.wait()
            wait_until(lambda: "this one polls" in logs[1].read_text(), "the second does not take over")
            wait_until(lambda: "polling started" in logs[1].read_text(), "the second does not poll")
    assert logs[1].read_text().count("another poller is active") == 1
