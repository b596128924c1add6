"""The request log has each call, its user and the check of its signature."""

import pytest
import tweepy

from tests.support.sandbox_world import SandboxWorld


def test_the_request_log_has_each_call_with_its_signature_check(world: SandboxWorld) -> None:
    world.client().get_me()
    world.get("/2/tweets/search/recent", query="sea")
    with pytest.raises(tweepy.Unauthorized):
        world.client(secret="wrong").get_me()
    newest = world.http.get("/sandbox/calls", params={"limit": 3}).json()["data"]
    assert [(call["response"], call["by"], call["signature"]) for call in newest] == [
        ("401", None, "signature"),
        ("200", "the app", None),
        ("200", "threadpaint", "good"),
    ]
    assert newest[0]["endpoint"] == "GET /2/users/me"
    assert newest[0]["at"].endswith("Z")


def test_the_request_log_is_limited_to_a_thousand_calls(world: SandboxWorld) -> None:
    request_log = world.app.state.dispatcher.request_log
    for number in range(1100):
        request_log.open("", str(number))
    calls = world.http.get("/sandbox/calls", params={"limit": 5000}).json()["data"]
    assert (len(calls), calls[0]["endpoint"]) == (1000, "1099")
    assert world.http.get("/sandbox/calls", params={"limit": -1}).json() == {"data": []}
