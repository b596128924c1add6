"""Reading X: two sources, what comes late or never, and what reading costs. With the real sandbox's faults."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from bot.ears import MENTIONS, SEARCH
from bot.notebook import read_cursor
from bot.poller import Poller
from core.clock import now
from core.database import transaction
from core.models import cursors
from core.queue import WorkQueue
from core.watching import watch
from core.x import id_at
from tests.support.hearing import control, fault, listener, prompts, verdicts
from tests.support.sandbox_x import SandboxX, answers

# What is written down is the same for both databases: `test_poller.py` and `test_hearing.py` run on both.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SEARCHING = "GET /2/tweets/search/recent"


def searches(x: SandboxX) -> int:
    return sum(x.state()["calls"].get(SEARCHING, {}).values())


@pytest.fixture
def eager(x: SandboxX, engine: Engine, queue: WorkQueue) -> Poller:
    """A bot that reads search at every look."""
    poller = listener(x.client(), engine, queue, search_seconds=0.2)
    poller.look()
    return poller


def make_search_due(engine: Engine) -> None:
    with transaction(engine) as session:
        ago = now() - timedelta(seconds=61)
        session.execute(update(cursors).where(cursors.c.name == SEARCH).values(polled_at=ago))


def test_a_mention_that_the_timeline_never_shows_is_found_by_search(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    fault(x, kind="lost", rate=1)
    x.post("@threadpaint a fox")
    assert poller.look() == 0
    make_search_due(engine)
    assert poller.look() == 1
    assert prompts(engine) == ["a fox"]


def test_a_mention_that_the_timeline_shows_late_is_read_once(eager: Poller, x: SandboxX, engine: Engine) -> None:
    fault(x, kind="late", rate=1, seconds=3600)
    x.post("@threadpaint a fox")
    make_search_due(engine)
    assert eager.look() == 1
    control(x, "clock", advance=3601)
    make_search_due(engine)
    assert eager.look() == 0
    assert prompts(engine) == ["a fox"]


def test_the_same_post_on_two_pages_is_read_once(poller: Poller, x: SandboxX, engine: Engine) -> None:
    fault(x, kind="duplicates")
    for number in range(120):
        x.post(f"@threadpaint fox {number}")
    assert poller.look() == 120


@pytest.mark.parametrize("vocabulary", ["legacy", "new", "mixed"])
def test_it_hears_in_every_vocabulary_of_x(poller: Poller, x: SandboxX, engine: Engine, vocabulary: str) -> None:
    control(x, "vocabulary", vocabulary=vocabulary)
    above = x.post("a lighthouse", author="bea")
    x.post("@threadpaint a fox 🦊 &lt;3", author="ada")
    x.post("@threadpaint " + "a very long prompt, " * 30, author="ada")
    x.post("@threadpaint paint this", author="ada", in_reply_to=str(above))
    x.post("RT @ada: nothing", author="bea")
    assert poller.look() == 3
    assert prompts(engine)[-1] == "a lighthouse"
    assert len(prompts(engine)[1]) > 500


def test_search_is_read_now_and_then_only(poller: Poller, x: SandboxX) -> None:
    before = searches(x)
    for _ in range(3):
        poller.look()
    assert searches(x) == before


def test_search_follows_from_where_it_was_read_last(eager: Poller, x: SandboxX, engine: Engine) -> None:
    cursor = read_cursor(engine, SEARCH)
    mentions = read_cursor(engine, MENTIONS)
    assert cursor is not None
    assert mentions is not None
    assert cursor.floor_id == mentions.floor_id
    post_id = x.post("@threadpaint a fox")
    make_search_due(engine)
    eager.look()
    after = read_cursor(engine, SEARCH)
    assert after is not None
    assert after.since_id == post_id
    assert eager.ears.reach_back(after, 900) == cursor.floor_id


def test_a_search_that_fails_does_not_stop_the_mentions(eager: Poller, x: SandboxX, engine: Engine) -> None:
    for failure in (answers(503), answers(403), answers(429), answers(402), answers(200, b"")):
        eager.ears._no_search_before = 0
        make_search_due(engine)
        x.spoil("GET", "/2/tweets/search/recent", failure)
        x.post("@threadpaint a fox")
        assert eager.look() == 1


def test_a_search_that_fails_is_not_stormed(poller: Poller, x: SandboxX, engine: Engine) -> None:
    make_search_due(engine)
    x.spoil("GET", "/2/tweets/search/recent", *[answers(503)] * 9)
    poller.look()
    for _ in range(5):
        poller.look()
    assert len(x.line.faults["GET", "/2/tweets/search/recent"]) >= 6


def test_a_search_that_failed_reaches_back_to_its_last_success(poller: Poller, x: SandboxX, engine: Engine) -> None:
    fault(x, kind="lost", rate=1)
    x.post("@threadpaint a fox")
    make_search_due(engine)
    x.spoil("GET", "/2/tweets/search/recent", answers(403))
    assert poller.look() == 0
    poller.ears._no_search_before = 0
    assert poller.look() == 1


def test_since_ids_older_than_a_week_are_not_asked_of_search(poller: Poller, x: SandboxX, engine: Engine) -> None:
    long_ago = now() - timedelta(days=30)
    with transaction(engine) as session:
        old = {"since_id": id_at(long_ago), "floor_id": id_at(long_ago), "polled_at": long_ago}
        session.execute(update(cursors).values(**old))
    x.post("@threadpaint a fox")
    assert poller.look() == 1
    assert "400" not in x.state()["calls"][SEARCHING]


def test_the_first_start_begins_both_sources_where_it_stands(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    x.post("@threadpaint before you were born")
    control(x, "clock", advance=5)
    poller = listener(x.client(), engine, queue)
    assert poller.look() == 0
    assert verdicts(engine) == {}


def test_posts_of_who_is_protected_suspended_or_blocks_us_are_not_painted(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    x.post("@threadpaint a fox", author="carl")
    x.http.patch(f"{x.url}/sandbox/people/carl", json={"protected": True})
    x.post("@threadpaint a hen", author="dora")
    x.http.patch(f"{x.url}/sandbox/people/dora", json={"suspended": True})
    make_search_due(engine)
    assert poller.look() == 0


def test_replies_to_a_post_that_was_announced_meanwhile_are_prompts(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    announced = poller.x.answer("Rules, once more", to=min(poller.watched), media_ids=[])
    watch(engine, [announced])
    x.post("a boat", author="bea", in_reply_to=str(announced))
    assert poller.look() == 1


def test_the_follow_gate_knows_who_follows(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = listener(x.client(), engine, queue, follow_gate=True)
    poller.look()
    x.post("@threadpaint a fox", author="ada")
    assert poller.look() == 0
    x.http.patch(f"{x.url}/sandbox/people/ada", json={"follows": ["threadpaint"]})
    x.post("@threadpaint a hen", author="ada")
    assert poller.look() == 1
    assert sorted(verdicts(engine).values()) == ["follow_gate", "prompt"]
