"""Addresses of earlier versions redirect permanently to today's."""

import pytest
from fastapi.testclient import TestClient

from gallery.routers.legacy_redirects import REDIRECTS
from tests.support.gallery_data import GalleryData

# One for each entry of REDIRECTS: the old path, and the new one with the same parameters.
EXAMPLES = {
    "/c/{creation_id}/family": ("/c/17/family", "/c/17/remixes"),
    "/c/{creation_id}/again": ("/c/17/again", "/c/17/rerun"),
    "/colours": ("/colours", "/theme"),  # codespell:ignore colours
    "/paint/start": ("/paint/start", "/uploads"),
    "/paint/start/{name}": ("/paint/start/a%20b", "/uploads/a%20b"),
    "/sign-in/x": ("/sign-in/x", "/auth/x/login"),
    "/sign-in/back": ("/sign-in/back", "/auth/x/callback"),
}


def test_every_redirect_has_an_example() -> None:
    assert EXAMPLES.keys() == REDIRECTS.keys()


@pytest.mark.parametrize(("old", "new"), EXAMPLES.values())
def test_old_url_redirects_and_keeps_its_query(client: TestClient, old: str, new: str) -> None:
    response = client.get(f"{old}?of=siblings&cursor=a%20b", follow_redirects=False)
    assert response.status_code == 308
    assert response.headers["Location"] == f"{new}?of=siblings&cursor=a%20b"


@pytest.mark.parametrize(("old", "new"), EXAMPLES.values())
def test_a_redirect_keeps_the_method_of_a_form(client: TestClient, old: str, new: str) -> None:
    response = client.post(old, follow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (308, new)


def test_a_redirect_stays_on_this_site(client: TestClient) -> None:
    response = client.get("/c/..%2F..%2Fevil/family", follow_redirects=False)
    assert response.status_code in {308, 404}
    assert response.headers.get("Location", "/").startswith("/")


def test_the_former_parameter_of_the_top_feed_redirects(client: TestClient) -> None:
    response = client.get("/top?of=month&cursor=x", follow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (308, "/top?period=month&cursor=x")


def test_the_former_parameter_of_comments_redirects(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish()
    response = client.get(f"/c/{creation_id}/comments?answer=5", follow_redirects=False)
    expected = f"/c/{creation_id}/comments?reply_to=5"
    assert (response.status_code, response.headers["Location"]) == (308, expected)


def test_api_accepts_the_former_parameter_of_the_top_feed(client: TestClient) -> None:
    assert client.get("/api/top?of=all").status_code == 200
    assert client.get("/api/top?of=year").status_code == 422
