"""Erased users and deleted creations lose their likes, comments, follows and boards; counters stay right."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select
from sqlmodel import Session

from core.clock import now
from core.database import write_session
from core.deletion import erase_user
from core.models import (
    Board,
    BoardItem,
    Comment,
    Creation,
    Follow,
    Like,
    LoginSession,
    Notification,
    NotificationKind,
    Person,
    Report,
    State,
    board_items,
    boards,
    comments,
    creations,
    follows,
    likes,
    login_sessions,
    notifications,
    people,
    reports,
)
from core.social_cleanup import delete_creation_activity
from gallery.services.follows import follow
from gallery.services.likes import like
from tests.support.rows import make_creation, make_person

PUBLISHED: dict[str, Any] = {
    "state": State.REPLIED,
    "next_attempt_at": None,
    "painted_at": now(),
    "published_at": now(),
}


class Members:
    """Ada, who will be erased, Bob and Cleo, with a creation of Ada and one of Bob. Writes rows with their counters."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ada, self.bob, self.cleo = (make_person(engine, username=name) for name in ("ada", "bob", "cleo"))
        self.adas = make_creation(engine, person_id=self.ada, pictures=1, **PUBLISHED)
        self.bobs = make_creation(engine, person_id=self.bob, pictures=1, **PUBLISHED)

    def write(self, *rows: Any) -> list[Any]:
        with write_session(self.engine) as session:
            for row in rows:
                session.add(row)
                session.flush()
        return [getattr(row, "id", None) for row in rows]

    def like(self, person_id: int, creation_id: int) -> None:
        self.write(Like(person_id=person_id, creation_id=creation_id))
        self._count(creations, creation_id, "likes")

    def comment(self, person_id: int, creation_id: int, parent_id: int | None = None) -> int:
        (made,) = self.write(Comment(person_id=person_id, creation_id=creation_id, parent_id=parent_id, text="so blue"))
        self._count(creations, creation_id, "comments")
        return int(made)

    def follow(self, one: int, other: int) -> None:
        self.write(Follow(follower_id=one, followed_id=other))
        self._count(people, one, "following_count")
        self._count(people, other, "follower_count")

    def board(self, person_id: int, *creation_ids: int) -> int:
        (made,) = self.write(Board(person_id=person_id, name=f"b{person_id}", title="Blue", size=len(creation_ids)))
        self.write(*(BoardItem(board_id=made, creation_id=each) for each in creation_ids))
        return int(made)

    def _count(self, table: Any, row_id: int, name: str) -> None:
        with write_session(self.engine) as session:
            session.execute(table.update().where(table.c.id == row_id).values({name: table.c[name] + 1}))

    def rows(self, table: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(table)))

    def creation(self, creation_id: int) -> Creation:
        with Session(self.engine) as session:
            return session.get_one(Creation, creation_id)

    def person(self, person_id: int) -> Person:
        with Session(self.engine) as session:
            return session.get_one(Person, person_id)


@pytest.fixture
def members(engine: Engine) -> Members:
    return Members(engine)


def assert_counters_are_right(engine: Engine) -> None:
    """Assert that every counter equals the number of its rows."""
    counted = [
        (creations.c.likes, creations.c.id, likes, likes.c.creation_id),
        (creations.c.comments, creations.c.id, comments, comments.c.creation_id),
        (people.c.follower_count, people.c.id, follows, follows.c.followed_id),
        (people.c.following_count, people.c.id, follows, follows.c.follower_id),
        (boards.c.size, boards.c.id, board_items, board_items.c.board_id),
    ]
    with engine.connect() as connection:
        for count, number, table, its in counted:
            rows = select(func.count()).where(its == number)
            if table is comments:
                rows = rows.where(comments.c.deleted_at.is_(None))
            wrong = select(number, count).where(count != rows.scalar_subquery())
            assert connection.execute(wrong).all() == [], count


