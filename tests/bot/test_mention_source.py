"""Test both sources of posts with late and missing posts, failures and costs, against the real sandbox."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from bot.mention_source import MENTIONS, SEARCH
from bot.poller import Poller
from bot.repository import read_cursor
from core.clock import now
from core.database import write_session
from core.models import cursors
from core.queue import WorkQueue
from core.watched_posts import watch_posts
from core.x import snowflake_from_time
from tests.support.poller import classifications, control, fault, make_poller, prompts
from tests.support.sandbox_x import SandboxX, answers

# `test_poller.py` and `test_triage.py` cover both databases.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SEARCH_OUTAGE = "GET /2/tweets/search/recent"


def searches(x: SandboxX) -> int:
    return sum(x.state()["calls"].get(SEARCH_OUTAGE, {}).values())


@pytest.fixture
def eager(x: SandboxX, engine: Engine, queue: WorkQueue) -> Poller:
    """A bot that searches with every poll."""
    poller = make_poller(x.client(), engine, queue, search_interval_seconds=0.2)
    poller.poll_once()
    return poller


def make_search_due(engine: Engine) -> None:
    with write_session(engine) as session:
        ago = now() - timedelta(seconds=61)
        session.execute(update(cursors).where(cursors.c.name == SEARCH).values(polled_at=ago))


def test_search_finds_a_mention_missing_from_the_timeline(poller: Poller, x: SandboxX, engine: Engine) -> None:
    fault(x, kind="lost", rate=1)
    x.post("@threadpaint a fox")
    assert poller.poll_once() == 0
    make_search_due(engine)
    assert poller.poll_once() == 1
    assert prompts(engine) == ["a fox"]


def test_late_mention_is_processed_once(eager: Poller, x: SandboxX, engine: Engine) -> None:
    fault(x, kind="late", rate=1, seconds=3600)
    x.post("@threadpaint a fox")
    make_search_due(engine)
    assert eager.poll_once() == 1
    control(x, "clock", advance=3601)
    make_search_due(engine)
    assert eager.poll_once() == 0
    assert prompts(engine) == ["a fox"]


def test_post_on_two_pages_is_processed_once(poller: Poller, x: SandboxX, engine: Engine) -> None:
    fault(x, kind="duplicates")
    x.post_many([{"text": f"@threadpaint fox {number}", "author": "ada"} for number in range(120)])
    assert poller.poll_once() == 120


@pytest.mark.parametrize("vocabulary", ["legacy", "new", "mixed"])
def test_every_json_vocabulary_of_x_is_read(poller: Poller, x: SandboxX, engine: Engine, vocabulary: str) -> None:
    control(x, "vocabulary", vocabulary=vocabulary)
    above = x.post("a lighthouse", author="bea")
    x.post("@threadpaint a fox 🦊 &lt;3", author="ada")
    x.post("@threadpaint " + "a very long prompt, " * 30, author="ada")
    x.post("@threadpaint paint this", author="ada", in_reply_to=str(above))
    x.post("RT @ada: nothing", author="bea")
    assert poller.poll_once() == 3
    assert prompts(engine)[-1] == "a lighthouse"
    assert len(prompts(engine)[1]) > 500


def test_search_runs_at_intervals_only(poller: Poller, x: SandboxX) -> None:
    before = searches(x)
    for _ in range(3):
        poller.poll_once()
    assert searches(x) == before


def test_search_continues_from_its_cursor(eager: Poller, x: SandboxX, engine: Engine) -> None:
    cursor = read_cursor(engine, SEARCH)
    mentions = read_cursor(engine, MENTIONS)
    assert cursor is not None
    assert mentions is not None
    assert cursor.min_id == mentions.min_id
    post_id = x.post("@threadpaint a fox")
    make_search_due(engine)
    eager.poll_once()
    after = read_cursor(engine, SEARCH)
    assert after is not None
    assert after.since_id == post_id
    assert eager.source.overlap_since_id(after, 900) == cursor.min_id


def test_failing_search_does_not_stop_mentions(eager: Poller, x: SandboxX, engine: Engine) -> None:
    for failure in (answers(503), answers(403), answers(429), answers(402), answers(200, b"")):
        eager.source._search_blocked_until = 0
        make_search_due(engine)
        x.spoil("GET", "/2/tweets/search/recent", failure)
        x.post("@threadpaint a fox")
        assert eager.poll_once() == 1


def test_failing_search_is_not_retried_at_once(poller: Poller, x: SandboxX, engine: Engine) -> None:
    make_search_due(engine)
    x.spoil("GET", "/2/tweets/search/recent", *[answers(503)] * 9)
    poller.poll_once()
    for _ in range(5):
        poller.poll_once()
    assert len(x.injector.faults["GET", "/2/tweets/search/recent"]) >= 6


def test_search_after_a_failure_reaches_back_to_the_last_success(poller: Poller, x: SandboxX, engine: Engine) -> None:
    fault(x, kind="lost", rate=1)
    x.post("@threadpaint a fox")
    make_search_due(engine)
    x.spoil("GET", "/2/tweets/search/recent", answers(403))
    assert poller.poll_once() == 0
    poller.source._search_blocked_until = 0
    assert poller.poll_once() == 1


def test_search_is_never_asked_beyond_a_week(poller: Poller, x: SandboxX, engine: Engine) -> None:
    long_ago = now() - timedelta(days=30)
    with write_session(engine) as session:
        old = {
            "since_id": snowflake_from_time(long_ago),
            "min_id": snowflake_from_time(long_ago),
            "polled_at": long_ago,
        }
        session.execute(update(cursors).values(**old))
    x.post("@threadpaint a fox")
    assert poller.poll_once() == 1
    assert "400" not in x.state()["calls"][SEARCH_OUTAGE]


def test_first_start_sets_both_cursors_to_now(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    x.post("@threadpaint before you were born")
    control(x, "clock", advance=5)
    poller = make_poller(x.client(), engine, queue)
    assert poller.poll_once() == 0
    assert classifications(engine) == {}


def test_unavailable_posts_are_not_painted(poller: Poller, x: SandboxX, engine: Engine) -> None:
    x.post("@threadpaint a fox", author="carl")
    x.http.patch(f"{x.url}/sandbox/people/carl", json={"protected": True})
    x.post("@threadpaint a hen", author="dora")
    x.http.patch(f"{x.url}/sandbox/people/dora", json={"suspended": True})
    make_search_due(engine)
    assert poller.poll_once() == 0


def test_replies_to_a_newly_announced_post_are_prompts(poller: Poller, x: SandboxX, engine: Engine) -> None:
    announced = poller.x.reply("Rules, once more", to=min(poller.watched), media_ids=[])
    watch_posts(engine, [announced])
    x.post("a boat", author="bea", in_reply_to=str(announced))
    assert poller.poll_once() == 1


def test_follow_gate_checks_the_relationship(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, require_follow=True)
    poller.poll_once()
    x.post("@threadpaint a fox", author="ada")
    assert poller.poll_once() == 0
    x.http.patch(f"{x.url}/sandbox/people/ada", json={"follows": ["threadpaint"]})
    x.post("@threadpaint a hen", author="ada")
    assert poller.poll_once() == 1
    assert sorted(classifications(engine).values()) == ["follow_gate", "prompt"]
