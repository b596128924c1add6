"""Alt texts cost money: they are not paid again and again for uploads that X drops."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from core.budget.ledger import count_charges
from core.budget.prices import ALT_TEXT
from core.clock import now
from core.database import write_session
from core.models import State, pictures
from core.queue import WorkQueue
from core.storage import FolderStorage
from tests.support.in_process_bot import InProcessBot
from tests.support.poller import creation_of
from tests.support.sandbox_x import SandboxX
from worker.media_upload import ALT_TEXT_ATTEMPTS


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_alt_text_is_paid_a_few_times_while_x_drops_every_upload(
    engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, gpu_url: str
) -> None:
    bot = InProcessBot(engine, x, queue, storage, gpu_url)
    bot.poller.poll_once()
    unknown = {"errors": [{"message": "Your media IDs are invalid."}], "title": "Invalid Request"}
    bot.control("faults", endpoint="POST /2/tweets", kind="answer", status=400, body=unknown, times=8)
    post_id = x.post("@threadpaint a fox")
    for _ in range(30):
        bot.round()
        if creation_of(engine, post_id).state == State.REPLIED:
            break
        with write_session(engine) as session:
            session.execute(update(pictures).values(uploaded_at=now() - timedelta(minutes=2)))
    row = creation_of(engine, post_id)
    assert (row.state, len(x.replies(post_id))) == (State.REPLIED, 1)
    assert 1 <= count_charges(engine, row.id, ALT_TEXT) <= ALT_TEXT_ATTEMPTS
