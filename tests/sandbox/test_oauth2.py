"""OAuth 2.0: tokens, rotation, scopes and clients, with tweepy's handler and plain HTTP."""

from pathlib import Path

import httpx
import pytest
import requests
import tweepy
from requests.auth import HTTPBasicAuth

from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.support.sandbox_oauth2 import (
    CLIENT,
    NO_AUTH,
    READ_SCOPES,
    REDIRECT_URI,
    VERIFIER,
    exchange_code,
    get_code,
    get_me,
    refresh,
    sign_in,
)
from tests.support.sandbox_world import Picture, SandboxWorld, StartWorld

# tokens


def test_a_code_is_exchanged_for_tokens_of_the_user(world: SandboxWorld) -> None:
    tokens = sign_in(world)
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 7200
    assert tokens["scope"] == READ_SCOPES
    assert get_me(world, tokens["access_token"]).json()["data"]["username"] == "mira_paints"


def test_there_is_no_refresh_token_without_offline_access(world: SandboxWorld) -> None:
    assert "refresh_token" not in sign_in(world, scope="tweet.read users.read")


def test_a_code_works_once(world: SandboxWorld) -> None:
    code = get_code(world)
    assert exchange_code(world, code).status_code == 200
    assert exchange_code(world, code).json()["error"] == "invalid_request"


def test_a_code_expires_after_thirty_seconds(world: SandboxWorld) -> None:
    code = get_code(world)
    world.clock.advance(30)
    assert exchange_code(world, code).status_code == 400


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 64}, {"code_verifier": ""}, {"redirect_uri": REDIRECT_URI + "/x"}]
)
def test_a_code_with_a_wrong_verifier_or_redirect_uri_is_rejected(world: SandboxWorld, changes: dict[str, str]) -> None:
    code = get_code(world)
    assert exchange_code(world, code, changes).status_code == 400
    assert exchange_code(world, code).status_code == 400


def test_a_plain_challenge_is_its_own_verifier(world: SandboxWorld) -> None:
    code = get_code(world, code_challenge=VERIFIER, code_challenge_method="plain")
    assert exchange_code(world, code).status_code == 200


def test_an_access_token_expires_after_two_hours(world: SandboxWorld) -> None:
    access = sign_in(world)["access_token"]
    world.clock.advance(7199)
    assert get_me(world, access).status_code == 200
    world.clock.advance(1)
    assert get_me(world, access).status_code == 401


def test_a_refresh_token_works_once_and_returns_the_next(world: SandboxWorld) -> None:
    first = sign_in(world)["refresh_token"]
    second = refresh(world, first).json()
    assert get_me(world, second["access_token"]).status_code == 200
    again = refresh(world, first)
    assert again.status_code == 400
    assert again.json() == {
        "error": "invalid_request",
        "error_description": "Value passed for the token was invalid.",
    }
    assert refresh(world, second["refresh_token"]).status_code == 200


def test_a_revoked_token_is_rejected(world: SandboxWorld) -> None:
    tokens = sign_in(world)
    for token in (tokens["access_token"], tokens["refresh_token"], "unknown"):
        assert world.http.post("/2/oauth2/revoke", data={"token": token}, auth=CLIENT).json() == {"revoked": True}
    assert get_me(world, tokens["access_token"]).status_code == 401
    assert refresh(world, tokens["refresh_token"]).status_code == 400


