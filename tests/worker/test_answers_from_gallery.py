"""A creation wished for in the gallery and answered on X, too: under its author's own post, where the bot has answered
already. Once, whatever breaks, and never taken for the answer of another creation.
"""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import transaction
from core.forgetting import take_back
from core.models import Creation, State, people, posts
from core.queue import WorkQueue
from core.reply_numbers import numbers_in
from core.settings import RuleSettings, load
from core.storage import FolderStorage
from core.uploads import Uploads
from gallery.composing.rules import NotNow, Terms
from gallery.composing.wishes import Wish
from gallery.composing.writing import Desk, Order
from tests.support.little_house import LittleHouse
from tests.support.sandbox_x import SandboxX, answers, lost_answer, lost_call

# What is written down is the same for both databases: `test_replying.py` runs on both.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
POST = ("POST", "/2/tweets")


class Scene:
    """Ada asked on X and was answered; now she goes on in the gallery."""

    def __init__(self, house: LittleHouse) -> None:
        self.house, self.engine = house, house.engine
        house.look()
        self.post_id = house.x.post("@threadpaint a red fox")
        house.round()
        self.first = house.creation(1)
        assert (self.first.state, self.first.post_id) == (State.REPLIED, self.post_id)
        self.desk = Desk(self.engine, house.storage, Uploads(house.storage.folder), Terms(load(RuleSettings), now()))

    def wish(self, *, on_x: bool = True, once: str = "wish:1") -> int:
        order = Order(self.first.person_id, once, Wish("a blue fox"), self.first.id, on_x=on_x)
        return self.desk.write(order)

    def work(self, creation_id: int) -> Creation:
        self.house.turn_clock(61)
        self.house.work_on()
        return self.house.creation(creation_id)

    def numbers(self) -> list[int]:
        """The creations whose answers stand under the post, oldest first."""
        texts = [str(answer["text"]) for answer in self.house.x.replies(self.post_id)]
        return [number for text in texts for number in numbers_in(text)]

    def change(self, table: Any, **values: Any) -> None:
        with transaction(self.engine) as session:
            session.execute(table.update().values(**values))


@pytest.fixture
def scene(engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, painter: str) -> Scene:
    return Scene(LittleHouse(engine, x, queue, storage, painter))


def test_it_is_answered_under_the_post_beside_the_first_answer(scene: Scene) -> None:
    child = scene.work(scene.wish())
    assert (child.state, child.reply_outcome, child.post_id) == (State.REPLIED, "answered", None)
    assert scene.numbers() == [1, child.id]
    assert child.reply_post_id != scene.first.reply_post_id


def test_without_the_wish_for_it_nothing_is_answered_and_nothing_waits(scene: Scene) -> None:
    child = scene.work(scene.wish(on_x=False))
    assert (child.state, child.next_attempt_at) == (State.PAINTED, None)
    assert child.shown_at is not None
    assert scene.numbers() == [1]


@pytest.mark.parametrize("fault", [lost_answer, lost_call, answers(503, b"<html>down")])
def test_when_the_end_of_the_post_is_unclear_it_finds_its_own_answer_and_no_other(scene: Scene, fault: Any) -> None:
    child_id = scene.wish()
    scene.house.x.spoil(*POST, fault)
    scene.work(child_id)
    assert not scene.house.x.line.faults[POST], "the fault was met"
    child = scene.work(child_id)
    assert child.state == State.REPLIED
    assert scene.numbers() == [1, child_id]
    assert child.reply_post_id not in {None, scene.first.reply_post_id}


def test_two_whose_answers_were_lost_at_once_each_find_their_own(scene: Scene) -> None:
    both = [scene.wish(once="wish:1"), scene.wish(once="wish:2")]
    scene.house.x.spoil(*POST, lost_answer, lost_call)
    scene.work(both[0])
    for _ in range(3):
        scene.work(both[0])
    found = [scene.house.creation(one) for one in both]
    assert [row.state for row in found] == [State.REPLIED] * 2
    assert len({row.reply_post_id for row in found}) == 2
    assert sorted(scene.numbers()) == [1, *both]


def test_a_post_deleted_meanwhile_leaves_the_picture_in_the_gallery_only(scene: Scene) -> None:
    child_id = scene.wish()
    scene.house.x.http.delete(f"{scene.house.x.url}/sandbox/posts/{scene.post_id}")
    child = scene.work(child_id)
    assert (child.state, child.reply_outcome, child.next_attempt_at) == (State.PAINTED, "x_post_gone", None)
    assert child.shown_at is not None


def test_a_post_known_to_be_gone_costs_no_call(scene: Scene) -> None:
    child_id = scene.wish()
    scene.change(posts, gone_at=now())
    calls = scene.house.x.state()["calls"].get("POST /2/tweets")
    assert scene.work(child_id).reply_outcome == "x_post_gone"
    assert scene.house.x.state()["calls"].get("POST /2/tweets") == calls


def test_who_says_stop_before_it_is_painted_gets_neither(scene: Scene) -> None:
    child_id = scene.wish()
    scene.change(people, opted_out_at=now())
    child = scene.work(child_id)
    assert (child.state, child.code) == (State.REFUSED, "opted_out")
    assert scene.numbers() == [1]


def test_taken_back_its_answer_goes_and_the_first_one_stays(scene: Scene) -> None:
    child = scene.work(scene.wish())
    with transaction(scene.engine) as session:
        take_back(session, [int(child.id or 0)], "deleted")
    scene.house.keep()
    assert scene.numbers() == [1]
    assert scene.house.creation(1).shown_at is not None
    assert scene.house.creation(int(child.id or 0)).forgotten_at is not None


def test_answers_from_the_gallery_count_in_their_conversation(scene: Scene) -> None:
    scene.wish()
    strict = replace(scene.desk, terms=Terms(load(RuleSettings, conversation_limit=2), now()))
    order = Order(scene.first.person_id, "wish:9", Wish("a green fox"), scene.first.id, on_x=True)
    with pytest.raises(NotNow, match="conversation"):
        strict.write(order)


def test_on_x_the_posts_of_a_conversation_know_of_them_too(scene: Scene) -> None:
    scene.work(scene.wish())
    house = replace(scene.house, rules=load(RuleSettings, conversation_limit=2))
    house.x.post("@threadpaint a green fox", in_reply_to=str(scene.post_id))
    house.look()
    newest = house.creation(3)
    assert (newest.state, newest.code) == (State.REFUSED, "conversation")
