"""Uploads that take more than one attempt, and what an unknown error of one does to the others."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import State, pictures
from core.queue import WorkQueue
from core.storage import FolderStorage
from tests.support.in_process_bot import InProcessBot
from tests.support.poller import creation_of
from tests.support.sandbox_x import SandboxX

# `test_replying.py` runs on both databases.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
UPLOAD, ANSWER = "POST /2/media/upload", "POST /2/tweets"


@pytest.fixture
def bot(engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, gpu_url: str) -> InProcessBot:
    bot = InProcessBot(engine, x, queue, storage, gpu_url)
    # The next attempt must be in the next round: on a slow machine a short pause ends within this one.
    bot.work = bot.work.model_copy(update={"retry_seconds": 30.0})
    bot.poller.poll_once()
    return bot


def fails_once(bot: InProcessBot, **values: Any) -> None:
    bot.control("faults", endpoint=ANSWER, **({"kind": "answer", "status": 503} | values))


def calls(bot: InProcessBot, name: str) -> int:
    return sum(bot.x.state()["calls"].get(name, {}).values())


def test_another_attempt_uses_the_existing_upload(bot: InProcessBot) -> None:
    fails_once(bot)
    post_id = bot.x.post("@threadpaint a fox")
    for _ in range(3):
        bot.round()
    assert len(bot.x.replies(post_id)) == 1
    assert (calls(bot, UPLOAD), calls(bot, "POST /2/media/metadata")) == (1, 1)


def test_a_day_old_upload_is_repeated(bot: InProcessBot, engine: Engine) -> None:
    fails_once(bot)
    post_id = bot.x.post("@threadpaint a fox")
    bot.round()
    bot.advance_clock(25 * 3600)
    with write_session(engine) as session:
        session.execute(update(pictures).values(uploaded_at=now() - timedelta(hours=25)))
    for _ in range(3):
        bot.round()
    (answer,) = bot.x.replies(post_id)
    assert len(answer["media"]) == 1
    assert answer["media"][0]["alt_text"].startswith("a fox")
    assert calls(bot, UPLOAD) == 2


def test_a_reply_is_labeled_as_made_with_ai(bot: InProcessBot) -> None:
    post_id = bot.x.post("@threadpaint a fox")
    bot.round()
    assert [answer["made_with_ai"] for answer in bot.x.replies(post_id)] == [True]


def test_a_post_edited_while_painting_gets_one_reply(bot: InProcessBot, engine: Engine) -> None:
    fails_once(bot, kind="status_after")
    post_id = bot.x.post("@threadpaint a fox")
    bot.round()
    bot.control(f"posts/{post_id}/edit", text="@threadpaint a hen")
    for _ in range(3):
        bot.round()
    row = creation_of(engine, post_id)
    assert (row.state, row.prompt) == (State.REPLIED, "a fox")
    state = bot.x.state()
    assert (state["answers"], state["duplicates"]) == ({str(post_id): 1}, 0)


def test_an_unknown_403_for_one_post_does_not_stop_others(bot: InProcessBot, engine: Engine) -> None:
    body = {"title": "Forbidden", "status": 403, "detail": "You are not permitted to perform this action."}
    refused = bot.x.post("@threadpaint a fox", author="ada")
    bot.control("faults", endpoint=ANSWER, kind="answer", status=403, body=body, calls=[1, 2])
    bot.round()
    fine = bot.x.post("@threadpaint a hen", author="bea")
    for _ in range(3):
        bot.round()
    assert (len(bot.x.replies(refused)), len(bot.x.replies(fine))) == (0, 1)
    assert creation_of(engine, refused).reply_status == "x_forbidden"
    assert calls(bot, ANSWER) == 3, "one later try, then it is final"
