"""Likes: counted once each, shown to all, told to whom they are for."""

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import reading, transaction
from core.models import creations, likings, notifications, people
from core.visibility import conceal
from gallery.social import likes, liking
from gallery.social.likes import liked_among
from gallery.social.people import PAGE_SIZE

JSON = {"Accept": "application/json"}


@pytest.fixture
def ada(wall):
    return wall.person("ada", "Ada", member_since=now())


@pytest.fixture
def bob(wall):
    return wall.person("bob", "Bob")


@pytest.fixture
def send(send_as, bob):
    """Sends a form of Bob's: `send("/c/1/like")`."""
    return send_as(bob)


def likes_of(engine, creation_id):
    with reading(engine) as connection:
        counted = connection.execute(select(creations.c.likes).where(creations.c.id == creation_id)).scalar_one()
        rows = len(connection.execute(select(likings).where(likings.c.creation_id == creation_id)).all())
    assert counted == rows
    return counted


def told(engine):
    with reading(engine) as connection:
        return [(row.person_id, row.kind) for row in connection.execute(select(notifications))]


def test_a_like_counts_once_however_often_it_is_sent(send, wall, engine, ada):
    creation_id = wall.hang(person_id=ada)
    for _ in range(3):
        assert send(f"/c/{creation_id}/like").headers["Location"] == f"/c/{creation_id}"
    assert likes_of(engine, creation_id) == 1
    for _ in range(3):
        assert send(f"/c/{creation_id}/unlike").status_code == 303
    assert likes_of(engine, creation_id) == 0


def test_a_script_is_told_how_it_stands(send, wall, ada):
    creation_id = wall.hang(person_id=ada)
    answer = send(f"/c/{creation_id}/like", JSON)
    assert answer.json() == {"on": True, "count": 1, "words": "1 like", "path": f"/c/{creation_id}"}
    assert send(f"/c/{creation_id}/unlike", JSON).json()["words"] == "No likes yet"


def test_it_goes_back_to_the_page_where_it_was_pressed(send, wall, ada):
    creation_id = wall.hang(person_id=ada)
    assert send(f"/c/{creation_id}/like", next="/top?of=week").headers["Location"] == "/top?of=week"
    assert send(f"/c/{creation_id}/like", next="//evil.example").headers["Location"] == f"/c/{creation_id}"


def test_ones_own_pictures_may_be_liked_and_nobody_is_told(send, wall, engine, bob):
    creation_id = wall.hang(person_id=bob)
    send(f"/c/{creation_id}/like")
    assert (likes_of(engine, creation_id), told(engine)) == (1, [])


def test_only_what_hangs_can_be_liked(send, wall, engine, ada):
    waiting, deleted = wall.creation(person_id=ada), wall.hang(person_id=ada, deleted_at=now(), shown_at=None)
    hidden = wall.hang(person_id=ada, hidden_at=now(), shown_at=None)
    protected = wall.hang(person_id=wall.person("eve", hidden_at=now()))
    answers = {waiting: 404, deleted: 410, hidden: 404, protected: 404, 10**30: 404, 0: 404}
    for creation_id, status in answers.items():
        assert send(f"/c/{creation_id}/like").status_code == status, creation_id
    assert likes_of(engine, waiting) == likes_of(engine, deleted) == likes_of(engine, hidden) == 0


def test_a_like_can_be_taken_back_from_what_hangs_no_more(send, wall, engine, ada):
    creation_id = wall.hang(person_id=ada)
    send(f"/c/{creation_id}/like")
    with transaction(engine) as session:
        conceal(session, creations.c.id == creation_id)
    assert send(f"/c/{creation_id}/unlike").status_code == 303
    assert likes_of(engine, creation_id) == 0


