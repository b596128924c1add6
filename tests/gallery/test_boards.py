"""Boards: several pictures on one page, shown to everybody or to their owner alone."""

import threading

import pytest
from sqlalchemy import func, insert, select

from core.clock import now
from core.database import transaction
from core.forgetting import forget_person
from core.models import boards, collected
from gallery.keyset import PAGE_SIZE
from gallery.mine import pinning
from gallery.mine.pinning import Draft, NotDone, Wish


@pytest.fixture
def ada(wall):
    return wall.person("ada")


@pytest.fixture
def grace(wall):
    return wall.person("grace", "Grace")


@pytest.fixture
def token(client, sign_in, ada):
    client.follow_redirects = False
    return sign_in(client, ada)


@pytest.fixture
def make(engine, ada):
    """Makes a board: `make("Foxes", pictures=[17])`; returns its address."""

    def board(title="Foxes", *, pictures=(), person_id=ada, **values):
        name = pinning.make(engine, person_id, Draft(title, **values), "")
        for creation_id in pictures:
            pinning.collect(engine, person_id, creation_id, Wish(on=frozenset({name})))
        return f"/b/{name}"

    return board


def prompts(response):
    return [one.prompt for one in response.context["page"].creations]


def all_boards(engine):
    with engine.connect() as connection:
        return connection.execute(select(boards).order_by(boards.c.id)).all()


def sizes(engine):
    """Of each board its count, and what is really on it."""
    on = select(func.count()).where(collected.c.board_id == boards.c.id).scalar_subquery()
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(boards.c.size, on).order_by(boards.c.id))]


def collect(client, token, creation_id, **fields):
    return client.post("/me/boards/collect", data={"token": token, "creation": creation_id, **fields})


def test_a_board_is_made_and_opened(client, engine, token):
    form = {"token": token, "title": "  Foxes  ", "about": "All\n\n foxes", "public": "yes", "once": "a"}
    answer = client.post("/me/boards", data=form)
    page = client.get(answer.headers["location"])
    assert page.template.name == "board.html"
    assert (page.context["board"].title, page.context["board"].about) == ("Foxes", "All\nfoxes")
    assert len(answer.headers["location"]) > 15


def test_the_same_form_sent_twice_makes_one_board(client, engine, token):
    form = {"token": token, "title": "Foxes", "once": "a"}
    first, second = client.post("/me/boards", data=form), client.post("/me/boards", data=form)
    assert first.headers["location"] == second.headers["location"]
    assert len(all_boards(engine)) == 1


def test_the_same_nonce_of_somebody_else_makes_another_board(engine, ada, grace):
    assert pinning.make(engine, ada, Draft("A"), "x") != pinning.make(engine, grace, Draft("B"), "x")


@pytest.mark.parametrize("title", ["", "   ", "\u200b\u2800", "x" * 101])
def test_what_is_wrong_with_a_name_is_told_beside_it_and_keeps_what_was_typed(client, engine, token, title):
    answer = client.post("/me/boards", data={"token": token, "title": title, "about": "my words"})
    assert answer.status_code == 422
    assert answer.context["wrong"]["title"]
    assert "my words" in answer.text
    assert all_boards(engine) == []


def test_a_board_hangs_its_pictures_put_there_last_first(client, wall, make):
    one, two = wall.hang(prompt="one"), wall.hang(prompt="two", person_id=wall.person("grace"))
    assert prompts(client.get(make(pictures=[two, one]))) == ["one", "two"]


def test_it_goes_on_by_keyset(client, wall, engine, make):
    path = make()
    board_id, moment = all_boards(engine)[0].id, now()
    ids = [wall.hang(prompt=str(number), pictures=0) for number in range(PAGE_SIZE + 2)]
    rows = [{"board_id": board_id, "creation_id": one, "at": moment} for one in ids]
    with transaction(engine) as session:
        session.execute(insert(collected), rows)
    first = client.get(path)
    second = client.get(path, params={"cursor": first.context["page"].older})
    assert prompts(first) + prompts(second) == [str(number) for number in reversed(range(PAGE_SIZE + 2))]


