"""Wishes at the same moment on a real PostgreSQL, whose writers do not wait for each other by themselves."""

import threading

import pytest
from sqlalchemy import func, select

from core.clock import now
from core.database import reading
from core.models import creations
from core.settings import RuleSettings, load
from core.uploads import Uploads
from gallery.composing.rules import NotNow, Terms
from gallery.composing.wishes import Wish
from gallery.composing.writing import Desk, Order


@pytest.fixture
def engine(postgres_engine):
    return postgres_engine


@pytest.fixture
def desk(engine, storage):
    return Desk(engine, storage, Uploads(storage.folder), Terms(load(RuleSettings, person_daily_limit=3), now()))


def written(engine):
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(creations)).scalar_one()


def write_at_once(desk, orders):
    """Write all at the same moment; the ids, and the codes of those that were refused."""
    gate, found = threading.Barrier(len(orders)), []

    def write(order):
        gate.wait()
        try:
            found.append(desk.write(order))
        except NotNow as no:
            found.append(no.code)

    threads = [threading.Thread(target=write, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_two_tabs_with_three_pictures_left_get_three(engine, desk, wall):
    ada = wall.person()
    found = write_at_once(desk, [Order(ada, f"wish:{n}", Wish(f"fox {n}")) for n in range(5)])
    assert sorted(map(str, found))[-2:] == ["quota", "quota"]
    assert written(engine) == 3


def test_one_form_sent_five_times_is_one_creation(engine, desk, wall):
    ada = wall.person()
    found = write_at_once(desk, [Order(ada, "wish:1", Wish("a fox"))] * 5)
    assert len(set(found)) == 1
    assert written(engine) == 1


def test_one_member_does_not_use_up_what_is_left_for_another(engine, desk, wall):
    ada, grace = wall.person("ada"), wall.person("grace")
    orders = [Order(person, f"wish:{person}:{n}", Wish("a fox")) for n in range(3) for person in (ada, grace)]
    assert all(isinstance(one, int) for one in write_at_once(desk, orders))
    assert written(engine) == 6
