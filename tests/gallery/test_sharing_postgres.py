"""Shared boards, mutes, mentions, undo and unread counts on PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from core.clock import now
from core.database import read_connection
from core.deletion import erase_user
from core.models import board_members, boards, comments, mutes
from gallery.queries.notifications import count_unread, list_recent
from gallery.services import board_members as member_service
from gallery.services.boards import BoardDraft, BoardSelection, create_board, rename_link, set_boards, update_board
from gallery.services.comments import NewComment, add_comment, delete_comment, restore_comment
from gallery.services.mutes import mute_person, mute_topic
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context

FIRST = 1_900_000_000_000_000_000


@pytest.fixture
def engine(postgres_engine: Engine) -> Engine:
    return postgres_engine


@pytest.fixture
def members(gallery_data: GalleryData) -> list[int]:
    return [gallery_data.person(f"p{n}", id=FIRST + n, member_since=now()) for n in range(4)]


def test_a_board_is_shared_renamed_and_erased_with_its_owner(
    client: TestClient,
    send_as: Callable[[int], Callable[..., Any]],
    engine: Engine,
    gallery_data: GalleryData,
    members: list[int],
) -> None:
    ada, bob, cleo, _ = members
    name = create_board(engine, ada, BoardDraft("Foxes"), "")
    creation_id = gallery_data.publish(person_id=cleo)
    for invited in (bob, cleo):
        assert member_service.invite(engine, ada, name, invited)
    assert member_service.accept(engine, bob, name)
    assert set_boards(engine, bob, creation_id, BoardSelection(on=frozenset({name}))) == (["Foxes"], [])
    unlisted = update_board(engine, ada, name, BoardDraft("Foxes", public=False, unlisted=True))
    changed = rename_link(engine, ada, unlisted or "")
    assert len({name, unlisted, changed}) == 3
    assert client.get(f"/b/{changed}").status_code == 200
    send_as(bob)
    for path in (f"/b/{changed}", f"/b/{changed}/edit", "/me/boards", f"/c/{creation_id}", "/me/notifications"):
        assert client.get(path).status_code == 200, path
    assert [board.name for board in page_context(client.get("/me/boards"))["page"].boards] == [changed]
    erase_user(engine, ada)
    with read_connection(engine) as connection:
        assert connection.execute(select(boards)).all() == []
        assert connection.execute(select(board_members)).all() == []


def test_mutes_are_stored_once_under_concurrent_requests(engine: Engine, members: list[int]) -> None:
    ada, bob, *_ = members
    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(mute_person, engine, ada, bob)
            threads.submit(mute_topic, engine, ada, "Fox")
    with read_connection(engine) as connection:
        rows = connection.execute(select(mutes.c.muted_person_id, mutes.c.topic)).all()
    assert sorted(map(tuple, rows), key=str) == [(bob, None), (None, "fox")]


def test_pages_leave_out_what_is_muted(
    client: TestClient,
    send_as: Callable[[int], Callable[..., Any]],
    engine: Engine,
    gallery_data: GalleryData,
    members: list[int],
) -> None:
    ada, bob, cleo, _ = members
    for author, prompt in ((bob, "a cat"), (cleo, "a fox"), (cleo, "a dog")):
        gallery_data.publish(person_id=author, prompt=prompt)
    mute_person(engine, ada, bob)
    mute_topic(engine, ada, "fox")
    send_as(ada)
    assert [creation.prompt for creation in page_context(client.get("/"))["page"].creations] == ["a dog"]
    assert client.get("/me/mutes").status_code == 200


def test_mentions_count_and_a_comment_is_restored(
    client: TestClient, engine: Engine, gallery_data: GalleryData, members: list[int]
) -> None:
    ada, bob, cleo, dan = members
    creation_id = gallery_data.publish(person_id=ada)
    comment_id = add_comment(engine, bob, creation_id, NewComment("@p2 @p3 look", "")) or 0
    with read_connection(engine) as connection:
        assert count_unread(connection, members) == {ada: 1, bob: 0, cleo: 1, dan: 1}
        assert {person_id for _, person_id in list_recent(connection, 0)} == {ada, cleo, dan}
    assert delete_comment(engine, bob, creation_id, comment_id)
    assert restore_comment(engine, bob, creation_id, comment_id)
    assert 'href="/@p2"' in client.get(f"/c/{creation_id}").text
    with read_connection(engine) as connection:
        assert connection.execute(select(comments.c.text)).scalar_one() == "@p2 @p3 look"
