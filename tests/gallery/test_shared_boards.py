"""Boards that several members share, and boards that only those find who know the address."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from core.clock import now
from core.database import read_connection
from core.deletion import erase_user
from core.models import board_items, board_members, boards, notifications
from gallery.services import board_members as member_service
from gallery.services import boards as board_service
from gallery.services.boards import BoardDraft, BoardRejected, BoardSelection
from gallery.services.mutes import mute_person
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context


@pytest.fixture
def bob(gallery_data: GalleryData) -> int:
    return gallery_data.person("bob", "Bob", member_since=now())


@pytest.fixture
def cleo(gallery_data: GalleryData) -> int:
    return gallery_data.person("cleo", "Cleo", member_since=now())


@pytest.fixture
def name(engine: Engine, ada: int) -> str:
    """Return the name of a private board of Ada."""
    return board_service.create_board(engine, ada, BoardDraft("Foxes", public=False), "")


@pytest.fixture
def as_(client: TestClient, send_as: Callable[[int], Callable[..., Any]]) -> Callable[[int], Callable[..., Any]]:
    """Sign a member in, instead of the last one. Return a function that sends their forms."""

    def sign_in_as(person_id: int) -> Callable[..., Any]:
        client.cookies.clear()
        return send_as(person_id)

    return sign_in_as


def rows(engine: Engine, table: Any) -> Any:
    with read_connection(engine) as connection:
        return connection.execute(select(table)).all()


def test_invited_members_join_add_remove_and_leave(
    client: TestClient,
    as_: Callable[..., Any],
    engine: Engine,
    gallery_data: GalleryData,
    ada: int,
    bob: int,
    name: str,
) -> None:
    creation_id = gallery_data.publish(prompt="a fox", person_id=ada)
    assert as_(ada)(f"/b/{name}/members", handle="@Bob").headers["Location"] == f"/b/{name}/edit#members"
    send = as_(bob)
    assert "Ada invited you to the board" in " ".join(
        re.sub("<[^>]+>", "", client.get("/me/notifications").text).split()
    )
    assert [board.title for board in page_context(client.get("/me/boards"))["invitations"]] == ["Foxes"]
    assert send(f"/b/{name}/remove", ids=creation_id).status_code == 403
    assert send(f"/b/{name}/accept").headers["Location"] == f"/b/{name}"
    assert send("/me/boards/collect", creation=creation_id, boards=name).status_code == 303
    assert [row.creation_id for row in rows(engine, board_items)] == [creation_id]
    shown = page_context(client.get(f"/b/{name}"))
    assert (shown["role"], [one.person.id for one in shown["members"]]) == ("member", [bob])
    assert [board.name for board in page_context(client.get("/me/boards"))["page"].boards] == [name]
    edit = client.get(f"/b/{name}/edit").text
    assert "Invite by handle" not in edit and "Delete board" not in edit
    assert send(f"/b/{name}/remove", ids=creation_id).headers["Location"].endswith("?removed=1")
    assert send(f"/b/{name}/add", ids=creation_id).status_code == 303
    assert send(f"/b/{name}/leave").headers["Location"] == "/me/boards?done=left"
    assert send(f"/b/{name}/remove", ids=creation_id).status_code == 404
    assert [row.size for row in rows(engine, boards)] == [1]


@pytest.mark.parametrize(
    "path",
    ["/b/{name}/members", "/b/{name}/members/remove", "/b/{name}/edit", "/b/{name}/link", "/b/{name}/delete"],
)
def test_only_the_owner_manages_a_board(
    as_: Callable[..., Any], engine: Engine, ada: int, bob: int, cleo: int, name: str, path: str
) -> None:
    fields = {"handle": "@cleo", "person": str(bob), "title": "Mine", "confirmed": "yes"}
    assert as_(cleo)(path.format(name=name), **fields).status_code == 404
    member_service.invite(engine, ada, name, bob)
    member_service.accept(engine, bob, name)
    assert as_(bob)(path.format(name=name), **fields).status_code == 403
    assert [(row.name, row.title) for row in rows(engine, boards)] == [(name, "Foxes")]
    assert [row.person_id for row in rows(engine, board_members)] == [bob]


def test_invitations_can_be_declined_taken_back_and_are_sent_once(
    client: TestClient, as_: Callable[..., Any], engine: Engine, ada: int, bob: int, cleo: int, name: str
) -> None:
    for _ in range(2):
        assert member_service.invite(engine, ada, name, bob)
        assert member_service.invite(engine, ada, name, cleo)
    assert [row.person_id for row in rows(engine, notifications)] == [bob, cleo]
    assert as_(bob)(f"/b/{name}/leave").status_code == 303
    assert as_(ada)(f"/b/{name}/members/remove", person=cleo).status_code == 303
    assert rows(engine, board_members) == [] == rows(engine, notifications)
    assert as_(bob)(f"/b/{name}/accept").status_code == 404
    assert client.get(f"/b/{name}").status_code == 404


@pytest.mark.parametrize("handle", ["", "@nobody", "@ada", "x" * 500, "\x00", "<b>"])
def test_wrong_handles_are_said_beside_the_field(
    as_: Callable[..., Any], engine: Engine, ada: int, name: str, handle: str
) -> None:
    answer = as_(ada)(f"/b/{name}/members", handle=handle)
    assert answer.status_code == 422
    assert 'id="handle-error"' in answer.text
    assert rows(engine, board_members) == []


def test_muting_the_owner_suppresses_the_notification_of_an_invitation(
    client: TestClient, as_: Callable[..., Any], engine: Engine, ada: int, bob: int, name: str
) -> None:
    mute_person(engine, bob, ada)
    member_service.invite(engine, ada, name, bob)
    as_(bob)
    assert rows(engine, notifications) == []
    assert page_context(client.get("/me/boards"))["invitations"] == []


def test_a_board_has_a_limit_of_members(engine: Engine, ada: int, bob: int, cleo: int, name: str) -> None:
    member_service.invite(engine, ada, name, bob)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(member_service, "MAX_MEMBERS", 1)
        with pytest.raises(BoardRejected, match="up to 1"):
            member_service.invite(engine, ada, name, cleo)


def test_unlisted_boards_open_by_their_link_alone(
    client: TestClient, as_: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    public = board_service.create_board(engine, ada, BoardDraft("Foxes"), "")
    board_service.set_boards(engine, ada, gallery_data.publish(), BoardSelection(on=frozenset({public})))
    send = as_(ada)
    name = send(f"/b/{public}/edit", title="Foxes", visibility="unlisted").headers["Location"].removeprefix("/b/")
    assert name != public, "everybody could have seen the address"
    again = send(f"/b/{name}/edit", title="Red foxes", visibility="unlisted").headers["Location"]
    assert again == f"/b/{name}"
    client.cookies.clear()
    assert client.get(f"/b/{public}").status_code == 404
    page = client.get(f"/b/{name}")
    assert page.status_code == 200
    assert '<meta name="robots" content="noindex">' in page.text
    listed = (client.get(path).text for path in ("/@ada/boards", "/sitemap.xml", "/api/people/ada/boards"))
    assert all(name not in text for text in listed)
    changed = as_(ada)(f"/b/{name}/link").headers["Location"]
    client.cookies.clear()
    assert client.get(f"/b/{name}").status_code == 404
    assert client.get(changed.removesuffix("/edit")).status_code == 200


def test_erasing_an_owner_or_a_member_leaves_no_membership(
    client: TestClient, as_: Callable[..., Any], engine: Engine, ada: int, bob: int, cleo: int, name: str
) -> None:
    other = board_service.create_board(engine, bob, BoardDraft("Cats"), "")
    for owner, board, invited in ((ada, name, bob), (ada, name, cleo), (bob, other, cleo)):
        member_service.invite(engine, owner, board, invited)
    as_(cleo)
    assert len(client.get("/me/data.json").json()["shared_boards"]) == 2
    erase_user(engine, ada)
    assert [(row.person_id, row.board_id) for row in rows(engine, board_members)] == [(cleo, 2)]
    assert [row.board_id for row in rows(engine, notifications)] == [2]
    erase_user(engine, cleo)
    assert rows(engine, board_members) == []


def test_deleting_a_shared_board_removes_its_invitations(engine: Engine, ada: int, bob: int, name: str) -> None:
    member_service.invite(engine, ada, name, bob)
    assert board_service.delete_board(engine, ada, name)
    assert rows(engine, board_members) == [] == rows(engine, notifications)
