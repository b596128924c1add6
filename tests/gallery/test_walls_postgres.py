"""The walls, and what happens on them, asked of a real PostgreSQL."""

import pytest
from sqlalchemy import insert

from core.clock import now
from core.database import transaction
from core.models import State, follows
from gallery import queries
from gallery.walls import happening
from gallery.walls.following import followed, suggested
from gallery.walls.pages import PAGE_SIZE


@pytest.fixture
def engine(postgres_engine):
    return postgres_engine


@pytest.mark.parametrize("window", ["week", "all"])
def test_the_best_liked_go_on_by_keyset(client, wall, window):
    moment = now()
    for number in range(PAGE_SIZE + 5):
        wall.hang(prompt=str(number), pictures=0, likes=3, shown_at=moment)
    first = client.get("/top", params={"of": window}).context["page"]
    second = client.get("/top", params={"of": window, "cursor": first.older}).context["page"]
    seen = [creation.prompt for creation in (*first.creations, *second.creations)]
    assert seen == [str(number) for number in reversed(range(PAGE_SIZE + 5))]


def test_those_one_follows_go_on_by_keyset_also_at_the_same_moment(engine, wall):
    me, moment = wall.person("me"), now()
    for number in range(9):
        person = wall.person(f"p{number}", id=7000 + number)
        wall.hang(prompt=str(number), pictures=0, person_id=person, shown_at=moment)
        with transaction(engine) as session:
            session.execute(insert(follows).values(follower_id=me, followed_id=person, at=moment))
    wall.hang(prompt="by another")
    with engine.connect() as connection:
        first = followed(connection, me, limit=5)
        after = queries.After(first.creations[-1].shown_at, first.creations[-1].id)
        second = followed(connection, me, limit=5, after=after)
        assert [one.prompt for one in (*first.creations, *second.creations)] == [str(n) for n in reversed(range(9))]
        assert [one.username for one in suggested(connection, me)] == ["ada"]


def test_what_happens_is_told_alike(engine, wall):
    painted = wall.creation(prompt="on the easel", state=State.PAINTING, next_attempt_at=now())
    for number in range(6):
        wall.creation(prompt=str(number), next_attempt_at=now())
    hung = wall.hang()
    with engine.connect() as connection:
        work = happening.at_work(connection)
        assert (work.shown[0].id, len(work.shown), work.more) == (painted, happening.ON_THE_STRIP, 3)
        assert [one for _moment, one in happening.hung_lately(connection)] == [hung]
        (standing,) = happening.standings(connection, {painted})
        assert standing.is_under_way
