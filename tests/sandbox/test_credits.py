"""Without credits, above the spending limit or above the monthly cap, X stops serving paid calls."""

from collections.abc import Callable

import pytest
import tweepy
from requests import Response

from tests.support.sandbox_billing import charges, create_post, get_bill, get_own_mentions, set_billing
from tests.support.sandbox_world import Picture, SandboxWorld

DEPLETED = (402, "CreditsDepleted")


def error_response(call: Callable[[], object]) -> Response:
    with pytest.raises(tweepy.HTTPException) as caught:
        call()
    response: Response = caught.value.response
    return response


def test_without_credits_all_paid_calls_return_402(world: SandboxWorld, picture: Picture) -> None:
    media = world.upload(picture)
    post = world.post("mira_paints", "@threadpaint a red sea")
    set_billing(world, credits_micro=0)
    client = world.client()
    calls: list[Callable[[], object]] = [
        lambda: get_own_mentions(world),
        lambda: client.search_recent_tweets("sea"),
        client.get_me,
        lambda: client.get_tweet(post["id"]),
        lambda: client.create_tweet(text="one"),
        lambda: client.delete_tweet(post["id"]),
        lambda: client.hide_reply(post["id"]),
    ]
    for call in calls:
        response = error_response(call)
        assert (response.status_code, response.json()["title"]) == DEPLETED
    described = world.as_person().post(f"{world.url}/2/media/metadata", json={"id": media})
    assert described.status_code == 402
    assert set(described.json()) == {"title", "detail", "type"}
    assert described.json()["type"].endswith("/problems/credits")
    assert len(described.content) == 185
    assert charges(world) == []


def test_credits_run_out_and_can_be_bought(world: SandboxWorld) -> None:
    assert get_bill(world)["credits_micro"] is None
    assert set_billing(world, credits_micro=16_000)["credits_micro"] == 16_000
    create_post(world, "one")
    assert get_bill(world)["credits_micro"] == 1_000
    create_post(world, "two")
    assert get_bill(world)["credits_micro"] == -14_000
    assert error_response(lambda: create_post(world, "three")).status_code == 402
    set_billing(world, credits_micro=1)
    assert create_post(world, "three")
    assert set_billing(world, credits_micro=None)["credits_micro"] is None


def test_a_reached_spending_limit_returns_402(world: SandboxWorld) -> None:
    set_billing(world, spending_limit_micro=20_000)
    create_post(world, "one")
    create_post(world, "two")
    assert error_response(lambda: create_post(world, "three")).json()["title"] == "CreditsDepleted"
    world.advance_clock(32 * 86_400)
    assert create_post(world, "three")


def test_the_monthly_cap_of_post_reads_returns_429_with_calls_left(world: SandboxWorld) -> None:
    set_billing(world, monthly_post_reads=2)
    for n in range(2):
        world.post("mira_paints", f"@threadpaint {n}")
    get_own_mentions(world)
    response = error_response(lambda: get_own_mentions(world))
    assert response.status_code == 429
    assert response.json()["title"] == "UsageCapExceeded"
    assert int(response.headers["x-rate-limit-remaining"]) > 0
    assert world.client().get_me().data
    assert create_post(world, "writing goes on")
    world.advance_clock(32 * 86_400)
    assert get_own_mentions(world).data
