"""Rate limits per user or app and endpoint, their headers, and the daily caps of an account."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import tweepy

from tests.support.sandbox_world import Json, SandboxWorld, StartWorld

TIMELINE = "GET /2/users/:id/mentions"
POST = "POST /2/tweets"


def set_limits(world: SandboxWorld, **body: Any) -> Json:
    response = world.http.post("/sandbox/limits", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


def get_mentions(world: SandboxWorld) -> httpx.Response:
    return world.get(f"/2/users/{world.bot.id}/mentions")


def create_post(
    world: SandboxWorld, text: str, username: str = "threadpaint", reply_to: str | None = None
) -> requests.Response:
    reply = {} if reply_to is None else {"reply": {"in_reply_to_tweet_id": reply_to}}
    return world.as_person(username).post(f"{world.url}/2/tweets", json={"text": text, **reply})


def statuses(responses: Iterable[httpx.Response] | Iterable[requests.Response]) -> list[int]:
    return [response.status_code for response in responses]


def test_a_call_above_the_limit_returns_the_429_of_x(world: SandboxWorld) -> None:
    set_limits(world, endpoint=TIMELINE, calls=2, seconds=30)
    assert statuses(get_mentions(world) for _ in range(3)) == [200, 200, 429]
    refused = get_mentions(world)
    assert refused.json() == {
        "title": "Too Many Requests",
        "detail": "Too Many Requests",
        "type": "about:blank",
        "status": 429,
    }
    assert refused.headers["x-rate-limit-limit"] == "2"
    assert refused.headers["x-rate-limit-remaining"] == "0"
    assert int(refused.headers["x-rate-limit-reset"]) == world.state.clock.now_ms() // 1000 + 30


def test_tweepy_reads_the_reset_of_the_window(world: SandboxWorld) -> None:
    set_limits(world, endpoint=TIMELINE, calls=0, seconds=30)
    with pytest.raises(tweepy.TooManyRequests) as caught:
        world.client().get_users_mentions(world.bot.id)
    assert caught.value.reset_time == world.clock.now_ms() // 1000 + 30


def test_rejected_calls_do_not_count_and_the_window_restarts(world: SandboxWorld) -> None:
    set_limits(world, endpoint=TIMELINE, calls=1, seconds=30)
    assert statuses(get_mentions(world) for _ in range(4)) == [200, 429, 429, 429]
    world.advance_clock(29)
    assert get_mentions(world).status_code == 429
    world.advance_clock(1)
    assert statuses(get_mentions(world) for _ in range(2)) == [200, 429]


def test_a_window_begins_with_its_first_call(world: SandboxWorld) -> None:
    set_limits(world, endpoint=TIMELINE, calls=1, seconds=30)
    world.advance_clock(29)
    assert get_mentions(world).status_code == 200
    world.advance_clock(29)
    assert get_mentions(world).status_code == 429


def test_windows_are_separate_per_token_and_endpoint(world: SandboxWorld) -> None:
    set_limits(world, endpoint=TIMELINE, calls=1, seconds=30)
    assert statuses(get_mentions(world) for _ in range(2)) == [200, 429]
    assert world.client().get_users_mentions(world.bot.id, user_auth=True).errors == []
    assert world.get(f"/2/users/{world.bot.id}/tweets").status_code == 200


def test_limits_caps_and_rules_survive_a_restart(start_world: StartWorld, tmp_path: Path) -> None:
    world = start_world(data=tmp_path)
    set_limits(world, endpoint=TIMELINE, calls=7, seconds=30, account={"half_hour": 9}, day_headers=True)
    world.http.post("/sandbox/rules", json={"wording": "old"}).raise_for_status()
    before = [world.http.get(path).json() for path in ("/sandbox/limits", "/sandbox/rules")]
    world.state.store.close()
    reopened = start_world(data=tmp_path)
    assert [reopened.http.get(path).json() for path in ("/sandbox/limits", "/sandbox/rules")] == before
    assert before[0]["limits"][TIMELINE]["app"] == {"calls": 7, "seconds": 30}


def test_a_limit_may_apply_to_app_or_user_only(world: SandboxWorld) -> None:
    set_limits(world, endpoint=TIMELINE, calls=0, seconds=30, who="user")
    assert get_mentions(world).status_code == 200
    with pytest.raises(tweepy.TooManyRequests):
        world.client().get_users_mentions(world.bot.id, user_auth=True)


def test_the_app_limit_of_posts_counts_all_users(world: SandboxWorld) -> None:
    set_limits(world, endpoint=POST, calls=3, seconds=86_400, who="app")
    responses = [
        create_post(world, f"post {n}", name) for n, name in enumerate(("mira_paints", "oldtomcat", "anya_z", "noor_h"))
    ]
    assert statuses(responses) == [201, 201, 201, 429]
    assert responses[-1].headers["x-rate-limit-remaining"] == "0"
    assert int(responses[-1].headers["x-rate-limit-reset"]) == pytest.approx(
        world.clock.now_ms() / 1000 + 86_400, abs=2
    )


def test_a_user_may_post_a_hundred_times_in_15_minutes(world: SandboxWorld) -> None:
    session = world.as_person()
    responses = [session.post(f"{world.url}/2/tweets", json={"text": f"post {n}"}) for n in range(101)]
    assert statuses(responses) == [201] * 100 + [429]
    assert responses[0].headers["x-rate-limit-limit"] == "100"
    world.advance_clock(900)
    assert create_post(world, "one more").status_code == 201


def test_limits_can_be_switched_off_and_on(world: SandboxWorld) -> None:
    set_limits(world, endpoint=TIMELINE, calls=0)
    set_limits(world, off=True)
    assert get_mentions(world).status_code == 200
    assert set_limits(world, off=False)["off"] is False
    assert get_mentions(world).status_code == 429


def test_reset_restores_default_limits_and_empties_windows(world: SandboxWorld) -> None:
    set_limits(world, limits=[{"endpoint": TIMELINE, "calls": 1}, {"endpoint": POST, "calls": 5, "seconds": 60}])
    get_mentions(world)
    result = set_limits(world, reset=True)
    assert result["windows"] == []
    assert result["limits"][TIMELINE]["app"] == {"calls": 450, "seconds": 900}
    assert result["limits"][POST]["user"] == {"calls": 100, "seconds": 900}
    assert result["account"] == {"posts": 50, "replies": 200, "verified": 2400, "half_hour": None, "status": 403}


@pytest.mark.parametrize(
    "endpoint, app, user",
    [
        ("GET /2/users/:id/mentions", (450, 900), (300, 900)),
        ("GET /2/tweets/search/recent", (450, 900), (300, 900)),
        ("POST /2/tweets", (10_000, 86_400), (100, 900)),
        ("DELETE /2/tweets/:id", None, (50, 900)),
        ("GET /2/tweets", (3_500, 900), (5_000, 900)),
        ("GET /2/tweets/:id", (450, 900), (900, 900)),
        ("GET /2/users/:id/tweets", (10_000, 900), (900, 900)),
        ("GET /2/users/me", None, (75, 900)),
        ("GET /2/users/:id", (300, 900), (900, 900)),
        ("GET /2/users/:id/followers", (300, 900), (300, 900)),
        ("PUT /2/tweets/:id/hidden", None, (50, 900)),
        ("POST /2/media/upload", (50_000, 86_400), (500, 900)),
        ("GET /2/media/upload", (100_000, 86_400), (1_000, 900)),
        ("POST /2/media/upload/initialize", (180_000, 86_400), (1_875, 900)),
        ("POST /2/media/metadata", (50_000, 86_400), (500, 900)),
        ("GET /2/usage/tweets", (50, 900), (50, 900)),
    ],
)
def test_default_limits_are_those_of_x(
    world: SandboxWorld, endpoint: str, app: tuple[int, int] | None, user: tuple[int, int]
) -> None:
    row = world.http.get("/sandbox/limits").json()["limits"][endpoint]
    assert tuple(row["user"].values())[:2] == user
    assert app is None or tuple(row["app"].values())[:2] == app


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"endpoint": "GET /2/nothing", "calls": 1}, "GET /2/nothing"),
        ({"endpoint": TIMELINE}, "calls"),
        ({"calls": 3}, "endpoint"),
        ({"endpoint": TIMELINE, "calls": -1}, "calls"),
        ({"endpoint": TIMELINE, "calls": 1, "seconds": 0}, "seconds"),
        ({"endpoint": TIMELINE, "calls": 1, "who": "me"}, "who"),
        ({"limits": [{"endpoint": TIMELINE, "calls": "many"}]}, "calls"),
        ({"limits": [{"endpoint": TIMELINE, "calls": 1}, {"endpoint": "x", "calls": 1}]}, "'x'"),
        ({"account": {"posts": None}}, "account.posts"),
        ({"account": {"status": 500}}, "status"),
        ({"speed": 3}, "speed"),
    ],
)
def test_an_invalid_limit_is_named_in_the_error_and_changes_nothing(
    world: SandboxWorld, wrong: Json, named: str
) -> None:
    before = world.http.get("/sandbox/limits").json()
    response = world.http.post("/sandbox/limits", json=wrong)
    assert response.status_code == 422
    assert named in response.text
    assert world.http.get("/sandbox/limits").json() == before


def test_open_windows_are_listed(world: SandboxWorld) -> None:
    get_mentions(world)
    (window,) = world.http.get("/sandbox/limits").json()["windows"]
    assert (window["endpoint"], window["who"], window["used"], window["left"]) == (TIMELINE, "sandbox-bearer", 1, 449)


def test_24_hour_headers_are_optional(world: SandboxWorld) -> None:
    assert not [name for name in create_post(world, "one").headers if "24hour" in name]
    set_limits(world, day_headers=True)
    headers = create_post(world, "two").headers
    assert headers["x-app-limit-24hour-limit"] == "10000"
    assert headers["x-app-limit-24hour-remaining"] == "9998"
    assert headers["x-user-limit-24hour-limit"] == "2400"
    # Three posts of the opening thread, and the two of this test.
    assert headers["x-user-limit-24hour-remaining"] == str(2400 - 5)
    assert int(headers["x-user-limit-24hour-reset"]) == pytest.approx(world.clock.now_ms() / 1000 + 86_400, abs=2)


# daily caps

OVER = {
    "title": "Forbidden",
    "detail": "User is over daily status update limit.",
    "type": "about:blank",
    "status": 403,
}


def set_caps(world: SandboxWorld, **account: int) -> None:
    set_limits(world, account=account)


def test_posts_and_replies_of_unverified_users_are_capped_separately(world: SandboxWorld) -> None:
    root = world.post("oldtomcat", "@mira_paints look")
    set_caps(world, posts=2, replies=1)
    assert statuses(create_post(world, f"post {n}", "mira_paints") for n in range(3)) == [201, 201, 403]
    responses = [create_post(world, f"reply {n}", "mira_paints", reply_to=root["id"]) for n in range(2)]
    assert statuses(responses) == [201, 403]
    assert responses[1].json() == OVER


def test_posts_and_replies_of_verified_users_are_capped_together(world: SandboxWorld) -> None:
    assert world.bot.verified
    assert world.bot.automated
    set_caps(world, posts=0, replies=0, verified=3 + 2)
    assert statuses(create_post(world, f"post {n}") for n in range(3)) == [201, 201, 403]


def test_the_daily_cap_is_a_sliding_window(world: SandboxWorld) -> None:
    set_caps(world, posts=2)
    create_post(world, "one", "mira_paints")
    world.advance_clock(3600)
    create_post(world, "two", "mira_paints")
    world.advance_clock(86_400 - 3600 - 1)
    assert create_post(world, "three", "mira_paints").status_code == 403
    world.advance_clock(2)
    assert statuses(create_post(world, f"later {n}", "mira_paints") for n in range(2)) == [201, 403]


def test_deleted_posts_and_posts_from_the_page_count_towards_the_cap(world: SandboxWorld) -> None:
    set_caps(world, posts=2)
    world.http.delete(f"/sandbox/posts/{world.post('mira_paints', 'by hand')['id']}")
    assert statuses(create_post(world, f"post {n}", "mira_paints") for n in range(2)) == [201, 403]


def test_posts_from_the_page_are_not_capped(world: SandboxWorld) -> None:
    set_caps(world, posts=0)
    assert world.post("mira_paints", "by hand")


def test_the_half_hour_cap_is_optional(world: SandboxWorld) -> None:
    set_caps(world, half_hour=2)
    assert statuses(create_post(world, f"post {n}", "mira_paints") for n in range(3)) == [201, 201, 403]
    world.advance_clock(1801)
    assert create_post(world, "rested", "mira_paints").status_code == 201


def test_the_cap_may_return_429_with_calls_left_in_the_window(world: SandboxWorld) -> None:
    set_caps(world, posts=0, status=429)
    response = create_post(world, "one", "mira_paints")
    assert response.status_code == 429
    assert response.json()["detail"] == OVER["detail"]
    assert int(response.headers["x-rate-limit-remaining"]) > 0
