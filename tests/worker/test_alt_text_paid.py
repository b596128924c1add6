"""An alt text costs money: it is not paid again and again for copies that X forgets each time."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import transaction
from core.models import State, pictures
from core.money.ledger import times_paid
from core.money.prices import ALT_TEXT
from core.queue import WorkQueue
from core.storage import FolderStorage
from tests.support.hearing import creation_of
from tests.support.little_house import LittleHouse
from tests.support.sandbox_x import SandboxX
from worker.uploading import TRIES_FOR_ALT_TEXT


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_while_x_forgets_every_copy_alt_texts_are_paid_a_few_times_and_the_answer_still_comes(
    engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, painter: str
) -> None:
    house = LittleHouse(engine, x, queue, storage, painter)
    house.poller.look()
    unknown = {"errors": [{"message": "Your media IDs are invalid."}], "title": "Invalid Request"}
    house.control("faults", endpoint="POST /2/tweets", kind="answer", status=400, body=unknown, times=8)
    post_id = x.post("@threadpaint a fox")
    for _ in range(30):
        house.round()
        if creation_of(engine, post_id).state == State.REPLIED:
            break
        with transaction(engine) as session:
            session.execute(update(pictures).values(uploaded_at=now() - timedelta(minutes=2)))
    row = creation_of(engine, post_id)
    assert (row.state, len(x.replies(post_id))) == (State.REPLIED, 1)
    assert 1 <= times_paid(engine, row.id, ALT_TEXT) <= TRIES_FOR_ALT_TEXT
