"""Notifications: their kinds, their wording, and how they are marked as read."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.models import NotificationKind, State, creations, notifications, people
from core.notifications import notify
from core.publishing import unpublish
from gallery.routers import notifications as notification_routes
from gallery.services.comments import NewComment, add_comment
from gallery.services.follows import follow
from gallery.services.likes import like
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match, page_context


@pytest.fixture
def token(client: TestClient, sign_in: Callable[[TestClient, int], str], ada: int) -> str:
    """Return a client of Ada."""
    return sign_in(client, ada)


@pytest.fixture
def others(gallery_data: GalleryData) -> list[int]:
    return [
        gallery_data.person(name.lower(), name, id=2000 + n) for n, name in enumerate(("Bob", "Cleo", "Dan", "Eve"))
    ]


def lines(response: Response) -> Any:
    """Return the text of the lines."""
    found = re.findall(r'<p class="notification__text">(.*?)</p>', response.text, re.S)
    return [" ".join(re.sub(r"<[^>]+>", "", line).split()) for line in found]


def look(client: TestClient, **query: Any) -> Any:
    return client.get("/me/notifications", params=query)


def tell(engine: Engine, person_id: int, kind: NotificationKind, key: str, **values: Any) -> None:
    with write_session(engine) as session:
        assert notify(session, person_id, kind, key=key, **values)


def unread(engine: Engine) -> int:
    with read_connection(engine) as connection:
        return len(connection.execute(select(notifications).where(notifications.c.read_at.is_(None))).all())


def shown_unread(response: Response) -> int:
    """Return the number in the member's menu."""
    return int(find_match(r'data-unread="(\d+)"', response.text)[1])


def test_page_requires_sign_in(client: TestClient) -> None:
    answer = client.get("/me/notifications", follow_redirects=False)
    assert answer.headers["Location"] == "/sign-in?next=/me/notifications"


