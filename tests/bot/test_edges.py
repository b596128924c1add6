"""Where hearing goes wrong at its edges: two posts about one creation, odd clocks, renamed people, late refusals."""

import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import Engine, update

from bot import memory
from bot.ears import MENTIONS, SEARCH
from bot.notebook import read_cursor
from bot.poller import Poller
from core.clock import now
from core.database import transaction
from core.errors import SettingsError, TryLater
from core.models import Cursor, State, cursors
from core.queue import WorkQueue
from core.x import id_at
from core.x.client import SHAPE
from core.x.snowflakes import time_of
from tests.support.hearing import answer, control, creation_of, fault, listener, person_called, prompts, verdicts
from tests.support.sandbox_x import Fault, SandboxX, Scope, answers

ONE_DATABASE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def asked(poller: Poller, x: SandboxX) -> int:
    """Ada asked for a fox."""
    post_id = x.post("@threadpaint a fox", author="ada")
    poller.look()
    return post_id


def overheard(into: list[str]) -> Fault:
    """X answers that there is nothing, and we note what it was asked."""

    async def fault(scope: Scope, _call: Callable[[], Awaitable[None]], send: Any) -> None:
        into.append(scope["query_string"].decode())
        await answers(200, b'{"meta":{"result_count":0}}', content_type="application/json")(scope, _call, send)

    return fault