def test_a_stranger_is_sent_to_sign_in_and_comes_back(client, wall, engine, ada):
    creation_id = wall.hang(person_id=ada)
    page = f"http://testserver/c/{creation_id}"
    answer = client.post(f"/c/{creation_id}/like", headers={"Referer": page}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?next=/c/{creation_id}/like")
    assert client.post(f"/c/{creation_id}/like", headers=JSON).status_code == 401
    assert likes_of(engine, creation_id) == 0


def test_a_form_of_another_site_or_without_token_counts_nothing(client, send, wall, engine, ada):
    creation_id = wall.hang(person_id=ada)
    assert client.post(f"/c/{creation_id}/like").status_code == 403
    assert send(f"/c/{creation_id}/like", {"Origin": "https://evil.example"}).status_code == 403
    assert client.get(f"/c/{creation_id}/like").status_code == 405
    assert likes_of(engine, creation_id) == 0


def test_the_author_is_told_once_and_not_any_more_when_it_is_taken_back_unread(send, wall, engine, ada):
    creation_id = wall.hang(person_id=ada)
    for doing in ("like", "unlike", "like", "like"):
        send(f"/c/{creation_id}/{doing}")
    assert told(engine) == [(ada, "liked")]
    send(f"/c/{creation_id}/unlike")
    assert told(engine) == []


def test_liking_again_does_not_tell_again_what_was_read(send, wall, engine, ada):
    creation_id = wall.hang(person_id=ada)
    send(f"/c/{creation_id}/like")
    with transaction(engine) as session:
        session.execute(update(notifications).values(read_at=now()))
    for doing in ("unlike", "like"):
        send(f"/c/{creation_id}/{doing}")
    with reading(engine) as connection:
        assert connection.execute(select(notifications.c.read_at)).scalar_one() is not None


def test_who_likes_a_picture_is_listed_latest_first_without_hidden_people(client, wall, engine, ada, monkeypatch):
    monkeypatch.setattr(liking, "PEOPLE_A_PAGE", 2)
    creation_id = wall.hang(person_id=ada)
    # Ids as X gives them: 19 digits.
    for number in range(5):
        like_as(engine, wall.person(f"p{number}", id=1_900_000_000_000_000_000 + number), creation_id)
    like_as(engine, wall.person("eve", hidden_at=now()), creation_id)
    seen, address = [], f"/c/{creation_id}/likes"
    while address:
        context = client.get(address).context
        seen += [one.person.username for one in context["found"].people]
        older = context["found"].older
        address = older and f"/c/{creation_id}/likes?cursor={older}"
    assert seen == ["p4", "p3", "p2", "p1", "p0"]


def test_a_picture_that_nobody_likes_says_so(client, wall, ada):
    assert "Nobody likes this picture yet." in client.get(f"/c/{wall.hang(person_id=ada)}/likes").text
    assert client.get("/c/77/likes").status_code == 404
    assert client.get("/c/1/likes?cursor=rubbish").status_code == 422


def test_what_somebody_likes_hangs_on_a_wall_of_its_own(send, client, wall, ada):
    first, second, third = (wall.hang(person_id=ada, prompt=f"no {number}") for number in range(3))
    for creation_id in (second, third, first):
        send(f"/c/{creation_id}/like")
    response = client.get("/@bob/likes")
    assert [creation.id for creation in response.context["page"].creations] == [first, third, second]
    assert response.context["liked"] == {first, second, third}
    assert client.get("/@ada/likes").context["page"].creations == []


def test_what_is_liked_goes_on_by_keyset_and_leaves_out_what_is_gone(client, wall, engine, ada, bob):
    ids = [wall.hang(person_id=ada, pictures=0) for _ in range(PAGE_SIZE + 3)]
    for creation_id in ids:
        like_as(engine, bob, creation_id)
    with transaction(engine) as session:
        conceal(session, creations.c.id == ids[-1])
    first = client.get("/@bob/likes").context["page"]
    second = client.get("/@bob/likes", params={"cursor": first.older}).context["page"]
    seen = [creation.id for creation in (*first.creations, *second.creations)]
    assert (seen, second.older) == (ids[-2::-1], None)


def test_which_of_many_somebody_likes_is_one_question(engine, wall, ada, bob, statements):
    ids = [wall.hang(person_id=ada, pictures=0) for _ in range(3)]
    like_as(engine, bob, ids[1])
    statements.clear()
    with reading(engine) as connection:
        assert liked_among(connection, bob, ids) == {ids[1]}
        assert liked_among(connection, None, ids) == set()
        assert liked_among(connection, bob, []) == set()
    assert len(statements) == 1


def test_a_hidden_member_may_like_and_nobody_is_told(client, sign_in, wall, engine, ada):
    creation_id = wall.hang(person_id=ada)
    eve = wall.person("eve")
    token = sign_in(client, eve)
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == eve).values(hidden_at=now()))
    client.post(f"/c/{creation_id}/like", data={"token": token})
    assert (likes_of(engine, creation_id), told(engine)) == (1, [])


def like_as(engine, person_id, creation_id):
    assert likes.like(engine, person_id, creation_id)
