"""Who does not name us is answered as long as X lets us: learned from the rows of what was tried."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.models import State
from tests.support.rows import make_creation, make_person, make_post
from worker.manners import NOT_SUMMONED, Manners, answers_prefixed

HOUR = timedelta(hours=1)


def tried(engine: Engine, ago: timedelta, outcome: str = NOT_SUMMONED, **values: Any) -> int:
    person = make_person(engine)
    post = make_post(engine, author_id=person, summons="prefix")
    row = {"state": State.PAINTED, "reply_outcome": outcome, "replied_at": now() - ago, "next_attempt_at": None}
    return make_creation(engine, person_id=person, with_post=False, post_id=post, **(row | values))


def test_after_three_refusals_in_a_row_it_is_left_alone_for_six_hours(engine: Engine) -> None:
    for _ in range(2):
        tried(engine, HOUR)
    assert answers_prefixed(engine, Manners())
    tried(engine, HOUR)
    assert not answers_prefixed(engine, Manners())


def test_after_six_hours_it_is_tried_once_more_and_one_refusal_ends_it(engine: Engine) -> None:
    for _ in range(3):
        tried(engine, 7 * HOUR)
    assert answers_prefixed(engine, Manners())
    tried(engine, timedelta(0))
    assert not answers_prefixed(engine, Manners())


def test_what_counts_is_when_it_was_tried_not_when_it_was_asked(engine: Engine) -> None:
    waited_long = tried(engine, timedelta(0))
    assert waited_long
    for _ in range(3):
        tried(engine, 7 * HOUR)
    assert not answers_prefixed(engine, Manners()), "the latest try was a moment ago"


@pytest.mark.parametrize(("choice", "answered"), [("always", True), ("never", False)])
def test_the_host_may_force_it_either_way(engine: Engine, choice: Any, answered: bool) -> None:
    for _ in range(3):
        tried(engine, HOUR, NOT_SUMMONED if answered else "answered")
    assert answers_prefixed(engine, Manners(answer_prefixed=choice)) is answered
