"""Notifications: what members are told, in which words, and how it is read."""

import re

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import reading, transaction
from core.models import Kind, State, creations, notifications, people
from core.notifying import notify
from core.visibility import conceal
from gallery.social import noticing
from gallery.social.follows import follow
from gallery.social.likes import like
from gallery.social.saying import Words, say


@pytest.fixture
def ada(wall):
    return wall.person("ada", "Ada", member_since=now())


@pytest.fixture
def token(client, sign_in, ada):
    """Ada looks."""
    return sign_in(client, ada)


@pytest.fixture
def others(wall):
    return [wall.person(name.lower(), name, id=2000 + n) for n, name in enumerate(("Bob", "Cleo", "Dan", "Eve"))]


def lines(response):
    """The lines as people read them."""
    found = re.findall(r'<p class="told__what">(.*?)</p>', response.text, re.S)
    return [" ".join(re.sub(r"<[^>]+>", "", line).split()) for line in found]


def look(client, **query):
    return client.get("/me/notifications", params=query)


def tell(engine, person_id, kind, key, **values):
    with transaction(engine) as session:
        assert notify(session, person_id, kind, key=key, **values)


def unread(engine):
    with reading(engine) as connection:
        return len(connection.execute(select(notifications).where(notifications.c.read_at.is_(None))).all())


def test_the_page_is_for_members(client):
    answer = client.get("/me/notifications", follow_redirects=False)
    assert answer.headers["Location"] == "/sign-in?next=/me/notifications"


def test_likes_of_one_picture_are_one_line(client, token, engine, wall, ada, others):
    first, second = wall.hang(person_id=ada, prompt="a cat"), wall.hang(person_id=ada, prompt="a dog")
    for person_id in others:
        like(engine, person_id, first)
    for person_id in others[:2]:
        like(engine, person_id, second)
    assert lines(look(client)) == ["New: Cleo and Bob like a dog", "New: Eve and 3 others like a cat"]


def test_every_kind_has_its_words_and_leads_to_its_place(client, token, engine, wall, ada, others):
    bob = others[0]
    own, foreign = wall.hang(person_id=ada, prompt="a cat"), wall.hang(person_id=bob, prompt="a dog")
    say(engine, bob, own, Words("so blue", ""))
    mine = say(engine, ada, foreign, Words("so red", ""))
    say(engine, bob, foreign, Words("thank you", "", mine))
    follow(engine, bob, ada)
    remix = wall.hang(person_id=bob, prompt="a cat in the rain", parent_id=own)
    tell(engine, ada, Kind.REMIXED, "remixed", actor_id=bob, creation_id=remix)
    tell(engine, ada, Kind.PAINTED, "painted", creation_id=own)
    refused = wall.creation(person_id=ada, prompt="a long one", state=State.REFUSED, code="too_long")
    tell(engine, ada, Kind.REFUSED, "refused", creation_id=refused)
    response = look(client)
    assert lines(response) == [
        "New: Not painted: a long one",
        "New: Painted: a cat",
        "New: Bob made a picture after yours: a cat in the rain",
        "New: Bob follows you",
        "New: Bob answered you under a dog",
        "New: Bob said something about a cat",
    ]
    assert "The prompt is longer than the bot reads." in response.text
    for address in (f"/c/{refused}", f"/c/{remix}", f"/c/{foreign}/comments/3", f"/c/{own}/comments/1", "/@bob"):
        assert f'href="{address}"' in response.text
    assert "thank you" in response.text


def test_looking_reads_what_is_shown_and_the_badge_goes(client, token, engine, wall, ada, others):
    like(engine, others[0], wall.hang(person_id=ada))
    assert "data-unread>1<" in client.get("/").text
    first, second = look(client), look(client)
    assert (len(lines(first)), unread(engine)) == (1, 0)
    assert "told__one--new" in first.text
    assert "told__one--new" not in second.text
    assert "data-unread" not in first.text


def test_a_page_fetched_ahead_or_asked_for_its_head_reads_nothing(client, token, engine, wall, ada, others):
    like(engine, others[0], wall.hang(person_id=ada))
    client.get("/me/notifications", headers={"Sec-Purpose": "prefetch;prerender"})
    client.head("/me/notifications")
    assert unread(engine) == 1