def test_erasing_deletes_likes_follows_and_boards(members: Members, engine: Engine) -> None:
    members.like(members.ada, members.bobs)
    members.like(members.cleo, members.bobs)
    members.follow(members.ada, members.bob)
    members.follow(members.bob, members.ada)
    members.follow(members.cleo, members.bob)
    members.board(members.ada, members.bobs, members.adas)
    erase_user(engine, members.ada)
    assert members.creation(members.bobs).likes == 1
    bob, ada = members.person(members.bob), members.person(members.ada)
    assert (bob.follower_count, bob.following_count, ada.follower_count, ada.following_count) == (1, 0, 0, 0)
    assert members.rows(boards) == members.rows(board_items) == []
    assert_counters_are_right(engine)


def test_erasing_clears_comments_and_keeps_those_with_replies(members: Members, engine: Engine) -> None:
    answered = members.comment(members.ada, members.bobs)
    members.comment(members.bob, members.bobs, parent_id=answered)
    to_herself = members.comment(members.ada, members.bobs)
    members.comment(members.ada, members.bobs, parent_id=to_herself)
    erase_user(engine, members.ada)
    left = {row.id: row for row in members.rows(comments)}
    assert len(left) == 2
    assert (left[answered].text, left[answered].deleted_at is None) == ("", False)
    assert members.creation(members.bobs).comments == 1
    assert_counters_are_right(engine)


def test_a_deleted_comment_is_not_counted_twice(members: Members, engine: Engine) -> None:
    gone = Comment(person_id=members.ada, creation_id=members.bobs, text="", deleted_at=now())
    members.write(gone)
    members.comment(members.ada, members.bobs)
    erase_user(engine, members.ada)
    assert members.creation(members.bobs).comments == 0
    assert_counters_are_right(engine)


def test_erasing_deletes_notifications_of_and_about_the_user(members: Members, engine: Engine) -> None:
    said = members.comment(members.ada, members.bobs)
    members.write(
        Notification(
            person_id=members.ada, kind=NotificationKind.LIKED, key="1", actor_id=members.bob, creation_id=members.adas
        ),
        Notification(
            person_id=members.bob, kind=NotificationKind.LIKED, key="2", actor_id=members.ada, creation_id=members.bobs
        ),
        Notification(
            person_id=members.bob, kind=NotificationKind.COMMENTED, key="3", actor_id=members.ada, comment_id=said
        ),
        Notification(
            person_id=members.bob, kind=NotificationKind.LIKED, key="4", actor_id=members.cleo, creation_id=members.bobs
        ),
    )
    erase_user(engine, members.ada)
    assert [row.key for row in members.rows(notifications)] == ["4"]


def test_erasing_ends_sessions_and_membership(members: Members, engine: Engine) -> None:
    members.write(
        LoginSession(person_id=members.ada, digest="1", expires_at=now() + timedelta(days=1)),
        LoginSession(person_id=members.bob, digest="2", expires_at=now() + timedelta(days=1)),
    )
    erase_user(engine, members.ada)
    assert [row.person_id for row in members.rows(login_sessions)] == [members.bob]
    assert members.person(members.ada).member_since is None


def test_erasing_keeps_reports_without_the_name(members: Members, engine: Engine) -> None:
    said = members.comment(members.ada, members.bobs)
    members.write(
        Report(key=f"{members.ada}:1", creation_id=members.bobs, person_id=members.ada, reason="spam", words="mine"),
        Report(key="other", creation_id=members.bobs, comment_id=said, person_id=members.bob, reason="spam"),
    )
    erase_user(engine, members.ada)
    hers, about_her_words = sorted(members.rows(reports), key=lambda row: row.id)
    assert (hers.person_id, hers.words, str(members.ada) in hers.key, hers.handled_at) == (None, "", False, None)
    assert (about_her_words.comment_id, about_her_words.handled_at is None) == (None, False)


