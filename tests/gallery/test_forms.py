"""Form guards: same site, CSRF token, size; and the page that follows."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.web.forms import own_path
from tests.support.gallery_data import GalleryData
from tests.support.site_client import SiteClient

FORM = "/me/settings/sensitive"


@pytest.fixture
def member(client: SiteClient, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]) -> Any:
    client.token = sign_in(client, gallery_data.person("ada"))
    client.follow_redirects = False
    return client


def send(client: SiteClient, *, token: str | None = None, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    fields["token"] = client.token if token is None else token
    return client.post(FORM, data=fields, headers=headers or {})


def test_form_of_the_own_page_is_accepted(member: Any) -> None:
    assert send(member, show="yes").status_code == 303


def test_token_can_be_used_more_than_once(member: Any) -> None:
    assert [send(member, show="yes").status_code for _ in range(2)] == [303, 303]


def test_token_of_another_session_is_rejected(
    member: Any, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str], site: Callable[..., SiteClient]
) -> None:
    theirs = sign_in(site(), gallery_data.person("grace"))
    assert send(member, token=theirs).status_code == 403


@pytest.mark.parametrize("token", ["", ".", "a.b", "x" * 10_000, "\u0661.\u0662", "a.b.c", "\0"])
def test_malformed_token_is_rejected(member: Any, token: Any) -> None:
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
def test_form_of_another_site_is_rejected_even_with_token(member: Any, headers: Any) -> None:
    assert send(member, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}])
def test_same_origin_headers_are_accepted(member: Any, headers: Any) -> None:
    assert send(member, headers=headers).status_code == 303


def test_public_url_counts_as_own_origin_behind_a_proxy(
    site: Callable[..., SiteClient], gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> None:
    client = site(public_url="http://paint.example")
    client.token = sign_in(client, gallery_data.person("ada"))
    client.follow_redirects = False
    assert send(client, headers={"Origin": "http://paint.example"}).status_code == 303


def test_too_large_form_is_rejected(member: Any) -> None:
    assert send(member, show="y" * 70_000).status_code == 413


def test_too_many_fields_are_rejected(member: Any) -> None:
    fields: dict[str, Any] = {f"f{n}": "1" for n in range(400)}
    assert send(member, **fields).status_code in (400, 413)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_body_that_is_not_a_form_is_rejected(member: Any, kind: str) -> None:
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
def test_next_url_stays_on_this_site(wanted: Any, there: Any) -> None:
    assert own_path(wanted) == there


@given(st.text())
def test_own_path_never_names_another_host(text: str) -> None:
    path = own_path(text)
    assert path is None or (path[0] == "/" and path[1:2] not in ("/", "\\") and "\\" not in path)


def test_invalid_referer_is_ignored(client: SiteClient) -> None:
    answer = client.post(FORM, headers={"Referer": "http://["}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


def test_form_returns_to_its_page(member: Any) -> None:
    assert send(member, next="/c/17").headers["location"] == "/c/17"
    assert send(member, next="//evil.example").headers["location"].startswith("/me/settings")
