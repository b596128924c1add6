"""A member's own pictures: how they stand, and what is done with one or many at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import transaction
from core.line.waiting import Conditions
from core.models import State, creations
from core.money.budget import Room
from core.pace.pace import Window
from core.visibility import show
from gallery.keyset import PAGE_SIZE
from gallery.mine import standing

QUIET = Conditions(Window(100, 900, 100, 900), workers=1, painting=None, room=Room(None), price=1, at=now())


@pytest.fixture
def ada(wall):
    return wall.person("ada")


@pytest.fixture
def token(client, sign_in, ada):
    client.follow_redirects = False
    return sign_in(client, ada)


def row(engine, creation_id):
    with engine.connect() as connection:
        return connection.execute(select(creations).where(creations.c.id == creation_id)).one()


def prompts(response):
    return [one.prompt for one in response.context["page"].creations]


def stands(response, creation_id):
    stand = response.context["stands"][creation_id]
    return stand.words, stand.detail


def do(client, token, what, *ids, **fields):
    return client.post("/me/creations", data={"token": token, "do": what, "ids": [str(one) for one in ids], **fields})


def test_a_stranger_is_sent_to_sign_in(client):
    client.follow_redirects = False
    answer = client.get("/me?only=hidden")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/me%3Fonly%3Dhidden"


def test_a_new_member_reads_how_to_ask(client, token):
    page = client.get("/me")
    assert "Your wall is still empty." in page.text
    assert 'href="/paint"' in page.text
    assert "50 of 50 left today" in page.text
    assert page.headers["cache-control"] == "private, no-store"


def test_all_own_creations_are_there_newest_first_and_nobody_elses(client, wall, token):
    wall.hang(prompt="hangs")
    wall.creation(prompt="waits", next_attempt_at=now())
    wall.creation(prompt="refused", state=State.REFUSED, code="quota")
    wall.hang(prompt="hidden", hidden_at=now(), shown_at=None)
    wall.hang(prompt="deleted", deleted_at=now(), shown_at=None)
    wall.creation(prompt="a command", state=State.REFUSED, code="stop")
    wall.hang(prompt="grace's", person_id=wall.person("grace"))
    assert prompts(client.get("/me")) == ["hidden", "refused", "waits", "hangs"]


@pytest.mark.parametrize(
    ("only", "found"),
    [("wall", ["hangs"]), ("waiting", ["painted now", "waits"]), ("refused", ["no"]), ("hidden", ["hidden"])],
)
def test_a_filter_shows_one_kind(client, wall, token, only, found):
    wall.hang(prompt="hangs")
    wall.creation(prompt="waits", next_attempt_at=now())
    wall.creation(prompt="painted now", state=State.PAINTING, next_attempt_at=now())
    wall.creation(prompt="no", state=State.FAILED, code="gpu_failed")
    wall.hang(prompt="hidden", hidden_at=now(), shown_at=None)
    assert prompts(client.get("/me", params={"only": only})) == found


def test_an_unknown_filter_is_told(client, token):
    assert client.get("/me?only=%00").status_code == 422


@pytest.mark.parametrize("only", ["", "wall", "refused"])
def test_it_goes_on_by_keyset_without_gap_or_twice(client, wall, token, only):
    for number in range(PAGE_SIZE + 2):
        if only == "refused":
            wall.creation(prompt=str(number), state=State.REFUSED, code="quota")
        else:
            wall.hang(prompt=str(number), pictures=0)
    first = client.get("/me", params={"only": only})
    older = first.context["page"].older
    second = client.get("/me", params={"only": only, "cursor": older})
    assert prompts(first) + prompts(second) == [str(number) for number in reversed(range(PAGE_SIZE + 2))]
    assert f"cursor={older}" in first.text
    assert second.context["page"].older is None


def test_each_state_has_its_words(client, wall, token):
    hung = wall.hang()
    only_here = wall.hang(reply_outcome="x_post_gone")
    made_here = wall.hang(reply_outcome=None, state=State.PAINTED)
    refused = wall.creation(state=State.REFUSED, code="too_long")
    failed = wall.creation(state=State.FAILED, code="gpu_failed")
    painting = wall.creation(state=State.PAINTING)
    hidden = wall.hang(hidden_at=now(), shown_at=None)
    held = wall.hang(shown_at=None)
    page = client.get("/me")
    assert stands(page, hung) == ("On the wall", "Answered on X.")
    assert stands(page, only_here)[1].startswith("Gallery only: The post is gone")
    assert stands(page, made_here) == ("On the wall", "")
    assert stands(page, refused)[0] == "Not painted"
    assert "longer than the bot reads" in stands(page, refused)[1]
    assert stands(page, failed)[0] == "Could not be painted"
    assert stands(page, painting) == ("Being painted now", "")
    assert stands(page, hidden) == ("Hidden", "Only you see it.")
    assert stands(page, held)[0] == "Not on the wall"


def test_what_waits_says_its_place_in_the_line(wall, site, sign_in, ada):
    before = wall.creation(next_attempt_at=now(), turn=1, person_id=wall.person("grace"))
    waits = wall.creation(next_attempt_at=now(), turn=2)
    assert before != waits
    client = site(look_around=lambda: QUIET)
    sign_in(client, ada)
    assert stands(client.get("/me"), waits)[1].startswith("1 before you")


def test_the_quota_counts_what_was_asked_on_x_and_here(client, wall, token):
    for age in (1, 2, 30):
        wall.hang(created_at=now() - timedelta(hours=age))
    # The post's own time is X's; what is counted is when it came to the house.
    assert client.get("/me").context["left"] == 48


def test_hiding_takes_from_the_wall_and_showing_hangs_again_at_the_same_place(client, wall, engine, token):
    one, two = wall.hang(prompt="one"), wall.hang(prompt="two")
    place = row(engine, one).shown_at
    answer = do(client, token, "hide", one, two, next="/me?only=wall")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/me?only=wall&did=hide&count=2"
    assert "2 pictures are hidden now. Only you see them." in client.get(answer.headers["location"]).text
    assert row(engine, one).shown_at is None
    assert client.get("/api/creations").json()["items"] == []
    assert "count=1" in do(client, token, "unhide", one).headers["location"]
    assert row(engine, one).shown_at == place
    assert row(engine, two).shown_at is None


def test_doing_it_twice_changes_nothing_more(client, wall, engine, token):
    one = wall.hang()
    for what in ("hide", "unhide", "sensitive", "unsensitive"):
        assert "count=1" in do(client, token, what, one).headers["location"]
        before = row(engine, one)
        again = do(client, token, what, one)
        assert "count=0" in again.headers["location"]
        assert row(engine, one) == before
        assert "Nothing had to be changed." in client.get(again.headers["location"]).text


def test_what_is_hidden_while_it_waits_does_not_hang_when_it_is_painted(client, wall, engine, token):
    waits = wall.creation(next_attempt_at=now())
    do(client, token, "hide", waits)
    with transaction(engine) as session:
        session.execute(
            update(creations).where(creations.c.id == waits).values(state=State.PAINTED.value, painted_at=now())
        )
    wall.picture(waits)
    with transaction(engine) as session:
        assert show(session, creations.c.id == waits) == []
    assert "It was painted" not in client.get("/me").text
    assert "count=1" in do(client, token, "unhide", waits).headers["location"]
    assert row(engine, waits).shown_at is not None


def test_what_a_check_held_back_does_not_hang_by_unhiding(client, wall, engine, token):
    held = wall.hang(pictures=0, hidden_at=now(), shown_at=None)
    wall.picture(held, flagged=True)
    do(client, token, "unhide", held)
    assert row(engine, held).shown_at is None


def test_deleting_asks_once_more_and_says_what_goes(client, wall, engine, token):
    one = wall.hang(prompt="a fox", reply_post_id=5)
    page = do(client, token, "delete", one, next=f"/c/{one}")
    assert page.template.name == "delete.html"
    assert row(engine, one).deleted_at is None
    assert "answer on X goes" in page.text
    answer = do(client, token, "delete", one, sure="yes", next=f"/c/{one}")
    assert answer.headers["location"] == "/me?did=delete&count=1"
    assert row(engine, one).deleted_at is not None
    assert row(engine, one).shown_at is None
    assert client.get(f"/c/{one}").status_code == 410
    assert prompts(client.get("/me")) == []


def test_what_is_waiting_or_being_painted_can_be_deleted(client, wall, engine, token):
    waits = wall.creation(next_attempt_at=now())
    painting = wall.creation(state=State.PAINTING, next_attempt_at=now(), claim="a job")
    do(client, token, "delete", waits, painting, sure="yes")
    assert row(engine, waits).state == State.REFUSED
    assert row(engine, waits).next_attempt_at is None
    assert row(engine, painting).deleted_at is not None


def test_deleting_what_another_tab_deleted_is_no_error(client, wall, engine, token):
    one = wall.hang()
    do(client, token, "delete", one, sure="yes")
    for sure in ("", "yes"):
        answer = do(client, token, "delete", one, sure=sure)
        assert answer.headers["location"] == "/me?did=delete&count=0"


@pytest.mark.parametrize("what", ["hide", "unhide", "sensitive", "delete"])
@pytest.mark.parametrize("sure", ["", "yes"])
def test_with_one_of_somebody_else_among_them_nothing_is_done(client, wall, engine, token, what, sure):
    own, other = wall.hang(), wall.hang(person_id=wall.person("grace"))
    before = row(engine, own), row(engine, other)
    assert do(client, token, what, own, other, sure=sure).status_code == 403
    assert (row(engine, own), row(engine, other)) == before


def test_ids_that_are_none_are_refused(client, wall, token):
    for number in ("0", "-1", "x", "9" * 5000, str(2**63 - 1), "\0", "1;2"):
        assert do(client, token, "hide", number).status_code == 403
    assert do(client, token, "hide", *range(1, 102)).status_code == 422
    assert do(client, token, "rename", wall.hang()).status_code == 422


def test_nothing_chosen_is_told(client, token):
    answer = do(client, token, "hide")
    assert "Choose one picture or more first." in client.get(answer.headers["location"]).text


def test_without_its_token_no_form_is_taken(client, wall, engine, token):
    one = wall.hang()
    for wrong in ("", "x.y"):
        assert do(client, wrong, "hide", one).status_code == 403
    assert row(engine, one).hidden_at is None


def test_a_script_gets_the_words(client, wall, token):
    form = {"token": token, "do": "hide", "ids": [str(wall.hang())]}
    answer = client.post("/me/creations", data=form, headers={"Accept": "application/json"})
    assert answer.json() == {"did": "hide", "count": 1, "words": "1 picture is hidden now. Only you see it."}


def test_it_never_leads_to_another_site(client, wall, token):
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert do(client, token, "hide", wall.hang(), next=wanted).headers["location"].startswith("/me?did=")


def test_hidden_creations_show_to_their_owner_alone(client, site, wall, engine, token, sign_in):
    one = wall.hang(prompt="a secret fox")
    do(client, token, "hide", one)
    picture = client.get("/me").context["page"].creations[0].pictures[0].thumb_url
    assert client.get(picture).status_code == 200
    other = site()
    sign_in(other, wall.person("grace"))
    assert other.get(f"/c/{one}").status_code == 404
    assert other.get(picture).status_code == 404
    assert "secret" not in other.get("/@ada").text


def test_words_that_are_shown_to_nobody_are_not_shown_here(client, wall, token):
    wall.creation(prompt="unspeakable", state=State.REFUSED, code="unsafe")
    assert "unspeakable" not in client.get("/me").text


def test_the_number_of_questions_does_not_grow_with_the_pictures(client, wall, token, statements):
    wall.hang()
    client.get("/me")
    statements.clear()
    client.get("/me")
    few = len(statements)
    for _ in range(10):
        wall.hang()
    statements.clear()
    client.get("/me")
    assert len(statements) == few


@pytest.mark.parametrize("do_what", list(standing.DONE))
def test_one_and_many_read_well(do_what):
    assert standing.told(do_what, 1).startswith("1 picture is ")
    assert standing.told(do_what, 2).startswith("2 pictures are ")