def test_deleting_a_creation_deletes_its_activity(members: Members, engine: Engine) -> None:
    members.like(members.bob, members.adas)
    members.like(members.bob, members.bobs)
    first = members.comment(members.bob, members.adas)
    members.comment(members.cleo, members.adas, parent_id=first)
    board_id = members.board(members.bob, members.adas, members.bobs)
    members.write(
        Notification(
            person_id=members.ada, kind=NotificationKind.LIKED, key="1", actor_id=members.bob, creation_id=members.adas
        ),
        Report(key="r", creation_id=members.adas, comment_id=first, person_id=members.bob, reason="spam"),
    )
    with write_session(engine) as session:
        delete_creation_activity(session, members.adas)
    (board,) = members.rows(boards)
    assert (board.id, board.size) == (board_id, 1)
    assert members.rows(comments) == members.rows(notifications) == []
    assert (members.creation(members.adas).likes, members.creation(members.bobs).likes) == (0, 1)
    assert members.rows(reports)[0].handled_at is not None
    assert_counters_are_right(engine)


def test_deleting_activity_twice_is_harmless(members: Members, engine: Engine) -> None:
    members.like(members.bob, members.adas)
    for _ in range(2):
        with write_session(engine) as session:
            delete_creation_activity(session, members.adas)
        erase_user(engine, members.bob)
    assert_counters_are_right(engine)


def test_erasing_a_remix_lowers_the_count_of_its_parent(members: Members, engine: Engine) -> None:
    make_creation(engine, person_id=members.ada, parent_id=members.bobs, pictures=1, **PUBLISHED)
    with write_session(engine) as session:
        session.execute(creations.update().where(creations.c.id == members.bobs).values(remixes=1))
    erase_user(engine, members.ada)
    assert members.creation(members.bobs).remixes == 0


def test_a_large_account_is_erased_in_few_statements(members: Members, engine: Engine, statements: list[str]) -> None:
    """With 5,000 creations, likes and comments, statements are counted per thousand rows, not per row."""
    fill(engine, members, 5_000)
    statements.clear()
    assert erase_user(engine, members.ada) == 5_001
    assert len(statements) < 200
    assert_counters_are_right(engine)


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """SQL statements that the engine executes."""
    executed: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: executed.append(statement))
    return executed


def fill(engine: Engine, members: Members, number: int) -> None:
    """Add many creations of Ada and of Bob. Ada likes and comments each of Bob's."""
    bare = {"negative_prompt": "", "count": 1, "attempts": 0, "queue_rank": 0, "seed": 1, "created_at": now()}
    bare |= {"sensitive": False, "remixes": 0, "state": "replied", "painted_at": now(), "published_at": now()}
    hers = [{**bare, "prompt": "p", "person_id": members.ada, "likes": 0, "comments": 0} for _ in range(number)]
    his = [{**bare, "prompt": "p", "person_id": members.bob, "likes": 1, "comments": 1} for _ in range(number)]
    with write_session(engine) as session:
        session.execute(insert(creations), hers)
        session.execute(insert(creations), his)
        liked = select(creations.c.id).where(creations.c.person_id == members.bob, creations.c.likes == 1)
        ids = list(session.execute(liked).scalars())
        session.execute(insert(likes), [{"person_id": members.ada, "creation_id": each, "at": now()} for each in ids])
        said = {"person_id": members.ada, "text": "so blue", "created_at": now()}
        session.execute(insert(comments), [{**said, "creation_id": each} for each in ids])


def test_counts_are_right_after_concurrent_erasures_and_likes(members: Members, engine: Engine) -> None:
    users = [make_person(engine) for _ in range(6)]
    creation_ids = [make_creation(engine, person_id=members.bob, pictures=1, **PUBLISHED) for _ in range(8)]

    def act_and_leave(person_id: int) -> None:
        for creation_id in creation_ids:
            like(engine, person_id, creation_id)
        for other in users:
            follow(engine, person_id, other)
        erase_user(engine, person_id)

    def act(person_id: int) -> None:
        for creation_id in reversed(creation_ids):
            like(engine, person_id, creation_id)
        for other in reversed(users):
            follow(engine, person_id, other)

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(act_and_leave, user) for user in users[:4]] + [
            pool.submit(act, user) for user in users[4:]
        ]
        for future in futures:
            future.result()
    assert {members.creation(creation_id).likes for creation_id in creation_ids} == {2}
    assert_counters_are_right(engine)
