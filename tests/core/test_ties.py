"""Who leaves, and what is forgotten, takes its likes, words, follows and boards along; every count stays right."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlmodel import Session

from core.clock import now
from core.database import transaction
from core.forgetting import forget_person
from core.models import (
    Board,
    Collected,
    Comment,
    Creation,
    Follow,
    Liked,
    Login,
    Notification,
    Person,
    Report,
    State,
    boards,
    collected,
    comments,
    creations,
    follows,
    likings,
    logins,
    notifications,
    people,
    reports,
)
from core.ties import untie_creation
from gallery.social.follows import follow
from gallery.social.likes import like
from tests.support.rows import make_creation, make_person

HUNG = {"state": State.REPLIED, "next_attempt_at": None, "painted_at": now(), "shown_at": now()}


class Members:
    """Ada, who leaves; Bob, who stays; a picture of each. Written with the counts that belong to it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ada, self.bob, self.cleo = (make_person(engine, username=name) for name in ("ada", "bob", "cleo"))
        self.adas = make_creation(engine, person_id=self.ada, pictures=1, **HUNG)
        self.bobs = make_creation(engine, person_id=self.bob, pictures=1, **HUNG)

    def write(self, *rows: Any) -> list[Any]:
        with transaction(self.engine) as session:
            for row in rows:
                session.add(row)
                session.flush()
        return [getattr(row, "id", None) for row in rows]

    def like(self, person_id: int, creation_id: int) -> None:
        self.write(Liked(person_id=person_id, creation_id=creation_id))
        self._count(creations, creation_id, "likes")

    def say(self, person_id: int, creation_id: int, parent_id: int | None = None) -> int:
        (made,) = self.write(Comment(person_id=person_id, creation_id=creation_id, parent_id=parent_id, text="so blue"))
        self._count(creations, creation_id, "comments")
        return int(made)

    def follow(self, one: int, other: int) -> None:
        self.write(Follow(follower_id=one, followed_id=other))
        self._count(people, one, "follows")
        self._count(people, other, "followers")

    def board(self, person_id: int, *creation_ids: int) -> int:
        (made,) = self.write(Board(person_id=person_id, name=f"b{person_id}", title="Blue", size=len(creation_ids)))
        self.write(*(Collected(board_id=made, creation_id=each) for each in creation_ids))
        return int(made)

    def _count(self, table: Any, row_id: int, name: str) -> None:
        with transaction(self.engine) as session:
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


def counts_are_right(engine: Engine) -> None:
    """Every count equals its rows."""
    counted = [
        (creations.c.likes, creations.c.id, likings, likings.c.creation_id),
        (creations.c.comments, creations.c.id, comments, comments.c.creation_id),
        (people.c.followers, people.c.id, follows, follows.c.followed_id),
        (people.c.follows, people.c.id, follows, follows.c.follower_id),
        (boards.c.size, boards.c.id, collected, collected.c.board_id),
    ]
    with engine.connect() as connection:
        for count, number, table, its in counted:
            rows = select(func.count()).where(its == number)
            if table is comments:
                rows = rows.where(comments.c.deleted_at.is_(None))
            wrong = select(number, count).where(count != rows.scalar_subquery())
            assert connection.execute(wrong).all() == [], count


def test_who_leaves_takes_likes_follows_and_boards_along(members: Members, engine: Engine) -> None:
    members.like(members.ada, members.bobs)
    members.like(members.cleo, members.bobs)
    members.follow(members.ada, members.bob)
    members.follow(members.bob, members.ada)
    members.follow(members.cleo, members.bob)
    members.board(members.ada, members.bobs, members.adas)
    forget_person(engine, members.ada)
    assert members.creation(members.bobs).likes == 1
    bob, ada = members.person(members.bob), members.person(members.ada)
    assert (bob.followers, bob.follows, ada.followers, ada.follows) == (1, 0, 0, 0)
    assert members.rows(boards) == members.rows(collected) == []
    counts_are_right(engine)


def test_their_words_go_and_only_a_place_with_answers_stays(members: Members, engine: Engine) -> None:
    answered = members.say(members.ada, members.bobs)
    members.say(members.bob, members.bobs, parent_id=answered)
    to_herself = members.say(members.ada, members.bobs)
    members.say(members.ada, members.bobs, parent_id=to_herself)
    forget_person(engine, members.ada)
    left = {row.id: row for row in members.rows(comments)}
    assert len(left) == 2
    assert (left[answered].text, left[answered].deleted_at is None) == ("", False)
    assert members.creation(members.bobs).comments == 1
    counts_are_right(engine)


def test_a_comment_taken_back_before_is_not_counted_twice(members: Members, engine: Engine) -> None:
    gone = Comment(person_id=members.ada, creation_id=members.bobs, text="", deleted_at=now())
    members.write(gone)
    members.say(members.ada, members.bobs)
    forget_person(engine, members.ada)
    assert members.creation(members.bobs).comments == 0
    counts_are_right(engine)


def test_nobody_is_told_of_them_any_more_and_they_are_told_nothing(members: Members, engine: Engine) -> None:
    said = members.say(members.ada, members.bobs)
    members.write(
        Notification(person_id=members.ada, kind="liked", key="1", actor_id=members.bob, creation_id=members.adas),
        Notification(person_id=members.bob, kind="liked", key="2", actor_id=members.ada, creation_id=members.bobs),
        Notification(person_id=members.bob, kind="commented", key="3", actor_id=members.ada, comment_id=said),
        Notification(person_id=members.bob, kind="liked", key="4", actor_id=members.cleo, creation_id=members.bobs),
    )
    forget_person(engine, members.ada)
    assert [row.key for row in members.rows(notifications)] == ["4"]


