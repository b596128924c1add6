"""Remixes and re-runs: what is made from a picture knows it, and is answered on X where there is a post to answer."""

import pytest

from core.clock import now
from core.database import transaction
from core.models import State, creations, people, posts, watched
from tests.gallery.conftest import NOON
from tests.support.composing import ada, change, member, rows, shop

__all__ = ["ada", "member", "rows", "shop"]


def test_a_remix_is_filled_in_with_the_words_and_options_of_its_parent_but_not_the_seed(ada, wall):
    theirs = wall.person("grace")
    parent = wall.hang(prompt="a fox", person_id=theirs, style="ink", aspect_ratio="4:5", steps=9, count=2, pictures=2)
    answer = ada.client.get(f"/paint?remix={parent}")
    typed = answer.context["typed"]
    assert (typed.prompt, typed.style, typed.shape, typed.steps, typed.count) == ("a fox", "ink", "4:5", "9", "2")
    assert (typed.seed, typed.start) == ("", "")
    assert [start.value for start in answer.context["starts"]] == ["", "picture:0", "picture:1"]


def test_a_remix_knows_its_parent_and_starts_from_the_chosen_picture(ada, wall, rows, engine):
    parent = wall.hang(person_id=wall.person("grace"))
    key = wall.picture(parent, 1, "plum")
    ada.paint(remix=str(parent), start="picture:1")
    child = rows()[-1]
    assert (child.parent_id, child.start_key, child.person_id) == (parent, key, ada.id)


def test_how_far_to_go_from_a_picture_is_chosen_in_words_and_of_no_use_without_one(ada, wall, rows):
    parent = wall.hang()
    ada.paint(remix=str(parent), start="picture:0", far="close")
    ada.paint(prompt="without", far="close")
    assert [row.strength for row in rows()[1:]] == [0.35, None]
    own = rows()[1].id
    assert ada.client.get(f"/paint?remix={own}").context["typed"].far == "close"
    ada.again(own)
    assert rows()[-1].strength == 0.35


def brought(wall, person_id, **values):
    """A creation that begins from a picture which its author brought along."""
    key = wall.storage.put(b"a photo of %d" % person_id, "webp")
    return wall.hang(person_id=person_id, **{"start_key": key, "start_owner_id": person_id, "strength": 0.8, **values})


def test_nobody_comes_closer_to_a_picture_that_somebody_else_brought_along(ada, wall, rows):
    theirs, own = brought(wall, wall.person("grace")), brought(wall, ada.id)
    for parent in (theirs, own):
        ada.paint(remix=str(parent), start="same", far="close")
    assert [(row.start_owner_id, row.strength) for row in rows()[2:]] == [(wall.person("grace"), 0.8), (ada.id, 0.35)]


def test_nor_along_a_chain_of_their_own_copies(ada, member, wall, rows):
    parent = brought(wall, wall.person("grace"))
    bea = member("bea")
    for who in (ada, ada, bea, ada):
        who.paint(remix=str(parent), start="same", far="close")
        copy = rows()[-1]
        assert (copy.start_owner_id, copy.strength, copy.parent_id) == (wall.person("grace"), 0.8, parent)
        shown(wall, parent := copy.id)
    ada.again(parent)
    assert rows()[-1].strength == 0.8
    ada.paint(remix=str(parent), start="same", far="far")
    assert rows()[-1].strength == 0.8


def test_how_far_is_measured_also_where_nobody_chose_it(ada, wall, rows):
    parent = brought(wall, wall.person("grace"), strength=None)
    for far, strength in (("close", None), ("halfway", None), ("far", 0.8), ("", None)):
        ada.paint(prompt=f"a {far} fox", remix=str(parent), start="same", far=far)
        assert rows()[-1].strength == strength


def test_the_owner_goes_as_near_as_they_like_from_anybodys_copy(ada, member, wall, rows):
    parent = brought(wall, ada.id)
    member("bea").paint(remix=str(parent), start="same", far="close")
    copy = rows()[-1].id
    shown(wall, copy)
    ada.paint(remix=str(copy), start="same", far="close")
    assert (rows()[-1].start_owner_id, rows()[-1].strength) == (ada.id, 0.35)