def test_likes_of_one_creation_are_one_line(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    first, second = (
        gallery_data.publish(person_id=ada, prompt="a cat"),
        gallery_data.publish(person_id=ada, prompt="a dog"),
    )
    for person_id in others:
        like(engine, person_id, first)
    for person_id in others[:2]:
        like(engine, person_id, second)
    assert lines(look(client)) == ["New: Cleo and Bob liked a dog", "New: Eve and 3 others liked a cat"]


def test_comments_and_remixes_of_one_creation_are_one_line_each(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    own = gallery_data.publish(person_id=ada, prompt="a cat")
    for person_id in others[:3]:
        add_comment(engine, person_id, own, NewComment(f"said {person_id}", ""))
        remix = gallery_data.publish(person_id=person_id, prompt=f"cat {person_id}", parent_id=own)
        tell(engine, ada, NotificationKind.REMIXED, f"remixed:{remix}", actor_id=person_id, creation_id=remix)
    response = look(client)
    assert lines(response) == [
        f"New: Dan and 2 others remixed your picture: cat {others[2]}",
        "New: Dan and 2 others commented on a cat",
    ]
    assert f"said {others[2]}" in response.text


def test_every_kind_has_its_text_and_link(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    bob = others[0]
    own, foreign = (
        gallery_data.publish(person_id=ada, prompt="a cat"),
        gallery_data.publish(person_id=bob, prompt="a dog"),
    )
    add_comment(engine, bob, own, NewComment("so blue", ""))
    mine = add_comment(engine, ada, foreign, NewComment("so red", ""))
    add_comment(engine, bob, foreign, NewComment("thank you", "", mine))
    follow(engine, bob, ada)
    remix = gallery_data.publish(person_id=bob, prompt="a cat in the rain", parent_id=own)
    tell(engine, ada, NotificationKind.REMIXED, "remixed", actor_id=bob, creation_id=remix)
    tell(engine, ada, NotificationKind.PAINTED, "painted", creation_id=own)
    refused = gallery_data.creation(person_id=ada, prompt="a long one", state=State.REFUSED, reason_code="too_long")
    tell(engine, ada, NotificationKind.REFUSED, "refused", creation_id=refused)
    response = look(client)
    assert lines(response) == [
        "New: Not painted: a long one",
        "New: Painted: a cat",
        "New: Bob remixed your picture: a cat in the rain",
        "New: Bob followed you",
        "New: Bob replied to you on a dog",
        "New: Bob commented on a cat",
    ]
    assert "The prompt is too long." in response.text
    for address in (f"/c/{refused}", f"/c/{remix}", f"/c/{foreign}/comments/3", f"/c/{own}/comments/1", "/@bob"):
        assert f'href="{address}"' in response.text
    assert "thank you" in response.text


def test_viewing_marks_shown_notifications_as_read(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    like(engine, others[0], gallery_data.publish(person_id=ada))
    assert shown_unread(client.get("/")) == 1
    first, second = look(client), look(client)
    assert (len(lines(first)), unread(engine)) == (1, 0)
    assert "notification--unread" in first.text
    assert "notification--unread" not in second.text
    assert shown_unread(first) == 0


def test_prefetch_and_head_mark_nothing_as_read(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    like(engine, others[0], gallery_data.publish(person_id=ada))
    client.get("/me/notifications", headers={"Sec-Purpose": "prefetch;prerender"})
    client.head("/me/notifications")
    assert unread(engine) == 1


def test_unread_likes_are_not_grouped_with_read_ones(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    creation_id = gallery_data.publish(person_id=ada, prompt="a cat")
    like(engine, others[0], creation_id)
    look(client)
    like(engine, others[1], creation_id)
    assert lines(look(client)) == ["New: Cleo liked a cat", "Bob liked a cat"]


def test_older_notifications_are_paged_and_marked_read_at_once(
    client: TestClient,
    token: str,
    engine: Engine,
    gallery_data: GalleryData,
    ada: int,
    others: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notification_routes, "PAGE_SIZE", 2)
    for number in range(5):
        like(engine, others[0], gallery_data.publish(person_id=ada, prompt=f"no {number}"))
    page = look(client)
    assert lines(page) == ["New: Bob liked no 4", "New: Bob liked no 3"]
    assert unread(engine) == 3
    until = find_match(r'name="until" value="(\d+)"', page.text)[1]
    like(engine, others[1], gallery_data.publish(person_id=ada, prompt="came since then"))
    answer = client.post("/me/notifications/read", data={"token": token, "until": until}, follow_redirects=False)
    assert (answer.status_code, unread(engine)) == (303, 1)
    assert lines(look(client, before=page_context(page)["page"].older)) == ["Bob liked no 2", "Bob liked no 1"]


def test_obsolete_notifications_are_not_shown_and_do_not_stay_unread(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    gone, hidden_child = gallery_data.publish(person_id=ada), gallery_data.publish(person_id=others[1])
    like(engine, others[0], gone)
    tell(engine, ada, NotificationKind.REMIXED, "remixed", actor_id=others[1], creation_id=hidden_child)
    follow(engine, others[2], ada)
    follow(engine, others[3], ada)
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == gone).values(deleted_at=now()))
        unpublish(session, creations.c.id == hidden_child)
        session.execute(update(people).where(people.c.id == others[2]).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == others[3]).values(banned_at=now()))
    assert lines(look(client)) == []
    assert unread(engine) == 0


def test_notification_about_an_own_hidden_creation_is_shown(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    creation_id = gallery_data.publish(person_id=ada, prompt="a cat")
    like(engine, others[0], creation_id)
    with write_session(engine) as session:
        unpublish(session, creations.c.id == creation_id)
    assert lines(look(client)) == ["New: Bob liked a cat"]


def test_unsafe_prompts_are_hidden_here_too(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    refused = gallery_data.creation(person_id=ada, prompt="unsafe words", state=State.REFUSED, reason_code="unsafe")
    tell(engine, ada, NotificationKind.REFUSED, "refused", creation_id=refused)
    response = look(client)
    assert lines(response) == ["New: Not painted: Untitled"]
    assert "unsafe words" not in response.text


def test_notifications_of_other_members_are_not_shown_or_marked_read(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    grace = gallery_data.person("grace", "Grace", member_since=now())
    like(engine, others[0], gallery_data.publish(person_id=grace))
    assert lines(look(client)) == []
    client.post("/me/notifications/read", data={"token": token, "until": 10**18})
    assert unread(engine) == 1


def test_empty_page_explains_notifications(client: TestClient, token: str) -> None:
    assert "No notifications yet." in look(client).text
    for before in ("x", "-1", "9" * 5000):
        assert look(client, before=before).status_code == 200


def test_sensitive_picture_is_hidden_unless_the_member_shows_them(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int, others: list[int]
) -> None:
    like(engine, others[0], gallery_data.publish(person_id=ada, sensitive=True))
    assert "/pictures/" not in look(client).text
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == ada).values(show_sensitive=True))
    assert "/pictures/" in look(client).text


def test_hostile_names_and_prompts_are_escaped(
    client: TestClient, token: str, engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    hostile = '"><script>alert(1)</script>'
    eve = gallery_data.person("eve", hostile)
    creation_id = gallery_data.publish(person_id=ada, prompt=hostile)
    like(engine, eve, creation_id)
    add_comment(engine, eve, creation_id, NewComment(hostile, ""))
    follow(engine, eve, ada)
    assert "<script>alert" not in look(client).text


def test_number_of_statements_does_not_grow_with_the_lines(
    client: TestClient,
    token: str,
    engine: Engine,
    gallery_data: GalleryData,
    ada: int,
    others: list[int],
    statements: list[str],
) -> None:
    def asked() -> int:
        look(client)
        statements.clear()
        look(client)
        return len(statements)

    like(engine, others[0], gallery_data.publish(person_id=ada))
    few = asked()
    for _ in range(12):
        like(engine, others[0], gallery_data.publish(person_id=ada))
    assert asked() == few