def test_they_are_signed_out_everywhere_and_are_members_no_more(members: Members, engine: Engine) -> None:
    members.write(
        Login(person_id=members.ada, digest="1", expires_at=now() + timedelta(days=1)),
        Login(person_id=members.bob, digest="2", expires_at=now() + timedelta(days=1)),
    )
    forget_person(engine, members.ada)
    assert [row.person_id for row in members.rows(logins)] == [members.bob]
    assert members.person(members.ada).member_since is None


def test_what_they_reported_stays_for_the_host_without_their_name(members: Members, engine: Engine) -> None:
    said = members.say(members.ada, members.bobs)
    members.write(
        Report(key=f"{members.ada}:1", creation_id=members.bobs, person_id=members.ada, reason="spam", words="mine"),
        Report(key="other", creation_id=members.bobs, comment_id=said, person_id=members.bob, reason="spam"),
    )
    forget_person(engine, members.ada)
    hers, about_her_words = sorted(members.rows(reports), key=lambda row: row.id)
    assert (hers.person_id, hers.words, str(members.ada) in hers.key, hers.handled_at) == (None, "", False, None)
    assert (about_her_words.comment_id, about_her_words.handled_at is None) == (None, False)


def test_what_others_did_under_a_forgotten_creation_goes_with_it(members: Members, engine: Engine) -> None:
    members.like(members.bob, members.adas)
    members.like(members.bob, members.bobs)
    first = members.say(members.bob, members.adas)
    members.say(members.cleo, members.adas, parent_id=first)
    kept = members.board(members.bob, members.adas, members.bobs)
    members.write(
        Notification(person_id=members.ada, kind="liked", key="1", actor_id=members.bob, creation_id=members.adas),
        Report(key="r", creation_id=members.adas, comment_id=first, person_id=members.bob, reason="spam"),
    )
    with transaction(engine) as session:
        untie_creation(session, members.adas)
    (board,) = members.rows(boards)
    assert (board.id, board.size) == (kept, 1)
    assert members.rows(comments) == members.rows(notifications) == []
    assert (members.creation(members.adas).likes, members.creation(members.bobs).likes) == (0, 1)
    assert members.rows(reports)[0].handled_at is not None
    counts_are_right(engine)


def test_untying_twice_does_no_harm(members: Members, engine: Engine) -> None:
    members.like(members.bob, members.adas)
    for _ in range(2):
        with transaction(engine) as session:
            untie_creation(session, members.adas)
        forget_person(engine, members.bob)
    counts_are_right(engine)


def test_a_remix_that_goes_is_counted_off_its_parent(members: Members, engine: Engine) -> None:
    make_creation(engine, person_id=members.ada, parent_id=members.bobs, pictures=1, **HUNG)
    with transaction(engine) as session:
        session.execute(creations.update().where(creations.c.id == members.bobs).values(remixes=1))
    forget_person(engine, members.ada)
    assert members.creation(members.bobs).remixes == 0


def test_a_large_account_is_forgotten_in_few_statements(members: Members, engine: Engine, sent: list[str]) -> None:
    """5,000 creations, likes and words: as many statements as there are thousands of them, not as there are rows."""
    fill(engine, members, 5_000)
    sent.clear()
    assert forget_person(engine, members.ada) == 5_001
    assert len(sent) < 200
    counts_are_right(engine)


@pytest.fixture
def sent(engine: Engine) -> list[str]:
    from sqlalchemy import event

    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: seen.append(statement))
    return seen


def fill(engine: Engine, members: Members, number: int) -> None:
    """Many creations of Ada and of Bob; Ada likes and comments each of Bob's."""
    bare = {"negative_prompt": "", "count": 1, "attempts": 0, "turn": 0, "seed": 1, "created_at": now()}
    bare |= {"sensitive": False, "remixes": 0, "state": "replied", "painted_at": now(), "shown_at": now()}
    hers = [{**bare, "prompt": "p", "person_id": members.ada, "likes": 0, "comments": 0} for _ in range(number)]
    his = [{**bare, "prompt": "p", "person_id": members.bob, "likes": 1, "comments": 1} for _ in range(number)]
    with transaction(engine) as session:
        session.execute(insert(creations), hers)
        session.execute(insert(creations), his)
        liked = select(creations.c.id).where(creations.c.person_id == members.bob, creations.c.likes == 1)
        ids = list(session.execute(liked).scalars())
        session.execute(insert(likings), [{"person_id": members.ada, "creation_id": each, "at": now()} for each in ids])
        said = {"person_id": members.ada, "text": "so blue", "created_at": now()}
        session.execute(insert(comments), [{**said, "creation_id": each} for each in ids])


def test_counts_are_right_when_people_leave_while_others_like_and_follow(members: Members, engine: Engine) -> None:
    crowd = [make_person(engine) for _ in range(6)]
    hung = [make_creation(engine, person_id=members.bob, pictures=1, **HUNG) for _ in range(8)]

    def busy(person_id: int) -> None:
        for creation_id in hung:
            like(engine, person_id, creation_id)
        for other in crowd:
            follow(engine, person_id, other)
        forget_person(engine, person_id)

    def steady(person_id: int) -> None:
        for creation_id in reversed(hung):
            like(engine, person_id, creation_id)
        for other in reversed(crowd):
            follow(engine, person_id, other)

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(busy, one) for one in crowd[:4]] + [pool.submit(steady, one) for one in crowd[4:]]
        for each in done:
            each.result()
    assert {members.creation(each).likes for each in hung} == {2}
    counts_are_right(engine)
