"""The pages of likes, comments, follows and notifications on PostgreSQL."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.clock import now
from gallery.queries import comments as reads
from gallery.routers import follows, likes
from gallery.services.comments import NewComment, add_comment, delete_comment
from gallery.services.follows import follow
from gallery.services.likes import like
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context


@pytest.fixture
def engine(postgres_engine: Engine) -> Engine:
    return postgres_engine


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    return gallery_data.person("ada", "Ada", id=1_900_000_000_000_000_000, member_since=now())


@pytest.fixture
def others(gallery_data: GalleryData) -> list[int]:
    return [gallery_data.person(f"p{n}", id=1_900_000_000_000_000_001 + n, member_since=now()) for n in range(5)]


def walked(client: TestClient, path: str) -> Any:
    """Return all users of a list, page by page."""
    seen, cursor = [], ""
    while cursor is not None:
        found = page_context(client.get(path, params={"cursor": cursor}))["users"]
        seen += [one.person.username for one in found.people]
        cursor = found.older
    return seen


def test_lists_of_users_page_by_cursor(
    client: TestClient,
    gallery_data: GalleryData,
    engine: Engine,
    ada: int,
    others: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follows, "PAGE_SIZE", 2)
    monkeypatch.setattr(likes, "PAGE_SIZE", 2)
    creation_id = gallery_data.publish(person_id=ada, pictures=0)
    for person_id in others:
        like(engine, person_id, creation_id)
        follow(engine, person_id, ada)
    names = ["p4", "p3", "p2", "p1", "p0"]
    assert walked(client, f"/c/{creation_id}/likes") == names
    assert walked(client, "/@ada/followers") == names


def test_liked_feed_pages_by_cursor(
    client: TestClient, gallery_data: GalleryData, engine: Engine, ada: int, others: list[int]
) -> None:
    ids = [gallery_data.publish(person_id=ada, pictures=0) for _ in range(PAGE_SIZE + 3)]
    for creation_id in ids:
        like(engine, others[0], creation_id)
    first = page_context(client.get("/@p0/likes"))["page"]
    second = page_context(client.get("/@p0/likes", params={"cursor": first.older}))["page"]
    assert [creation.id for creation in (*first.creations, *second.creations)] == ids[::-1]


def test_threads_are_limited_like_on_sqlite(
    client: TestClient,
    gallery_data: GalleryData,
    engine: Engine,
    ada: int,
    others: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reads, "MAX_REPLIES", 4)
    monkeypatch.setattr(reads, "MAX_REPLIES_EACH", 2)
    creation_id = gallery_data.publish(person_id=ada)
    root = add_comment(engine, others[0], creation_id, NewComment("root", ""))
    for number in range(6):
        add_comment(engine, others[1], creation_id, NewComment(f"answer {number}", "", root))
    gone = add_comment(engine, others[2], creation_id, NewComment("gone", ""))
    add_comment(engine, ada, creation_id, NewComment("to what is gone", "", gone))
    assert gone is not None
    assert delete_comment(engine, others[2], creation_id, gone)
    thread = page_context(client.get(f"/c/{creation_id}/comments"))["thread"]
    assert [one.text for one in thread.comments] == ["root", "answer 0", "answer 1", "", "to what is gone"]
    answers = page_context(client.get(f"/c/{creation_id}/comments?thread={root}"))["thread"]
    assert [one.text for one in answers.comments] == [f"answer {number}" for number in range(6)]


def test_forms_and_notifications_work(
    client: TestClient,
    sign_in: Callable[[TestClient, int], str],
    gallery_data: GalleryData,
    engine: Engine,
    ada: int,
    others: list[int],
) -> None:
    creation_id = gallery_data.publish(person_id=ada, prompt="a cat")
    token = sign_in(client, others[0])
    for path in (f"/c/{creation_id}/like", "/@ada/follow"):
        assert client.post(path, data={"token": token}, follow_redirects=False).status_code == 303
    said = {"token": token, "text": "so\nblue", "idempotency_key": "x"}
    for _ in range(2):
        answer = client.post(f"/c/{creation_id}/comments", data=said, follow_redirects=False)
        assert answer.headers["Location"] == f"/c/{creation_id}#comment-1"
    sign_in(client, ada)
    page = page_context(client.get("/me/notifications"))["page"]
    assert [line.kind for line in page.lines] == ["commented", "followed", "liked"]
    assert page_context(client.get("/me/notifications"))["page"].unread_ids == []
    profile = page_context(client.get("/@ada"))["profile"]
    assert (profile.creations, profile.likes, profile.followers) == (1, 1, 1)
