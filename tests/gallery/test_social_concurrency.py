"""Concurrent likes, follows and comments on SQLite and PostgreSQL: counts match the rows."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, select

from core.clock import now
from core.database import read_connection
from core.models import comments, creations, follows, likes, notifications, people
from gallery.services.comments import CommentRejected, NewComment, add_comment, delete_comment
from gallery.services.follows import follow, unfollow
from gallery.services.likes import like, unlike
from tests.support.gallery_data import GalleryData

CALLERS = 20


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("migrated_engine" if request.param == "sqlite" else "postgres_engine")


@pytest.fixture
def members(gallery_data: GalleryData) -> list[int]:
    return [gallery_data.person(f"p{n}", id=1_900_000_000_000_000_000 + n, member_since=now()) for n in range(5)]


@pytest.fixture
def creation_ids(gallery_data: GalleryData, members: list[int]) -> Any:
    return [gallery_data.publish(person_id=members[n], pictures=0) for n in range(3)]


# A function with its arguments.
Task = tuple[Callable[..., object], *tuple[Any, ...]]


def all_at_once(*doings: Task) -> Any:
    """Run the tasks in twenty threads and return their results. Raises the first exception."""
    with ThreadPoolExecutor(CALLERS) as pool:
        return [future.result() for future in [pool.submit(doing[0], *doing[1:]) for doing in doings]]


def assert_counts_are_true(engine: Engine) -> None:
    with read_connection(engine) as connection:
        for row in connection.execute(select(creations.c.id, creations.c.likes, creations.c.comments)).all():
            of = select(func.count()).select_from(likes).where(likes.c.creation_id == row.id)
            assert row.likes == connection.execute(of).scalar_one()
            said = (comments.c.creation_id == row.id, comments.c.deleted_at.is_(None))
            assert row.comments == connection.execute(select(func.count(comments.c.id)).where(*said)).scalar_one()
        for row in connection.execute(select(people.c.id, people.c.follower_count, people.c.following_count)).all():
            for column, counted in (
                (follows.c.followed_id, row.follower_count),
                (follows.c.follower_id, row.following_count),
            ):
                there = select(func.count()).select_from(follows).where(column == row.id)
                assert counted == connection.execute(there).scalar_one()


def count(engine: Engine, table: Table) -> Any:
    with read_connection(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_concurrent_likes_of_the_same_creations_are_counted(
    engine: Engine, members: list[int], creation_ids: Any
) -> None:
    doings = [(like, engine, who, what) for who in members for what in creation_ids for _ in range(6)]
    doings += [(unlike, engine, who, what) for who in members for what in creation_ids for _ in range(5)]
    random.Random(1).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    all_at_once(*[(like, engine, who, what) for who in members for what in creation_ids for _ in range(2)])
    assert count(engine, likes) == len(members) * len(creation_ids)
    assert_counts_are_true(engine)
    assert count(engine, notifications) == len(members) * len(creation_ids) - len(creation_ids), (
        "own likes notify nobody"
    )


def test_concurrent_follows_are_counted(engine: Engine, members: list[int]) -> None:
    pairs = [(one, other) for one in members for other in members if one != other]
    doings = [(how, engine, *pair) for pair in pairs for how in (follow, unfollow, follow, unfollow, follow)]
    random.Random(2).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    all_at_once(*[(follow, engine, *pair) for pair in pairs for _ in range(3)])
    assert count(engine, follows) == len(pairs)
    assert_counts_are_true(engine)


def test_one_form_sent_twenty_times_is_one_comment(engine: Engine, members: list[int], creation_ids: Any) -> None:
    words = NewComment("how blue", "the form of one page")
    said = all_at_once(*[(add_comment, engine, members[1], creation_ids[0], words) for _ in range(CALLERS)])
    assert len(set(said)) == 1
    assert count(engine, comments) == 1
    assert count(engine, notifications) == 1
    assert_counts_are_true(engine)


def test_same_text_from_twenty_tabs_is_one_comment(engine: Engine, members: list[int], creation_ids: Any) -> None:
    said = all_at_once(
        *[
            (add_comment, engine, members[1], creation_ids[0], NewComment("how blue", f"tab {n}"))
            for n in range(CALLERS)
        ]
    )
    assert len(set(said)) == 1
    assert count(engine, comments) == 1
    assert_counts_are_true(engine)


def test_concurrent_comments_replies_and_deletions_are_counted(
    engine: Engine, members: list[int], creation_ids: Any
) -> None:
    roots = [add_comment(engine, members[n % 5], creation_ids[n % 3], NewComment(f"root {n}", "")) for n in range(6)]
    doings: list[Task] = [
        (answer, engine, members[n % 5], creation_ids[n % 3], NewComment(f"answer {n}", str(n), roots[n % 6]))
        for n in range(30)
    ]
    doings += [
        (delete_comment, engine, members[n % 5], creation_ids[n % 3], roots[n]) for n in range(6) for _ in range(4)
    ]
    random.Random(3).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    with read_connection(engine) as connection:
        is_left = (comments.c.text.like("root%"), comments.c.deleted_at.is_(None))
        left = connection.execute(select(comments.c.id).where(*is_left)).all()
    assert left == []


def answer(engine: Engine, person_id: int, creation_id: int, comment: NewComment) -> None:
    """Add a reply. Its parent may have been deleted meanwhile."""
    with suppress(CommentRejected):
        add_comment(engine, person_id, creation_id, comment)


def test_likes_comments_and_follows_do_not_deadlock(engine: Engine, members: list[int], creation_ids: Any) -> None:
    doings: list[Task] = []
    for n in range(60):
        who, other, what = members[n % 5], members[(n + 1 + n // 5 % 4) % 5], creation_ids[n % 3]
        doings += [(like, engine, who, what), (follow, engine, who, other), (unlike, engine, who, what)]
        doings += [(add_comment, engine, who, what, NewComment(f"words {n}", "")), (unfollow, engine, other, who)]
    random.Random(4).shuffle(doings)
    all_at_once(*doings)
    assert_counts_are_true(engine)
    assert count(engine, comments) == 60


def test_like_and_unlike_from_two_tabs_are_counted(engine: Engine, members: list[int], creation_ids: Any) -> None:
    all_at_once(*[(how, engine, members[1], creation_ids[0]) for _ in range(10) for how in (like, unlike)])
    assert_counts_are_true(engine)
    assert like(engine, members[1], creation_ids[0]) == 1
    assert like(engine, members[1], creation_ids[0]) == 1
    assert unlike(engine, members[1], creation_ids[0]) == 0
