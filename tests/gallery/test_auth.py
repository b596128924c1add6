"""Sign in with X, against the sandbox over HTTP, with everything that can go wrong."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, Table, select, update

from core.clock import now
from core.database import write_session
from core.models import follows, ledger, likes, login_sessions, notifications, people
from core.settings import UsagePolicySettings, load
from core.upload_store import UploadStore
from gallery.auth.encryption import StoredToken, TokenCipher
from gallery.services.follows import follow
from gallery.services.likes import like
from gallery.settings import GallerySettings
from gallery.web.context import CreationConfig
from tests.support.gallery_data import SETTINGS, GalleryData
from tests.support.pages import page_context
from tests.support.sandbox_x import SandboxX, answers, lost_call

SECRET = "a secret of this test that is long enough"
TOKEN, ME = ("POST", "/2/oauth2/token"), ("GET", "/2/users/me")


def settings_for(x: SandboxX, **values: Any) -> Any:
    given = {"x_api_url": x.url, "x_web_url": x.url, "x_client_id": "sandbox-client-id", "gallery_secret_key": SECRET}
    return GallerySettings(_env_file=None, **{"x_client_secret": "sandbox-client-secret", **given, **values})


@pytest.fixture
def auth_site(site: Callable[..., TestClient], x: SandboxX) -> Callable[..., TestClient]:
    """Make a client of a site with sign-in. It follows no redirect."""

    def make(**values: Any) -> Any:
        client = site(settings=settings_for(x, **values.pop("settings", {})), **values)
        client.follow_redirects = False
        client.base_url = "http://127.0.0.1"  # the sandbox redirects only to this machine
        return client

    return make


def decide(x: SandboxX, page: Any, *, handle: str = "ada", decision: str = "allow") -> Any:
    """Choose a user and decide on X's consent page. Return the callback URL."""
    answer = x.http.post(page, data={"decision": decision, "other": handle})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def start_sign_in(client: TestClient, wanted: str = "/") -> Any:
    answer = client.get("/auth/x/login", params={"next": wanted})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def sign_in_as(client: TestClient, x: SandboxX, handle: str = "ada", wanted: str = "/") -> Any:
    return client.get(decide(x, start_sign_in(client, wanted), handle=handle))


def follow_the_bot(x: SandboxX, handle: str, *, follows: Any) -> None:
    x.http.post(f"{x.url}/sandbox/people", json={"username": handle}).raise_for_status()
    names = ["threadpaint"] if follows else []
    x.http.patch(f"{x.url}/sandbox/people/{handle}", json={"follows": names}).raise_for_status()


def follow_gate_config() -> Any:
    return CreationConfig(UploadStore(Path("/nowhere")), rules=load(UsagePolicySettings, require_follow=True))


def rows(engine: Engine, table: Table) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(table)).all()


def current_person(client: TestClient) -> Any:
    person = page_context(client.get("/"))["current_user"].person
    return person.username if person else None


