"""Signing in with X, against the real sandbox over HTTP: there, back, in; and everything that can go wrong between."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import transaction
from core.models import follows, ledger, likings, logins, notifications, people
from core.settings import RuleSettings, load
from core.uploads import Uploads
from gallery.settings import GallerySettings
from gallery.signing.sealing import Seal
from gallery.social.follows import follow
from gallery.social.likes import like
from gallery.workshop import Workshop
from tests.gallery.conftest import SETTINGS
from tests.support.sandbox_x import answers, lost_call

SECRET = "a secret of this test that is long enough"
TOKEN, ME = ("POST", "/2/oauth2/token"), ("GET", "/2/users/me")


def settings_for(x, **values):
    given = {"x_api_url": x.url, "x_web_url": x.url, "x_client_id": "sandbox-client-id", "gallery_secret": SECRET}
    return GallerySettings(_env_file=None, **{"x_client_secret": "sandbox-client-secret", **given, **values})


@pytest.fixture
def door(site, x):
    """A client of a site where one can sign in; nothing is followed by itself."""

    def make(**values):
        client = site(settings=settings_for(x, **values.pop("settings", {})), **values)
        client.follow_redirects = False
        client.base_url = "http://127.0.0.1"  # the sandbox sends nobody to other machines
        return client

    return make


def decide(x, page, *, handle="ada", decision="allow"):
    """On X's page: say who one is, and yes or no. Returns the way back."""
    answer = x.http.post(page, data={"decision": decision, "other": handle})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def begin(client, wanted="/"):
    answer = client.get("/sign-in/x", params={"next": wanted})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def sign_in_as(client, x, handle="ada", wanted="/"):
    return client.get(decide(x, begin(client, wanted), handle=handle))


def follow_the_bot(x, handle, *, follows):
    x.http.post(f"{x.url}/sandbox/people", json={"username": handle}).raise_for_status()
    names = ["threadpaint"] if follows else []
    x.http.patch(f"{x.url}/sandbox/people/{handle}", json={"follows": names}).raise_for_status()


def only_followers():
    return Workshop(Uploads(Path("/nowhere")), rules=load(RuleSettings, follow_gate=True))


def rows(engine, table):
    with engine.connect() as connection:
        return connection.execute(select(table)).all()


def who_is_in(client):
    person = client.get("/").context["visitor"].person
    return person.username if person else None


def test_one_signs_in_with_x_and_comes_back_to_where_one_was(door, x):
    client = door()
    answer = sign_in_as(client, x, "grace", wanted="/c/17?show=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/c/17?show=1")
    assert who_is_in(client) == "grace"


def test_x_is_asked_for_no_more_than_who_somebody_is(door, x):
    asked = parse_qs(urlsplit(begin(door())).query)
    assert asked["scope"] == ["users.read tweet.read"]
    assert asked["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize("follows", [True, False])
def test_where_only_followers_are_painted_for_x_is_asked_at_the_door(door, x, engine, follows):
    follow_the_bot(x, "grace", follows=follows)
    client = door(workshop=only_followers())
    assert "people who follow @threadpaint" in client.get("/sign-in").text
    sign_in_as(client, x, "grace")
    (grace,) = rows(engine, people)
    assert (grace.follows_bot_at is not None) == follows
    answer = client.post(
        "/paint", data={"token": client.get("/paint").context["visitor"].form_token, "prompt": "a fox"}
    )
    assert (answer.status_code, "people who follow it" in answer.text) == ((303, False) if follows else (403, True))


def test_who_follows_the_bot_since_signs_in_again_and_pays_one_look_a_day_at_each(door, x, engine):
    client = door(workshop=only_followers())
    for does in (False, True):
        follow_the_bot(x, "grace", follows=does)
        client.cookies.clear()
        sign_in_as(client, x, "grace")
    (grace,) = rows(engine, people)
    assert grace.follows_bot_at is not None
    assert len(rows(engine, ledger)) == 2


def test_a_bot_that_x_does_not_know_lets_nobody_in_and_says_so_to_the_host(door, x, caplog):
    client = door(workshop=only_followers(), settings={"bot_handle": "nobody_at_all"})
    assert sign_in_as(client, x).status_code == 502
    assert who_is_in(client) is None


def test_a_public_client_has_no_secret(door, x):
    client = door(settings={"x_client_secret": ""})
    sign_in_as(client, x)
    assert who_is_in(client) == "ada"


def test_the_page_says_what_x_will_be_asked(door):
    page = door().get("/sign-in", params={"next": "/c/1"})
    assert page.status_code == 200
    assert "Nothing is ever posted" in page.text
    assert 'href="/sign-in/x?next=/c/1"' in page.text


def test_the_login_cookie_is_for_this_site_alone(door, x):
    cookie = sign_in_as(door(), x).headers["set-cookie"].lower()
    for part in ("login=", "httponly", "samesite=lax", "path=/"):
        assert part in cookie
    assert "secure" not in cookie


def test_behind_https_no_cookie_travels_in_the_clear(door, x):
    client = door(public_url="https://paint.example")
    client.base_url = "https://paint.example"
    answer = client.get("/sign-in/x")
    assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"] == [
        "https://paint.example/sign-in/back"
    ]
    handshake = answer.headers["set-cookie"].lower()
    assert "path=/sign-in;" in handshake
    assert "secure" in handshake
    out = client.post("/sign-out").headers["set-cookie"]
    assert out.startswith("__Host-login=")
    assert "Secure" in out