def test_what_is_hidden_or_deleted_does_not_hang_on_boards_or_covers(client, wall, engine, token, make):
    hangs, hidden, deleted = wall.hang(prompt="hangs"), wall.hang(prompt="hidden"), wall.hang(prompt="deleted")
    path = make(pictures=[hangs, hidden, deleted])
    for what, creation_id in (("hide", hidden), ("delete", deleted)):
        client.post("/me/creations", data={"token": token, "do": what, "ids": creation_id, "sure": "yes"})
    page = client.get(path)
    assert prompts(page) == ["hangs"]
    assert "2 of them do not hang now" in page.text
    client.cookies.clear()
    assert "do not hang" not in client.get(path).text
    assert len(client.get("/@ada/boards").context["shelf"].boards[0].cover) == 1


def test_a_cover_shows_four_and_none_that_is_sensitive(client, wall, make):
    make(pictures=[*(wall.hang() for _ in range(5)), wall.hang(sensitive=True)])
    assert len(client.get("/@ada/boards").context["shelf"].boards[0].cover) == 4


def test_a_private_board_is_there_for_its_owner_alone(client, site, sign_in, wall, token, make, grace):
    path = make("Secret foxes", public=False, pictures=[wall.hang()])
    assert client.get(path).status_code == 200
    assert "noindex" in client.get(path).text
    other = site()
    assert other.get(path).status_code == 404
    sign_in(other, grace)
    for address in (path, f"{path}/edit"):
        assert other.get(address).status_code == 404
    assert "Secret" not in other.get("/@ada/boards").text
    assert "Secret" in client.get("/me/boards").text


def test_boards_of_somebody_out_of_sight_are_not_there(client, wall, engine, make):
    path = make(person_id=wall.person("eve", hidden_at=now()))
    assert client.get(path).status_code == 404
    assert client.get(make(person_id=wall.person("mallory", banned_at=now()))).status_code == 404
    assert client.get("/@mallory/boards").context["shelf"].boards == []
    assert client.get("/api/people/mallory/boards").json()["items"] == []


def test_nobody_changes_a_board_of_somebody_else(client, sign_in, wall, engine, make, grace):
    picture = wall.hang()
    path = make(pictures=[picture])
    token = sign_in(client, grace)
    client.follow_redirects = False
    before = all_boards(engine)
    assert client.get(f"{path}/edit").status_code == 403
    for deed in ("edit", "remove", "delete"):
        form = {"token": token, "title": "Mine", "ids": picture, "sure": "yes"}
        assert client.post(f"{path}/{deed}", data=form).status_code == 403
    collect(client, token, picture, boards=path[3:])
    collect(client, token, picture, was=path[3:])
    assert all_boards(engine) == before
    assert sizes(engine) == [(1, 1)]


def test_its_owner_calls_it_otherwise_and_takes_it_out_of_sight(client, engine, token, make):
    path = make()
    assert 'value="Foxes"' in client.get(f"{path}/edit").text
    client.post(f"{path}/edit", data={"token": token, "title": "Wolves", "about": "More"})
    board = all_boards(engine)[0]
    assert (board.title, board.about, board.public) == ("Wolves", "More", False)
    assert f"/b/{board.name}" == path


def test_pictures_are_taken_off_many_at_once_and_twice_is_once(client, wall, engine, token, make):
    ids = [wall.hang() for _ in range(3)]
    path = make(pictures=ids)
    form = {"token": token, "ids": [str(one) for one in ids[:2]]}
    assert client.post(f"{path}/remove", data=form).headers["location"] == f"{path}/edit?took=2"
    assert client.post(f"{path}/remove", data=form).headers["location"] == f"{path}/edit?took=0"
    assert sizes(engine) == [(1, 1)]


def test_what_does_not_hang_any_more_can_be_taken_off(client, wall, engine, token, make):
    one = wall.hang(prompt="a hidden fox")
    path = make(pictures=[one])
    client.post("/me/creations", data={"token": token, "do": "hide", "ids": one})
    assert "Does not hang now" in client.get(f"{path}/edit").text
    client.post(f"{path}/remove", data={"token": token, "ids": one})
    assert sizes(engine) == [(0, 0)]


