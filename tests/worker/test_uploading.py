"""Pictures on their way to X when that takes more than one try, and what one odd answer does to the others."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import transaction
from core.models import State, pictures
from core.queue import WorkQueue
from core.storage import FolderStorage
from tests.support.hearing import creation_of
from tests.support.little_house import LittleHouse
from tests.support.sandbox_x import SandboxX

# What is written down is the same for both databases: `test_replying.py` runs on both.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
UPLOAD, ANSWER = "POST /2/media/upload", "POST /2/tweets"


@pytest.fixture
def house(engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, painter: str) -> LittleHouse:
    house = LittleHouse(engine, x, queue, storage, painter)
    # The next try is the next round's: on a slow machine a short pause is over before this one is.
    house.work = house.work.model_copy(update={"retry_seconds": 30.0})
    house.poller.look()
    return house


def fails_once(house: LittleHouse, **values: Any) -> None:
    house.control("faults", endpoint=ANSWER, **({"kind": "answer", "status": 503} | values))


def calls(house: LittleHouse, name: str) -> int:
    return sum(house.x.state()["calls"].get(name, {}).values())


def test_another_try_takes_the_picture_that_is_on_x_already(house: LittleHouse) -> None:
    fails_once(house)
    post_id = house.x.post("@threadpaint a fox")
    for _ in range(3):
        house.round()
    assert len(house.x.replies(post_id)) == 1
    assert (calls(house, UPLOAD), calls(house, "POST /2/media/metadata")) == (1, 1)


def test_a_copy_that_is_a_day_old_is_brought_again(house: LittleHouse, engine: Engine) -> None:
    fails_once(house)
    post_id = house.x.post("@threadpaint a fox")
    house.round()
    house.turn_clock(25 * 3600)
    with transaction(engine) as session:
        session.execute(update(pictures).values(uploaded_at=now() - timedelta(hours=25)))
    for _ in range(3):
        house.round()
    (answer,) = house.x.replies(post_id)
    assert len(answer["media"]) == 1
    assert answer["media"][0]["alt_text"].startswith("a fox")
    assert calls(house, UPLOAD) == 2


def test_an_answer_says_that_its_picture_is_made_with_ai(house: LittleHouse) -> None:
    post_id = house.x.post("@threadpaint a fox")
    house.round()
    assert [answer["made_with_ai"] for answer in house.x.replies(post_id)] == [True]


def test_a_post_that_is_edited_while_it_is_painted_is_answered_once(house: LittleHouse, engine: Engine) -> None:
    fails_once(house, kind="status_after")
    post_id = house.x.post("@threadpaint a fox")
    house.round()
    house.control(f"posts/{post_id}/edit", text="@threadpaint a hen")
    for _ in range(3):
        house.round()
    row = creation_of(engine, post_id)
    assert (row.state, row.prompt) == (State.REPLIED, "a fox")
    state = house.x.state()
    assert (state["answers"], state["duplicates"]) == ({str(post_id): 1}, 0)


def test_a_403_of_unknown_wording_about_one_post_does_not_stop_the_others(house: LittleHouse, engine: Engine) -> None:
    body = {"title": "Forbidden", "status": 403, "detail": "You are not permitted to perform this action."}
    refused = house.x.post("@threadpaint a fox", author="ada")
    house.control("faults", endpoint=ANSWER, kind="answer", status=403, body=body, calls=[1, 2])
    house.round()
    fine = house.x.post("@threadpaint a hen", author="bea")
    for _ in range(3):
        house.round()
    assert (len(house.x.replies(refused)), len(house.x.replies(fine))) == (0, 1)
    assert creation_of(engine, refused).reply_outcome == "x_forbidden"
    assert calls(house, ANSWER) == 3, "one later try, then it is final"
