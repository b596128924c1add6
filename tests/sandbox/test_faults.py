"""Injected faults: what a client sees of each kind, at which calls they fire, and how they are counted."""

import json
import time
from typing import Any

import pytest
import requests
import tweepy

from tests.support.sandbox_world import Json, SandboxWorld, StartWorld

MENTIONS = "GET /2/users/:id/mentions"
POSTS = "POST /2/tweets"


def own_texts(world: SandboxWorld) -> list[str]:
    return [post.said for post in world.state.existing_posts(world.state.post_index.by_author[world.bot.id])]


def test_an_answer_fault_replaces_the_call(world: SandboxWorld) -> None:
    body, headers = {"title": "Service Unavailable"}, {"x-a": "b"}
    world.add_fault(kind="answer", endpoint=POSTS, status=503, body=body, headers=headers)
    with pytest.raises(tweepy.TwitterServerError) as error:
        world.client().create_tweet(text="hello")
    assert error.value.response.headers["x-a"] == "b"
    assert "hello" not in own_texts(world)
    world.client().create_tweet(text="hello")
    assert own_texts(world).count("hello") == 1


@pytest.mark.parametrize("body", ["\ud800", {"text": "\ud800"}, ["a"], 17, True])
@pytest.mark.parametrize("status", [200, 204, 304, 404, 599])
def test_an_answer_fault_takes_any_body_and_status(world: SandboxWorld, body: Any, status: int) -> None:
    # json.dumps escapes a lone surrogate; httpx would reject it
    fault = json.dumps({"kind": "answer", "status": status, "body": body})
    headers = {"content-type": "application/json"}
    assert world.http.post("/sandbox/faults", content=fault, headers=headers).status_code == 201
    assert world.get(f"/2/users/{world.bot.id}").status_code == status
    assert world.http.get("/sandbox/faults").status_code == 200


def test_html_503_has_an_html_body(world: SandboxWorld) -> None:
    world.add_fault(kind="html_503")
    with pytest.raises(tweepy.TwitterServerError) as error:
        world.client().get_me()
    assert error.value.response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("kind", ["empty_200", "garbage_200"])
def test_an_empty_or_broken_200_raises_a_json_error_in_tweepy(world: SandboxWorld, kind: str) -> None:
    world.add_fault(kind=kind, endpoint="GET /2/users/me")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        world.client().get_me()


def test_a_list_as_error_body_raises_an_attribute_error_in_tweepy(world: SandboxWorld) -> None:
    world.add_fault(kind="list_body")
    with pytest.raises(AttributeError):
        world.client().get_me()


def test_a_connection_dropped_before_the_commit_stores_nothing(world: SandboxWorld) -> None:
    world.add_fault(kind="drop", endpoint=POSTS, when="before")
    with pytest.raises(requests.exceptions.ConnectionError):
        world.client().create_tweet(text="lost on the way there")
    assert "lost on the way there" not in own_texts(world)


def test_a_connection_dropped_after_the_commit_stores_the_post(world: SandboxWorld) -> None:
    world.add_fault(kind="drop", endpoint=POSTS, when="after")
    with pytest.raises(requests.exceptions.ConnectionError):
        world.client().create_tweet(text="lost on the way back")
    assert own_texts(world).count("lost on the way back") == 1
    assert world.stats()["calls"][POSTS] == {"dropped": 1}


def test_status_after_stores_the_post_and_returns_an_error(world: SandboxWorld) -> None:
    world.add_fault(kind="status_after", endpoint=POSTS, status=500)
    with pytest.raises(tweepy.TwitterServerError):
        world.client().create_tweet(text="done all the same")
    assert own_texts(world).count("done all the same") == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_slow_call_succeeds_after_the_delay(world: SandboxWorld, when: str) -> None:
    world.add_fault(kind="slow", seconds=0.2, when=when)
    started = time.monotonic()
    assert world.client().get_me().data.username == "threadpaint"
    assert time.monotonic() - started >= 0.2


def test_a_429_without_a_reset(world: SandboxWorld) -> None:
    world.add_fault(kind="no_reset")
    with pytest.raises(tweepy.TooManyRequests) as error:
        world.client().get_me()
    headers = error.value.response.headers
    assert "x-rate-limit-reset" not in headers
    assert headers["x-rate-limit-remaining"] == "0"


def test_a_429_with_a_past_reset(world: SandboxWorld) -> None:
    world.add_fault(kind="reset_past")
    with pytest.raises(tweepy.TooManyRequests) as error:
        world.client().get_me()
    assert int(error.value.response.headers["x-rate-limit-reset"]) < world.clock.now_ms() / 1000


def test_a_usage_cap_is_a_429_with_calls_left_in_the_window(world: SandboxWorld) -> None:
    world.add_fault(kind="usage_cap")
    with pytest.raises(tweepy.TooManyRequests) as error:
        world.client().get_me()
    assert error.value.response.json()["title"] == "UsageCapExceeded"
    assert int(error.value.response.headers["x-rate-limit-remaining"]) > 0