def test_a_post_and_its_answer_are_known_also_when_both_are_spoken_to_in_one_look(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    answered = answer(poller, engine, asked)
    under_post = x.post("again", author="bea", in_reply_to=str(asked))
    under_answer = x.post("again", author="carl", in_reply_to=str(answered))
    found = memory.targets(engine, [asked, answered])
    assert (found[asked].is_answer, found[answered].is_answer) == (False, True)
    assert poller.look() == 2
    assert (verdicts(engine)[under_post], verdicts(engine)[under_answer]) == ("again", "again")


def test_a_post_is_known_in_each_version_of_it(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    answer(poller, engine, asked)
    newer = control(x, f"posts/{asked}/edit", text="@threadpaint a red fox")["id"]
    again = x.post("@threadpaint again", author="bea", in_reply_to=newer)
    assert poller.look() == 1
    assert (verdicts(engine)[again], creation_of(engine, again).prompt) == ("again", "a fox")
    first = x.post("nothing yet", author="ada")
    second = int(control(x, f"posts/{first}/edit", text="@threadpaint a hen")["id"])
    assert poller.look() == 1
    answer(poller, engine, second)
    again = x.post("@threadpaint again", author="bea", in_reply_to=str(first))
    assert poller.look() == 1
    assert creation_of(engine, again).prompt == "a hen"


def test_the_words_of_what_is_deleted_are_not_said_again(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    answered = answer(poller, engine, asked)
    x.post("delete", author="ada", in_reply_to=str(answered))
    late = [x.post(words, author="bea", in_reply_to=str(asked)) for words in ("again", "remix:")]
    poller.look()
    for post_id in late:
        row = creation_of(engine, post_id)
        assert (row.code, row.prompt, row.parent_id, row.start_key) == ("nothing_there", "", None, None)


def test_the_cooldown_counts_from_the_last_post_whatever_the_database(
    x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    poller = listener(x.client(), engine, queue, person_cooldown_seconds=600)
    poller.look()
    x.post("@threadpaint a fox", author="ada")
    assert poller.look() == 1
    soon = x.post("@threadpaint a hen", author="ada")
    assert poller.look() == 0
    assert verdicts(engine)[soon] == "cooldown"


def test_who_is_renamed_is_the_same_person_and_who_takes_the_old_handle_is_another(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    x.post("@threadpaint stop", author="ada")
    poller.look()
    world = x.line.app.state.world
    world.change(world.by_handle.pop("ada"), username="ada_paints")
    world.by_handle["ada_paints"] = next(p for p in world.people.values() if p.username == "ada_paints")
    x.post("@threadpaint start", author="ada_paints")
    heir = x.post("@threadpaint a fox", author="ada")
    assert poller.look() == 1
    ada, other = person_called(engine, "ada_paints"), person_called(engine, "ada")
    assert ada.id != other.id
    assert ada.opted_out_at is None
    assert creation_of(engine, heir).person_id == other.id


@ONE_DATABASE
def test_a_clock_of_ours_that_was_ahead_and_was_mended_does_not_stop_the_search(
    x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    poller = listener(x.client(), engine, queue, search_seconds=60)
    poller.look()
    with transaction(engine) as session:
        session.execute(update(cursors).values(polled_at=now() + timedelta(days=1)))
    fault(x, kind="lost", rate=1)
    x.post("@threadpaint a fox")
    assert poller.look() == 1
    cursor = read_cursor(engine, SEARCH)
    assert cursor is not None
    assert cursor.polled_at is not None
    assert cursor.polled_at <= now()


@ONE_DATABASE
def test_a_look_that_reached_back_and_failed_is_made_up_for(
    poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    later = listener(x.client(), engine, queue, poll_overlap_every_seconds=3600)
    x.post("@threadpaint late to the list")
    gone = x.post("a secret", author="bea")
    x.post("@threadpaint paint this", in_reply_to=str(gone))
    x.http.delete(f"{x.url}/sandbox/posts/{gone}")
    with transaction(engine) as session:  # as if a newer post had been read first
        session.execute(update(cursors).values(since_id=id_at(now()) + (1 << 22), polled_at=now()))
    x.spoil("GET", "/2/tweets", answers(503))
    with pytest.raises(TryLater):
        later.look()
    assert later.look() == 1
    assert prompts(engine)[0] == "late to the list"


@ONE_DATABASE
def test_a_look_reaches_back_behind_all_looks_that_did_not(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = listener(x.client(), engine, queue, poll_overlap_every_seconds=600, poll_overlap_seconds=120)
    with transaction(engine) as session:
        session.add(Cursor(name=MENTIONS, since_id=id_at(now()), floor_id=1, polled_at=now()))
    asked: list[str] = []
    x.spoil("GET", f"/2/users/{poller.x.me().author.id}/mentions", overheard(asked))
    poller.look()
    since = time_of(int(parse_qs(asked[0])["since_id"][0]))
    assert abs(now() - since - timedelta(seconds=720)) < timedelta(seconds=5)


@ONE_DATABASE
def test_a_bot_that_rests_long_is_not_absent(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = listener(x.client(), engine, queue, poll_idle_seconds=1800, backfill_limit=1)
    poller.look()
    x.post("@threadpaint a fox", author="ada")
    x.post("@threadpaint a hen", author="bea")
    with transaction(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - timedelta(seconds=1800)))
    assert poller.look() == 2


@ONE_DATABASE
def test_an_own_timeline_that_x_refuses_does_not_keep_the_bot_from_listening(
    x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    poller = listener(x.client(), engine, queue)
    pinned = x.line.app.state.world.bot.pinned_post_id
    x.spoil("GET", f"/2/users/{x.line.app.state.world.bot.id}/tweets", answers(403, b"{}"))
    poller.look()
    x.post("a boat", author="ada", in_reply_to=str(pinned))
    assert poller.look() == 1


@ONE_DATABASE
def test_with_the_keys_of_another_account_it_does_not_listen(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = listener(x.client(), engine, queue)
    poller.called = "Somebody"
    with pytest.raises(SettingsError, match="X_ACCESS_TOKEN is of @threadpaint, but BOT_HANDLE says @Somebody"):
        poller.listen(threading.Event())
    poller.called = "ThreadPaint"
    assert poller.look() == 0


@ONE_DATABASE
def test_more_posts_than_one_look_up_takes_are_all_looked_up(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.poller.MAX_LOOKED_UP", 2)
    without_what_is_sent_along(monkeypatch)
    for number in range(5):
        above = x.post(f"lighthouse {number}", author="bea")
        x.post("@threadpaint paint this", author=f"p{number}", in_reply_to=str(above))
    assert poller.look() == 5
    assert sorted(prompts(engine)) == [f"lighthouse {number}" for number in range(5)]


@ONE_DATABASE
def test_an_edit_of_a_post_that_means_another_one_does_not_lose_its_words(
    poller: Poller, x: SandboxX, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_what_is_sent_along(monkeypatch)
    above = x.post("a lighthouse", author="bea")
    quoting = x.post("@threadpaint paint this", author="ada", quote_of=str(above))
    assert poller.look() == 1
    control(x, f"posts/{quoting}/edit", text="@threadpaint paint this please")
    poller.look()
    row = creation_of(engine, quoting)
    assert (row.state, row.prompt) == (State.QUEUED, "a lighthouse")


def without_what_is_sent_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """X is asked for the mentions without the posts around them."""
    monkeypatch.setitem(SHAPE, "expansions", "author_id")


@ONE_DATABASE
@pytest.mark.parametrize(
    "body",
    [
        b'{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}',
        b'{"errors":[{"code":88,"message":"Rate limit exceeded"}]}',
        b"",
    ],
)
def test_a_rate_limit_is_known_in_all_its_bodies(poller: Poller, x: SandboxX, body: bytes) -> None:
    x.spoil("GET", f"/2/users/{poller.x.me().author.id}/mentions", answers(429, body, content_type="application/json"))
    with pytest.raises(TryLater, match="x_rate_limit"):
        poller.look()


@ONE_DATABASE
def test_x_is_never_asked_for_what_is_newer_than_zero(poller: Poller, x: SandboxX) -> None:
    asked: list[str] = []
    me = poller.x.me().author.id
    x.spoil("GET", f"/2/users/{me}/mentions", overheard(asked))
    poller.x.mentions(me, since_id=0)
    assert asked
    assert "since_id" not in asked[0]
