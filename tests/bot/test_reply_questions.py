"""Test replies to the bot's questions and notices."""

from typing import Any

import pytest
from sqlalchemy import Engine

from bot.poller import Poller
from core.clock import now
from core.database import write_session
from core.models import Creation, State
from tests.support.pictures import a_photo
from tests.support.poller import classifications, creation_of
from tests.support.rows import make_creation
from tests.support.sandbox_x import SandboxX

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Question:
    """Ada's incomplete post and the bot's question on X."""

    def __init__(self, poller: Poller, x: SandboxX, engine: Engine, **values: Any) -> None:
        self.poller, self.x, self.engine = poller, x, engine
        self.post_id = x.post("@threadpaint", author="ada", **values)
        poller.poll_once()
        self.row = creation_of(engine, self.post_id)
        self.reply_id = poller.x.reply(self.row.reply_text, to=self.post_id, media_ids=[])
        with write_session(engine) as session:
            row = session.get_one(Creation, self.row.id)
            row.reply_post_id, row.reply_status, row.next_attempt_at = self.reply_id, "answered", None

    def answered(self, text: str, by: str = "ada") -> Any:
        """Reply to the question. Return the creation, or None if the reply is talk."""
        post_id = self.x.post(text, author=by, in_reply_to=str(self.reply_id))
        self.poller.poll_once()
        return creation_of(self.engine, post_id)


def test_answer_to_a_photo_question_uses_the_photo(poller: Poller, x: SandboxX, engine: Engine) -> None:
    question = Question(poller, x, engine, media=[a_photo()])
    assert (question.row.state, question.row.reason_code) == ("refused", "photo_alone")
    assert question.row.reply_text.startswith("What should I make of it?")
    row = question.answered("as a watercolor")
    assert (row.state, row.prompt, row.init_image_url) == ("queued", "as a watercolor", question.row.init_image_url)
    assert row.init_image_url


def test_answer_to_a_prompt_question_is_the_prompt(poller: Poller, x: SandboxX, engine: Engine) -> None:
    question = Question(poller, x, engine)
    assert (question.row.reason_code, question.row.reply_text[:20]) == ("empty", "What should I paint?")
    row = question.answered("a fox in the snow --ar 16:9")
    assert (row.state, row.prompt, row.aspect_ratio, row.init_image_url) == (
        "queued",
        "a fox in the snow",
        "16:9",
        None,
    )


def test_answer_may_mention_the_bot_and_bring_another_photo(poller: Poller, x: SandboxX, engine: Engine) -> None:
    question = Question(poller, x, engine, media=[a_photo()])
    assert question.answered("@threadpaint as a woodcut").init_image_url == question.row.init_image_url
    other = x.post("as a woodcut", author="ada", in_reply_to=str(question.reply_id), media=[a_photo()])
    poller.poll_once()
    row = creation_of(engine, other)
    assert row.prompt == "as a woodcut"
    assert row.init_image_url not in (None, question.row.init_image_url)


@pytest.mark.parametrize(("words", "by"), [("as a watercolor", "bea"), ("thanks!", "ada")])
def test_only_the_asked_user_answers_and_thanks_do_not_count(
    poller: Poller, x: SandboxX, engine: Engine, words: str, by: str
) -> None:
    assert Question(poller, x, engine, media=[a_photo()]).answered(words, by) is None


def test_answer_of_another_user_does_not_use_the_photo(poller: Poller, x: SandboxX, engine: Engine) -> None:
    row = Question(poller, x, engine, media=[a_photo()]).answered("@threadpaint a red boat", by="bea")
    assert (row.prompt, row.init_image_url) == ("a red boat", None)


@pytest.mark.parametrize("code", ["wait", "failed"])
def test_reply_to_a_notice_means_its_creation(poller: Poller, x: SandboxX, engine: Engine, code: str) -> None:
    asked = x.post("@threadpaint a fox", author="ada")
    poller.poll_once()
    row = creation_of(engine, asked)
    notice = poller.x.reply("Sorry (No. 2)", to=asked, media_ids=[])
    make_creation(
        engine,
        person_id=row.person_id,
        with_post=False,
        state=State.REFUSED,
        next_attempt_at=None,
        reply_to_post_id=asked,
        reply_post_id=notice,
        reason_code=code,
        reply_text="Sorry",
        prompt="",
    )
    with write_session(engine) as session:
        creation = session.get_one(Creation, row.id)
        creation.state, creation.next_attempt_at = State.FAILED, None
    again = x.post("again", author="ada", in_reply_to=str(notice))
    gone = x.post("delete", author="ada", in_reply_to=str(notice))
    poller.poll_once()
    repeated = creation_of(engine, again)
    assert (repeated.prompt, repeated.parent_id) == ("a fox", row.id)
    assert classifications(engine)[gone] == "delete"
    assert creation_of(engine, asked).deleted_at is not None
    assert now() >= creation_of(engine, asked).deleted_at