def test_sign_in_returns_to_the_page_it_started_from(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    answer = sign_in_as(client, x, "grace", wanted="/c/17?show=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/c/17?show=1")
    assert current_person(client) == "grace"


def test_sign_in_asks_x_for_read_scopes_only(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    asked = parse_qs(urlsplit(start_sign_in(auth_site())).query)
    assert asked["scope"] == ["users.read tweet.read"]
    assert asked["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize("follows", [True, False])
def test_sign_in_checks_follow_status_if_following_is_required(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine, follows: Any
) -> None:
    follow_the_bot(x, "grace", follows=follows)
    client = auth_site(creation_config=follow_gate_config())
    assert "people who follow @threadpaint" in client.get("/sign-in").text
    sign_in_as(client, x, "grace")
    (grace,) = rows(engine, people)
    assert (grace.follows_bot_at is not None) == follows
    answer = client.post(
        "/paint", data={"token": page_context(client.get("/paint"))["current_user"].form_token, "prompt": "a fox"}
    )
    assert (answer.status_code, "people who follow it" in answer.text) == ((303, False) if follows else (403, True))


def test_next_sign_in_updates_follow_status_and_charges_once_a_day(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine
) -> None:
    client = auth_site(creation_config=follow_gate_config())
    for does in (False, True):
        follow_the_bot(x, "grace", follows=does)
        client.cookies.clear()
        sign_in_as(client, x, "grace")
    (grace,) = rows(engine, people)
    assert grace.follows_bot_at is not None
    assert len(rows(engine, ledger)) == 2


def test_unknown_bot_handle_fails_sign_in_and_is_logged(
    auth_site: Callable[..., TestClient], x: SandboxX, caplog: pytest.LogCaptureFixture
) -> None:
    client = auth_site(creation_config=follow_gate_config(), settings={"bot_handle": "nobody_at_all"})
    assert sign_in_as(client, x).status_code == 502
    assert current_person(client) is None


def test_public_client_signs_in_without_secret(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site(settings={"x_client_secret": ""})
    sign_in_as(client, x)
    assert current_person(client) == "ada"


def test_sign_in_page_explains_what_x_will_ask(auth_site: Callable[..., TestClient]) -> None:
    page = auth_site().get("/sign-in", params={"next": "/c/1"})
    assert page.status_code == 200
    assert "We never post" in page.text
    assert 'href="/auth/x/login?next=/c/1"' in page.text


def test_session_cookie_is_http_only_and_lax(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    cookie = sign_in_as(auth_site(), x).headers["set-cookie"].lower()
    for part in ("login=", "httponly", "samesite=lax", "path=/"):
        assert part in cookie
    assert "secure" not in cookie


def test_cookies_are_secure_behind_https(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site(public_url="https://paint.example")
    client.base_url = "https://paint.example"
    answer = client.get("/auth/x/login")
    assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"] == [
        "https://paint.example/auth/x/callback"
    ]
    handshake = answer.headers["set-cookie"].lower()
    assert "path=/auth;" in handshake
    assert "secure" in handshake
    out = client.post("/sign-out").headers["set-cookie"]
    assert out.startswith("__Host-login=")
    assert "Secure" in out


def test_tokens_are_stored_encrypted(auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine) -> None:
    sign_in_as(auth_site(), x)
    (login,) = rows(engine, login_sessions)
    assert "token" not in login.tokens
    assert TokenCipher([SECRET]).decrypt(login.tokens) is not None
    assert TokenCipher(["another secret that is long enough, too"]).decrypt(login.tokens) is None


def test_secret_key_can_be_rotated() -> None:
    token = StoredToken("t", until=1.5)
    encrypted = TokenCipher(["old" * 12]).encrypt(token)
    assert TokenCipher(["new" * 12, "old" * 12]).decrypt(encrypted) == token
    assert TokenCipher(["new" * 12]).decrypt(encrypted) is None


def test_user_lookup_is_charged_once_a_day(auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine) -> None:
    client = auth_site()
    for _ in range(2):
        sign_in_as(client, x)
        client.cookies.delete("login")
    (cost,) = rows(engine, ledger)
    assert (cost.item, cost.micro_usd) == ("user_read", 10_000)


def test_second_sign_in_replaces_the_session_of_that_browser(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine
) -> None:
    client = auth_site()
    sign_in_as(client, x, "ada")
    old = client.cookies["login"]
    page = client.get("/auth/x/login")
    assert page.headers["location"] == "/"  # one is in already
    client.cookies.delete("login")
    back = decide(x, start_sign_in(client), handle="grace")
    client.cookies.set("login", old)
    client.get(back)
    assert len(rows(engine, login_sessions)) == 1
    client.cookies.clear()
    client.cookies.set("login", old)
    assert current_person(client) is None


def test_sign_in_updates_a_changed_name(
    auth_site: Callable[..., TestClient], x: SandboxX, gallery_data: GalleryData
) -> None:
    ada = x.http.post(f"{x.url}/sandbox/people", json={"username": "ada"}).json()
    gallery_data.person("old_handle", name="Old", id=int(ada["id"]))
    sign_in_as(client := auth_site(), x)
    assert current_person(client) == "ada"


def test_signed_in_user_is_found_by_display_name(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    x.http.post(f"{x.url}/sandbox/people", json={"username": "ada", "name": "Ada Ménsah"})
    sign_in_as(client := auth_site(), x)
    assert 'href="/@ada"' in client.get("/search?q=mensah").text


def test_invisible_name_is_shown_as_the_handle(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    back = decide(x, start_sign_in(client))
    x.spoil(*ME, answers(200, b'{"data": {"id": "5", "username": "blanche", "name": "\\u3164\\u200b"}}'))
    assert client.get(back).status_code == 303
    assert page_context(client.get("/"))["current_user"].person.name == "blanche"


# what goes wrong on the way


def test_declined_consent_shows_an_explanation(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    page = client.get(decide(x, start_sign_in(client, "/c/3"), decision="deny"))
    assert "Sign-in canceled" in page.text
    assert 'href="/auth/x/login?next=/c/3"' in page.text
    assert current_person(client) is None


def test_callback_in_another_browser_is_rejected(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    mine, theirs = auth_site(), auth_site()
    back = decide(x, start_sign_in(theirs), handle="mallory")
    assert mine.get(back).status_code == 400
    assert current_person(mine) is None


def test_callback_with_wrong_state_is_rejected(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    back = re.sub(r"state=[^&]+", "state=guessed", decide(x, start_sign_in(client)))
    assert client.get(back).status_code == 400


@pytest.mark.parametrize(
    "query", ["", "?state=&code=", "?code=x", "?error=weird", "?state=%00&code=%00", "?state=" + "s" * 5000]
)
def test_malformed_callback_is_an_error_page(auth_site: Callable[..., TestClient], query: Any) -> None:
    page = auth_site().get("/auth/x/callback" + query)
    assert page.status_code == 400
    assert "Traceback" not in page.text
    assert "Try again" in page.text


def test_repeated_callback_of_a_signed_in_user_redirects(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine
) -> None:
    client = auth_site()
    back = decide(x, start_sign_in(client))
    assert client.get(back).status_code == 303
    again = client.get(back)
    assert (again.status_code, again.headers["location"]) == (303, "/")
    assert len(rows(engine, login_sessions)) == 1


def test_used_callback_does_not_sign_in_another_browser(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client, thief = auth_site(), auth_site()
    back = decide(x, start_sign_in(client))
    thief.cookies.update(client.cookies)
    client.get(back)
    assert thief.get(back).status_code == 400
    assert current_person(thief) is None


def test_two_tabs_can_sign_in_at_once(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    first, second = start_sign_in(client, "/one"), start_sign_in(client, "/two")
    assert client.get(decide(x, first)).headers["location"] == "/one"
    client.cookies.delete("login")
    assert client.get(decide(x, second)).headers["location"] == "/two"


def test_state_cookie_stays_small_with_many_tabs(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    pages = [start_sign_in(client, "/" + "p" * 398) for _ in range(8)]
    assert len(client.cookies["handshake"]) < 4000
    assert client.get(decide(x, pages[-1])).status_code == 303
    assert client.get(decide(x, pages[0])).status_code in (303, 400)


def test_expired_code_is_explained(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    back = decide(x, start_sign_in(client))
    x.http.post(f"{x.url}/sandbox/clock", json={"advance": 60}).raise_for_status()
    page = client.get(back)
    assert page.status_code == 400
    assert "too old" in page.text


@pytest.mark.parametrize("call", [TOKEN, ME])
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (lost_call, 503, "could not ask X"),
        (answers(503, b"<html>over capacity"), 503, "could not ask X"),
        (answers(429, b"{}", retry_after="17"), 503, "could not ask X"),
        (answers(200, b"<html>"), 502, "unexpected answer"),
        (answers(200, b"\xff\xfe"), 502, "unexpected answer"),
        (answers(200, b"[]"), 502, "unexpected answer"),
        (answers(200, b"{}"), 502, "unexpected answer"),
        (answers(401, b'{"error": "unauthorized_client"}'), 502, "unexpected answer"),
    ],
)
def test_failing_x_is_an_error_page(
    auth_site: Callable[..., TestClient], x: SandboxX, call: Any, fault: Any, status: Any, words: Any
) -> None:
    client = auth_site()
    back = decide(x, start_sign_in(client, "/c/3"))
    x.spoil(*call, fault)
    page = client.get(back)
    assert page.status_code == status
    assert words in page.text
    assert 'href="/auth/x/login?next=/c/3"' in page.text
    assert current_person(client) is None


def test_rate_limit_of_x_becomes_retry_after(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    back = decide(x, start_sign_in(client))
    x.spoil(*TOKEN, answers(429, b"{}", retry_after="17"))
    assert client.get(back).headers["retry-after"] == "17"


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"id": "0", "username": "a"}}',
        b'{"data": {"id": "99999999999999999999", "username": "a"}}',
        b'{"data": {"id": "\\u0661", "username": "a"}}',
        b'{"data": {"id": "5", "username": " "}}',
        b'{"data": {"id": null, "username": null}}',
        b'{"data": [1]}',
        b'{"data": "ada"}',
    ],
)
def test_invalid_user_response_fails_sign_in(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine, body: Any
) -> None:
    client = auth_site()
    back = decide(x, start_sign_in(client))
    x.spoil(*ME, answers(200, body))
    assert client.get(back).status_code == 502
    assert rows(engine, login_sessions) == []


def test_hostile_name_is_escaped(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    back = decide(x, start_sign_in(client))
    name = "<script>alert(1)</script>\\u0000\\ud800" + "n" * 5000
    x.spoil(*ME, answers(200, f'{{"data": {{"id": "5", "username": "ada", "name": "{name}"}}}}'.encode()))
    assert client.get(back).status_code == 303
    page = client.get("/")
    assert "<script>alert" not in page.text
    assert len(page_context(page)["current_user"].person.name) == 200


# where one goes afterwards


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/a\r\nSet-Cookie: a=b",
        "\\\\e",
        "///",
        "/sign-in",
        "/sign-out",
        "/" + "a" * 3000,
        "/%2f/..//evil.example\t",
    ],
)
def test_next_url_never_leads_to_another_site(auth_site: Callable[..., TestClient], x: SandboxX, wanted: Any) -> None:
    client = auth_site()
    assert sign_in_as(client, x, wanted=wanted).headers["location"] == "/"
    assert client.get("/sign-in", params={"next": wanted}).headers["location"] == "/"


# who may not


def test_banned_user_cannot_sign_in(auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine) -> None:
    client = auth_site()
    sign_in_as(client, x)
    with write_session(engine) as session:
        session.execute(update(people).values(banned_at=now()))
    assert current_person(client) is None
    page = sign_in_as(client, x)
    assert page.status_code == 403
    assert "closed your account" in page.text
    assert len(rows(engine, login_sessions)) == 1  # the old one, which counts no more


def test_opted_out_user_can_sign_in(auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine) -> None:
    client = auth_site()
    sign_in_as(client, x)
    with write_session(engine) as session:
        session.execute(update(people).values(opted_out_at=now()))
    client.cookies.clear()
    sign_in_as(client, x)
    assert current_person(client) == "ada"


def test_protected_user_signs_in_and_stays_hidden(
    auth_site: Callable[..., TestClient], x: SandboxX, gallery_data: GalleryData
) -> None:
    creation_id = gallery_data.publish(person_id=gallery_data.person("ada", id=5))
    client = auth_site()

    def press_allow(protected: Any) -> None:
        client.cookies.clear()
        back = decide(x, start_sign_in(client))
        body = f'{{"data": {{"id": "5", "username": "ada", "name": "Ada", "protected": {protected}}}}}'
        x.spoil(*ME, answers(200, body.encode()))
        client.get(back)

    press_allow("true")
    assert client.get("/api/creations").json()["items"] == []
    assert auth_site().get(f"/c/{creation_id}").status_code == 404
    press_allow("false")
    assert [each["id"] for each in client.get("/api/creations").json()["items"]] == [creation_id]


# out again


def form_token(client: TestClient) -> Any:
    return page_context(client.get("/"))["current_user"].form_token


def test_sign_out_ends_the_session_and_revokes_the_token(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine
) -> None:
    client = auth_site()
    sign_in_as(client, x)
    stored = TokenCipher([SECRET]).decrypt(rows(engine, login_sessions)[0].tokens)
    assert stored is not None
    headers = {"Authorization": f"Bearer {stored.token}"}
    assert x.http.get(f"{x.url}/2/users/me", headers=headers).status_code == 200
    stolen = client.cookies["login"]
    answer = client.post("/sign-out", data={"token": form_token(client)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "login" not in client.cookies
    assert x.http.get(f"{x.url}/2/users/me", headers=headers).status_code == 401
    client.cookies.set("login", stolen)
    assert current_person(client) is None


def test_sign_out_works_while_x_is_down(auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine) -> None:
    client = auth_site()
    sign_in_as(client, x)
    x.spoil("POST", "/2/oauth2/revoke", lost_call)
    assert client.post("/sign-out", data={"token": form_token(client)}).status_code == 303
    assert rows(engine, login_sessions) == []


@pytest.mark.parametrize("given", [{}, {"token": ""}, {"token": "guessed.guess"}])
def test_sign_out_requires_the_csrf_token(auth_site: Callable[..., TestClient], x: SandboxX, given: Any) -> None:
    client = auth_site()
    sign_in_as(client, x)
    assert client.post("/sign-out", data=given).status_code == 403
    assert current_person(client) == "ada"


def test_sign_out_from_another_site_is_rejected(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    client = auth_site()
    sign_in_as(client, x)
    token = form_token(client)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/sign-out", data={"token": token}, headers=headers).status_code == 403


def test_sign_out_of_an_anonymous_user_redirects(auth_site: Callable[..., TestClient]) -> None:
    assert auth_site().post("/sign-out").status_code == 303


# without a client, and too often


def test_gallery_without_oauth_client_has_no_sign_in(client: TestClient) -> None:
    page = client.get("/sign-in")
    assert page.status_code == 404
    assert "no sign-in" in page.text
    assert "Continue with X" not in page.text
    assert client.get("/auth/x/login").status_code == client.get("/auth/x/callback").status_code == 404
    assert "/sign-in" not in client.get("/").text


def test_sign_in_link_returns_to_the_current_page(
    auth_site: Callable[..., TestClient], gallery_data: GalleryData
) -> None:
    gallery_data.publish(person_id=gallery_data.person("ada"))
    assert 'href="/sign-in?next=/%40ada/follow"' in auth_site().get("/@ada").text


def test_sign_in_is_rate_limited(auth_site: Callable[..., TestClient]) -> None:
    client = auth_site()
    answers_ = [client.get("/auth/x/login") for _ in range(21)]
    assert [each.status_code for each in answers_[:20]] == [303] * 20
    assert answers_[-1].status_code == 429
    assert 0 < int(answers_[-1].headers["retry-after"]) <= 600
    assert "Too fast" in answers_[-1].text


def test_other_pages_set_no_state_cookie(auth_site: Callable[..., TestClient]) -> None:
    assert "set-cookie" not in auth_site().get("/").headers
    assert SETTINGS.x_client_id == ""


def test_intent_is_performed_after_sign_in(
    auth_site: Callable[..., TestClient], x: SandboxX, gallery_data: GalleryData, engine: Engine
) -> None:
    author = gallery_data.person("grace", "Grace")
    creation_id = gallery_data.publish(prompt="a lighthouse", person_id=author)
    client = auth_site()
    assert f'href="/sign-in?next=/c/{creation_id}/like"' in client.get(f"/c/{creation_id}").text
    explained = client.get("/sign-in", params={"next": f"/c/{creation_id}/like"}).text
    assert f"You will like picture No. {creation_id}." in explained
    back = sign_in_as(client, x, wanted=f"/c/{creation_id}/like")
    assert back.headers["location"] == f"/c/{creation_id}"
    assert rows(engine, likes)[0].creation_id == creation_id
    assert "1 like" in client.get(f"/c/{creation_id}").text
    bens = auth_site()
    assert sign_in_as(bens, x, handle="ben", wanted="/@grace/follow").headers["location"] == "/@grace"
    assert rows(engine, follows)[0].followed_id == author


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("/following", "Sign in to see new pictures by people you follow."),
        ("/paint?prompt=a+fox&remix=17", "Sign in to remix picture No. 17."),
        ("/me/notifications", "Sign in to see your notifications."),
    ],
)
def test_sign_in_page_says_what_a_page_needs_a_member_for(
    auth_site: Callable[..., TestClient], wanted: str, reason: str
) -> None:
    assert reason in auth_site().get(wanted, follow_redirects=True).text


@pytest.mark.parametrize("wanted", ["/c/999/like", "/@nobody_here/follow", "/c/99999999999999999999/like"])
def test_intent_on_a_deleted_target_is_ignored(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine, wanted: Any
) -> None:
    assert sign_in_as(auth_site(), x, wanted=wanted).status_code == 303
    assert rows(engine, likes) == rows(engine, follows) == []


def test_link_to_an_intent_changes_nothing_for_members(
    auth_site: Callable[..., TestClient], x: SandboxX, gallery_data: GalleryData, engine: Engine
) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse")
    client = auth_site()
    sign_in_as(client, x)
    for page in ("/sign-in", "/auth/x/login"):
        answer = client.get(page, params={"next": f"/c/{creation_id}/like"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/c/{creation_id}")
    assert rows(engine, likes) == []


def test_first_sign_in_fills_in_older_notifications(
    auth_site: Callable[..., TestClient], x: SandboxX, gallery_data: GalleryData, engine: Engine
) -> None:
    client = auth_site()
    ada = int(x.http.post(f"{x.url}/sandbox/people", json={"username": "ada"}).json()["id"])
    gallery_data.person("ada", "Ada", id=ada)
    picture = gallery_data.publish(prompt="a lighthouse", person_id=ada)
    fan = gallery_data.person("grace", "Grace", member_since=now())
    like(engine, fan, picture)
    follow(engine, fan, ada)
    gallery_data.publish(prompt="a lighthouse at night", person_id=fan, parent_id=picture)
    banned = gallery_data.person("mallory", "Mallory", member_since=now(), banned_at=now())
    like(engine, banned, picture)
    assert rows(engine, notifications) == []
    sign_in_as(client, x)
    page_html = client.get("/me/notifications").text
    assert page_html.count("Grace") >= 3
    assert "Mallory" not in page_html
    kinds = sorted(row.kind for row in rows(engine, notifications))
    assert kinds == ["followed", "liked", "remixed"]
    sign_in_as(auth_site(), x)
    assert len(rows(engine, notifications)) == 3


@pytest.mark.parametrize("asked_as", ["http://localhost", "http://www.paint.example:81", "https://127.0.0.1"])
def test_sign_in_under_another_host_redirects_to_the_public_url(
    auth_site: Callable[..., TestClient], x: SandboxX, asked_as: Any
) -> None:
    client = auth_site(public_url="http://127.0.0.1")
    client.base_url = asked_as
    for page in ("/sign-in", "/auth/x/login"):
        answer = client.get(page, params={"next": "/c/17?show=1"})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"http://127.0.0.1{page}?next=%2Fc%2F17%3Fshow%3D1&canonical=1"
        assert "set-cookie" not in answer.headers
    client.base_url = "http://127.0.0.1"
    asked = client.get(answer.headers["location"]).headers["location"]
    back = client.get(decide(x, asked, handle="grace"))
    assert (back.status_code, back.headers["location"]) == (303, "/c/17?show=1")
    assert current_person(client) == "grace"


def test_proxy_that_hides_the_host_causes_no_redirect_loop(auth_site: Callable[..., TestClient]) -> None:
    client = auth_site(public_url="https://paint.example")  # and asks for http://127.0.0.1, as proxies do
    first = client.get("/auth/x/login", params={"next": "/paint"})
    assert first.headers["location"] == "https://paint.example/auth/x/login?next=%2Fpaint&canonical=1"
    again = client.get("/auth/x/login", params={"next": "/paint", "canonical": 1})
    assert "/i/oauth2/authorize" in again.headers["location"]


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "/auth/x/login"])
def test_redirect_to_the_public_url_keeps_next_url_safe(auth_site: Callable[..., TestClient], wanted: Any) -> None:
    client = auth_site(public_url="https://paint.example")
    location = client.get("/sign-in", params={"next": wanted}, headers={"Host": "evil.example"}).headers["location"]
    assert location == "https://paint.example/sign-in?next=%2F&canonical=1"


@pytest.mark.parametrize("host", ["[", "a b", "paint.example:x", "\u00e9"])
def test_invalid_host_header_is_no_server_error(auth_site: Callable[..., TestClient], host: Any) -> None:
    client = auth_site(public_url="https://paint.example")
    assert client.get("/sign-in", headers={"Host": host.encode("latin-1")}).status_code in (303, 400)


def test_session_cookie_expires_with_the_session(auth_site: Callable[..., TestClient], x: SandboxX) -> None:
    assert f"max-age={90 * 86_400};" in sign_in_as(auth_site(), x).headers["set-cookie"].lower()


def test_hsts_is_sent_if_the_public_url_is_https(site: Callable[..., TestClient]) -> None:
    assert site(public_url="https://paint.example").get("/").headers["strict-transport-security"] == "max-age=31536000"
    assert site(public_url="https://paint.example").get("/nothing").headers["strict-transport-security"]
    for address in ("", "http://paint.example"):
        assert "strict-transport-security" not in site(public_url=address).get("/").headers


def test_sign_in_saves_the_picture_that_x_has(
    auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine
) -> None:
    client = auth_site()
    sign_in_as(client, x, "grace")
    (grace,) = rows(engine, people)
    assert grace.avatar_source == f"{x.url}/profile_images/{grace.id}_normal.png"
    assert f'src="/pictures/{grace.avatar_key}"' in client.get("/").text
    assert client.get(f"/pictures/{grace.avatar_key}").headers["content-type"] == "image/webp"