def test_new_ones_stand_apart_from_those_that_were_read(client, token, engine, wall, ada, others):
    creation_id = wall.hang(person_id=ada, prompt="a cat")
    like(engine, others[0], creation_id)
    look(client)
    like(engine, others[1], creation_id)
    assert lines(look(client)) == ["New: Cleo likes a cat", "Bob likes a cat"]


def test_it_goes_on_to_older_ones_and_all_are_read_at_once(client, token, engine, wall, ada, others, monkeypatch):
    monkeypatch.setattr(noticing, "PAGE_SIZE", 2)
    for number in range(5):
        like(engine, others[0], wall.hang(person_id=ada, prompt=f"no {number}"))
    page = look(client)
    assert lines(page) == ["New: Bob likes no 4", "New: Bob likes no 3"]
    assert unread(engine) == 3
    until = re.search(r'name="until" value="(\d+)"', page.text)[1]
    like(engine, others[1], wall.hang(person_id=ada, prompt="came since then"))
    answer = client.post("/me/notifications/read", data={"token": token, "until": until}, follow_redirects=False)
    assert (answer.status_code, unread(engine)) == (303, 1)
    assert lines(look(client, before=page.context["told"].older)) == ["Bob likes no 2", "Bob likes no 1"]


def test_what_is_of_no_matter_any_more_is_not_told_and_does_not_stay_unread(client, token, engine, wall, ada, others):
    gone, hidden_child = wall.hang(person_id=ada), wall.hang(person_id=others[1])
    like(engine, others[0], gone)
    tell(engine, ada, Kind.REMIXED, "remixed", actor_id=others[1], creation_id=hidden_child)
    follow(engine, others[2], ada)
    follow(engine, others[3], ada)
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == gone).values(deleted_at=now()))
        conceal(session, creations.c.id == hidden_child)
        session.execute(update(people).where(people.c.id == others[2]).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == others[3]).values(banned_at=now()))
    assert lines(look(client)) == []
    assert unread(engine) == 0


def test_ones_own_hidden_picture_is_still_named(client, token, engine, wall, ada, others):
    creation_id = wall.hang(person_id=ada, prompt="a cat")
    like(engine, others[0], creation_id)
    with transaction(engine) as session:
        conceal(session, creations.c.id == creation_id)
    assert lines(look(client)) == ["New: Bob likes a cat"]


def test_words_that_are_shown_to_nobody_are_not_shown_here(client, token, engine, wall, ada):
    refused = wall.creation(person_id=ada, prompt="unsafe words", state=State.REFUSED, code="unsafe")
    tell(engine, ada, Kind.REFUSED, "refused", creation_id=refused)
    response = look(client)
    assert lines(response) == ["New: Not painted: Untitled"]
    assert "unsafe words" not in response.text


def test_nobody_sees_or_reads_what_another_is_told(client, token, engine, wall, ada, others):
    grace = wall.person("grace", "Grace", member_since=now())
    like(engine, others[0], wall.hang(person_id=grace))
    assert lines(look(client)) == []
    client.post("/me/notifications/read", data={"token": token, "until": 10**18})
    assert unread(engine) == 1


def test_an_empty_page_says_what_will_stand_here(client, token):
    assert "Nothing has happened yet." in look(client).text
    for before in ("x", "-1", "9" * 5000):
        assert look(client, before=before).status_code == 200


def test_the_picture_of_a_sensitive_creation_is_not_shown_to_who_did_not_ask_for_such(
    client, token, engine, wall, ada, others
):
    like(engine, others[0], wall.hang(person_id=ada, sensitive=True))
    assert "/pictures/" not in look(client).text
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == ada).values(shows_sensitive=True))
    assert "/pictures/" in look(client).text


def test_hostile_names_and_prompts_are_text(client, token, engine, wall, ada):
    hostile = '"><script>alert(1)</script>'
    eve = wall.person("eve", hostile)
    creation_id = wall.hang(person_id=ada, prompt=hostile)
    like(engine, eve, creation_id)
    say(engine, eve, creation_id, Words(hostile, ""))
    follow(engine, eve, ada)
    assert "<script>alert" not in look(client).text


def test_a_page_costs_as_many_questions_with_one_line_as_with_many(
    client, token, engine, wall, ada, others, statements
):
    def asked():
        look(client)
        statements.clear()
        look(client)
        return len(statements)

    like(engine, others[0], wall.hang(person_id=ada))
    few = asked()
    for _ in range(12):
        like(engine, others[0], wall.hang(person_id=ada))
    assert asked() == few