@pytest.mark.parametrize("hides", ["creation", "person"])
def test_what_its_owner_hides_others_do_not_begin_from_through_a_copy(ada, member, wall, rows, engine, hides):
    grace = wall.person("grace")
    parent = brought(wall, grace)
    ada.paint(remix=str(parent), start="same")
    copy = rows()[-1].id
    shown(wall, copy)
    with transaction(engine) as session:
        if hides == "person":
            session.execute(people.update().where(people.c.id == grace).values(hidden_at=now()))
        else:
            session.execute(creations.update().where(creations.c.id == parent).values(hidden_at=now(), shown_at=None))
    bea = member("bea")
    for who in (ada, bea):
        assert [one.value for one in who.client.get(f"/paint?remix={copy}").context["starts"]] == [""]
        assert "start" in who.paint(remix=str(copy), start="same").context["errors"]
        who.again(copy)
        assert (rows()[-1].start_key, rows()[-1].strength, rows()[-1].parent_id) == (None, None, copy)


def test_a_picture_that_is_hidden_is_no_start_through_a_remix_of_it(ada, member, wall, rows, engine):
    parent = wall.hang(person_id=wall.person("grace"))
    ada.paint(remix=str(parent), start="picture:0")
    copy = rows()[-1].id
    shown(wall, copy)
    bea = member("bea")
    bea.again(copy)
    assert rows()[-1].start_key is not None
    with transaction(engine) as session:
        session.execute(creations.update().where(creations.c.id == parent).values(hidden_at=now(), shown_at=None))
    bea.again(copy, once="another")
    assert rows()[-1].start_key is None


def shown(wall, creation_id):
    """As if it had been painted."""
    with transaction(wall.engine) as session:
        values = {"state": State.REPLIED, "shown_at": now(), "painted_at": now(), "next_attempt_at": None}
        session.execute(creations.update().where(creations.c.id == creation_id).values(**values))


def test_from_a_picture_that_a_check_held_back_its_author_does_not_start_either(ada, wall):
    held = wall.hang(person_id=ada.id, shown_at=None)
    wall.picture(held, 1, "plum", flagged=True)
    starts = ada.client.get(f"/paint?remix={held}").context["starts"]
    assert [start.value for start in starts] == [""]
    assert "start" in ada.paint(remix=str(held), start="picture:1").context["errors"]


@pytest.mark.parametrize("start", ["picture:1", "picture:x", "picture:-1", "picture:٣", "ab/" + "0" * 30 + ".webp"])
def test_a_picture_that_the_parent_does_not_have_is_no_start(ada, wall, start):
    parent = wall.hang()
    answer = ada.paint(remix=str(parent), start=start)
    assert "start" in answer.context["errors"]


@pytest.mark.parametrize(
    "values",
    [
        {"shown_at": None, "hidden_at": NOON},
        {"shown_at": None, "deleted_at": NOON},
        {"shown_at": None, "state": State.REFUSED, "code": "too_long"},
    ],
)
def test_what_a_member_may_not_see_they_cannot_go_on_from(ada, wall, rows, values):
    parent = wall.hang(person_id=wall.person("grace"), **values)
    assert ada.client.get(f"/paint?remix={parent}").status_code == 404
    assert ada.paint(remix=str(parent)).status_code == 404
    assert ada.again(parent).status_code == 404
    assert len(rows()) == 1


def test_what_x_hides_cannot_be_gone_on_from(ada, wall, rows):
    parent = wall.hang(person_id=wall.person("grace", hidden_at=NOON))
    assert ada.client.get(f"/paint?remix={parent}").status_code == 404


def test_ones_own_refused_words_can_be_changed_but_not_unsafe_ones(ada, wall):
    own = wall.creation(person_id=ada.id, state=State.REFUSED, code="too_long", prompt="long")
    assert ada.client.get(f"/paint?remix={own}").context["typed"].prompt == "long"
    unsafe = wall.creation(person_id=ada.id, state=State.REFUSED, code="unsafe")
    assert ada.client.get(f"/paint?remix={unsafe}").status_code == 404


@pytest.mark.parametrize("remix", ["0", "-1", "x", "9" * 40, "99"])
def test_what_is_not_there_cannot_be_remixed(ada, remix):
    assert ada.client.get(f"/paint?remix={remix}").status_code == 404