def test_deleting_a_board_asks_for_a_yes_and_leaves_the_pictures(client, wall, engine, token, make):
    one = wall.hang()
    path = make(pictures=[one])
    client.post(f"{path}/delete", data={"token": token})
    assert len(all_boards(engine)) == 1
    answer = client.post(f"{path}/delete", data={"token": token, "sure": "yes"})
    assert "The board is deleted." in client.get(answer.headers["location"]).text
    assert client.get(path).status_code == 404
    assert client.get(f"/c/{one}").status_code == 200
    assert client.post(f"{path}/delete", data={"token": token, "sure": "yes"}).status_code == 404


def test_one_form_puts_a_picture_on_boards_off_others_and_on_a_new_one(client, wall, engine, token, make):
    one = wall.hang()
    on, off = make("On"), make("Off", pictures=[one])
    page = client.get("/me/boards/collect", params={"creation": one})
    assert [(each.title, each.on) for each in page.context["choices"]] == [("Off", True), ("On", False)]
    fields = {"boards": on[3:], "was": off[3:], "title": "New", "once": "a"}
    for _ in range(2):
        answer = collect(client, token, one, **fields)
        assert answer.headers["location"] == f"/c/{one}"
    assert [(row.title, row.size) for row in all_boards(engine)] == [("On", 1), ("Off", 0), ("New", 1)]
    assert sizes(engine) == [(1, 1), (0, 0), (1, 1)]


def test_a_form_that_was_open_for_long_changes_only_what_was_changed_in_it(client, wall, engine, token, make):
    one = wall.hang()
    first, second = make("First"), make("Second")
    collect(client, token, one, boards=first[3:], was="")  # another tab
    collect(client, token, one, boards=second[3:], was="")
    assert sizes(engine) == [(1, 1), (1, 1)]


def test_a_script_is_told_what_was_done(client, wall, token, make):
    form = {"token": token, "creation": wall.hang(), "boards": make()[3:]}
    answer = client.post("/me/boards/collect", data=form, headers={"Accept": "application/json"})
    assert answer.json()["words"] == "It is on “Foxes” now."


def test_only_what_hangs_or_is_ones_own_is_collected(client, wall, engine, token, make, grace):
    path = make()
    own_hidden = wall.hang(hidden_at=now(), shown_at=None)
    foreign_hidden = wall.hang(person_id=grace, hidden_at=now(), shown_at=None)
    collect(client, token, own_hidden, boards=path[3:])
    assert sizes(engine) == [(1, 1)]
    gone = wall.hang(deleted_at=now(), shown_at=None)
    for creation_id in (foreign_hidden, gone, 0, "x", 10**30, "9" * 5000):
        assert collect(client, token, creation_id, boards=path[3:]).status_code == 404
        assert client.get("/me/boards/collect", params={"creation": creation_id}).status_code == 404
    assert sizes(engine) == [(1, 1)]


def test_a_full_board_and_too_many_boards_are_told_and_nothing_is_half_done(
    client, wall, engine, token, make, monkeypatch
):
    one, two = wall.hang(), wall.hang()
    path = make(pictures=[one])
    monkeypatch.setattr(pinning, "MOST_ON_ONE", 1)
    full = collect(client, token, two, boards=path[3:], title="New", public="yes")
    assert full.status_code == 422
    assert "is full" in full.context["wrong"]["title"]
    assert 'value="New"' in full.text
    assert sizes(engine) == [(1, 1)]
    monkeypatch.setattr(pinning, "MOST_BOARDS", 1)
    answer = client.post("/me/boards", data={"token": token, "title": "Another"})
    assert answer.status_code == 422
    assert "that is the most" in answer.context["wrong"]["title"]


def test_a_stranger_is_sent_to_sign_in(client):
    client.follow_redirects = False
    assert client.get("/me/boards").headers["location"] == "/sign-in?next=/me/boards"
    assert client.post("/me/boards", data={"title": "x"}).status_code == 303


def test_without_its_token_no_form_is_taken(client, engine, token, make):
    path = make()
    for address in ("/me/boards", "/me/boards/collect", f"{path}/edit", f"{path}/remove", f"{path}/delete"):
        assert client.post(address, data={"title": "x", "sure": "yes"}).status_code == 403
    assert len(all_boards(engine)) == 1


