"""Costs of a reply are saved with what they paid for, also if a later call fails or the lease is lost."""

from typing import Any

import pytest
from sqlalchemy import Engine, update

from core.budget.ledger import count_charges
from core.budget.prices import ALT_TEXT, REPLY, UPLOAD
from core.database import write_session
from core.models import State, creations
from core.queue import WorkQueue
from core.storage import FolderStorage
from tests.support.in_process_bot import InProcessBot
from tests.support.poller import creation_of
from tests.support.sandbox_x import SandboxX, answers


@pytest.fixture
def bot(engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, gpu_url: str) -> InProcessBot:
    bot = InProcessBot(engine, x, queue, storage, gpu_url)
    # The next attempt must be in the next round.
    bot.work = bot.work.model_copy(update={"retry_seconds": 30.0})
    bot.poller.poll_once()
    return bot


def charges(bot: InProcessBot, post_id: int) -> tuple[int, ...]:
    """Return how often upload, alt text and reply were charged."""
    creation_id = creation_of(bot.engine, post_id).id
    return tuple(count_charges(bot.engine, creation_id, item) for item in (UPLOAD, ALT_TEXT, REPLY))


def reply_until_done(bot: InProcessBot, post_id: int) -> None:
    for _ in range(5):
        bot.round()
        if creation_of(bot.engine, post_id).state == State.REPLIED:
            return
    raise AssertionError("not replied")


def test_an_upload_is_saved_if_its_alt_text_fails(bot: InProcessBot) -> None:
    bot.control("faults", endpoint="POST /2/media/metadata", kind="answer", status=500, times=1)
    post_id = bot.x.post("@threadpaint a fox")
    bot.round()
    assert charges(bot, post_id) == (1, 0, 0)
    reply_until_done(bot, post_id)
    assert charges(bot, post_id) == (1, 1, 1)


def test_a_picture_is_saved_if_the_next_one_fails(bot: InProcessBot) -> None:
    bot.control("faults", endpoint="POST /2/media/upload", kind="answer", status=500, calls=[2])
    post_id = bot.x.post("@threadpaint a fox --n 2")
    bot.round()
    assert charges(bot, post_id) == (1, 1, 0)
    reply_until_done(bot, post_id)
    assert charges(bot, post_id) == (2, 2, 1)
    (answer,) = bot.x.replies(post_id)
    assert len(answer["media"]) == 2


def test_a_reply_is_charged_if_the_lease_was_lost_meanwhile(bot: InProcessBot) -> None:
    posted = answers(201, b'{"data": {"id": "1234567890"}}', content_type="application/json")

    async def steal_lease(scope: Any, call: Any, send: Any) -> None:
        with write_session(bot.engine) as session:
            session.execute(update(creations).values(lease_token="another job"))
        await posted(scope, call, send)

    bot.x.spoil("POST", "/2/tweets", steal_lease)
    post_id = bot.x.post("@threadpaint a fox")
    bot.round()
    assert charges(bot, post_id) == (1, 1, 1)
    assert creation_of(bot.engine, post_id).state == State.REPLYING
