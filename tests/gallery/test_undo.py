"""The page after a change offers to undo it, once, and the reverse request takes back just that."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.deletion import erase_user
from core.models import board_items, boards, comments, creations, mutes
from core.social_cleanup import RESTORE_WINDOW, clear_deleted_comments
from gallery.services.boards import BoardDraft, BoardSelection, create_board, set_boards
from gallery.services.comments import NewComment, add_comment, restore_comment
from tests.support.gallery_data import GalleryData

FORM = re.compile(r'data-flash>\s*<form class="toast__undo" method="post" action="([^"]+)">(.*?)</form>', re.S)
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture
def send(send_as: Callable[[int], Callable[..., Any]], ada: int) -> Callable[..., Any]:
    return send_as(ada)


def offered(client: TestClient, path: str) -> tuple[str, dict[str, list[str]]] | None:
    """Return path and fields of the form that undoes what was done before this page was opened."""
    found = FORM.search(client.get(path).text)
    if found is None:
        return None
    fields: dict[str, list[str]] = {}
    for name, value in FIELD.findall(found[2]):
        fields.setdefault(name, []).append(html.unescape(value))
    return found[1], fields


def press_undo(client: TestClient, path: str) -> Any:
    form = offered(client, path)
    assert form is not None
    return client.post(form[0], data=form[1], follow_redirects=False)


def hidden(engine: Engine) -> list[int]:
    with read_connection(engine) as connection:
        return list(connection.execute(select(creations.c.id).where(creations.c.hidden_at.is_not(None))).scalars())


def test_hiding_is_undone_for_those_that_it_changed(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    ids = [gallery_data.publish(person_id=ada) for _ in range(3)]
    send("/me/creations", do="hide", ids=ids[0])
    assert send("/me/creations", do="hide", ids=ids).status_code == 303
    assert hidden(engine) == ids
    assert press_undo(client, "/me").status_code == 303
    assert hidden(engine) == ids[:1]
    assert offered(client, "/me") is not None, "the undo can be undone"
    assert offered(client, "/me") is None, "once"


def test_removing_from_a_board_is_undone(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    name = create_board(engine, ada, BoardDraft("Foxes"), "")
    ids = [gallery_data.publish() for _ in range(2)]
    for creation_id in ids:
        set_boards(engine, ada, creation_id, BoardSelection(on=frozenset({name})))
    send(f"/b/{name}/remove", ids=ids)
    assert press_undo(client, f"/b/{name}/edit").status_code == 303
    with read_connection(engine) as connection:
        assert sorted(connection.execute(select(board_items.c.creation_id)).scalars()) == ids
        assert connection.execute(select(boards.c.size)).scalar_one() == 2


def test_a_deleted_comment_comes_back_with_its_replies(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    creation_id, bob = gallery_data.publish(), gallery_data.person("bob")
    first = add_comment(engine, ada, creation_id, NewComment("so blue", ""))
    add_comment(engine, bob, creation_id, NewComment("indeed", "", first))
    send(f"/c/{creation_id}/comments/{first}/delete")
    form = offered(client, f"/c/{creation_id}")
    text = client.get(f"/c/{creation_id}").text
    assert "so blue" not in text and "Comment deleted." in text and "1 comment<" in text
    assert form is not None and client.post(form[0], data=form[1]).status_code == 200
    text = client.get(f"/c/{creation_id}").text
    assert "so blue" in text and "indeed" in text and "2 comments<" in text
    assert client.post(form[0], data=form[1]).status_code == 404


def test_only_the_author_restores_and_only_for_a_moment(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    bob = gallery_data.person("bob")
    creation_id = gallery_data.publish(person_id=ada)
    theirs = add_comment(engine, bob, creation_id, NewComment("so red", "")) or 0
    own = add_comment(engine, ada, creation_id, NewComment("so blue", "")) or 0
    send(f"/c/{creation_id}/comments/{theirs}/delete")
    assert offered(client, f"/c/{creation_id}") is None, "removed by the author of the picture: for good"
    assert not restore_comment(engine, bob, creation_id, theirs)
    send(f"/c/{creation_id}/comments/{own}/delete")
    assert not restore_comment(engine, bob, creation_id, own)
    with write_session(engine) as session:
        assert clear_deleted_comments(session) == 0
        earlier = now() - RESTORE_WINDOW - timedelta(seconds=1)
        session.execute(update(comments).where(comments.c.id == own).values(deleted_at=earlier))
    assert not restore_comment(engine, ada, creation_id, own)
    with write_session(engine) as session:
        assert clear_deleted_comments(session) == 1
    with read_connection(engine) as connection:
        assert list(connection.execute(select(comments.c.text)).scalars()) == ["", ""]


def test_erased_users_leave_no_deleted_text(
    send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    creation_id, bob = gallery_data.publish(), gallery_data.person("bob")
    first = add_comment(engine, ada, creation_id, NewComment("so blue", ""))
    add_comment(engine, bob, creation_id, NewComment("indeed", "", first))
    send(f"/c/{creation_id}/comments/{first}/delete")
    erase_user(engine, ada)
    with read_connection(engine) as connection:
        assert list(connection.execute(select(comments.c.text).order_by(comments.c.id)).scalars()) == ["", "indeed"]


def test_muting_is_undone(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData
) -> None:
    gallery_data.person("bob")
    send("/@bob/mute")
    press_undo(client, "/@bob")
    with read_connection(engine) as connection:
        assert connection.execute(select(mutes)).all() == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Mode": "cors"}, {"Sec-Purpose": "prefetch"}])
def test_pages_that_nobody_opened_do_not_use_it_up(
    client: TestClient, send: Callable[..., Any], gallery_data: GalleryData, headers: dict[str, str]
) -> None:
    gallery_data.person("bob")
    send("/@bob/mute")
    assert "data-flash" not in client.get("/@bob", headers=headers).text
    page = client.get("/@bob")
    assert "data-flash" in page.text
    assert page.headers["cache-control"] == "private, no-store"


def test_foreign_and_broken_cookies_are_ignored(
    client: TestClient, send: Callable[..., Any], gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    bob = gallery_data.person("bob")
    send("/@bob/mute")
    value = client.cookies["flash"]
    client.cookies.delete("flash")
    for broken in (value[:-1], f"x{value}", "", ".", "a.b", "\xff".encode().hex(), value.replace(".", "")):
        client.cookies.set("flash", broken)
        assert "data-flash" not in client.get("/").text, broken
    client.cookies.clear()
    sign_in(client, bob)
    client.cookies.set("flash", value)
    assert "data-flash" not in client.get("/").text


def test_a_script_gets_json_and_no_cookie(
    client: TestClient, send: Callable[..., Any], gallery_data: GalleryData
) -> None:
    gallery_data.person("bob")
    answer = send("/@bob/mute", headers={"Accept": "application/json"})
    assert answer.json()["words"] == "@bob is muted."
    assert "set-cookie" not in answer.headers
