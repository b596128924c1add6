"""Forms: only from this site, only with the token of who is signed in, only so large; and where they lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.forms import own_path

FORM = "/me/settings/sensitive"


@pytest.fixture
def member(client, wall, sign_in):
    client.token = sign_in(client, wall.person("ada"))
    client.follow_redirects = False
    return client


def send(client, *, token=None, headers=None, **fields):
    fields["token"] = client.token if token is None else token
    return client.post(FORM, data=fields, headers=headers or {})


def test_a_form_of_ones_own_page_is_taken(member):
    assert send(member, show="yes").status_code == 303


def test_a_token_serves_more_than_one_form_of_the_same_login(member):
    assert [send(member, show="yes").status_code for _ in range(2)] == [303, 303]


def test_the_token_of_another_login_is_worth_nothing(member, wall, sign_in, site):
    theirs = sign_in(site(), wall.person("grace"))
    assert send(member, token=theirs).status_code == 403


@pytest.mark.parametrize("token", ["", ".", "a.b", "x" * 10_000, "\u0661.\u0662", "a.b.c", "\0"])
def test_a_token_without_sense_is_refused(member, token):
    assert send(member, token=token).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://[::1"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused_even_with_the_token(member, headers):
    assert send(member, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_browser_that_says_where_the_form_stood_is_believed(member, headers):
    assert send(member, headers=headers).status_code == 303


def test_the_public_address_is_home_also_behind_a_proxy(site, wall, sign_in):
    client = site(public_url="http://paint.example")
    client.token = sign_in(client, wall.person("ada"))
    client.follow_redirects = False
    assert send(client, headers={"Origin": "http://paint.example"}).status_code == 303


def test_a_form_that_is_too_large_is_refused(member):
    assert send(member, show="y" * 70_000).status_code == 413


def test_more_fields_than_any_form_has_are_refused(member):
    assert send(member, **{f"f{n}": "1" for n in range(400)}).status_code in (400, 413)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_a_body_that_is_no_form_is_refused(member, kind):
    answer = member.post(FORM, content=b'{"show": "yes"}', headers={"Content-Type": kind})
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/c/17?show=1#comment-5", "/c/17?show=1#comment-5"),
        ("/@ada", "/@ada"),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("https://evil.example", None),
        ("javascript:alert(1)", None),
        ("/a\nb", None),
        ("/a b", None),
        ("", None),
        (None, None),
        ("/" + "a" * 3000, None),
    ],
)
def test_forms_lead_to_pages_of_this_site_alone(wanted, there):
    assert own_path(wanted) == there


@given(st.text())
def test_no_text_leads_to_another_host(text):
    path = own_path(text)
    assert path is None or (path[0] == "/" and path[1:2] not in ("/", "\\") and "\\" not in path)


def test_a_page_that_a_browser_claims_to_come_from_may_be_none(client):
    answer = client.post(FORM, headers={"Referer": "http://["}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


def test_a_form_leads_back_to_where_it_stood(member):
    assert send(member, next="/c/17").headers["location"] == "/c/17"
    assert send(member, next="//evil.example").headers["location"].startswith("/me/settings")
