"""Many at once, on SQLite and on PostgreSQL: counts are what the rows say, and twice is once."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import func, select, text

from core.clock import now
from core.database import open_database, reading
from core.models import comments, creations, follows, likings, notifications, people
from core.schema import migrate
from gallery.social.follows import follow, unfollow
from gallery.social.likes import like, unlike
from gallery.social.saying import NotSaid, Words, say, take_back

CALLERS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    if request.param == "sqlite":
        database = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
    else:
        database = open_database(request.getfixturevalue("postgres_url"))
        with database.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    migrate(database)
    yield database
    database.dispose()


@pytest.fixture
def members(wall):
    return [wall.person(f"p{n}", id=1_900_000_000_000_000_000 + n, member_since=now()) for n in range(5)]


@pytest.fixture
def hung(wall, members):
    return [wall.hang(person_id=members[n], pictures=0) for n in range(3)]


def all_at_once(*doings):
    """Runs them on twenty threads and returns what they returned; what one raises is raised here."""
    with ThreadPoolExecutor(CALLERS) as pool:
        return [future.result() for future in [pool.submit(*doing) for doing in doings]]


def assert_counts_are_true(engine):
    with reading(engine) as connection:
        for row in connection.execute(select(creations.c.id, creations.c.likes, creations.c.comments)).all():
            of = select(func.count()).select_from(likings).where(likings.c.creation_id == row.id)
            assert row.likes == connection.execute(of).scalar_one()
            said = (comments.c.creation_id == row.id, comments.c.deleted_at.is_(None))
            assert row.comments == connection.execute(select(func.count(comments.c.id)).where(*said)).scalar_one()
        for row in connection.execute(select(people.c.id, people.c.followers, people.c.follows)).all():
            for column, counted in ((follows.c.followed_id, row.followers), (follows.c.follower_id, row.follows)):
                there = select(func.count()).select_from(follows).where(column == row.id)
                assert counted == connection.execute(there).scalar_one()


def count(engine, table):
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_everybody_likes_and_unlikes_the_same_pictures(engine, members, hung):
    doings = [(like, engine, who, what) for who in members for what in hung for _ in range(6)]
    doings += [(unlike, engine, who, what) for who in members for what in hung for _ in range(5)]
    random.Random(1).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    all_at_once(*[(like, engine, who, what) for who in members for what in hung for _ in range(2)])
    assert count(engine, likings) == len(members) * len(hung)
    assert_counts_are_true(engine)
    assert count(engine, notifications) == len(members) * len(hung) - len(hung), "nobody is told of their own likes"


def test_everybody_follows_and_unfollows_everybody(engine, members):
    pairs = [(one, other) for one in members for other in members if one != other]
    doings = [(how, engine, *pair) for pair in pairs for how in (follow, unfollow, follow, unfollow, follow)]
    random.Random(2).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    all_at_once(*[(follow, engine, *pair) for pair in pairs for _ in range(3)])
    assert count(engine, follows) == len(pairs)
    assert_counts_are_true(engine)


def test_one_form_sent_twenty_times_is_one_comment(engine, members, hung):
    words = Words("how blue", "the form of one page")
    said = all_at_once(*[(say, engine, members[1], hung[0], words) for _ in range(CALLERS)])
    assert len(set(said)) == 1
    assert count(engine, comments) == 1
    assert count(engine, notifications) == 1
    assert_counts_are_true(engine)


def test_the_same_words_from_twenty_tabs_are_one_comment(engine, members, hung):
    said = all_at_once(*[(say, engine, members[1], hung[0], Words("how blue", f"tab {n}")) for n in range(CALLERS)])
    assert len(set(said)) == 1
    assert count(engine, comments) == 1
    assert_counts_are_true(engine)


def test_comments_answers_and_taking_back_at_the_same_time(engine, members, hung):
    roots = [say(engine, members[n % 5], hung[n % 3], Words(f"root {n}", "")) for n in range(6)]
    assert None not in roots
    doings = [
        (answer, engine, members[n % 5], hung[n % 3], Words(f"answer {n}", str(n), roots[n % 6])) for n in range(30)
    ]
    doings += [(take_back, engine, members[n % 5], hung[n % 3], roots[n]) for n in range(6) for _ in range(4)]
    random.Random(3).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    with reading(engine) as connection:
        left = connection.execute(select(comments.c.id).where(comments.c.text.like("root%"))).all()
    assert left == []


def answer(engine, person_id, creation_id, words):
    """An answer; what it answers may have been taken back meanwhile."""
    with suppress(NotSaid):
        say(engine, person_id, creation_id, words)


def test_likes_comments_and_follows_of_all_kinds_do_not_wait_for_each_other(engine, members, hung):
    doings = []
    for n in range(60):
        who, other, what = members[n % 5], members[(n + 1 + n // 5 % 4) % 5], hung[n % 3]
        doings += [(like, engine, who, what), (follow, engine, who, other), (unlike, engine, who, what)]
        doings += [(say, engine, who, what, Words(f"words {n}", "")), (unfollow, engine, other, who)]
    random.Random(4).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    assert count(engine, comments) == 60


def test_a_member_with_two_tabs_likes_in_one_and_unlikes_in_the_other(engine, members, hung):
    all_at_once(*[(how, engine, members[1], hung[0]) for _ in range(10) for how in (like, unlike)])
    assert_counts_are_true(engine)
    assert like(engine, members[1], hung[0]) == 1
    assert like(engine, members[1], hung[0]) == 1
    assert unlike(engine, members[1], hung[0]) == 0
