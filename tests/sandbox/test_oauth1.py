"""OAuth 1.0a signatures of tweepy and oauthlib are checked by the sandbox."""

import httpx
import pytest
import tweepy
from oauthlib.oauth1 import Client as Signer

from sandbox.x.dispatcher import access_secret_for, access_token_for
from tests.support.sandbox_world import Picture, SandboxWorld

UNAUTHORIZED = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


def header(
    world: SandboxWorld,
    path: str = "/2/users/me",
    *,
    base: str = "https://api.twitter.com",
    **more: str,
) -> str:
    stamp = str(round(world.clock.now_ms() / 1000))
    keys = {
        "resource_owner_key": access_token_for("threadpaint"),
        "resource_owner_secret": access_secret_for("threadpaint"),
    }
    signer = Signer("sandbox-consumer-key", "sandbox-consumer-secret", **{"timestamp": stamp, **keys, **more})
    authorization: str = signer.sign(base + path)[1]["Authorization"]
    return authorization


def status(world: SandboxWorld, authorization: str, path: str = "/2/users/me") -> int:
    return world.http.get(path, headers={"authorization": authorization}).status_code


@pytest.mark.parametrize("adapter", [True, False])
def test_tweepy_signs_in_with_an_adapter_or_its_own_base_url(world: SandboxWorld, adapter: bool) -> None:
    me = world.client(adapter=adapter).get_me()
    assert me.data.username == "threadpaint"


def test_any_user_can_call_the_api(world: SandboxWorld) -> None:
    world.http.post("/sandbox/people", json={"username": "new_one"})
    assert world.client("new_one").get_me().data.username == "new_one"


def test_a_wrong_secret_is_rejected(world: SandboxWorld) -> None:
    with pytest.raises(tweepy.Unauthorized) as caught:
        world.client(secret="sandbox-token-secret-somebody").get_me()
    assert caught.value.response.json() == UNAUTHORIZED


def test_a_signature_for_another_host_is_rejected(world: SandboxWorld) -> None:
    assert status(world, header(world, base="https://api.example.org")) == 401


@pytest.mark.parametrize("base", ["https://api.twitter.com", "https://api.x.com"])
def test_signatures_for_both_hosts_of_x_are_accepted(world: SandboxWorld, base: str) -> None:
    assert status(world, header(world, base=base)) == 200


def test_a_repeated_nonce_is_rejected(world: SandboxWorld) -> None:
    authorization = header(world)
    assert [status(world, authorization), status(world, authorization)] == [200, 401]


@pytest.mark.parametrize("minutes, expected", [(-6, 401), (6, 401), (-4, 200), (4, 200)])
def test_a_timestamp_more_than_five_minutes_off_is_rejected(world: SandboxWorld, minutes: int, expected: int) -> None:
    stamp = str(round(world.clock.now_ms() / 1000) + minutes * 60)
    assert status(world, header(world, timestamp=stamp)) == expected


def test_the_signature_covers_the_query(world: SandboxWorld) -> None:
    path = "/2/users/me?user.fields=pinned_tweet_id"
    assert status(world, header(world, path), path) == 200
    assert status(world, header(world, "/2/users/me"), path) == 401


def test_unknown_users_unknown_apps_and_unsigned_calls_are_rejected(world: SandboxWorld) -> None:
    unknown_user = header(world, resource_owner_key="sandbox-token-nobody_here", resource_owner_secret="x")
    assert status(world, unknown_user) == 401
    assert status(world, header(world).replace("sandbox-consumer-key", "other-key")) == 401
    assert world.http.get("/2/users/me").json() == UNAUTHORIZED


@pytest.mark.parametrize(
    "header", ["OAuth", "OAuth ,,,=", 'OAuth a="', "Bearer", "Bearer nonsense", "Basic x", "OAuth oauth_token=%zz"]
)
def test_a_malformed_authorization_header_returns_401(world: SandboxWorld, header: str) -> None:
    assert status(world, header) == 401


def test_app_only_calls_can_read_but_have_no_user(world: SandboxWorld) -> None:
    assert world.get(f"/2/users/{world.bot.id}/mentions").status_code == 200
    response = world.get("/2/users/me")
    assert response.status_code == 403
    assert response.json()["title"] == "Unsupported Authentication"
    bearer = {"authorization": "Bearer sandbox-bearer"}
    assert world.http.post("/2/tweets", json={"text": "x"}, headers=bearer).status_code == 403


def test_the_signature_ignores_a_multipart_body(world: SandboxWorld, picture: Picture) -> None:
    response = world.as_person().post(
        f"{world.url}/2/media/upload", data={"media_category": "tweet_image"}, files={"media": picture.data}
    )
    assert response.status_code == 200


def test_signatures_for_the_requested_host_are_accepted(world: SandboxWorld) -> None:
    url = world.url.replace("127.0.0.1", "localhost")
    authorization = header(world, base=url)
    response = httpx.get(
        f"{world.url}/2/users/me", headers={"authorization": authorization, "host": url.removeprefix("http://")}
    )
    assert response.status_code == 200


@pytest.mark.parametrize("host", ["[", "[::1", "x:99999", "x:abc", "?", "#"])
def test_a_malformed_host_header_returns_401(world: SandboxWorld, host: str) -> None:
    response = world.http.get(
        "/2/users/me", headers={"host": host, "authorization": header(world, resource_owner_secret="x")}
    )
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)
