"""Implicit mentions get replies as long as X accepts them: past attempts are in the rows."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.models import State
from tests.support.rows import make_creation, make_person, make_post
from worker.reply_policy import NOT_MENTIONED, ReplyPolicy, allows_implicit_mentions

HOUR = timedelta(hours=1)


def tried(engine: Engine, ago: timedelta, outcome: str = NOT_MENTIONED, **values: Any) -> int:
    person = make_person(engine)
    post = make_post(engine, author_id=person, mention_type="prefix")
    row: dict[str, Any] = {
        "state": State.PAINTED,
        "reply_status": outcome,
        "replied_at": now() - ago,
        "next_attempt_at": None,
    }
    return make_creation(engine, person_id=person, with_post=False, post_id=post, **(row | values))


def test_implicit_mentions_pause_for_six_hours_after_three_refusals(engine: Engine) -> None:
    for _ in range(2):
        tried(engine, HOUR)
    assert allows_implicit_mentions(engine, ReplyPolicy())
    tried(engine, HOUR)
    assert not allows_implicit_mentions(engine, ReplyPolicy())


def test_one_refusal_after_six_hours_starts_another_pause(engine: Engine) -> None:
    for _ in range(3):
        tried(engine, 7 * HOUR)
    assert allows_implicit_mentions(engine, ReplyPolicy())
    tried(engine, timedelta(0))
    assert not allows_implicit_mentions(engine, ReplyPolicy())


def test_attempts_are_ordered_by_reply_time(engine: Engine) -> None:
    waited_long = tried(engine, timedelta(0))
    assert waited_long
    for _ in range(3):
        tried(engine, 7 * HOUR)
    assert not allows_implicit_mentions(engine, ReplyPolicy()), "the latest try was a moment ago"


@pytest.mark.parametrize(("choice", "answered"), [("always", True), ("never", False)])
def test_the_operator_may_force_it_either_way(engine: Engine, choice: Any, answered: bool) -> None:
    for _ in range(3):
        tried(engine, HOUR, NOT_MENTIONED if answered else "answered")
    assert allows_implicit_mentions(engine, ReplyPolicy(implicit_mentions=choice)) is answered
