"""Cards are drawn once, and anew as soon as what they show has changed."""

import re

import pytest
from sqlalchemy import update

from core.database import reading, transaction
from core.models import creations, people, pictures
from gallery import queries
from gallery.kept import Card, Kept
from gallery.shown import PersonShown
from gallery.signing.visitor import STRANGER, Visitor


def card_of(client, creation_id):
    """A card as the wall shows it."""
    return re.search(rf'<li class="card" id="c{creation_id}">.*?</li>', client.get("/").text, re.S)[0]


@pytest.mark.parametrize(
    ("table", "values", "words"),
    [
        (creations, {"likes": 41}, ">41 likes<"),
        (creations, {"comments": 12}, "12 comments"),
        (creations, {"remixes": 1}, "1 remix<"),
        (creations, {"prompt": "other words"}, "other words"),
        (creations, {"sensitive": True}, "Marked as sensitive"),
        (people, {"name": "Lovelace"}, "Lovelace"),
        (people, {"username": "countess"}, "/@countess"),
        (pictures, {"thumb_avif_key": "ab/cd.avif"}, "ab/cd.avif"),
    ],
)
def test_a_card_shows_what_has_changed(client, wall, engine, table, values, words):
    creation_id = wall.hang()
    wall.hang()
    assert words not in card_of(client, creation_id)
    with transaction(engine) as session:
        session.execute(update(table).values(**values))
    assert words in card_of(client, creation_id)


def test_a_member_gets_no_card_of_a_stranger(client, wall, sign_in):
    creation_id = wall.hang()
    wall.hang()
    assert "formaction" not in card_of(client, creation_id)
    sign_in(client, wall.person("bob"))
    assert "formaction" in card_of(client, creation_id)


def test_no_card_of_somebody_who_sees_all_is_shown_to_others(client, wall, sign_in):
    creation_id = wall.hang(sensitive=True)
    wall.hang(person_id=wall.person("bob"))
    sign_in(client, wall.person())
    assert "Marked as sensitive" not in card_of(client, creation_id)
    sign_in(client, wall.person("bob"))
    assert "Marked as sensitive" in card_of(client, creation_id)


def test_what_was_drawn_is_drawn_once_and_no_more_is_kept_than_there_is_room(wall):
    drawn = []
    kept = Kept(most=2 * Card((), "card 1").size)
    for _ in range(3):
        wall.hang()
    with reading(wall.engine) as connection:
        shown = queries.newest(connection, limit=3).creations[::-1]

    def draw(creation, *_how):
        drawn.append(creation.id)
        return f"card {creation.id}"

    for creation in [shown[0], shown[0], shown[1], shown[2], shown[2], shown[0]]:
        assert kept(draw, [creation], 0, True, STRANGER, ()) == f"card {creation.id}"
    assert drawn == [1, 2, 3, 1]
    kept(draw, [shown[0]], 0, True, Visitor(PersonShown(1, "ada", "Ada")), ())
    assert drawn == [1, 2, 3, 1, 1]


def test_a_card_that_changed_takes_the_place_of_the_one_before(wall):
    wall.hang()
    with reading(wall.engine) as connection:
        creation = queries.newest(connection, limit=1).creations[0]
    kept = Kept(most=2 * Card((), "9").size)
    for likes in (1, 2, 3, 9):
        creation.likes = likes
        assert kept(lambda one, *_how: str(one.likes), [creation], 0, True, None, ()) == str(likes)
    creation.id += 1
    assert kept(lambda one, *_how: "7", [creation], 0, True, None, ()) == "7"
    creation.id -= 1
    assert kept(lambda *_how: pytest.fail("drawn again"), [creation], 0, True, None, ()) == "9"


def test_a_card_larger_than_all_room_is_drawn_and_not_kept(wall):
    wall.hang()
    with reading(wall.engine) as connection:
        creation = queries.newest(connection, limit=1).creations[0]
    kept, drawn = Kept(most=10), []
    for _ in range(2):
        assert kept(lambda *_how: drawn.append(1) or "a card", [creation], 0, True, None, ()) == "a card"
    assert len(drawn) == 2
