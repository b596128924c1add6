"""Boards: pictures on one page, public or visible to their owner only."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, func, insert, select

from core.clock import now
from core.database import write_session
from core.deletion import erase_user
from core.models import board_items, boards
from gallery.services import boards as board_service
from gallery.services.boards import BoardDraft, BoardRejected, BoardSelection
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context, template_name


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    return gallery_data.person("ada")


@pytest.fixture
def grace(gallery_data: GalleryData) -> int:
    return gallery_data.person("grace", "Grace")


@pytest.fixture
def token(client: TestClient, sign_in: Callable[[TestClient, int], str], ada: int) -> str:
    client.follow_redirects = False
    return sign_in(client, ada)


@pytest.fixture
def make(engine: Engine, ada: int) -> Callable[..., Any]:
    """Create a board and return its path: `make("Foxes", pictures=[17])`."""

    def board(title: str = "Foxes", *, pictures: Any = (), person_id: Any = ada, **values: Any) -> str:
        name = board_service.create_board(engine, person_id, BoardDraft(title, **values), "")
        for creation_id in pictures:
            board_service.set_boards(engine, person_id, creation_id, BoardSelection(on=frozenset({name})))
        return f"/b/{name}"

    return board


def prompts(response: Response) -> Any:
    return [one.prompt for one in page_context(response)["page"].creations]


def all_boards(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(boards).order_by(boards.c.id)).all()


def sizes(engine: Engine) -> Any:
    """Return the stored size of each board, and the number of its rows."""
    on = select(func.count()).where(board_items.c.board_id == boards.c.id).scalar_subquery()
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(boards.c.size, on).order_by(boards.c.id))]


def collect(client: TestClient, token: str, creation_id: int | str, **fields: Any) -> Any:
    return client.post("/me/boards/collect", data={"token": token, "creation": creation_id, **fields})


def test_board_is_created_and_shown(client: TestClient, engine: Engine, token: str) -> None:
    form = {"token": token, "title": "  Foxes  ", "about": "All\n\n foxes", "public": "yes", "idempotency_key": "a"}
    answer = client.post("/me/boards", data=form)
    page = client.get(answer.headers["location"])
    assert template_name(page) == "board.html"
    assert (page_context(page)["board"].title, page_context(page)["board"].about) == ("Foxes", "All\nfoxes")
    assert len(answer.headers["location"]) > 15


def test_form_sent_twice_creates_one_board(client: TestClient, engine: Engine, token: str) -> None:
    form = {"token": token, "title": "Foxes", "idempotency_key": "a"}
    first, second = client.post("/me/boards", data=form), client.post("/me/boards", data=form)
    assert first.headers["location"] == second.headers["location"]
    assert len(all_boards(engine)) == 1


def test_same_idempotency_key_of_another_user_creates_another_board(engine: Engine, ada: int, grace: int) -> None:
    assert board_service.create_board(engine, ada, BoardDraft("A"), "x") != board_service.create_board(
        engine, grace, BoardDraft("B"), "x"
    )


@pytest.mark.parametrize("title", ["", "   ", "\u200b\u2800", "x" * 101])
def test_rejected_title_shows_its_error_and_keeps_the_input(
    client: TestClient, engine: Engine, token: str, title: Any
) -> None:
    answer = client.post("/me/boards", data={"token": token, "title": title, "about": "my words"})
    assert answer.status_code == 422
    assert page_context(answer)["errors"]["title"]
    assert "my words" in answer.text
    assert all_boards(engine) == []


def test_board_shows_pictures_last_added_first(
    client: TestClient, gallery_data: GalleryData, make: Callable[..., Any]
) -> None:
    one, two = (
        gallery_data.publish(prompt="one"),
        gallery_data.publish(prompt="two", person_id=gallery_data.person("grace")),
    )
    assert prompts(client.get(make(pictures=[two, one]))) == ["one", "two"]


def test_board_pages_by_cursor(
    client: TestClient, gallery_data: GalleryData, engine: Engine, make: Callable[..., Any]
) -> None:
    path = make()
    board_id, moment = all_boards(engine)[0].id, now()
    ids = [gallery_data.publish(prompt=str(number), pictures=0) for number in range(PAGE_SIZE + 2)]
    rows = [{"board_id": board_id, "creation_id": one, "at": moment} for one in ids]
    with write_session(engine) as session:
        session.execute(insert(board_items), rows)
    first = client.get(path)
    second = client.get(path, params={"cursor": page_context(first)["page"].older})
    assert prompts(first) + prompts(second) == [str(number) for number in reversed(range(PAGE_SIZE + 2))]


def test_hidden_or_deleted_creations_are_not_on_boards_or_covers(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    public, hidden, deleted = (
        gallery_data.publish(prompt="public"),
        gallery_data.publish(prompt="hidden"),
        gallery_data.publish(prompt="deleted"),
    )
    path = make(pictures=[public, hidden, deleted])
    for what, creation_id in (("hide", hidden), ("delete", deleted)):
        client.post("/me/creations", data={"token": token, "do": what, "ids": creation_id, "confirmed": "yes"})
    page = client.get(path)
    assert prompts(page) == ["public"]
    assert "2 hidden or deleted" in page.text
    client.cookies.clear()
    assert "hidden or deleted" not in client.get(path).text
    assert len(page_context(client.get("/@ada/boards"))["boards"][0].cover) == 1


def test_cover_shows_four_pictures_and_no_sensitive_ones(
    client: TestClient, gallery_data: GalleryData, make: Callable[..., Any]
) -> None:
    make(pictures=[*(gallery_data.publish() for _ in range(5)), gallery_data.publish(sensitive=True)])
    assert len(page_context(client.get("/@ada/boards"))["boards"][0].cover) == 4


def test_private_board_is_visible_to_its_owner_only(
    client: TestClient,
    site: Callable[..., TestClient],
    sign_in: Callable[[TestClient, int], str],
    gallery_data: GalleryData,
    token: str,
    make: Callable[..., Any],
    grace: int,
) -> None:
    path = make("Secret foxes", public=False, pictures=[gallery_data.publish()])
    assert client.get(path).status_code == 200
    assert "noindex" in client.get(path).text
    other = site()
    assert other.get(path).status_code == 404
    sign_in(other, grace)
    for address in (path, f"{path}/edit"):
        assert other.get(address).status_code == 404
    assert "Secret" not in other.get("/@ada/boards").text
    assert "Secret" in client.get("/me/boards").text


def test_boards_of_hidden_users_are_not_found(
    client: TestClient, gallery_data: GalleryData, engine: Engine, make: Callable[..., Any]
) -> None:
    path = make(person_id=gallery_data.person("eve", hidden_at=now()))
    assert client.get(path).status_code == 404
    assert client.get(make(person_id=gallery_data.person("mallory", banned_at=now()))).status_code == 404
    assert page_context(client.get("/@mallory/boards"))["boards"] == []
    assert client.get("/api/people/mallory/boards").json()["items"] == []


def test_board_of_another_user_cannot_be_changed(
    client: TestClient,
    sign_in: Callable[[TestClient, int], str],
    gallery_data: GalleryData,
    engine: Engine,
    make: Callable[..., Any],
    grace: int,
) -> None:
    picture = gallery_data.publish()
    path = make(pictures=[picture])
    token = sign_in(client, grace)
    client.follow_redirects = False
    before = all_boards(engine)
    assert client.get(f"{path}/edit").status_code == 403
    for action in ("edit", "remove", "delete"):
        form = {"token": token, "title": "Mine", "ids": picture, "confirmed": "yes"}
        assert client.post(f"{path}/{action}", data=form).status_code == 403
    collect(client, token, picture, boards=path[3:])
    collect(client, token, picture, previous_boards=path[3:])
    assert all_boards(engine) == before
    assert sizes(engine) == [(1, 1)]


def test_owner_renames_a_board_and_makes_it_private(
    client: TestClient, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    path = make()
    assert 'value="Foxes"' in client.get(f"{path}/edit").text
    client.post(f"{path}/edit", data={"token": token, "title": "Wolves", "about": "More"})
    board = all_boards(engine)[0]
    assert (board.title, board.about, board.public) == ("Wolves", "More", False)
    assert f"/b/{board.name}" == path


def test_removing_pictures_twice_counts_once(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    ids = [gallery_data.publish() for _ in range(3)]
    path = make(pictures=ids)
    form = {"token": token, "ids": [str(one) for one in ids[:2]]}
    assert client.post(f"{path}/remove", data=form).headers["location"] == f"{path}/edit?removed=2"
    assert client.post(f"{path}/remove", data=form).headers["location"] == f"{path}/edit?removed=0"
    assert sizes(engine) == [(1, 1)]


def test_an_unpublished_creation_can_be_removed_from_a_board(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    one = gallery_data.publish(prompt="a hidden fox")
    path = make(pictures=[one])
    client.post("/me/creations", data={"token": token, "do": "hide", "ids": one})
    assert "Hidden or deleted" in client.get(f"{path}/edit").text
    client.post(f"{path}/remove", data={"token": token, "ids": one})
    assert sizes(engine) == [(0, 0)]


def test_deleting_a_board_needs_confirmation_and_keeps_its_pictures(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    one = gallery_data.publish()
    path = make(pictures=[one])
    client.post(f"{path}/delete", data={"token": token})
    assert len(all_boards(engine)) == 1
    answer = client.post(f"{path}/delete", data={"token": token, "confirmed": "yes"})
    assert "Board deleted." in client.get(answer.headers["location"]).text
    assert client.get(path).status_code == 404
    assert client.get(f"/c/{one}").status_code == 200
    assert client.post(f"{path}/delete", data={"token": token, "confirmed": "yes"}).status_code == 404


def test_one_form_adds_removes_and_creates_boards(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    one = gallery_data.publish()
    on, off = make("On"), make("Off", pictures=[one])
    page = client.get("/me/boards/collect", params={"creation": one})
    assert [(each.title, each.on) for each in page_context(page)["choices"]] == [("Off", True), ("On", False)]
    fields = {"boards": on[3:], "previous_boards": off[3:], "title": "New", "idempotency_key": "a"}
    for _ in range(2):
        answer = collect(client, token, one, **fields)
        assert answer.headers["location"] == f"/c/{one}"
    assert [(row.title, row.size) for row in all_boards(engine)] == [("On", 1), ("Off", 0), ("New", 1)]
    assert sizes(engine) == [(1, 1), (0, 0), (1, 1)]


def test_stale_form_changes_only_its_own_changes(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    one = gallery_data.publish()
    first, second = make("First"), make("Second")
    collect(client, token, one, boards=first[3:], previous_boards="")  # another tab
    collect(client, token, one, boards=second[3:], previous_boards="")
    assert sizes(engine) == [(1, 1), (1, 1)]


def test_json_client_gets_the_result_as_text(
    client: TestClient, gallery_data: GalleryData, token: str, make: Callable[..., Any]
) -> None:
    form = {"token": token, "creation": gallery_data.publish(), "boards": make()[3:]}
    answer = client.post("/me/boards/collect", data=form, headers={"Accept": "application/json"})
    assert answer.json()["words"] == "Added to “Foxes”."


def test_only_public_or_own_creations_go_on_boards(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any], grace: int
) -> None:
    path = make()
    own_hidden = gallery_data.publish(hidden_at=now(), published_at=None)
    foreign_hidden = gallery_data.publish(person_id=grace, hidden_at=now(), published_at=None)
    collect(client, token, own_hidden, boards=path[3:])
    assert sizes(engine) == [(1, 1)]
    gone = gallery_data.publish(deleted_at=now(), published_at=None)
    for creation_id in (foreign_hidden, gone, 0, "x", 10**30, "9" * 5000):
        assert collect(client, token, creation_id, boards=path[3:]).status_code == 404
        assert client.get("/me/boards/collect", params={"creation": creation_id}).status_code == 404
    assert sizes(engine) == [(1, 1)]


def test_full_board_and_too_many_boards_are_rejected_as_a_whole(
    client: TestClient,
    gallery_data: GalleryData,
    engine: Engine,
    token: str,
    make: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = gallery_data.publish(), gallery_data.publish()
    path = make(pictures=[one])
    monkeypatch.setattr(board_service, "MAX_PICTURES", 1)
    full = collect(client, token, two, boards=path[3:], title="New", public="yes")
    assert full.status_code == 422
    assert "is full" in page_context(full)["errors"]["title"]
    assert 'value="New"' in full.text
    assert sizes(engine) == [(1, 1)]
    monkeypatch.setattr(board_service, "MAX_BOARDS", 1)
    answer = client.post("/me/boards", data={"token": token, "title": "Another"})
    assert answer.status_code == 422
    assert "the most you can have" in page_context(answer)["errors"]["title"]


def test_anonymous_user_is_redirected_to_sign_in(client: TestClient) -> None:
    client.follow_redirects = False
    assert client.get("/me/boards").headers["location"] == "/sign-in?next=/me/boards"
    assert client.post("/me/boards", data={"title": "x"}).status_code == 303


def test_forms_require_the_csrf_token(client: TestClient, engine: Engine, token: str, make: Callable[..., Any]) -> None:
    path = make()
    for address in ("/me/boards", "/me/boards/collect", f"{path}/edit", f"{path}/remove", f"{path}/delete"):
        assert client.post(address, data={"title": "x", "confirmed": "yes"}).status_code == 403
    assert len(all_boards(engine)) == 1


def test_unknown_paths_are_not_found(client: TestClient, token: str) -> None:
    for name in ("nothing", "%00", "a" * 500, "%F0%9F%8E%A8"):
        assert client.get(f"/b/{name}").status_code == 404


def test_hostile_title_is_escaped(client: TestClient, make: Callable[..., Any], gallery_data: GalleryData) -> None:
    hostile = "<script>alert(1)</script>\u202e\"'"
    page = client.get(make(hostile, about=hostile, pictures=[gallery_data.publish()]))
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_profile_has_a_tab_of_boards(client: TestClient, gallery_data: GalleryData, make: Callable[..., Any]) -> None:
    make("Foxes", pictures=[gallery_data.publish()])
    make("Wolves", public=False)
    page = client.get("/@ADA/boards")
    assert [board.title for board in page_context(page)["boards"]] == ["Foxes"]
    assert 'href="/@ada/boards"' in client.get("/@ada").text
    assert client.get("/@nobody/boards").status_code == 404
    assert "No boards yet." in client.get(f"/@{'grace' if gallery_data.person('grace') else ''}/boards").text


def test_number_of_statements_does_not_grow_with_boards_and_pictures(
    client: TestClient, gallery_data: GalleryData, make: Callable[..., Any], token: str, statements: list[str]
) -> None:
    ids = [gallery_data.publish() for _ in range(6)]
    make(pictures=ids[:1])
    client.get("/me/boards")
    statements.clear()
    client.get("/me/boards")
    few = len(statements)
    for number in range(5):
        make(str(number), pictures=ids)
    statements.clear()
    client.get("/me/boards")
    assert len(statements) == few


def at_once(*actions: Any) -> Any:
    """Run all functions at the same moment. Return the exceptions."""
    start, flown = threading.Barrier(len(actions)), []

    def run(action: Any) -> None:
        start.wait()
        try:
            action()
        except Exception as error:
            flown.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return flown


class Together:
    """Concurrent changes: the stored sizes match the rows."""

    def test_eight_threads_add_and_remove_the_same_pictures(
        self, engine: Engine, gallery_data: GalleryData, ada: int, make: Callable[..., Any]
    ) -> None:
        ids = [gallery_data.publish(pictures=0) for _ in range(4)]
        names = [make(str(number))[3:] for number in range(2)]

        def put(turn: Any) -> None:
            for number in range(12):
                chosen = frozenset(names[:: 1 if turn % 2 else -1])
                selection = BoardSelection(on=chosen) if (number + turn) % 3 else BoardSelection(off=chosen)
                board_service.set_boards(engine, ada, ids[(number + turn) % 4], selection)

        assert at_once(*(lambda turn=turn: put(turn) for turn in range(8))) == []
        assert all(size == on for size, on in sizes(engine))

    def test_double_click_in_two_tabs_makes_one_board_with_one_picture(
        self, engine: Engine, gallery_data: GalleryData, ada: int
    ) -> None:
        one = gallery_data.publish(pictures=0)
        selection = BoardSelection(new=BoardDraft("New"), idempotency_key="a")
        assert at_once(*[lambda: board_service.set_boards(engine, ada, one, selection)] * 6) == []
        assert sizes(engine) == [(1, 1)]

    def test_board_is_deleted_while_pictures_are_added(
        self, engine: Engine, gallery_data: GalleryData, ada: int, make: Callable[..., Any]
    ) -> None:
        ids = [gallery_data.publish(pictures=0) for _ in range(20)]
        name = make()[3:]
        put = [
            lambda one=one: board_service.set_boards(engine, ada, one, BoardSelection(on=frozenset({name})))
            for one in ids[:5]
        ]
        assert at_once(*put, lambda: board_service.delete_board(engine, ada, name)) == []
        assert sizes(engine) == []

    def test_account_is_deleted_while_another_tab_adds_a_picture(
        self, engine: Engine, gallery_data: GalleryData, ada: int, grace: int, make: Callable[..., Any]
    ) -> None:
        ids = [gallery_data.publish(pictures=0, person_id=grace) for _ in range(6)]
        name = make()[3:]
        put = [
            lambda one=one: board_service.set_boards(engine, ada, one, BoardSelection(on=frozenset({name})))
            for one in ids
        ]
        assert at_once(*put[:3], lambda: erase_user(engine, ada), *put[3:]) == []
        assert sizes(engine) == []

    def test_limit_of_boards_holds(self, engine: Engine, ada: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(board_service, "MAX_BOARDS", 3)
        flown = at_once(
            *(lambda n=n: board_service.create_board(engine, ada, BoardDraft("x"), str(n)) for n in range(8))
        )
        assert [type(error) for error in flown] == [BoardRejected] * 5
        assert len(all_boards(engine)) == 3

    def test_limit_of_pictures_holds(
        self,
        engine: Engine,
        gallery_data: GalleryData,
        ada: int,
        make: Callable[..., Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(board_service, "MAX_PICTURES", 3)
        ids, name = [gallery_data.publish(pictures=0) for _ in range(8)], make()[3:]
        put = [
            lambda one=one: board_service.set_boards(engine, ada, one, BoardSelection(on=frozenset({name})))
            for one in ids
        ]
        assert [type(error) for error in at_once(*put)] == [BoardRejected] * 5
        assert sizes(engine) == [(3, 3)]


class TestTogetherInSqlite(Together):
    pass
