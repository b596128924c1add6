"""Concurrent writes of members on both databases: no errors, and counters and search index are right afterwards."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import retry_on_deadlock, write_session
from core.deletion import erase_user
from core.models import State, creations, people
from core.publishing import publish, unpublish
from core.social_cleanup import delete_creation_activity
from gallery.services import boards, my_creations
from gallery.services.comments import CommentRejected, NewComment, add_comment, delete_comment
from gallery.services.follows import follow, unfollow
from gallery.services.likes import like, unlike
from tests.support.counter_checks import assert_all_is_counted
from tests.support.rows import make_creation, make_person

Action = Callable[[], object]
THREADS = 12
PUBLISHED: dict[str, Any] = {"pictures": 1, "state": State.REPLIED, "next_attempt_at": None, "with_post": False}


class Community:
    """Five members with remixes of each other's creations, and random actions of them."""

    def __init__(self, engine: Engine, rng: random.Random) -> None:
        self.engine, self.rng = engine, rng
        self.members = [make_person(engine, member_since=now()) for _ in range(5)]
        self.creations_of: dict[int, list[int]] = {member: [] for member in self.members}
        self.creations: list[int] = []
        for number in range(20):
            self.add_creation(self.members[number % 5], self.creations[-1] if number % 4 else None)
        self.comments = [
            add_comment(engine, self.members[n % 5], creation_id, NewComment(f"root {n}", ""))
            for n, creation_id in enumerate(self.creations)
        ]
        self.boards = [boards.create_board(engine, member, boards.BoardDraft("Blue"), "") for member in self.members]

    def add_creation(self, person_id: int, parent_id: int | None) -> None:
        creation_id = self.publish_remix(person_id, parent_id)
        self.creations_of[person_id].append(creation_id)
        self.creations.append(creation_id)

    @retry_on_deadlock
    def publish_remix(self, person_id: int, parent_id: int | None) -> int:
        creation_id = make_creation(
            self.engine, person_id=person_id, parent_id=parent_id, painted_at=now(), **PUBLISHED
        )
        with write_session(self.engine) as session:
            publish(session, creations.c.id == creation_id)
        return creation_id

    def random_actions(self) -> list[Action]:
        """Return actions of all members, each several times, in random order."""
        actions = [action for number in range(84) for action in self._actions_of_one_member(number)]
        actions += [partial(erase_user, self.engine, member) for member in self.members[:2]]
        self.rng.shuffle(actions)
        return actions

    def _actions_of_one_member(self, number: int) -> list[Action]:
        member, other = self.rng.sample(self.members, 2)
        creation_id, comment_id = self.rng.choice(list(zip(self.creations, self.comments, strict=True)))
        own = self.rng.sample(self.creations_of[member], 3)
        actions = self._social_actions(member, other, creation_id, comment_id, number)
        change = self.rng.choice(("hide", "unhide", "sensitive"))
        actions.append(partial(my_creations.change_creations, self.engine, member, change, own))
        if number % 10 == 0:
            actions.append(partial(self.set_hidden, member, is_hidden=number % 20 == 0))
            actions.append(partial(self.publish_remix, member, creation_id))
        if number % 21 == 0:
            actions.append(partial(my_creations.change_creations, self.engine, member, "delete", own[:1]))
            actions.append(partial(self.delete_activity, own[0]))
        return actions

    def _social_actions(
        self, member: int, other: int, creation_id: int, comment_id: int | None, number: int
    ) -> list[Action]:
        engine, board = self.engine, frozenset({self.boards[self.members.index(member)]})
        comment = NewComment(f"text {number}", "", comment_id if number % 2 else None)
        return [
            partial(like, engine, member, creation_id),
            partial(unlike, engine, member, creation_id),
            partial(follow, engine, member, other),
            partial(unfollow, engine, member, other),
            partial(self.comment, member, creation_id, comment),
            partial(delete_comment, engine, member, creation_id, comment_id or 0),
            partial(boards.set_boards, engine, member, creation_id, boards.BoardSelection(on=board)),
            partial(boards.set_boards, engine, member, creation_id, boards.BoardSelection(off=board)),
        ]

    def comment(self, person_id: int, creation_id: int, comment: NewComment) -> None:
        with suppress(CommentRejected):  # its parent was deleted, or its author is hidden
            add_comment(self.engine, person_id, creation_id, comment)

    @retry_on_deadlock
    def set_hidden(self, person_id: int, *, is_hidden: bool) -> None:
        with write_session(self.engine) as session:
            moment = now() if is_hidden else None
            session.execute(update(people).where(people.c.id == person_id).values(hidden_at=moment))
            (unpublish if is_hidden else publish)(session, creations.c.person_id == person_id)

    @retry_on_deadlock
    def delete_activity(self, creation_id: int) -> None:
        with write_session(self.engine) as session:
            delete_creation_activity(session, creation_id)


@pytest.mark.parametrize("seed", [1, 2])
def test_counters_are_right_after_concurrent_writes(engine: Engine, seed: int) -> None:
    community = Community(engine, random.Random(seed))
    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(action) for action in community.random_actions()]:
            future.result()
    assert_all_is_counted(engine)
