"""Test edge cases of polling: two posts about one creation, wrong clocks, renamed users, late rejections."""

import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import Engine, update

from bot import queries
from bot.mention_source import MENTIONS, SEARCH
from bot.poller import Poller
from bot.repository import read_cursor
from core.clock import now
from core.database import write_session
from core.errors import SettingsError, TryLater
from core.models import PollCursor, State, cursors
from core.queue import WorkQueue
from core.x import snowflake_from_time
from core.x.query_fields import POST_FIELDS
from core.x.snowflakes import time_from_snowflake
from tests.support.poller import answer, classifications, control, creation_of, fault, find_person, make_poller, prompts
from tests.support.sandbox_x import Fault, SandboxX, Scope, answers

ONE_DATABASE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def asked(poller: Poller, x: SandboxX) -> int:
    """Ada's prompt for a fox."""
    post_id = x.post("@threadpaint a fox", author="ada")
    poller.poll_once()
    return post_id


def recorded_query(into: list[str]) -> Fault:
    """Return an empty response, and record the query."""

    async def fault(scope: Scope, _call: Callable[[], Awaitable[None]], send: Any) -> None:
        into.append(scope["query_string"].decode())
        await answers(200, b'{"meta":{"result_count":0}}', content_type="application/json")(scope, _call, send)

    return fault