def test_tokens_rest_sealed(door, x, engine):
    sign_in_as(door(), x)
    (login,) = rows(engine, logins)
    assert "token" not in login.tokens
    assert Seal([SECRET]).open(login.tokens)["token"]
    assert Seal(["another secret that is long enough, too"]).open(login.tokens) is None


def test_the_secret_can_be_changed():
    sealed = Seal(["old" * 12]).close({"token": "t"})
    assert Seal(["new" * 12, "old" * 12]).open(sealed) == {"token": "t"}
    assert Seal(["new" * 12]).open(sealed) is None


def test_the_look_at_x_is_in_the_ledger_once_a_day(door, x, engine):
    client = door()
    for _ in range(2):
        sign_in_as(client, x)
        client.cookies.delete("login")
    (cost,) = rows(engine, ledger)
    assert (cost.item, cost.micro_usd) == ("user_read", 10_000)


def test_who_signs_in_again_has_a_new_login_and_the_old_one_of_that_browser_ends(door, x, engine):
    client = door()
    sign_in_as(client, x, "ada")
    old = client.cookies["login"]
    page = client.get("/sign-in/x")
    assert page.headers["location"] == "/"  # one is in already
    client.cookies.delete("login")
    back = decide(x, begin(client), handle="grace")
    client.cookies.set("login", old)
    client.get(back)
    assert len(rows(engine, logins)) == 1
    client.cookies.clear()
    client.cookies.set("login", old)
    assert who_is_in(client) is None


def test_a_name_that_changed_on_x_changes_here(door, x, wall):
    ada = x.http.post(f"{x.url}/sandbox/people", json={"username": "ada"}).json()
    wall.person("old_handle", name="Old", id=int(ada["id"]))
    sign_in_as(client := door(), x)
    assert who_is_in(client) == "ada"


def test_who_signed_in_is_found_by_the_display_name(door, x):
    x.http.post(f"{x.url}/sandbox/people", json={"username": "ada", "name": "Ada Ménsah"})
    sign_in_as(client := door(), x)
    assert 'href="/@ada"' in client.get("/search?q=mensah").text


def test_who_has_a_name_that_nobody_sees_is_called_by_the_handle(door, x):
    client = door()
    back = decide(x, begin(client))
    x.spoil(*ME, answers(200, b'{"data": {"id": "5", "username": "blanche", "name": "\\u3164\\u200b"}}'))
    assert client.get(back).status_code == 303
    assert client.get("/").context["visitor"].person.name == "blanche"


# what goes wrong on the way


def test_who_says_no_is_told_so_kindly(door, x):
    client = door()
    page = client.get(decide(x, begin(client, "/c/3"), decision="deny"))
    assert "You said no on X" in page.text
    assert 'href="/sign-in/x?next=/c/3"' in page.text
    assert who_is_in(client) is None


def test_a_way_back_that_another_browser_began_leads_nowhere(door, x):
    mine, theirs = door(), door()
    back = decide(x, begin(theirs), handle="mallory")
    assert mine.get(back).status_code == 400
    assert who_is_in(mine) is None


def test_a_way_back_with_another_state_leads_nowhere(door, x):
    client = door()
    back = re.sub(r"state=[^&]+", "state=guessed", decide(x, begin(client)))
    assert client.get(back).status_code == 400