def test_no_credits_is_a_402(world: SandboxWorld) -> None:
    world.add_fault(kind="no_credits")
    with pytest.raises(tweepy.HTTPException) as error:
        world.client().get_me()
    assert error.value.response.status_code == 402
    assert error.value.response.json()["title"] == "CreditsDepleted"


def test_an_outage_can_look_like_a_401(world: SandboxWorld) -> None:
    world.add_fault(kind="unauthorized")
    with pytest.raises(tweepy.Unauthorized):
        world.client().get_me()
    assert world.client().get_me().data.username == "threadpaint"


# selected calls


def statuses(world: SandboxWorld, count: int) -> list[int]:
    return [world.get(f"/2/users/{world.bot.id}").status_code for _ in range(count)]


def test_a_fault_fires_once_by_default(world: SandboxWorld) -> None:
    number = world.add_fault(kind="html_503")
    assert statuses(world, 3) == [503, 200, 200]
    fault = world.get_fault(number)
    assert (fault["seen"], fault["fired"]) == (3, 1)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"times": 2}, [503, 503, 200, 200, 200, 200]),
        ({"calls": [2, 5]}, [200, 503, 200, 200, 503, 200]),
        ({"every": 3}, [200, 200, 503, 200, 200, 503]),
        ({"every": 2, "times": 1}, [200, 503, 200, 200, 200, 200]),
        ({"rate": 1}, [503] * 6),
        ({"rate": 0}, [200] * 6),
    ],
)
def test_a_fault_fires_at_the_selected_calls(world: SandboxWorld, selection: Json, expected: list[int]) -> None:
    world.add_fault(kind="html_503", endpoint="GET /2/users/:id", **selection)
    assert statuses(world, 6) == expected


def test_random_faults_repeat_with_the_seed(start_world: StartWorld) -> None:
    def run(seed: int) -> list[int]:
        world = start_world(seed=seed)
        world.add_fault(kind="html_503", rate=0.5)
        return statuses(world, 20)

    first = run(7)
    assert first == run(7)
    assert set(first) == {200, 503}
    assert first != run(8)


def test_a_fault_fires_at_its_endpoint_only(world: SandboxWorld) -> None:
    world.add_fault(kind="html_503", endpoint=MENTIONS, rate=1)
    assert statuses(world, 1) == [200]
    assert world.get(f"/2/users/{world.bot.id}/mentions").status_code == 503


def test_faults_are_listed_and_deleted(world: SandboxWorld) -> None:
    numbers = [world.add_fault(kind="html_503", rate=1) for _ in range(3)]
    world.http.delete(f"/sandbox/faults/{numbers[0]}")
    assert [fault["id"] for fault in world.http.get("/sandbox/faults").json()["data"]] == numbers[1:]
    assert world.http.delete("/sandbox/faults").json() == {"data": {"deleted": 2}}
    assert statuses(world, 1) == [200]
    assert world.http.delete(f"/sandbox/faults/{numbers[0]}").status_code == 404


def test_several_faults_are_added_together_or_not_at_all(world: SandboxWorld) -> None:
    good, bad = {"kind": "html_503"}, {"kind": "html_503", "endpoint": "GET /2/nowhere"}
    assert world.http.post("/sandbox/faults", json={"faults": [good, bad]}).status_code == 422
    assert world.http.get("/sandbox/faults").json()["data"] == []
    assert world.http.post("/sandbox/faults", json={"faults": [good, good]}).status_code == 201
    assert statuses(world, 3) == [503, 503, 200]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"kind": "earthquake"}, "kind"),
        ({"kind": "answer"}, "needs status"),
        ({"kind": "slow"}, "needs seconds"),
        ({"kind": "drop", "seconds": 3}, "seconds"),
        ({"kind": "html_503", "rate": 2}, "rate"),
        ({"kind": "html_503", "calls": [0]}, "calls"),
        ({"kind": "lost", "times": 3}, "times"),
        ({"kind": "lost", "endpoint": POSTS}, "endpoint"),
        ({"kind": "html_503", "endpoint": "GET /2/nowhere"}, "endpoint"),
        ({"kind": "html_503", "color": "red"}, "color"),
        ({"kind": "answer", "status": 200, "headers": {"x": "a\r\nb: c"}}, "headers"),
        ({"kind": "answer", "status": 200, "headers": {"x y": "a"}}, "headers"),
        ({"kind": "answer", "status": 99}, "status"),
        ({"faults": [{"kind": "earthquake"}]}, "kind"),
        ({"faults": 3}, "faults"),
        ({}, "kind"),
    ],
)
def test_an_invalid_fault_is_named_in_the_error(world: SandboxWorld, wrong: Json, named: str) -> None:
    response = world.http.post("/sandbox/faults", json=wrong)
    assert response.status_code == 422
    assert named in response.json()["detail"]
