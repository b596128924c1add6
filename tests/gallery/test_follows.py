"""Follows: counted on both sides, listed, told."""

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import reading, transaction
from core.models import follows, notifications, people
from gallery.social import following
from gallery.social.follows import follow, followed_among, unfollow

JSON = {"Accept": "application/json"}


@pytest.fixture
def ada(wall):
    return wall.person("Ada_L", "Ada", member_since=now())


@pytest.fixture
def bob(wall):
    return wall.person("bob", "Bob")


@pytest.fixture
def send(send_as, bob):
    return send_as(bob)


def counts(engine, person_id):
    """Followers and followed ones, which agree with the rows."""
    with reading(engine) as connection:
        row = connection.execute(select(people.c.followers, people.c.follows).where(people.c.id == person_id)).one()
        rows = connection.execute(select(follows)).all()
    assert row.followers == sum(one.followed_id == person_id for one in rows)
    assert row.follows == sum(one.follower_id == person_id for one in rows)
    return tuple(row)


def told(engine):
    with reading(engine) as connection:
        return [(row.person_id, row.kind, row.actor_id) for row in connection.execute(select(notifications))]


def test_following_counts_once_on_both_sides_and_tells(send, engine, ada, bob):
    for _ in range(3):
        assert send("/@ada_l/follow").headers["Location"] == "/@Ada_L"
    assert (counts(engine, ada), counts(engine, bob)) == ((1, 0), (0, 1))
    assert told(engine) == [(ada, "followed", bob)]
    for _ in range(3):
        assert send("/@Ada_L/unfollow").status_code == 303
    assert (counts(engine, ada), counts(engine, bob)) == ((0, 0), (0, 0))
    assert told(engine) == []


def test_a_script_is_told_how_it_stands(send, ada):
    assert send("/@ada_l/follow", JSON).json() == {"on": True, "count": 1, "words": "1 follower", "path": "/@Ada_L"}
    assert send("/@ada_l/unfollow", JSON).json()["words"] == "0 followers"


def test_nobody_follows_themselves(send, engine, bob):
    assert send("/@bob/follow").status_code == 403
    assert follow(engine, bob, bob) == 0
    assert counts(engine, bob) == (0, 0)


def test_whom_x_hides_or_nobody_met_cannot_be_followed(send, wall):
    wall.person("eve", hidden_at=now())
    for handle in ("eve", "nobody", "%00", "a" * 3000):
        assert send(f"/@{handle}/follow").status_code == 404


def test_a_stranger_is_sent_to_sign_in(client, engine, ada):
    answer = client.post("/@ada_l/follow", follow_redirects=False)
    assert answer.headers["Location"].startswith("/sign-in")
    assert counts(engine, ada) == (0, 0)


def test_a_form_without_token_follows_nobody(client, send, engine, ada):
    assert client.post("/@ada_l/follow").status_code == 403
    assert counts(engine, ada) == (0, 0)


def test_both_lists_go_on_by_keyset_without_hidden_people(client, wall, engine, ada, monkeypatch):
    monkeypatch.setattr(following, "PEOPLE_A_PAGE", 2)
    others = [wall.person(f"p{number}", id=1_900_000_000_000_000_000 + number) for number in range(5)]
    for person_id in others:
        follow(engine, person_id, ada)
        follow(engine, ada, person_id)
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == others[1]).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == others[3]).values(banned_at=now()))
    for which in ("followers", "following"):
        assert walked(client, f"/@ada_l/{which}") == ["p4", "p2", "p0"]


def walked(client, path):
    seen, cursor = [], ""
    while cursor is not None:
        found = client.get(path, params={"cursor": cursor}).context["found"]
        seen += [one.person.username for one in found.people]
        cursor = found.older
    return seen


def test_empty_lists_say_so_to_oneself_and_to_others(client, send, ada, bob):
    assert "Nobody follows <bdi>Ada</bdi> yet." in client.get("/@ada_l/followers").text
    assert "You follow nobody yet." in client.get("/@bob/following").text
    assert client.get("/@nobody/followers").status_code == 404
    assert client.get("/@bob/followers?cursor=rubbish").status_code == 422


def test_a_list_shows_whom_the_visitor_follows_and_has_no_button_for_themselves(client, send, engine, wall, ada, bob):
    eve = wall.person("eve", "Eve")
    for person_id in (bob, eve):
        follow(engine, person_id, ada)
    follow(engine, bob, eve)
    html = client.get("/@ada_l/followers").text
    assert 'action="/@eve/unfollow"' in html
    assert 'action="/@bob/' not in html


def test_a_list_costs_as_many_questions_with_two_people_as_with_twenty(client, engine, wall, ada, statements):
    def asked():
        statements.clear()
        client.get("/@ada_l/followers")
        return len(statements)

    follow(engine, wall.person("p0"), ada)
    few = asked()
    for number in range(1, 21):
        follow(engine, wall.person(f"p{number}", id=5000 + number), ada)
    assert asked() == few


def test_the_page_of_a_person_shows_who_follows_and_that_one_does(client, send, engine, wall, ada, bob):
    page = client.get("/@ada_l").text
    assert 'action="/@Ada_L/follow"' in page
    assert "0 followers" in page
    send("/@ada_l/follow")
    page = client.get("/@ada_l").text
    assert 'action="/@Ada_L/unfollow"' in page
    assert 'aria-pressed="true"' in page
    assert "1 follower<" in page
    assert "This is you." in client.get("/@bob").text


def test_two_who_follow_each_other_are_each_followed_by_one(engine, ada, bob):
    follow(engine, ada, bob)
    follow(engine, bob, ada)
    assert (counts(engine, ada), counts(engine, bob)) == ((1, 1), (1, 1))
    unfollow(engine, ada, bob)
    assert (counts(engine, ada), counts(engine, bob)) == ((1, 0), (0, 1))
    with reading(engine) as connection:
        assert followed_among(connection, bob, [ada, bob]) == {ada}