def test_a_public_client_needs_its_id_and_a_wrong_secret_is_rejected(world: SandboxWorld) -> None:
    code = get_code(world)
    assert exchange_code(world, code, {"client_id": CLIENT[0]}, auth=NO_AUTH).status_code == 200
    wrong = exchange_code(world, "x", auth=httpx.BasicAuth(CLIENT[0], "guessed"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "unauthorized_client")
    assert exchange_code(world, "x", {"client_id": "another"}, auth=NO_AUTH).status_code == 400


def test_grants_survive_a_restart(start_world: StartWorld, tmp_path: Path) -> None:
    world = start_world(data=tmp_path)
    tokens = sign_in(world)
    world.state.store.close()
    app = create_app(SandboxSettings(data=tmp_path))
    person, scopes = app.state.dispatcher.grants.find_person(tokens["access_token"])
    assert person.username == "mira_paints"
    assert scopes == set(READ_SCOPES.split())
    assert app.state.dispatcher.grants.refresh(tokens["refresh_token"], client_id=CLIENT[0]).access
    app.state.world.store.close()


# scopes


def client_with_scope(world: SandboxWorld, scope: str) -> tweepy.Client:
    client = tweepy.Client(sign_in(world, scope=scope)["access_token"])
    client.session.mount("https://api.twitter.com", world.adapter())
    return client


def test_posting_needs_the_scope_tweet_write(world: SandboxWorld) -> None:
    with pytest.raises(tweepy.Forbidden):
        client_with_scope(world, READ_SCOPES).create_tweet(text="may I?", user_auth=False)
    created = client_with_scope(world, READ_SCOPES + " tweet.write").create_tweet(text="I may", user_auth=False)
    assert world.state.post_index.posts[int(created.data["id"])].author_id == world.find_user("mira_paints").id


def test_uploading_needs_the_scope_media_write(world: SandboxWorld, picture: Picture) -> None:
    def upload(scope: str) -> int:
        access = sign_in(world, scope=scope)["access_token"]
        return world.http.post(
            "/2/media/upload",
            files={"media": picture.data},
            data={"media_category": "tweet_image"},
            headers={"authorization": f"Bearer {access}"},
        ).status_code

    assert upload(READ_SCOPES + " tweet.write") == 403
    assert upload(READ_SCOPES + " media.write") == 200


def test_reading_follows_needs_the_scope_follows_read(world: SandboxWorld) -> None:
    with pytest.raises(tweepy.Forbidden):
        client_with_scope(world, READ_SCOPES).get_users_followers(world.bot.id)
    client = client_with_scope(world, READ_SCOPES + " follows.read")
    assert client.get_users_followers(world.bot.id).meta["result_count"] == 0


def test_a_user_token_acts_as_its_user(world: SandboxWorld) -> None:
    world.set_user("mira_paints", follows=["threadpaint"])
    read = client_with_scope(world, READ_SCOPES).get_user(username="threadpaint", user_fields=["connection_status"])
    assert read.data.data["connection_status"] == ["following"]


# other clients


def test_tweepy_handler_signs_in_and_refreshes(world: SandboxWorld) -> None:
    handler = tweepy.OAuth2UserHandler(
        client_id=CLIENT[0], client_secret=CLIENT[1], redirect_uri=REDIRECT_URI, scope=READ_SCOPES.split()
    )
    handler.mount("https://api.twitter.com", world.adapter())
    address = handler.get_authorization_url().replace("https://twitter.com", "")
    response = world.http.post(address, data={"decision": "allow", "person": "oldtomcat"})
    tokens = handler.fetch_token(response.headers["location"].replace("http://", "https://"))
    assert get_me(world, tokens["access_token"]).json()["data"]["username"] == "oldtomcat"
    new = handler.refresh_token(
        "https://api.twitter.com/2/oauth2/token", refresh_token=tokens["refresh_token"], auth=HTTPBasicAuth(*CLIENT)
    )
    assert new["refresh_token"] != tokens["refresh_token"]


def test_an_app_gets_its_bearer_token_for_its_keys(world: SandboxWorld) -> None:
    def bearer(secret: str) -> requests.Response:
        return requests.post(
            f"{world.url}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=HTTPBasicAuth("sandbox-consumer-key", secret),
        )

    assert bearer("sandbox-consumer-secret").json() == {"token_type": "bearer", "access_token": "sandbox-bearer"}
    assert bearer("wrong").status_code == 403


def test_read_only_keys_cannot_write(world: SandboxWorld) -> None:
    with pytest.raises(tweepy.Forbidden) as refused:
        world.client(mark="-readonly").create_tweet(text="no")
    problem = refused.value.response.json()
    assert problem["type"].endswith("/oauth1-permissions")
    assert refused.value.response.headers["x-access-level"] == "read"
    assert world.client(mark="-readonly").get_me().data.username == "threadpaint"
