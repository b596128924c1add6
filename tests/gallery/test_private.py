"""Members' forms need token and origin; their pages are not cached."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from gallery.services import boards as board_service
from gallery.services.boards import BoardDraft
from tests.support.gallery_data import GalleryData
from tests.support.site_client import SiteClient
from tests.support.site_routes import site_routes

PUT_IN = {"{creation_id}": "1", "{comment_id}": "1", "{handle}": "grace", "{name}": "none"}
EMPTY = {"content-type": "application/x-www-form-urlencoded"}


def filled(path: str) -> Any:
    for name, value in PUT_IN.items():
        path = path.replace(name, value)
    return path


FORMS = sorted({filled(route.path) for route in site_routes("POST")})
LOOKED_AT = sorted({filled(route.path) for route in site_routes("GET")})

ALONE = ["/me", "/me?only=hidden", "/me/prompts", "/me/boards", "/me/boards/collect?creation=1", "/me/settings"]
ALONE += [
    "/me/settings/delete",
    "/me/data.json",
    "/me/data.zip",
    "/me/notifications",
    "/following",
    "/api/following",
    "/paint",
]


@pytest.fixture
def member(client: SiteClient, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]) -> Any:
    gallery_data.publish(person_id=gallery_data.person("grace"))
    client.token = sign_in(client, gallery_data.person("ada"))
    client.follow_redirects = False
    return client


@pytest.mark.parametrize("path", FORMS)
def test_forms_require_token_and_same_site(member: Any, path: str) -> None:
    good = {"token": member.token}
    assert member.post(path, headers=EMPTY).status_code == 403
    for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert member.post(path, data=good, headers=origin).status_code == 403
    assert member.post(path, data=good).status_code != 403


def test_get_changes_nothing(member: Any, engine: Engine) -> None:
    def dump() -> Any:
        with engine.connect() as connection:
            driver_connection = connection.connection.driver_connection
            assert isinstance(driver_connection, sqlite3.Connection)
            return list(driver_connection.iterdump())

    before = dump()
    for path in LOOKED_AT:
        if path != "/live":
            assert member.get(path).status_code < 500
    assert dump() == before


@pytest.mark.parametrize("path", ALONE)
def test_member_pages_are_not_stored(member: Any, path: str) -> None:
    answer = member.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")


def test_hidden_creation_page_is_not_stored(member: Any, gallery_data: GalleryData, engine: Engine) -> None:
    ada = gallery_data.person("ada")
    hidden = gallery_data.publish(person_id=ada, published_at=None)
    boards = {
        public: board_service.create_board(engine, ada, BoardDraft("Mine", public=public), "")
        for public in (True, False)
    }
    cache_headers = {path: member.get(path).headers["cache-control"] for path in ("/", "/c/1", f"/b/{boards[True]}")}
    assert set(cache_headers.values()) == {"private, no-cache"}
    for path in (f"/c/{hidden}", f"/b/{boards[False]}", f"/b/{boards[False]}/edit"):
        assert member.get(path).headers["cache-control"] == "private, no-store"
