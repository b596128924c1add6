"""The page of a creation on a real PostgreSQL: its family, its author's view, reports."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import func, select, update

from core.clock import now
from core.database import transaction
from core.models import creations, reports
from gallery.creation import reports as reporting


@pytest.fixture
def engine(postgres_engine):
    return postgres_engine


def test_the_family_of_a_creation(client, engine, wall):
    root = wall.hang()
    parent = wall.hang(parent_id=root)
    gone = wall.hang(parent_id=parent, shown_at=None, hidden_at=now())
    own, sibling, below = wall.hang(parent_id=parent), wall.hang(parent_id=parent), wall.hang(parent_id=gone)
    with transaction(engine) as session:
        for creation_id, count in ((root, 1), (parent, 2), (gone, 1)):
            session.execute(update(creations).where(creations.c.id == creation_id).values(remixes=count))
    found = client.get(f"/c/{own}").context["family"]
    assert [one.id for one in found.ancestors] == [root, parent]
    assert [one.id for one in found.siblings] == [sibling]
    found = client.get(f"/c/{parent}").context["family"]
    assert [(one.id, [child.id for child in one.children]) for one in found.children] == [
        (sibling, []),
        (own, []),
        (gone, [below]),
    ]
    assert [one.id for one in client.get(f"/c/{own}/family?of=siblings").context["page"].creations] == [sibling, own]


def test_what_its_author_hides_is_there_for_them_alone(client, site, wall, sign_in):
    creation_id = wall.hang(hidden_at=now(), shown_at=None)
    assert site().get(f"/c/{creation_id}").status_code == 404
    sign_in(client, wall.person())
    picture = client.get(f"/c/{creation_id}").context["creation"].pictures[0]
    assert client.get(picture.url).status_code == 200
    assert site().get(picture.url).status_code == 404


def test_the_same_report_twenty_times_at_once_is_one(engine, wall):
    creation_id = wall.hang()
    write = partial(reporting.write, creation_id=creation_id, comment_id=None, person_id=None)
    with ThreadPoolExecutor(20) as pool:
        fresh = list(pool.map(lambda _: write(engine, "stranger", reporting.Draft("spam")), range(20)))
    assert fresh.count(True) == 1
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(reports)).scalar_one() == 1
