"""The call guard around real calls to the sandbox: which calls count towards the daily reply cap."""

import pytest
from sqlalchemy import Engine

from core.errors import GiveUp, OutcomeUnknown, TryLater
from core.queue import WorkQueue
from core.settings import BudgetSettings, RateLimitSettings, load
from core.x import XClient
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import XRateLimiter
from tests.support.sandbox_x import Fault, SandboxX, answers, lost_call, lost_response

POST = ("POST", "/2/tweets")
CAP = 3


@pytest.fixture
def rate_limiter(queue: WorkQueue) -> XRateLimiter:
    return XRateLimiter(queue, load(RateLimitSettings, x_replies_per_day=CAP))


@pytest.fixture
def client(x: SandboxX, engine: Engine, rate_limiter: XRateLimiter) -> XClient:
    return x.client(MeteredCallGuard(rate_limiter, engine, load(BudgetSettings)))


def test_refused_replies_do_not_count_towards_the_daily_cap(
    client: XClient, rate_limiter: XRateLimiter, x: SandboxX
) -> None:
    gone = x.post("@threadpaint a fox")
    x.http.delete(f"{x.url}/sandbox/posts/{gone}")
    for number in range(CAP + 1):
        with pytest.raises(GiveUp):
            client.reply(f"No. {number}", to=gone, media_ids=[])
    assert rate_limiter.peek().remaining == CAP


@pytest.mark.parametrize("fault", [answers(503), lost_call])
def test_replies_during_an_outage_do_not_count_towards_the_daily_cap(
    client: XClient, rate_limiter: XRateLimiter, x: SandboxX, fault: Fault
) -> None:
    me, post = client.get_me().author.id, x.post("@threadpaint a fox")
    x.spoil(*POST, *[fault] * (CAP + 1))
    for number in range(CAP + 1):
        with pytest.raises(OutcomeUnknown):
            client.reply(f"No. {number}", to=post, media_ids=[])
        assert rate_limiter.peek().remaining == CAP - 1, "it may have been posted"
        assert client.find_own_reply(me, to=post) is None
    assert rate_limiter.peek().remaining == CAP


def test_a_reply_with_a_lost_response_counts_once(client: XClient, rate_limiter: XRateLimiter, x: SandboxX) -> None:
    me, post = client.get_me().author.id, x.post("@threadpaint a fox")
    x.spoil(*POST, lost_response)
    with pytest.raises(OutcomeUnknown):
        client.reply("No. 1", to=post, media_ids=[])
    assert client.find_own_reply(me, to=post) is not None
    assert rate_limiter.peek().remaining == CAP - 1


def test_a_call_that_was_never_sent_does_not_count(engine: Engine, rate_limiter: XRateLimiter, x: SandboxX) -> None:
    guard = MeteredCallGuard(rate_limiter, engine, load(BudgetSettings))
    nowhere = SandboxX("http://127.0.0.1:1", x.injector, x.http).client(guard)
    for _ in range(CAP + 1):
        with pytest.raises(TryLater, match="x_unreachable"):
            nowhere.reply("No. 1", to=1, media_ids=[])
    assert rate_limiter.peek().remaining == CAP
