"""Follows: counted on both sides, listed and notified."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.models import follows, notifications, people
from gallery.routers import follows as follow_routes
from gallery.services.follows import follow, followed_among, unfollow
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context

JSON = {"Accept": "application/json"}


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    return gallery_data.person("Ada_L", "Ada", member_since=now())


@pytest.fixture
def bob(gallery_data: GalleryData) -> int:
    return gallery_data.person("bob", "Bob")


@pytest.fixture
def send(send_as: Callable[[int], Callable[..., Any]], bob: int) -> Callable[..., Any]:
    return send_as(bob)


def counts(engine: Engine, person_id: int) -> Any:
    """Return the stored counts of followers and followed users, which match the rows."""
    with read_connection(engine) as connection:
        row = connection.execute(
            select(people.c.follower_count, people.c.following_count).where(people.c.id == person_id)
        ).one()
        rows = connection.execute(select(follows)).all()
    assert row.follower_count == sum(one.followed_id == person_id for one in rows)
    assert row.following_count == sum(one.follower_id == person_id for one in rows)
    return tuple(row)


def notification_rows(engine: Engine) -> Any:
    with read_connection(engine) as connection:
        return [(row.person_id, row.kind, row.actor_id) for row in connection.execute(select(notifications))]


def test_follow_counts_once_on_both_sides_and_notifies(
    send: Callable[..., Any], engine: Engine, ada: int, bob: int
) -> None:
    for _ in range(3):
        assert send("/@ada_l/follow").headers["Location"] == "/@Ada_L"
    assert (counts(engine, ada), counts(engine, bob)) == ((1, 0), (0, 1))
    assert notification_rows(engine) == [(ada, "followed", bob)]
    for _ in range(3):
        assert send("/@Ada_L/unfollow").status_code == 303
    assert (counts(engine, ada), counts(engine, bob)) == ((0, 0), (0, 0))
    assert notification_rows(engine) == []


def test_json_client_gets_the_new_state(send: Callable[..., Any], ada: int) -> None:
    assert send("/@ada_l/follow", JSON).json() == {"on": True, "count": 1, "words": "1 follower", "path": "/@Ada_L"}
    assert send("/@ada_l/unfollow", JSON).json()["words"] == "0 followers"


def test_user_cannot_follow_themselves(send: Callable[..., Any], engine: Engine, bob: int) -> None:
    assert send("/@bob/follow").status_code == 403
    assert follow(engine, bob, bob) == 0
    assert counts(engine, bob) == (0, 0)


def test_hidden_or_unknown_user_cannot_be_followed(send: Callable[..., Any], gallery_data: GalleryData) -> None:
    gallery_data.person("eve", hidden_at=now())
    for handle in ("eve", "nobody", "%00", "a" * 3000):
        assert send(f"/@{handle}/follow").status_code == 404


def test_anonymous_user_is_redirected_to_sign_in(client: TestClient, engine: Engine, ada: int) -> None:
    answer = client.post("/@ada_l/follow", follow_redirects=False)
    assert answer.headers["Location"].startswith("/sign-in")
    assert counts(engine, ada) == (0, 0)


def test_form_requires_the_csrf_token(client: TestClient, send: Callable[..., Any], engine: Engine, ada: int) -> None:
    assert client.post("/@ada_l/follow").status_code == 403
    assert counts(engine, ada) == (0, 0)


def test_both_lists_page_by_cursor_without_hidden_users(
    client: TestClient, gallery_data: GalleryData, engine: Engine, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_routes, "PAGE_SIZE", 2)
    others = [gallery_data.person(f"p{number}", id=1_900_000_000_000_000_000 + number) for number in range(5)]
    for person_id in others:
        follow(engine, person_id, ada)
        follow(engine, ada, person_id)
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == others[1]).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == others[3]).values(banned_at=now()))
    for which in ("followers", "following"):
        assert walked(client, f"/@ada_l/{which}") == ["p4", "p2", "p0"]


def walked(client: TestClient, path: str) -> Any:
    seen, cursor = [], ""
    while cursor is not None:
        found = page_context(client.get(path, params={"cursor": cursor}))["users"]
        seen += [one.person.username for one in found.people]
        cursor = found.older
    return seen


def test_empty_lists_say_so(client: TestClient, send: Callable[..., Any], ada: int, bob: int) -> None:
    assert "<bdi>Ada</bdi> has no followers yet." in client.get("/@ada_l/followers").text
    assert "You don’t follow anyone yet." in client.get("/@bob/following").text
    assert client.get("/@nobody/followers").status_code == 404
    assert client.get("/@bob/followers?cursor=rubbish").status_code == 422


def test_list_shows_follow_buttons_except_for_oneself(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int, bob: int
) -> None:
    eve = gallery_data.person("eve", "Eve")
    for person_id in (bob, eve):
        follow(engine, person_id, ada)
    follow(engine, bob, eve)
    html = client.get("/@ada_l/followers").text
    assert 'action="/@eve/unfollow"' in html
    assert 'action="/@bob/' not in html


def test_number_of_statements_does_not_grow_with_the_list(
    client: TestClient, engine: Engine, gallery_data: GalleryData, ada: int, statements: list[str]
) -> None:
    def asked() -> int:
        statements.clear()
        client.get("/@ada_l/followers")
        return len(statements)

    follow(engine, gallery_data.person("p0"), ada)
    few = asked()
    for number in range(1, 21):
        follow(engine, gallery_data.person(f"p{number}", id=5000 + number), ada)
    assert asked() == few


def test_profile_shows_followers_and_the_follow_button(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int, bob: int
) -> None:
    page = client.get("/@ada_l").text
    assert 'action="/@Ada_L/follow"' in page
    assert "0 followers" in page
    send("/@ada_l/follow")
    page = client.get("/@ada_l").text
    assert 'action="/@Ada_L/unfollow"' in page
    assert 'aria-pressed="true"' in page
    assert "1 follower<" in page
    assert "Your page" in client.get("/@bob").text


def test_users_who_follow_each_other_have_one_follower_each(engine: Engine, ada: int, bob: int) -> None:
    follow(engine, ada, bob)
    follow(engine, bob, ada)
    assert (counts(engine, ada), counts(engine, bob)) == ((1, 1), (1, 1))
    unfollow(engine, ada, bob)
    assert (counts(engine, ada), counts(engine, bob)) == ((1, 0), (0, 1))
    with read_connection(engine) as connection:
        assert followed_among(connection, bob, [ada, bob]) == {ada}