@pytest.mark.parametrize(
    "query", ["", "?state=&code=", "?code=x", "?error=weird", "?state=%00&code=%00", "?state=" + "s" * 5000]
)
def test_a_way_back_without_sense_is_a_page(door, query):
    page = door().get("/sign-in/back" + query)
    assert page.status_code == 400
    assert "Traceback" not in page.text
    assert "Try again" in page.text


def test_a_second_click_on_the_way_back_does_no_harm(door, x, engine):
    client = door()
    back = decide(x, begin(client))
    assert client.get(back).status_code == 303
    again = client.get(back)
    assert (again.status_code, again.headers["location"]) == (303, "/")
    assert len(rows(engine, logins)) == 1


def test_a_stolen_way_back_is_worth_nothing_after_its_use(door, x):
    client, thief = door(), door()
    back = decide(x, begin(client))
    thief.cookies.update(client.cookies)
    client.get(back)
    assert thief.get(back).status_code == 400
    assert who_is_in(thief) is None


def test_two_tabs_may_sign_in_at_once(door, x):
    client = door()
    first, second = begin(client, "/one"), begin(client, "/two")
    assert client.get(decide(x, first)).headers["location"] == "/one"
    client.cookies.delete("login")
    assert client.get(decide(x, second)).headers["location"] == "/two"


def test_more_tabs_than_a_cookie_holds_still_fit(door, x):
    client = door()
    pages = [begin(client, "/" + "p" * 398) for _ in range(8)]
    assert len(client.cookies["handshake"]) < 4000
    assert client.get(decide(x, pages[-1])).status_code == 303
    assert client.get(decide(x, pages[0])).status_code in (303, 400)


def test_a_code_that_grew_old_is_told(door, x):
    client = door()
    back = decide(x, begin(client))
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
        (answers(200, b"<html>"), 502, "made no sense"),
        (answers(200, b"\xff\xfe"), 502, "made no sense"),
        (answers(200, b"[]"), 502, "made no sense"),
        (answers(200, b"{}"), 502, "made no sense"),
        (answers(401, b'{"error": "unauthorized_client"}'), 502, "made no sense"),
    ],
)
def test_what_x_does_wrong_is_a_page_that_says_so(door, x, call, fault, status, words):
    client = door()
    back = decide(x, begin(client, "/c/3"))
    x.spoil(*call, fault)
    page = client.get(back)
    assert page.status_code == status
    assert words in page.text
    assert 'href="/sign-in/x?next=/c/3"' in page.text
    assert who_is_in(client) is None


def test_how_long_x_wants_to_be_left_alone_is_told(door, x):
    client = door()
    back = decide(x, begin(client))
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
def test_somebody_whom_x_does_not_name_does_not_get_in(door, x, engine, body):
    client = door()
    back = decide(x, begin(client))
    x.spoil(*ME, answers(200, body))
    assert client.get(back).status_code == 502
    assert rows(engine, logins) == []


def test_a_hostile_name_is_shown_as_text(door, x):
    client = door()
    back = decide(x, begin(client))
    name = "<script>alert(1)</script>\\u0000\\ud800" + "n" * 5000
    x.spoil(*ME, answers(200, f'{{"data": {{"id": "5", "username": "ada", "name": "{name}"}}}}'.encode()))
    assert client.get(back).status_code == 303
    page = client.get("/")
    assert "<script>alert" not in page.text
    assert len(page.context["visitor"].person.name) == 200


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
def test_one_never_goes_to_another_site_afterwards(door, x, wanted):
    client = door()
    assert sign_in_as(client, x, wanted=wanted).headers["location"] == "/"
    assert client.get("/sign-in", params={"next": wanted}).headers["location"] == "/"


# who may not


def test_whom_the_host_banned_does_not_get_in(door, x, engine):
    client = door()
    sign_in_as(client, x)
    with transaction(engine) as session:
        session.execute(update(people).values(banned_at=now()))
    assert who_is_in(client) is None
    page = sign_in_as(client, x)
    assert page.status_code == 403
    assert "closed your account" in page.text
    assert len(rows(engine, logins)) == 1  # the old one, which counts no more


def test_who_said_stop_on_x_may_sign_in(door, x, engine):
    client = door()
    sign_in_as(client, x)
    with transaction(engine) as session:
        session.execute(update(people).values(opted_out_at=now()))
    client.cookies.clear()
    sign_in_as(client, x)
    assert who_is_in(client) == "ada"


