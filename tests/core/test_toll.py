"""The toll gate around real calls to the sandbox: what counts towards the account's day, and what does not."""

from typing import Any

import pytest
from sqlalchemy import Engine

from core.errors import GiveUp, OutcomeUnknown, TryLater
from core.pace import Pace
from core.pace.toll import TollGate
from core.queue import WorkQueue
from core.settings import MoneySettings, PaceSettings, load
from core.x import XClient
from tests.support.sandbox_x import SandboxX, answers, lost_answer, lost_call

POST = ("POST", "/2/tweets")
CAP = 3


@pytest.fixture
def pace(queue: WorkQueue) -> Pace:
    return Pace(queue, load(PaceSettings, x_replies_per_day=CAP))


@pytest.fixture
def client(x: SandboxX, engine: Engine, pace: Pace) -> XClient:
    return x.client(TollGate(pace, engine, load(MoneySettings)))


def test_what_x_refuses_uses_up_nothing_of_the_accounts_day(client: XClient, pace: Pace, x: SandboxX) -> None:
    gone = x.post("@threadpaint a fox")
    x.http.delete(f"{x.url}/sandbox/posts/{gone}")
    for number in range(CAP + 1):
        with pytest.raises(GiveUp):
            client.answer(f"No. {number}", to=gone, media_ids=[])
    assert pace.look().free == CAP


@pytest.mark.parametrize("fault", [answers(503), lost_call])
def test_an_outage_of_x_does_not_use_up_the_accounts_day(client: XClient, pace: Pace, x: SandboxX, fault: Any) -> None:
    me, post = client.me().author.id, x.post("@threadpaint a fox")
    x.spoil(*POST, *[fault] * (CAP + 1))
    for number in range(CAP + 1):
        with pytest.raises(OutcomeUnknown):
            client.answer(f"No. {number}", to=post, media_ids=[])
        assert pace.look().free == CAP - 1, "it may have been posted"
        assert client.find_answer(me, to=post) is None
    assert pace.look().free == CAP


def test_an_answer_whose_end_was_lost_counts_and_so_does_one_that_is_found(
    client: XClient, pace: Pace, x: SandboxX
) -> None:
    me, post = client.me().author.id, x.post("@threadpaint a fox")
    x.spoil(*POST, lost_answer)
    with pytest.raises(OutcomeUnknown):
        client.answer("No. 1", to=post, media_ids=[])
    assert client.find_answer(me, to=post) is not None
    assert pace.look().free == CAP - 1


def test_a_call_that_never_left_the_house_counts_for_nothing(engine: Engine, pace: Pace, x: SandboxX) -> None:
    toll = TollGate(pace, engine, load(MoneySettings))
    nowhere = SandboxX("http://127.0.0.1:1", x.line, x.http).client(toll)
    for _ in range(CAP + 1):
        with pytest.raises(TryLater, match="x_unreachable"):
            nowhere.answer("No. 1", to=1, media_ids=[])
    assert pace.look().free == CAP
