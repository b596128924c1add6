"""The pages of likes, comments, follows and notifications on a real PostgreSQL."""

import pytest

from core.clock import now
from gallery.social import comments as reads
from gallery.social import following, liking
from gallery.social.follows import follow
from gallery.social.likes import like
from gallery.social.people import PAGE_SIZE
from gallery.social.saying import Words, say, take_back


@pytest.fixture
def engine(postgres_engine):
    return postgres_engine


@pytest.fixture
def ada(wall):
    return wall.person("ada", "Ada", id=1_900_000_000_000_000_000, member_since=now())


@pytest.fixture
def others(wall):
    return [wall.person(f"p{n}", id=1_900_000_000_000_000_001 + n, member_since=now()) for n in range(5)]


def walked(client, path):
    """All people of a list, page by page."""
    seen, cursor = [], ""
    while cursor is not None:
        found = client.get(path, params={"cursor": cursor}).context["found"]
        seen += [one.person.username for one in found.people]
        cursor = found.older
    return seen


def test_lists_of_people_go_on_by_keyset(client, wall, engine, ada, others, monkeypatch):
    monkeypatch.setattr(following, "PEOPLE_A_PAGE", 2)
    monkeypatch.setattr(liking, "PEOPLE_A_PAGE", 2)
    creation_id = wall.hang(person_id=ada, pictures=0)
    for person_id in others:
        like(engine, person_id, creation_id)
        follow(engine, person_id, ada)
    names = ["p4", "p3", "p2", "p1", "p0"]
    assert walked(client, f"/c/{creation_id}/likes") == names
    assert walked(client, "/@ada/followers") == names


def test_what_somebody_likes_goes_on_by_keyset(client, wall, engine, ada, others):
    ids = [wall.hang(person_id=ada, pictures=0) for _ in range(PAGE_SIZE + 3)]
    for creation_id in ids:
        like(engine, others[0], creation_id)
    first = client.get("/@p0/likes").context["page"]
    second = client.get("/@p0/likes", params={"cursor": first.older}).context["page"]
    assert [creation.id for creation in (*first.creations, *second.creations)] == ids[::-1]


def test_threads_are_read_and_cut_the_same(client, wall, engine, ada, others, monkeypatch):
    monkeypatch.setattr(reads, "ANSWERS", 4)
    monkeypatch.setattr(reads, "FEW", 2)
    creation_id = wall.hang(person_id=ada)
    root = say(engine, others[0], creation_id, Words("root", ""))
    for number in range(6):
        say(engine, others[1], creation_id, Words(f"answer {number}", "", root))
    gone = say(engine, others[2], creation_id, Words("gone", ""))
    say(engine, ada, creation_id, Words("to what is gone", "", gone))
    assert take_back(engine, others[2], creation_id, gone)
    thread = client.get(f"/c/{creation_id}/comments").context["thread"]
    assert [one.text for one in thread.comments] == ["root", "answer 0", "answer 1", "", "to what is gone"]
    answers = client.get(f"/c/{creation_id}/comments?thread={root}").context["thread"]
    assert [one.text for one in answers.comments] == [f"answer {number}" for number in range(6)]


def test_forms_and_notifications_work(client, sign_in, wall, engine, ada, others):
    creation_id = wall.hang(person_id=ada, prompt="a cat")
    token = sign_in(client, others[0])
    for path in (f"/c/{creation_id}/like", "/@ada/follow"):
        assert client.post(path, data={"token": token}, follow_redirects=False).status_code == 303
    said = {"token": token, "text": "so\nblue", "once": "x"}
    for _ in range(2):
        answer = client.post(f"/c/{creation_id}/comments", data=said, follow_redirects=False)
        assert answer.headers["Location"] == f"/c/{creation_id}#comment-1"
    sign_in(client, ada)
    told = client.get("/me/notifications").context["told"]
    assert [line.kind for line in told.lines] == ["commented", "followed", "liked"]
    assert client.get("/me/notifications").context["told"].unread_ids == []
    profile = client.get("/@ada").context["profile"]
    assert (profile.creations, profile.likes, profile.followers) == (1, 1, 1)
