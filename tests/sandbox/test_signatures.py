"""Who may call: real OAuth 1.0a signatures, made by tweepy, checked by the sandbox."""

import httpx
import pytest
import tweepy
from oauthlib.oauth1 import Client as Signer

from sandbox.x.gate import secret_of, token_of

UNAUTHORIZED = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


def header(play, path="/2/users/me", *, base="https://api.twitter.com", method="GET", **more):
    stamp = str(round(play.clock.now_ms() / 1000))
    keys = {"resource_owner_key": token_of("threadpaint"), "resource_owner_secret": secret_of("threadpaint")}
    signer = Signer("sandbox-consumer-key", "sandbox-consumer-secret", **{"timestamp": stamp, **keys, **more})
    return signer.sign(base + path, http_method=method)[1]["Authorization"]


def status(play, authorization, path="/2/users/me"):
    return play.http.get(path, headers={"authorization": authorization}).status_code


@pytest.mark.parametrize("adapter", [True, False])
def test_it_lets_tweepy_in_through_an_adapter_and_by_its_own_address(play, adapter):
    me = play.client(adapter=adapter).get_me()
    assert me.data.username == "threadpaint"


def test_it_lets_any_person_of_the_world_be_an_api_user(play):
    play.http.post("/sandbox/people", json={"username": "new_one"})
    assert play.client("new_one").get_me().data.username == "new_one"


def test_it_refuses_a_wrong_secret(play):
    with pytest.raises(tweepy.Unauthorized) as caught:
        play.client(secret="sandbox-token-secret-somebody").get_me()
    assert caught.value.response.json() == UNAUTHORIZED


def test_it_refuses_a_signature_made_for_another_address(play):
    assert status(play, header(play, base="https://api.example.org")) == 401


@pytest.mark.parametrize("base", ["https://api.twitter.com", "https://api.x.com"])
def test_it_accepts_signatures_for_both_addresses_of_x(play, base):
    assert status(play, header(play, base=base)) == 200


def test_it_refuses_a_nonce_it_has_seen(play):
    same = header(play)
    assert [status(play, same), status(play, same)] == [200, 401]


@pytest.mark.parametrize("minutes, expected", [(-6, 401), (6, 401), (-4, 200), (4, 200)])
def test_it_refuses_a_timestamp_more_than_five_minutes_off(play, minutes, expected):
    stamp = str(round(play.clock.now_ms() / 1000) + minutes * 60)
    assert status(play, header(play, timestamp=stamp)) == expected


def test_it_signs_the_query_too(play):
    path = "/2/users/me?user.fields=pinned_tweet_id"
    assert status(play, header(play, path), path) == 200
    assert status(play, header(play, "/2/users/me"), path) == 401


def test_it_refuses_an_unknown_person_an_unknown_app_and_no_signature_at_all(play):
    keys = {"resource_owner_key": "sandbox-token-nobody_here", "resource_owner_secret": "x"}
    assert status(play, header(play, **keys)) == 401
    assert status(play, header(play).replace("sandbox-consumer-key", "other-key")) == 401
    assert play.http.get("/2/users/me").json() == UNAUTHORIZED


@pytest.mark.parametrize(
    "garbage", ["OAuth", "OAuth ,,,=", 'OAuth a="', "Bearer", "Bearer nonsense", "Basic x", "OAuth oauth_token=%zz"]
)
def test_it_answers_401_to_a_header_it_cannot_read(play, garbage):
    assert status(play, garbage) == 401


def test_it_lets_the_app_read_but_not_be_somebody(play):
    assert play.get(f"/2/users/{play.bot.id}/mentions").status_code == 200
    answer = play.get("/2/users/me")
    assert answer.status_code == 403
    assert answer.json()["title"] == "Unsupported Authentication"
    bearer = {"authorization": "Bearer sandbox-bearer"}
    assert play.http.post("/2/tweets", json={"text": "x"}, headers=bearer).status_code == 403


def test_it_checks_a_multipart_upload_without_its_body(play, picture):
    answer = play.as_person().post(
        f"{play.url}/2/media/upload", data={"media_category": "tweet_image"}, files={"media": picture.data}
    )
    assert answer.status_code == 200


def test_it_takes_signatures_for_a_host_name_of_its_own(play):
    url = play.url.replace("127.0.0.1", "localhost")
    authorization = header(play, base=url)
    answer = httpx.get(
        f"{play.url}/2/users/me", headers={"authorization": authorization, "host": url.removeprefix("http://")}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["[", "[::1", "x:99999", "x:abc", "?", "#"])
def test_a_host_header_that_names_no_host_gets_401(play, host):
    answer = play.http.get(
        "/2/users/me", headers={"host": host, "authorization": header(play, resource_owner_secret="x")}
    )
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