def test_what_is_made_of_a_sensitive_picture_hangs_behind_a_veil_too(ada, wall, rows):
    parent = wall.hang(person_id=wall.person("grace"), sensitive=True)
    page = ada.client.get(f"/paint?remix={parent}")
    assert all(start.url == "" for start in page.context["starts"])
    ada.paint(remix=str(parent))
    assert rows()[-1].sensitive


# an answer on X


def test_under_ones_own_post_it_may_be_answered_on_x(ada, wall, rows, engine):
    own = wall.hang(person_id=ada.id)
    assert ada.client.get(f"/paint?remix={own}").context["may_answer"]
    ada.paint(remix=str(own), on_x="yes")
    assert rows()[-1].answers_post_id == rows()[0].post_id


def test_a_remix_of_a_remix_answers_the_post_it_all_began_with(ada, member, wall, rows):
    own = wall.hang(person_id=ada.id)
    theirs = wall.hang(person_id=wall.person("grace"), parent_id=own)
    ada.paint(remix=str(theirs), on_x="yes")
    assert rows()[-1].answers_post_id == rows()[0].post_id


def test_under_somebody_elses_post_it_is_not_answered(ada, wall, rows):
    theirs = wall.hang(person_id=wall.person("grace"))
    assert not ada.client.get(f"/paint?remix={theirs}").context["may_answer"]
    answer = ada.paint(remix=str(theirs), on_x="yes")
    assert "on_x" in answer.context["errors"]
    assert len(rows()) == 1


def test_a_post_that_is_gone_is_not_answered(ada, wall, engine):
    own = wall.hang(person_id=ada.id)
    change(engine, posts, gone_at=now())
    assert "on_x" in ada.paint(remix=str(own), on_x="yes").context["errors"]


def test_where_the_bot_spoke_often_enough_it_is_painted_only_without_an_answer(member, wall, engine, shop, rows):
    ada = member(workshop=shop(conversation_limit=2))
    own = wall.hang(person_id=ada.id)
    change(engine, posts, conversation_id=77, created_at=now())
    ada.paint(prompt="two", remix=str(own), on_x="yes")
    answer = ada.paint(prompt="three", remix=str(own), on_x="yes")
    assert "on_x" in answer.context["errors"]
    assert ada.paint(prompt="three", remix=str(own)).status_code == 303
    with transaction(engine) as session:
        session.execute(watched.insert().values(post_id=77, since=now()))
    assert ada.paint(prompt="three", remix=str(own), on_x="yes").status_code == 303


# the same again


def test_again_is_the_same_with_another_seed(ada, wall, rows):
    options = {"style": "ink", "aspect_ratio": "4:5", "steps": 9, "count": 2, "negative_prompt": "fog"}
    start = {"start_key": "ab/" + "1" * 30 + ".webp", "start_url": "https://pbs.twimg.com/1.jpg"}
    parent = wall.hang(person_id=wall.person("grace"), seed=7, **options, **start)
    answer = ada.again(parent)
    child = rows()[-1]
    assert answer.headers["location"] == f"/c/{child.id}"
    assert (child.prompt, child.parent_id, child.person_id) == ("a cat", parent, ada.id)
    assert {name: getattr(child, name) for name in options | start} == options | start
    assert child.seed != 7


def test_again_clicked_twice_is_once(ada, wall, rows):
    parent = wall.hang()
    assert ada.again(parent).headers["location"] == ada.again(parent).headers["location"]
    assert len(rows()) == 2


def test_again_beyond_the_limit_shows_the_composer_with_the_reason(member, wall, shop, rows):
    ada = member(workshop=shop(person_daily_limit=1))
    parent = wall.hang(person_id=wall.person("grace"), prompt="a fox")
    ada.paint()
    answer = ada.again(parent)
    assert answer.status_code == 429
    assert "form" in answer.context["errors"]
    assert answer.context["typed"].prompt == "a fox"
    assert ada.again(parent, prompt="", json=True).json()["errors"]["form"]


@pytest.mark.parametrize("creation_id", ["0", "99", "x", "9" * 40])
def test_again_of_nothing_is_not_found(ada, creation_id):
    assert ada.again(creation_id).status_code == 404