def test_replies_to_a_post_and_to_its_reply_in_one_poll(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    answered = answer(poller, engine, asked)
    under_post = x.post("again", author="bea", in_reply_to=str(asked))
    under_answer = x.post("again", author="carl", in_reply_to=str(answered))
    found = queries.find_reply_targets(engine, [asked, answered])
    assert (found[asked].is_bot_reply, found[answered].is_bot_reply) == (False, True)
    assert poller.poll_once() == 2
    assert (classifications(engine)[under_post], classifications(engine)[under_answer]) == ("again", "again")


def test_post_is_recognized_in_each_version(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    answer(poller, engine, asked)
    newer = control(x, f"posts/{asked}/edit", text="@threadpaint a red fox")["id"]
    again = x.post("@threadpaint again", author="bea", in_reply_to=newer)
    assert poller.poll_once() == 1
    assert (classifications(engine)[again], creation_of(engine, again).prompt) == ("again", "a fox")
    first = x.post("nothing yet", author="ada")
    second = int(control(x, f"posts/{first}/edit", text="@threadpaint a hen")["id"])
    assert poller.poll_once() == 1
    answer(poller, engine, second)
    again = x.post("@threadpaint again", author="bea", in_reply_to=str(first))
    assert poller.poll_once() == 1
    assert creation_of(engine, again).prompt == "a hen"


def test_deleted_prompt_is_not_repeated(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    answered = answer(poller, engine, asked)
    x.post("delete", author="ada", in_reply_to=str(answered))
    late = [x.post(words, author="bea", in_reply_to=str(asked)) for words in ("again", "remix:")]
    poller.poll_once()
    for post_id in late:
        row = creation_of(engine, post_id)
        assert (row.reason_code, row.prompt, row.parent_id, row.init_image_key) == ("nothing_there", "", None, None)


def test_cooldown_counts_from_the_last_post(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, user_cooldown_seconds=600)
    poller.poll_once()
    x.post("@threadpaint a fox", author="ada")
    assert poller.poll_once() == 1
    soon = x.post("@threadpaint a hen", author="ada")
    assert poller.poll_once() == 0
    assert classifications(engine)[soon] == "cooldown"


def test_renamed_user_is_the_same_and_a_new_owner_of_the_handle_is_not(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    x.post("@threadpaint stop", author="ada")
    poller.poll_once()
    world = x.injector.app.state.world
    world.rename_person(world.by_handle["ada"], "ada_paints")
    x.post("@threadpaint start", author="ada_paints")
    heir = x.post("@threadpaint a fox", author="ada")
    assert poller.poll_once() == 1
    ada, other = find_person(engine, "ada_paints"), find_person(engine, "ada")
    assert ada.id != other.id
    assert ada.opted_out_at is None
    assert creation_of(engine, heir).person_id == other.id


@ONE_DATABASE
def test_corrected_clock_does_not_stop_search(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, search_interval_seconds=60)
    poller.poll_once()
    with write_session(engine) as session:
        session.execute(update(cursors).values(polled_at=now() + timedelta(days=1)))
    fault(x, kind="lost", rate=1)
    x.post("@threadpaint a fox")
    assert poller.poll_once() == 1
    cursor = read_cursor(engine, SEARCH)
    assert cursor is not None
    assert cursor.polled_at is not None
    assert cursor.polled_at <= now()


@ONE_DATABASE
def test_failed_overlap_poll_is_repeated(poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    later = make_poller(x.client(), engine, queue, poll_overlap_interval_seconds=3600)
    x.post("@threadpaint late to the list")
    gone = x.post("a secret", author="bea")
    x.post("@threadpaint paint this", in_reply_to=str(gone))
    x.http.delete(f"{x.url}/sandbox/posts/{gone}")
    with write_session(engine) as session:  # as if a newer post was read first
        session.execute(update(cursors).values(since_id=snowflake_from_time(now()) + (1 << 22), polled_at=now()))
    x.spoil("GET", "/2/tweets", answers(503))
    with pytest.raises(TryLater):
        later.poll_once()
    assert later.poll_once() == 1
    assert prompts(engine)[0] == "late to the list"


@ONE_DATABASE
def test_overlap_covers_all_polls_without_one(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, poll_overlap_interval_seconds=600, poll_overlap_seconds=120)
    with write_session(engine) as session:
        session.add(PollCursor(name=MENTIONS, since_id=snowflake_from_time(now()), min_id=1, polled_at=now()))
    asked: list[str] = []
    x.spoil("GET", f"/2/users/{poller.x.get_me().author.id}/mentions", recorded_query(asked))
    poller.poll_once()
    since = time_from_snowflake(int(parse_qs(asked[0])["since_id"][0]))
    assert abs(now() - since - timedelta(seconds=720)) < timedelta(seconds=5)


@ONE_DATABASE
def test_long_poll_interval_is_no_downtime(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, poll_max_seconds=1800, backfill_limit=1)
    poller.poll_once()
    x.post("@threadpaint a fox", author="ada")
    x.post("@threadpaint a hen", author="bea")
    with write_session(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - timedelta(seconds=1800)))
    assert poller.poll_once() == 2


@ONE_DATABASE
def test_denied_own_timeline_does_not_stop_polling(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue)
    pinned = x.injector.app.state.world.bot.pinned_post_id
    x.spoil("GET", f"/2/users/{x.injector.app.state.world.bot.id}/tweets", answers(403, b"{}"))
    poller.poll_once()
    x.post("a boat", author="ada", in_reply_to=str(pinned))
    assert poller.poll_once() == 1


@ONE_DATABASE
def test_keys_of_another_account_stop_polling(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue)
    poller.expected_handle = "Somebody"
    with pytest.raises(SettingsError, match="X_ACCESS_TOKEN belongs to @threadpaint, but BOT_HANDLE is @Somebody"):
        poller.run_forever(threading.Event())
    poller.expected_handle = "ThreadPaint"
    assert poller.poll_once() == 0


@ONE_DATABASE
def test_many_posts_are_looked_up_in_batches(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.poller.MAX_LOOKED_UP", 2)
    without_included_posts(monkeypatch)
    for number in range(5):
        above = x.post(f"lighthouse {number}", author="bea")
        x.post("@threadpaint paint this", author=f"p{number}", in_reply_to=str(above))
    assert poller.poll_once() == 5
    assert sorted(prompts(engine)) == [f"lighthouse {number}" for number in range(5)]


@ONE_DATABASE
def test_edited_reference_keeps_the_prompt(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_included_posts(monkeypatch)
    above = x.post("a lighthouse", author="bea")
    quoting = x.post("@threadpaint paint this", author="ada", quote_of=str(above))
    assert poller.poll_once() == 1
    control(x, f"posts/{quoting}/edit", text="@threadpaint paint this please")
    poller.poll_once()
    row = creation_of(engine, quoting)
    assert (row.state, row.prompt) == (State.QUEUED, "a lighthouse")


def without_included_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read mentions without the posts around them."""
    monkeypatch.setitem(POST_FIELDS, "expansions", "author_id")


@ONE_DATABASE
@pytest.mark.parametrize(
    "body",
    [
        b'{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}',
        b'{"errors":[{"code":88,"message":"Rate limit exceeded"}]}',
        b"",
    ],
)
def test_rate_limit_is_recognized_in_all_bodies(poller: Poller, x: SandboxX, body: bytes) -> None:
    x.spoil(
        "GET", f"/2/users/{poller.x.get_me().author.id}/mentions", answers(429, body, content_type="application/json")
    )
    with pytest.raises(TryLater, match="x_rate_limit"):
        poller.poll_once()


@ONE_DATABASE
def test_since_id_is_never_zero(poller: Poller, x: SandboxX) -> None:
    asked: list[str] = []
    me = poller.x.get_me().author.id
    x.spoil("GET", f"/2/users/{me}/mentions", recorded_query(asked))
    poller.x.get_mentions(me, since_id=0)
    assert asked
    assert "since_id" not in asked[0]
