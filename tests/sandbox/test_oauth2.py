"""OAuth 2.0: sign-in by somebody's own choice, tokens, rotation, scopes; with tweepy's handler and by hand."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import tweepy
from requests.auth import HTTPBasicAuth

from sandbox.app import create_app
from sandbox.settings import Settings

CLIENT = ("sandbox-client-id", "sandbox-client-secret")
HERE = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
READING = "tweet.read users.read offline.access"
ASKED = {
    "response_type": "code",
    "client_id": CLIENT[0],
    "redirect_uri": HERE,
    "scope": READING,
    "state": "s1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def decide(play, decision="allow", *, person="mira_paints", **changed):
    form = {"decision": decision, "person": person}
    return play.http.post("/i/oauth2/authorize", params=ASKED | changed, data=form)


def facts_of(answer):
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def token(play, *, auth=CLIENT, **form):
    return play.http.post("/2/oauth2/token", data=form, auth=auth)


def by_code(play, code, **changed):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": HERE, "code_verifier": VERIFIER}
    return token(play, **form | changed)


def signed_in(play, **changed):
    answer = by_code(play, facts_of(decide(play, **changed))["code"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def refreshed(play, old):
    return token(play, grant_type="refresh_token", refresh_token=old)


def me(play, access):
    return play.http.get("/2/users/me", headers={"authorization": f"Bearer {access}"})


# the page


def test_the_page_names_the_app_its_wishes_in_plain_words_and_everybody_one_can_be(play):
    page = play.http.get("/i/oauth2/authorize", params=ASKED)
    assert page.status_code == 200
    assert "An app in the making wants to act for you" in page.text
    assert "Stay connected to your account until you end it" in page.text
    assert "Upload pictures" not in page.text
    assert all(f"@{name}" in page.text for name in ("mira_paints", "oldtomcat", "threadpaint"))


def test_the_browser_may_be_sent_back_to_the_app_and_nowhere_else(play):
    policy = play.http.get("/i/oauth2/authorize", params=ASKED).headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:9;" in policy


def test_who_allows_comes_back_with_a_code_and_the_apps_own_state(play):
    facts = facts_of(decide(play))
    assert set(facts) == {"state", "code"}
    assert facts["state"] == "s1"


def test_who_denies_comes_back_without_a_code(play):
    assert facts_of(decide(play, "deny")) == {"error": "access_denied", "state": "s1"}


def test_somebody_new_joins_by_signing_in(play):
    answer = play.http.post(
        "/i/oauth2/authorize", params=ASKED, data={"decision": "allow", "person": "mira_paints", "other": "@brand_new"}
    )
    access = by_code(play, facts_of(answer)["code"]).json()["access_token"]
    assert me(play, access).json()["data"]["username"] == "brand_new"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", "somebody-else"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://127.0.0.1.evil.example/"),
        ("redirect_uri", "http://localhost@evil.example/"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", "http://127.0.0.1:80; script-src */"),
        ("redirect_uri", "http://127.0.0.1:9/#fragment"),
        ("response_type", "token"),
        ("scope", ""),
        ("scope", "tweet.read world.peace"),
        ("state", ""),
        ("code_challenge", ""),
        ("code_challenge_method", "S1"),
    ],
)
def test_an_unclear_question_is_answered_here_and_nobody_is_sent_away(play, name, value):
    page = play.http.get("/i/oauth2/authorize", params=ASKED | {name: value})
    assert page.status_code == 400
    assert f"{name}:" in page.text
    assert decide(play, **{name: value}).status_code == 400


def test_registered_addresses_are_taken_word_for_word(begin):
    play = begin(redirect_uris=["https://app.example/back"])
    assert facts_of(decide(play, redirect_uri="https://app.example/back"))["code"]
    assert decide(play, redirect_uri=HERE).status_code == 400


# tokens


def test_a_code_becomes_tokens_of_the_person_who_allowed(play):
    tokens = signed_in(play)
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 7200
    assert tokens["scope"] == READING
    assert me(play, tokens["access_token"]).json()["data"]["username"] == "mira_paints"


def test_without_offline_access_there_is_no_refresh_token(play):
    assert "refresh_token" not in signed_in(play, scope="tweet.read users.read")


def test_a_code_works_once(play):
    code = facts_of(decide(play))["code"]
    assert by_code(play, code).status_code == 200
    assert by_code(play, code).json()["error"] == "invalid_request"


def test_a_code_lives_thirty_seconds(play):
    code = facts_of(decide(play))["code"]
    play.clock.advance(30)
    assert by_code(play, code).status_code == 400


@pytest.mark.parametrize("wrong", [{"code_verifier": "w" * 64}, {"code_verifier": ""}, {"redirect_uri": HERE + "/x"}])
def test_a_stolen_code_is_worth_nothing(play, wrong):
    code = facts_of(decide(play))["code"]
    assert by_code(play, code, **wrong).status_code == 400
    assert by_code(play, code).status_code == 400


def test_a_plain_challenge_is_its_own_verifier(play):
    code = facts_of(decide(play, code_challenge=VERIFIER, code_challenge_method="plain"))["code"]
    assert by_code(play, code).status_code == 200


def test_an_access_token_ends_after_two_hours(play):
    access = signed_in(play)["access_token"]
    play.clock.advance(7199)
    assert me(play, access).status_code == 200
    play.clock.advance(1)
    assert me(play, access).status_code == 401


def test_a_refresh_token_works_once_and_brings_the_next(play):
    first = signed_in(play)["refresh_token"]
    second = refreshed(play, first).json()
    assert me(play, second["access_token"]).status_code == 200
    again = refreshed(play, first)
    assert again.status_code == 400
    assert again.json() == {
        "error": "invalid_request",
        "error_description": "Value passed for the token was invalid.",
    }
    assert refreshed(play, second["refresh_token"]).status_code == 200


def test_a_revoked_token_is_dead(play):
    tokens = signed_in(play)
    for one in (tokens["access_token"], tokens["refresh_token"], "never-seen"):
        assert play.http.post("/2/oauth2/revoke", data={"token": one}, auth=CLIENT).json() == {"revoked": True}
    assert me(play, tokens["access_token"]).status_code == 401
    assert refreshed(play, tokens["refresh_token"]).status_code == 400


def test_a_public_client_says_its_id_and_a_wrong_secret_is_refused(play):
    code = facts_of(decide(play))["code"]
    assert by_code(play, code, auth=None, client_id=CLIENT[0]).status_code == 200
    wrong = by_code(play, "x", auth=(CLIENT[0], "guessed"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "unauthorized_client")
    assert by_code(play, "x", auth=None, client_id="another").status_code == 400


def test_grants_survive_a_restart(begin, tmp_path):
    play = begin(data=tmp_path)
    tokens = signed_in(play)
    play.world.store.close()
    app = create_app(Settings(data=tmp_path))
    person, scopes = app.state.gate.grants.person(tokens["access_token"])
    assert person.username == "mira_paints"
    assert scopes == set(READING.split())
    assert app.state.gate.grants.by_refresh(tokens["refresh_token"], client_id=CLIENT[0]).access
    app.state.world.store.close()


# scopes


def as_user(play, scope):
    client = tweepy.Client(signed_in(play, scope=scope)["access_token"])
    client.session.mount("https://api.twitter.com", play.adapter())
    return client


def test_a_token_writes_only_with_the_scope_for_it(play):
    with pytest.raises(tweepy.Forbidden):
        as_user(play, READING).create_tweet(text="may I?", user_auth=False)
    created = as_user(play, READING + " tweet.write").create_tweet(text="I may", user_auth=False)
    assert play.world.shelf.posts[int(created.data["id"])].author_id == play.world.person("mira_paints").id


def test_a_picture_needs_its_own_scope(play, picture):
    def upload(scope):
        access = signed_in(play, scope=scope)["access_token"]
        return play.http.post(
            "/2/media/upload",
            files={"media": picture.data},
            data={"media_category": "tweet_image"},
            headers={"authorization": f"Bearer {access}"},
        ).status_code

    assert upload(READING + " tweet.write") == 403
    assert upload(READING + " media.write") == 200


def test_whom_a_person_follows_needs_its_own_scope(play):
    with pytest.raises(tweepy.Forbidden):
        as_user(play, READING).get_users_followers(play.bot.id)
    assert as_user(play, READING + " follows.read").get_users_followers(play.bot.id).meta["result_count"] == 0


def test_a_user_token_counts_as_that_user(play):
    """Its windows, its connections, its rights."""
    play.http.patch("/sandbox/people/mira_paints", json={"follows": ["threadpaint"]})
    read = as_user(play, READING).get_user(username="threadpaint", user_fields=["connection_status"])
    assert read.data.data["connection_status"] == ["following"]


# other people's clients


def test_tweepys_own_handler_signs_somebody_in_and_refreshes(play):
    handler = tweepy.OAuth2UserHandler(
        client_id=CLIENT[0], client_secret=CLIENT[1], redirect_uri=HERE, scope=READING.split()
    )
    handler.mount("https://api.twitter.com", play.adapter())
    address = handler.get_authorization_url().replace("https://twitter.com", "")
    answer = play.http.post(address, data={"decision": "allow", "person": "oldtomcat"})
    tokens = handler.fetch_token(answer.headers["location"].replace("http://", "https://"))
    assert me(play, tokens["access_token"]).json()["data"]["username"] == "oldtomcat"
    new = handler.refresh_token(
        "https://api.twitter.com/2/oauth2/token", refresh_token=tokens["refresh_token"], auth=HTTPBasicAuth(*CLIENT)
    )
    assert new["refresh_token"] != tokens["refresh_token"]


def test_an_app_gets_its_bearer_for_its_keys(play):
    def bearer(secret):
        return requests.post(
            f"{play.url}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=HTTPBasicAuth("sandbox-consumer-key", secret),
        )

    assert bearer("sandbox-consumer-secret").json() == {"token_type": "bearer", "access_token": "sandbox-bearer"}
    assert bearer("wrong").status_code == 403


def test_keys_of_before_read_and_write_can_read_and_not_write(play):
    with pytest.raises(tweepy.Forbidden) as refused:
        play.client(mark="-readonly").create_tweet(text="no")
    problem = refused.value.response.json()
    assert problem["type"].endswith("/oauth1-permissions")
    assert refused.value.response.headers["x-access-level"] == "read"
    assert play.client(mark="-readonly").get_me().data.username == "threadpaint"
