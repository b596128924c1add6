"""The poller against the real sandbox, a real queue and both databases."""

import json
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from bot import rules
from bot.ears import MENTIONS as SOURCE
from bot.notebook import read_cursor
from bot.poller import Poller
from core.clock import now
from core.database import open_database, reading, transaction
from core.errors import TryLater
from core.lease import Lease
from core.models import creations, cursors, people
from core.polling import LEASE
from core.queue import PAINT, WorkQueue, open_queue
from core.schema import migrate
from core.x import Post, id_at
from tests.support.hearing import EAGER, listener, prompts, verdicts
from tests.support.sandbox_x import KEYS, SandboxX, answers, lost_call
from tests.support.servers import process, wait_until


def listen_until_heard(poller: Poller, engine: Engine) -> None:
    """Let it listen until the one prompt `a fox` is written down, then stop it."""
    stopped = threading.Event()
    listening = threading.Thread(target=poller.listen, args=(stopped,))
    listening.start()
    wait_until(lambda: prompts(engine) == ["a fox"], "it did not go on")
    stopped.set()
    listening.join(5)
    assert not listening.is_alive()


def test_a_mention_becomes_a_creation_and_a_job(poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    post_id = x.post("@threadpaint a red fox", author="ada")
    assert poller.look() == 1
    with reading(engine) as connection:
        row = connection.execute(select(creations, people.c.username).join(people)).one()
    assert (row.prompt, row.post_id, row.state, row.username) == ("a red fox", post_id, "queued", "ada")
    assert queue.waiting(PAINT) == {row.id}


def test_it_answers_nothing_older_than_its_first_start(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    x.post("@threadpaint before you were born")
    time.sleep(2.5)  # X tells its time in whole seconds, and may tell an old one
    poller = listener(x.client(), engine, queue)
    assert poller.look() == 0
    x.post("@threadpaint after")
    assert poller.look() == 1
    assert prompts(engine) == ["after"]


def test_reading_a_post_again_changes_nothing(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint once")
    assert [poller.look(), poller.look(), poller.look()] == [1, 0, 0]
    assert prompts(engine) == ["once"]


def test_two_pollers_at_once_write_a_post_once(poller: Poller, x: SandboxX, engine: Engine) -> None:
    for number in range(20):
        x.post(f"@threadpaint prompt {number}")
    twin = listener(x.client(), engine, poller.line.queue)

    def look(one: Poller) -> None:
        for _ in range(3):
            try:
                one.look()
            except Exception:  # PostgreSQL tells the loser of a race; its next look is right
                continue

    threads = [threading.Thread(target=look, args=(one,)) for one in (poller, twin)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(prompts(engine)) == sorted(f"prompt {number}" for number in range(20))


def test_a_post_that_x_indexes_late_is_read_all_the_same(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint late to the list")
    with transaction(engine) as session:  # as if a newer post had been read first
        session.execute(update(cursors).values(since_id=id_at(now()) + (1 << 22), polled_at=now()))
    assert poller.look() == 1


def test_an_idle_bot_asks_x_for_nothing_it_has_read(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint a fox")
    poller.look()
    cursor = read_cursor(engine, SOURCE)
    assert cursor is not None
    poller.look()
    assert poller.ears.reach_back(cursor, 0) >= cursor.floor_id
    assert poller.x.mentions(poller._know_myself().author.id, since_id=cursor.since_id).posts == []


def test_a_direct_reply_to_the_opening_thread_is_a_prompt(poller: Poller, x: SandboxX, engine: Engine) -> None:
    root, *rest = sorted(poller.watched)
    assert rest, "the opening thread has several posts"
    x.post("a lighthouse in fog", author="bea", in_reply_to=str(root))
    x.post("a boat", author="carl", in_reply_to=str(rest[-1]))
    assert poller.look() == 2
    assert sorted(prompts(engine)) == ["a boat", "a lighthouse in fog"]


def test_talk_in_a_thread_paints_nothing(poller: Poller, x: SandboxX, engine: Engine) -> None:
    asked = x.post("@threadpaint a fox", author="ada")
    poller.look()
    answer = poller.x.answer("Painting No. 1", to=asked, media_ids=[])
    thanks = x.post("wow, thanks!", author="ada", in_reply_to=str(answer))
    assert poller.look() == 0
    assert verdicts(engine)[thanks] == "talk"
    assert answer not in verdicts(engine)


def test_it_reads_hundreds_at_once_loses_none_and_calls_up_the_first(
    poller: Poller, x: SandboxX, queue: WorkQueue
) -> None:
    for number in range(250):
        x.post(f"@threadpaint prompt {number}", author=f"p{number % 50}")
    assert poller.look() == 250
    assert len(prompts(poller.engine)) == 250
    assert 0 < len(queue.waiting(PAINT)) < 250  # the first in line; the others wait in the rows


def test_a_refused_prompt_is_kept_with_its_reason(
    poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    x.post("@threadpaint https://example.com/")
    x.post("@threadpaint " + "very " * 800 + "long")
    assert poller.look() == 0
    with reading(engine) as connection:
        rows = connection.execute(select(creations).order_by(creations.c.id)).all()
    assert [(row.state, row.code, row.says is None) for row in rows] == [
        ("refused", "empty", False),
        ("refused", "too_long", False),
    ]
    assert [row.next_attempt_at is None for row in rows] == [False, False]  # the worker says it
    assert queue.waiting(PAINT) == set()


def test_a_long_post_is_read_whole(poller: Poller, x: SandboxX, engine: Engine) -> None:
    words = "a fox & a hen in the snow, " * 40
    x.post(f"@threadpaint {words}")
    poller.look()
    assert prompts(engine) == [words.strip()]


def test_when_the_queue_is_away_the_rows_are_written(
    poller: Poller, x: SandboxX, engine: Engine, tmp_path: Path
) -> None:
    poller.line = replace(poller.line, queue=open_queue(f"unix://{tmp_path / 'nobody.sock'}"))
    x.post("@threadpaint a fox")
    assert poller.look() == 1
    assert prompts(engine) == ["a fox"]


def test_a_page_that_fails_half_way_changes_nothing(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint a fox")
    before = read_cursor(engine, SOURCE)
    path = f"/2/users/{poller._know_myself().author.id}/mentions"
    for fault in (answers(503, b"<html>"), answers(200, b""), answers(429), lost_call, answers(200, b'{"data": 3}')):
        x.spoil("GET", path, fault)
        with pytest.raises(TryLater):
            poller.look()
    after = read_cursor(engine, SOURCE)
    assert before is not None
    assert after is not None
    assert (before.since_id, before.polled_at) == (after.since_id, after.polled_at)
    assert poller.look() == 1


def test_it_goes_on_by_itself_when_x_is_back(poller: Poller, x: SandboxX, engine: Engine) -> None:
    path = f"/2/users/{poller._know_myself().author.id}/mentions"
    x.spoil("GET", path, answers(503), lost_call)
    x.post("@threadpaint a fox")
    listen_until_heard(poller, engine)


def test_an_edited_or_unreadable_post_does_not_hide_the_others(poller: Poller, x: SandboxX, engine: Engine) -> None:
    good = x.post("@threadpaint a fox", author="ada")
    poller.look()
    author = {"id": "5", "username": "ada", "name": "Ada"}
    mention = {"start": 0, "end": 12, "id": str(poller._know_myself().author.id), "username": "threadpaint"}
    edit = {"id": str(good + 1), "author_id": "5", "text": "@threadpaint a wolf", "edit_history_tweet_ids": [str(good)]}
    new = {"id": str(good + 2), "author_id": "5", "text": "@threadpaint a hen", "entities": {"mentions": [mention]}}
    serve_page(poller, x, {"id": "nonsense"}, None, edit, new, users=[author])
    assert poller.look() == 1
    assert prompts(engine) == ["a fox", "a hen"]


def serve_page(poller: Poller, x: SandboxX, *raw: object, users: object = None) -> None:
    """The next look finds exactly these posts."""
    meta = {"result_count": len(raw)}
    page = {"data": list(raw), "includes": {"users": users or []}, "meta": meta}
    path = f"/2/users/{poller._know_myself().author.id}/mentions"
    x.spoil("GET", path, answers(200, json.dumps(page).encode(), content_type="application/json"))


def raw_mention(poller: Poller, number: int, text: str = "@threadpaint a fox", **values: object) -> dict[str, object]:
    mention = {"start": 0, "end": 12, "id": str(poller._know_myself().author.id), "username": "threadpaint"}
    post_id = str(id_at(now()) + number)
    return {"id": post_id, "author_id": "5", "text": text, "entities": {"mentions": [mention]}} | values


def test_a_post_whose_root_x_tells_later_does_not_stop_the_poller(poller: Poller, x: SandboxX, engine: Engine) -> None:
    first = raw_mention(poller, 7, edit_history_tweet_ids=[""])
    serve_page(poller, x, first)
    assert poller.look() == 1
    serve_page(poller, x, first | {"edit_history_tweet_ids": [str(id_at(now()) - 5), first["id"]]})
    assert poller.look() == 0


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
def test_a_poisonous_post_does_not_hide_the_one_beside_it(
    poller: Poller, x: SandboxX, engine: Engine, poison: dict[str, object]
) -> None:
    serve_page(poller, x, raw_mention(poller, 1) | poison, raw_mention(poller, 2, "@threadpaint a hen"))
    poller.look()
    assert "a hen" in prompts(engine)


def test_a_person_who_makes_no_sense_does_not_hide_the_posts(poller: Poller, x: SandboxX, engine: Engine) -> None:
    serve_page(poller, x, raw_mention(poller, 1), users=[{"id": "5"}, None, {"id": "6", "username": "bea"}])
    assert poller.look() == 1


def test_a_person_x_does_not_send_keeps_the_name_we_know(poller: Poller, x: SandboxX, engine: Engine) -> None:
    serve_page(poller, x, raw_mention(poller, 1), users=[{"id": "5", "username": "Ada_L", "name": "Ada"}])
    poller.look()
    serve_page(poller, x, raw_mention(poller, 2))
    poller.look()
    with reading(engine) as connection:
        row = connection.execute(select(people).where(people.c.id == 5)).one()
    assert (row.username, row.handle, row.name) == ("Ada_L", "ada_l", "Ada")


def test_an_answer_without_posts_that_does_not_say_so_is_not_believed(poller: Poller, x: SandboxX) -> None:
    path = f"/2/users/{poller._know_myself().author.id}/mentions"
    for body in (b"{}", b"[]", b'"x"', b'{"meta":[]}', b'{"data":{}}', b"[" * 100_000, b'{"data":[],"meta":null}'):
        x.spoil("GET", path, answers(200, body, content_type="application/json"))
        with pytest.raises(TryLater, match="x_garbage"):
            poller.look()


def test_more_than_x_shows_at_once_is_found_by_search(poller: Poller, x: SandboxX, engine: Engine) -> None:
    for number in range(850):
        x.post(f"@threadpaint prompt {number}", author=f"p{number % 50}")
    assert poller.look() == 850
    assert len(set(prompts(engine))) == 850


def test_a_bug_on_one_post_names_that_post_only(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(post: Post, *values: object) -> rules.Verdict:
        if "fox" in post.text:
            raise ZeroDivisionError
        return decide(post, *values)  # type: ignore[arg-type]

    decide = rules.decide
    monkeypatch.setattr(rules, "decide", broken)  # stands for a bug of ours, whatever it may be
    x.post("@threadpaint a fox")
    x.post("@threadpaint a hen")
    assert poller.look() == 1
    with reading(engine) as connection:
        rows = connection.execute(select(creations.c.state, creations.c.code).order_by(creations.c.id)).all()
    assert [tuple(row) for row in rows] == [("refused", "unexpected"), ("queued", None)]


def test_it_goes_on_after_a_refusal_and_a_database_that_was_away(poller: Poller, x: SandboxX, engine: Engine) -> None:
    path = f"/2/users/{poller._know_myself().author.id}/mentions"
    x.spoil("GET", path, answers(400, b"{}"), answers(400, b"{}"))
    x.post("@threadpaint a fox")
    listen_until_heard(poller, engine)


def test_a_wrong_clock_of_ours_does_not_move_the_first_start(
    x: SandboxX, engine: Engine, queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = lambda: now() + timedelta(minutes=10)  # noqa: E731
    monkeypatch.setattr("core.x.transport.now", fast)
    poller = listener(x.client(), engine, queue)
    poller.look()
    x.post("@threadpaint a fox")
    assert poller.look() == 1


def test_a_wrong_clock_of_ours_does_not_shorten_the_overlap(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.x.transport.now", lambda: now() + timedelta(minutes=5))
    monkeypatch.setattr("bot.ears.now", lambda: now() + timedelta(minutes=5))
    x.post("@threadpaint late to the list")
    poller.x.me()
    with transaction(engine) as session:  # as if a newer post had been read first
        since_id, polled_at = id_at(now()) + (1 << 22), now() + timedelta(minutes=5)
        session.execute(update(cursors).values(since_id=since_id, polled_at=polled_at))
    assert poller.look() == 1


def test_after_weeks_away_it_reads_what_x_still_shows(poller: Poller, x: SandboxX, engine: Engine) -> None:
    long_ago = now() - timedelta(days=20)
    with transaction(engine) as session:
        session.execute(update(cursors).values(since_id=id_at(long_ago), floor_id=id_at(long_ago), polled_at=long_ago))
    for number in range(850):
        x.post(f"@threadpaint prompt {number}")
    assert poller.look() == 850


def test_when_x_does_not_let_us_search_the_mentions_are_kept(poller: Poller, x: SandboxX, engine: Engine) -> None:
    for number in range(801):
        x.post(f"@threadpaint prompt {number}")
    x.spoil("GET", "/2/tweets/search/recent", answers(403, b"{}"))
    assert poller.look() == 800


def test_pages_without_posts_that_never_end_do_no_harm(poller: Poller, x: SandboxX) -> None:
    path = f"/2/users/{poller._know_myself().author.id}/mentions"
    body = b'{"meta":{"result_count":0,"next_token":"more"}}'
    x.spoil("GET", path, *[answers(200, body, content_type="application/json")] * 8)
    assert poller.look() == 0


def test_naughty_strings_are_heard_without_harm(poller: Poller, x: SandboxX, engine: Engine, material: Path) -> None:
    strings = [s for s in json.loads((material / "web-blns" / "blns.json").read_text()) if len(s) < 4000]
    for string in strings:
        x.post(f"@threadpaint {string}")
    poller.look()
    with reading(engine) as connection:
        states = dict(connection.execute(select(creations.c.state, func.count()).group_by(creations.c.state)).all())
    assert sum(states.values()) == len(strings)
    assert set(states) <= {"queued", "refused"}
    assert states["queued"] > 400


# --- two pollers by mistake ---


def test_a_second_poller_waits_reads_nothing_and_takes_over(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    first, second = (listener(x.client(), engine, queue, **EAGER) for _ in range(2))
    first.lease, second.lease = Lease(engine, LEASE), Lease(engine, LEASE)
    stops = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=one.listen, args=(stop,)) for one, stop in zip((first, second), stops, strict=True)
    ]
    threads[0].start()
    wait_until(lambda: first.lease.held, "the first does not listen")
    second.x = None  # type: ignore[assignment]  # whatever it asked of X would fail
    threads[1].start()
    wait_until(lambda: second._waits, "the second does not wait")
    x.post("@threadpaint a fox")
    wait_until(lambda: prompts(engine) == ["a fox"], "the first does not go on")
    assert not second.lease.held
    second.x = x.client()
    stops[0].set()
    wait_until(lambda: second.lease.held, "the second does not take over")
    x.post("@threadpaint a hare")
    wait_until(lambda: prompts(engine) == ["a fox", "a hare"], "the second does not listen")
    stops[1].set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.processes
def test_a_poller_that_is_killed_is_followed_by_the_one_that_waits(
    x: SandboxX, tmp_path: Path, queue_server: str, queue: WorkQueue
) -> None:
    migrate(open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}"))
    keys = {name.upper(): value for name, value in KEYS.items()}
    given = {"DATA_DIR": str(tmp_path), "REDIS_URL": queue_server, "X_API_URL": x.url, "POLL_SECONDS": "0.5", **keys}
    logs = tmp_path / "first.log", tmp_path / "second.log"
    with process("-m", "bot", environment=given, log=logs[0]) as first:
        wait_until(lambda: "listening" in logs[0].read_text(), "the first does not listen")
        with process("-m", "bot", environment=given, log=logs[1]):
            wait_until(lambda: "another poller listens" in logs[1].read_text(), "the second does not notice")
            assert f"pid={first.pid}" in logs[1].read_text()
            first.kill()
            first.wait()
            wait_until(lambda: "this one listens" in logs[1].read_text(), "the second does not take over")
            wait_until(lambda: "listening " in logs[1].read_text(), "the second does not listen")
    assert logs[1].read_text().count("another poller listens") == 1
