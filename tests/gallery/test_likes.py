"""Likes count once per member, are shown to everyone and notify the author."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.models import creations, likes, notifications, people
from core.publishing import unpublish
from gallery.routers import likes as like_routes
from gallery.services import likes as like_service
from gallery.services.likes import liked_among
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context

JSON = {"Accept": "application/json"}


@pytest.fixture
def bob(gallery_data: GalleryData) -> int:
    return gallery_data.person("bob", "Bob")


@pytest.fixture
def send(send_as: Callable[[int], Callable[..., Any]], bob: int) -> Callable[..., Any]:
    """Send a form as Bob: `send("/c/1/like")`."""
    return send_as(bob)


def likes_of(engine: Engine, creation_id: int) -> Any:
    with read_connection(engine) as connection:
        counted = connection.execute(select(creations.c.likes).where(creations.c.id == creation_id)).scalar_one()
        rows = len(connection.execute(select(likes).where(likes.c.creation_id == creation_id)).all())
    assert counted == rows
    return counted


def notification_rows(engine: Engine) -> Any:
    with read_connection(engine) as connection:
        return [(row.person_id, row.kind) for row in connection.execute(select(notifications))]


def test_like_counts_once_however_often_it_is_sent(
    send: Callable[..., Any], gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    for _ in range(3):
        assert send(f"/c/{creation_id}/like").headers["Location"] == f"/c/{creation_id}"
    assert likes_of(engine, creation_id) == 1
    for _ in range(3):
        assert send(f"/c/{creation_id}/unlike").status_code == 303
    assert likes_of(engine, creation_id) == 0


def test_script_receives_like_state_as_json(send: Callable[..., Any], gallery_data: GalleryData, ada: int) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    answer = send(f"/c/{creation_id}/like", JSON)
    assert answer.json() == {"on": True, "count": 1, "words": "1 like", "path": f"/c/{creation_id}"}
    assert send(f"/c/{creation_id}/unlike", JSON).json()["words"] == "No likes yet"


def test_like_returns_to_the_page_of_the_button(send: Callable[..., Any], gallery_data: GalleryData, ada: int) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    assert send(f"/c/{creation_id}/like", next="/top?of=week").headers["Location"] == "/top?of=week"
    assert send(f"/c/{creation_id}/like", next="//evil.example").headers["Location"] == f"/c/{creation_id}"


def test_like_of_an_own_creation_notifies_nobody(
    send: Callable[..., Any], gallery_data: GalleryData, engine: Engine, bob: int
) -> None:
    creation_id = gallery_data.publish(person_id=bob)
    send(f"/c/{creation_id}/like")
    assert (likes_of(engine, creation_id), notification_rows(engine)) == (1, [])


def test_only_public_creations_can_be_liked(
    send: Callable[..., Any], gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    waiting, deleted = (
        gallery_data.creation(person_id=ada),
        gallery_data.publish(person_id=ada, deleted_at=now(), published_at=None),
    )
    hidden = gallery_data.publish(person_id=ada, hidden_at=now(), published_at=None)
    protected = gallery_data.publish(person_id=gallery_data.person("eve", hidden_at=now()))
    answers = {waiting: 404, deleted: 410, hidden: 404, protected: 404, 10**30: 404, 0: 404}
    for creation_id, status in answers.items():
        assert send(f"/c/{creation_id}/like").status_code == status, creation_id
    assert likes_of(engine, waiting) == likes_of(engine, deleted) == likes_of(engine, hidden) == 0


def test_like_of_an_unpublished_creation_can_be_removed(
    send: Callable[..., Any], gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    send(f"/c/{creation_id}/like")
    with write_session(engine) as session:
        unpublish(session, creations.c.id == creation_id)
    assert send(f"/c/{creation_id}/unlike").status_code == 303
    assert likes_of(engine, creation_id) == 0


def test_anonymous_user_signs_in_and_returns(
    client: TestClient, gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    page = f"http://testserver/c/{creation_id}"
    answer = client.post(f"/c/{creation_id}/like", headers={"Referer": page}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?next=/c/{creation_id}/like")
    assert client.post(f"/c/{creation_id}/like", headers=JSON).status_code == 401
    assert likes_of(engine, creation_id) == 0


def test_form_requires_own_site_and_csrf_token(
    client: TestClient, send: Callable[..., Any], gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    assert client.post(f"/c/{creation_id}/like").status_code == 403
    assert send(f"/c/{creation_id}/like", {"Origin": "https://evil.example"}).status_code == 403
    assert client.get(f"/c/{creation_id}/like").status_code == 405
    assert likes_of(engine, creation_id) == 0


def test_author_is_notified_once_and_unread_notification_is_retracted(
    send: Callable[..., Any], gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    for doing in ("like", "unlike", "like", "like"):
        send(f"/c/{creation_id}/{doing}")
    assert notification_rows(engine) == [(ada, "liked")]
    send(f"/c/{creation_id}/unlike")
    assert notification_rows(engine) == []


def test_second_like_after_a_read_notification_notifies_nobody(
    send: Callable[..., Any], gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    send(f"/c/{creation_id}/like")
    with write_session(engine) as session:
        session.execute(update(notifications).values(read_at=now()))
    for doing in ("unlike", "like"):
        send(f"/c/{creation_id}/{doing}")
    with read_connection(engine) as connection:
        assert connection.execute(select(notifications.c.read_at)).scalar_one() is not None


def test_likers_are_listed_latest_first_without_hidden_users(
    client: TestClient, gallery_data: GalleryData, engine: Engine, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(like_routes, "PAGE_SIZE", 2)
    creation_id = gallery_data.publish(person_id=ada)
    # Ids as X gives them: 19 digits.
    for number in range(5):
        like_as(engine, gallery_data.person(f"p{number}", id=1_900_000_000_000_000_000 + number), creation_id)
    like_as(engine, gallery_data.person("eve", hidden_at=now()), creation_id)
    seen, address = [], f"/c/{creation_id}/likes"
    while address:
        context = page_context(client.get(address))
        seen += [one.person.username for one in context["users"].people]
        older = context["users"].older
        address = older and f"/c/{creation_id}/likes?cursor={older}"
    assert seen == ["p4", "p3", "p2", "p1", "p0"]


def test_list_without_likers_says_so(client: TestClient, gallery_data: GalleryData, ada: int) -> None:
    assert "No likes yet." in client.get(f"/c/{gallery_data.publish(person_id=ada)}/likes").text
    assert client.get("/c/77/likes").status_code == 404
    assert client.get("/c/1/likes?cursor=rubbish").status_code == 422


def test_liked_pictures_have_their_own_feed(
    send: Callable[..., Any], client: TestClient, gallery_data: GalleryData, ada: int
) -> None:
    first, second, third = (gallery_data.publish(person_id=ada, prompt=f"no {number}") for number in range(3))
    for creation_id in (second, third, first):
        send(f"/c/{creation_id}/like")
    response = client.get("/@bob/likes")
    assert [creation.id for creation in page_context(response)["page"].creations] == [first, third, second]
    assert page_context(response)["liked"] == {first, second, third}
    assert page_context(client.get("/@ada/likes"))["page"].creations == []


def test_liked_feed_pages_by_cursor_and_omits_unpublished_creations(
    client: TestClient, gallery_data: GalleryData, engine: Engine, ada: int, bob: int
) -> None:
    ids = [gallery_data.publish(person_id=ada, pictures=0) for _ in range(PAGE_SIZE + 3)]
    for creation_id in ids:
        like_as(engine, bob, creation_id)
    with write_session(engine) as session:
        unpublish(session, creations.c.id == ids[-1])
    first = page_context(client.get("/@bob/likes"))["page"]
    second = page_context(client.get("/@bob/likes", params={"cursor": first.older}))["page"]
    seen = [creation.id for creation in (*first.creations, *second.creations)]
    assert (seen, second.older) == (ids[-2::-1], None)


def test_liked_creations_of_a_page_are_one_statement(
    engine: Engine, gallery_data: GalleryData, ada: int, bob: int, statements: list[str]
) -> None:
    ids = [gallery_data.publish(person_id=ada, pictures=0) for _ in range(3)]
    like_as(engine, bob, ids[1])
    statements.clear()
    with read_connection(engine) as connection:
        assert liked_among(connection, bob, ids) == {ids[1]}
        assert liked_among(connection, None, ids) == set()
        assert liked_among(connection, bob, []) == set()
    assert len(statements) == 1


def test_like_of_hidden_member_notifies_nobody(
    client: TestClient, sign_in: Callable[[TestClient, int], str], gallery_data: GalleryData, engine: Engine, ada: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    eve = gallery_data.person("eve")
    token = sign_in(client, eve)
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == eve).values(hidden_at=now()))
    client.post(f"/c/{creation_id}/like", data={"token": token})
    assert (likes_of(engine, creation_id), notification_rows(engine)) == (1, [])


def like_as(engine: Engine, person_id: int, creation_id: int) -> None:
    assert like_service.like(engine, person_id, creation_id)