def test_who_protects_their_posts_gets_in_and_is_not_shown(door, x, wall):
    creation_id = wall.hang(person_id=wall.person("ada", id=5))
    client = door()

    def come(protected):
        client.cookies.clear()
        back = decide(x, begin(client))
        body = f'{{"data": {{"id": "5", "username": "ada", "name": "Ada", "protected": {protected}}}}}'
        x.spoil(*ME, answers(200, body.encode()))
        client.get(back)

    come("true")
    assert client.get("/api/creations").json()["items"] == []
    assert door().get(f"/c/{creation_id}").status_code == 404
    come("false")
    assert [each["id"] for each in client.get("/api/creations").json()["items"]] == [creation_id]


# out again


def form_token(client):
    return client.get("/").context["visitor"].form_token


def test_signing_out_ends_the_login_and_x_hears_of_it(door, x, engine):
    client = door()
    sign_in_as(client, x)
    token = Seal([SECRET]).open(rows(engine, logins)[0].tokens)["token"]
    asked = {"headers": {"Authorization": f"Bearer {token}"}}
    assert x.http.get(f"{x.url}/2/users/me", **asked).status_code == 200
    stolen = client.cookies["login"]
    answer = client.post("/sign-out", data={"token": form_token(client)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "login" not in client.cookies
    assert x.http.get(f"{x.url}/2/users/me", **asked).status_code == 401
    client.cookies.set("login", stolen)
    assert who_is_in(client) is None


def test_signing_out_does_not_need_x(door, x, engine):
    client = door()
    sign_in_as(client, x)
    x.spoil("POST", "/2/oauth2/revoke", lost_call)
    assert client.post("/sign-out", data={"token": form_token(client)}).status_code == 303
    assert rows(engine, logins) == []


@pytest.mark.parametrize("given", [{}, {"token": ""}, {"token": "guessed.guess"}])
def test_nobody_is_signed_out_without_the_pages_own_token(door, x, given):
    client = door()
    sign_in_as(client, x)
    assert client.post("/sign-out", data=given).status_code == 403
    assert who_is_in(client) == "ada"


def test_nobody_is_signed_out_by_another_site(door, x):
    client = door()
    sign_in_as(client, x)
    token = form_token(client)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/sign-out", data={"token": token}, headers=headers).status_code == 403


def test_a_stranger_signs_out_without_harm(door):
    assert door().post("/sign-out").status_code == 303


# without a client, and too often


def test_a_gallery_without_a_client_says_that_it_has_no_sign_in(client):
    page = client.get("/sign-in")
    assert page.status_code == 404
    assert "no sign-in" in page.text
    assert "Go on to X" not in page.text
    assert client.get("/sign-in/x").status_code == client.get("/sign-in/back").status_code == 404
    assert "/sign-in" not in client.get("/").text


def test_strangers_see_the_way_in_which_leads_back_here(door, wall):
    wall.hang(person_id=wall.person("ada"))
    assert 'href="/sign-in?next=/%40ada/follow"' in door().get("/@ada").text


def test_who_begins_too_often_is_asked_to_wait(door):
    client = door()
    answers_ = [client.get("/sign-in/x") for _ in range(21)]
    assert [each.status_code for each in answers_[:20]] == [303] * 20
    assert answers_[-1].status_code == 429
    assert 0 < int(answers_[-1].headers["retry-after"]) <= 600
    assert "That was quick" in answers_[-1].text


def test_pages_beside_the_sign_in_set_no_cookie(door):
    assert "set-cookie" not in door().get("/").headers
    assert SETTINGS.x_client_id == ""


def test_what_a_visitor_pressed_is_done_after_the_sign_in(door, x, wall, engine):
    author = wall.person("grace", "Grace")
    creation_id = wall.hang(prompt="a lighthouse", person_id=author)
    client = door()
    assert f'href="/sign-in?next=/c/{creation_id}/like"' in client.get(f"/c/{creation_id}").text
    explained = client.get("/sign-in", params={"next": f"/c/{creation_id}/like"}).text
    assert f"You will like picture No. {creation_id}." in explained
    back = sign_in_as(client, x, wanted=f"/c/{creation_id}/like")
    assert back.headers["location"] == f"/c/{creation_id}"
    assert rows(engine, likings)[0].creation_id == creation_id
    assert "1 like" in client.get(f"/c/{creation_id}").text
    bens = door()
    assert sign_in_as(bens, x, handle="ben", wanted="/@grace/follow").headers["location"] == "/@grace"
    assert rows(engine, follows)[0].followed_id == author


@pytest.mark.parametrize("wanted", ["/c/999/like", "/@nobody_here/follow", "/c/99999999999999999999/like"])
def test_what_is_gone_meanwhile_is_a_page_and_no_error(door, x, engine, wanted):
    assert sign_in_as(door(), x, wanted=wanted).status_code == 303
    assert rows(engine, likings) == rows(engine, follows) == []


def test_a_link_makes_no_member_like_anything(door, x, wall, engine):
    creation_id = wall.hang(prompt="a lighthouse")
    client = door()
    sign_in_as(client, x)
    for page in ("/sign-in", "/sign-in/x"):
        answer = client.get(page, params={"next": f"/c/{creation_id}/like"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/c/{creation_id}")
    assert rows(engine, likings) == []


def test_the_first_sign_in_tells_what_happened_before(door, x, wall, engine):
    client = door()
    ada = int(x.http.post(f"{x.url}/sandbox/people", json={"username": "ada"}).json()["id"])
    wall.person("ada", "Ada", id=ada)
    picture = wall.hang(prompt="a lighthouse", person_id=ada)
    fan = wall.person("grace", "Grace", member_since=now())
    like(engine, fan, picture)
    follow(engine, fan, ada)
    wall.hang(prompt="a lighthouse at night", person_id=fan, parent_id=picture)
    banned = wall.person("mallory", "Mallory", member_since=now(), banned_at=now())
    like(engine, banned, picture)
    assert rows(engine, notifications) == []
    sign_in_as(client, x)
    told = client.get("/me/notifications").text
    assert told.count("Grace") >= 3
    assert "Mallory" not in told
    kinds = sorted(row.kind for row in rows(engine, notifications))
    assert kinds == ["followed", "liked", "remixed"]
    sign_in_as(door(), x)
    assert len(rows(engine, notifications)) == 3


@pytest.mark.parametrize("asked_as", ["http://localhost", "http://www.paint.example:81", "https://127.0.0.1"])
def test_a_sign_in_begun_under_another_name_goes_on_under_the_sites_own(door, x, asked_as):
    client = door(public_url="http://127.0.0.1")
    client.base_url = asked_as
    for page in ("/sign-in", "/sign-in/x"):
        answer = client.get(page, params={"next": "/c/17?show=1"})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"http://127.0.0.1{page}?next=%2Fc%2F17%3Fshow%3D1&canonical=1"
        assert "set-cookie" not in answer.headers
    client.base_url = "http://127.0.0.1"
    asked = client.get(answer.headers["location"]).headers["location"]
    back = client.get(decide(x, asked, handle="grace"))
    assert (back.status_code, back.headers["location"]) == (303, "/c/17?show=1")
    assert who_is_in(client) == "grace"


def test_a_proxy_that_hides_the_name_sends_nobody_round_in_circles(door):
    client = door(public_url="https://paint.example")  # and asks for http://127.0.0.1, as proxies do
    first = client.get("/sign-in/x", params={"next": "/paint"})
    assert first.headers["location"] == "https://paint.example/sign-in/x?next=%2Fpaint&canonical=1"
    again = client.get("/sign-in/x", params={"next": "/paint", "canonical": 1})
    assert "/i/oauth2/authorize" in again.headers["location"]


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "/sign-in/x"])
def test_the_way_to_the_sites_own_name_leads_nowhere_else(door, wanted):
    client = door(public_url="https://paint.example")
    location = client.get("/sign-in", params={"next": wanted}, headers={"Host": "evil.example"}).headers["location"]
    assert location == "https://paint.example/sign-in?next=%2F&canonical=1"


@pytest.mark.parametrize("host", ["[", "a b", "paint.example:x", "\u00e9"])
def test_a_host_that_is_none_is_no_error_of_ours(door, host):
    client = door(public_url="https://paint.example")
    assert client.get("/sign-in", headers={"Host": host.encode("latin-1")}).status_code in (303, 400)


def test_a_browser_forgets_a_login_no_later_than_it_ends(door, x):
    assert f"max-age={90 * 86_400};" in sign_in_as(door(), x).headers["set-cookie"].lower()


def test_browsers_keep_to_https_if_the_site_has_it(site):
    assert site(public_url="https://paint.example").get("/").headers["strict-transport-security"] == "max-age=31536000"
    assert site(public_url="https://paint.example").get("/nothing").headers["strict-transport-security"]
    for address in ("", "http://paint.example"):
        assert "strict-transport-security" not in site(public_url=address).get("/").headers
