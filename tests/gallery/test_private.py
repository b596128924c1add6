"""What is one member's alone: their forms, which no other site sends, and their pages, which no browser keeps."""

import pytest
from starlette.routing import Route

from gallery.app import PAGES
from gallery.mine import pinning
from gallery.mine.pinning import Draft

PUT_IN = {"{creation_id}": "1", "{comment_id}": "1", "{handle}": "grace", "{name}": "none"}
EMPTY = {"content-type": "application/x-www-form-urlencoded"}


def filled(path):
    for name, value in PUT_IN.items():
        path = path.replace(name, value)
    return path


FORMS = sorted({filled(page.path) for page in PAGES if isinstance(page, Route) and "POST" in (page.methods or ())})
LOOKED_AT = sorted({filled(page.path) for page in PAGES if isinstance(page, Route) and "GET" in (page.methods or ())})

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
def member(client, wall, sign_in):
    wall.hang(person_id=wall.person("grace"))
    client.token = sign_in(client, wall.person("ada"))
    client.follow_redirects = False
    return client


@pytest.mark.parametrize("path", FORMS)
def test_no_form_is_taken_without_the_members_token_or_from_another_site(member, path):
    good = {"token": member.token}
    assert member.post(path, headers=EMPTY).status_code == 403
    for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert member.post(path, data=good, headers=origin).status_code == 403
    assert member.post(path, data=good).status_code != 403


def test_looking_changes_nothing(member, engine):
    def dump():
        with engine.connect() as connection:
            return list(connection.connection.dbapi_connection.iterdump())

    before = dump()
    for path in LOOKED_AT:
        if path != "/live":
            assert member.get(path).status_code < 500
    assert dump() == before


@pytest.mark.parametrize("path", ALONE)
def test_no_browser_keeps_a_members_own_page(member, path):
    answer = member.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")


def test_no_browser_keeps_what_hangs_for_one_pair_of_eyes(member, wall, engine):
    ada = wall.person("ada")
    hidden = wall.hang(person_id=ada, shown_at=None)
    boards = {public: pinning.make(engine, ada, Draft("Mine", public=public), "") for public in (True, False)}
    kept = {path: member.get(path).headers["cache-control"] for path in ("/", "/c/1", f"/b/{boards[True]}")}
    assert set(kept.values()) == {"private, no-cache"}
    for path in (f"/c/{hidden}", f"/b/{boards[False]}", f"/b/{boards[False]}/edit"):
        assert member.get(path).headers["cache-control"] == "private, no-store"
