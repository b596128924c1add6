"""Everything at once, on both databases: who likes, says, follows, collects, hides, shows, deletes, paints, leaves.

Nobody meets an error, and afterwards every count is what the rows say, and found is what hangs.
"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import transaction, unlocked
from core.forgetting import forget_person
from core.models import State, creations, people
from core.ties import untie_creation
from core.visibility import conceal, show
from gallery.mine import changes, pinning
from gallery.social.follows import follow, unfollow
from gallery.social.likes import like, unlike
from gallery.social.saying import NotSaid, Words, say, take_back
from tests.support.counted import assert_all_is_counted
from tests.support.rows import make_creation, make_person

Deed = Callable[[], object]
CALLERS = 12
HUNG = {"pictures": 1, "state": State.REPLIED, "next_attempt_at": None, "with_post": False}


class House:
    """Five members whose pictures are made from each other's, crosswise; one of them leaves."""

    def __init__(self, engine: Engine, chance: random.Random) -> None:
        self.engine, self.chance = engine, chance
        self.members = [make_person(engine, member_since=now()) for _ in range(5)]
        self.of: dict[int, list[int]] = {one: [] for one in self.members}
        self.all: list[int] = []
        for number in range(20):
            self.paint(self.members[number % 5], self.all[-1] if number % 4 else None)
        self.said = [say(engine, self.members[n % 5], one, Words(f"root {n}", "")) for n, one in enumerate(self.all)]
        self.boards = [pinning.make(engine, one, pinning.Draft("Blue"), "") for one in self.members]

    def paint(self, person_id: int, parent_id: int | None) -> None:
        one = self.paint_after(person_id, parent_id)
        self.of[person_id].append(one)
        self.all.append(one)

    @unlocked
    def paint_after(self, person_id: int, parent_id: int | None) -> int:
        one = make_creation(self.engine, person_id=person_id, parent_id=parent_id, painted_at=now(), **HUNG)
        with transaction(self.engine) as session:
            show(session, creations.c.id == one)
        return one

    def doings(self) -> list[Deed]:
        """What everybody does, each several times, in no order."""
        engine, found = self.engine, list[Deed]()
        for number in range(84):
            who, other = self.chance.sample(self.members, 2)
            what, said = self.chance.choice(list(zip(self.all, self.said, strict=True)))
            own = self.chance.sample(self.of[who], 3)
            board = frozenset({self.boards[self.members.index(who)]})
            found += [
                partial(like, engine, who, what),
                partial(unlike, engine, who, what),
                partial(follow, engine, who, other),
                partial(unfollow, engine, who, other),
                partial(self.say, who, what, Words(f"words {number}", "", said if number % 2 else None)),
                partial(take_back, engine, who, what, said or 0),
                partial(pinning.collect, engine, who, what, pinning.Wish(on=board)),
                partial(pinning.collect, engine, who, what, pinning.Wish(off=board)),
                partial(changes.change, engine, who, self.chance.choice(("hide", "unhide", "sensitive")), own),
            ]
            if number % 10 == 0:
                found.append(partial(self.protect, who, is_hidden=number % 20 == 0))
                found.append(partial(self.paint_after, who, what))
            if number % 21 == 0:
                found.append(partial(changes.change, engine, who, "delete", own[:1]))
                found.append(partial(self.untie, own[0]))
        found += [partial(forget_person, engine, self.members[n]) for n in (0, 1)]
        self.chance.shuffle(found)
        return found

    def say(self, person_id: int, creation_id: int, words: Words) -> None:
        with suppress(NotSaid):  # what it answers was taken back, or X hides who says it
            say(self.engine, person_id, creation_id, words)

    @unlocked
    def protect(self, person_id: int, *, is_hidden: bool) -> None:
        with transaction(self.engine) as session:
            moment = now() if is_hidden else None
            session.execute(update(people).where(people.c.id == person_id).values(hidden_at=moment))
            (conceal if is_hidden else show)(session, creations.c.person_id == person_id)

    @unlocked
    def untie(self, creation_id: int) -> None:
        with transaction(self.engine) as session:
            untie_creation(session, creation_id)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_count_is_right_after_a_storm(engine: Engine, seed: int) -> None:
    house = House(engine, random.Random(seed))
    with ThreadPoolExecutor(CALLERS) as pool:
        for done in [pool.submit(doing) for doing in house.doings()]:
            done.result()
    assert_all_is_counted(engine)