def test_addresses_that_lead_nowhere_are_not_found(client, token):
    for name in ("nothing", "%00", "a" * 500, "%F0%9F%8E%A8"):
        assert client.get(f"/b/{name}").status_code == 404


def test_hostile_words_are_text(client, make, wall):
    hostile = "<script>alert(1)</script>\u202e\"'"
    page = client.get(make(hostile, about=hostile, pictures=[wall.hang()]))
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_the_boards_of_a_person_are_a_tab_of_their_page(client, wall, make):
    make("Foxes", pictures=[wall.hang()])
    make("Wolves", public=False)
    page = client.get("/@ADA/boards")
    assert [board.title for board in page.context["shelf"].boards] == ["Foxes"]
    assert 'href="/@ada/boards"' in client.get("/@ada").text
    assert client.get("/@nobody/boards").status_code == 404
    assert "No boards yet." in client.get(f"/@{'grace' if wall.person('grace') else ''}/boards").text


def test_the_number_of_questions_does_not_grow_with_boards_and_pictures(client, wall, make, token, statements):
    ids = [wall.hang() for _ in range(6)]
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


def at_once(*deeds):
    """Runs all at the same moment; returns what flew."""
    start, flown = threading.Barrier(len(deeds)), []

    def run(deed):
        start.wait()
        try:
            deed()
        except Exception as error:
            flown.append(error)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return flown


class Together:
    """Many at the same time: what is counted is what is there."""

    def test_eight_who_put_and_take_the_same_pictures(self, engine, wall, ada, make):
        ids = [wall.hang(pictures=0) for _ in range(4)]
        names = [make(str(number))[3:] for number in range(2)]

        def put(turn):
            for number in range(12):
                wish = Wish(**{"on" if (number + turn) % 3 else "off": frozenset(names[:: 1 if turn % 2 else -1])})
                pinning.collect(engine, ada, ids[(number + turn) % 4], wish)

        assert at_once(*(lambda turn=turn: put(turn) for turn in range(8))) == []
        assert all(size == on for size, on in sizes(engine))

    def test_a_double_click_in_two_tabs_is_one_board_with_one_picture(self, engine, wall, ada):
        one = wall.hang(pictures=0)
        wish = Wish(new=Draft("New"), once="a")
        assert at_once(*[lambda: pinning.collect(engine, ada, one, wish)] * 6) == []
        assert sizes(engine) == [(1, 1)]

    def test_a_board_that_is_deleted_while_others_put_something_on_it(self, engine, wall, ada, make):
        ids = [wall.hang(pictures=0) for _ in range(20)]
        name = make()[3:]
        put = [lambda one=one: pinning.collect(engine, ada, one, Wish(on=frozenset({name}))) for one in ids[:5]]
        assert at_once(*put, lambda: pinning.remove_board(engine, ada, name)) == []
        assert sizes(engine) == []

    def test_a_member_who_leaves_while_another_tab_puts_something_on_their_board(self, engine, wall, ada, grace, make):
        ids = [wall.hang(pictures=0, person_id=grace) for _ in range(6)]
        name = make()[3:]
        put = [lambda one=one: pinning.collect(engine, ada, one, Wish(on=frozenset({name}))) for one in ids]
        assert at_once(*put[:3], lambda: forget_person(engine, ada), *put[3:]) == []
        assert sizes(engine) == []

    def test_the_limit_of_boards_holds(self, engine, ada, monkeypatch):
        monkeypatch.setattr(pinning, "MOST_BOARDS", 3)
        flown = at_once(*(lambda n=n: pinning.make(engine, ada, Draft("x"), str(n)) for n in range(8)))
        assert [type(error) for error in flown] == [NotDone] * 5
        assert len(all_boards(engine)) == 3

    def test_the_limit_of_pictures_holds(self, engine, wall, ada, make, monkeypatch):
        monkeypatch.setattr(pinning, "MOST_ON_ONE", 3)
        ids, name = [wall.hang(pictures=0) for _ in range(8)], make()[3:]
        put = [lambda one=one: pinning.collect(engine, ada, one, Wish(on=frozenset({name}))) for one in ids]
        assert [type(error) for error in at_once(*put)] == [NotDone] * 5
        assert sizes(engine) == [(3, 3)]


class TestTogetherInSqlite(Together):
    pass
