"""The bot asks, and the reply to its question is the prompt; what is said under a notice means its creation."""

from typing import Any

import pytest
from sqlalchemy import Engine

from bot.poller import Poller
from core.clock import now
from core.database import transaction
from core.models import Creation, State
from tests.support.hearing import creation_of, verdicts
from tests.support.pictures import a_photo
from tests.support.rows import make_creation
from tests.support.sandbox_x import SandboxX

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Question:
    """Ada posts something that the bot asks about, and the bot's question is on X."""

    def __init__(self, poller: Poller, x: SandboxX, engine: Engine, **values: Any) -> None:
        self.poller, self.x, self.engine = poller, x, engine
        self.post_id = x.post("@threadpaint", author="ada", **values)
        poller.look()
        self.row = creation_of(engine, self.post_id)
        self.reply_id = poller.x.answer(self.row.says, to=self.post_id, media_ids=[])
        with transaction(engine) as session:
            row = session.get_one(Creation, self.row.id)
            row.reply_post_id, row.reply_outcome, row.next_attempt_at = self.reply_id, "answered", None

    def answered(self, text: str, by: str = "ada") -> Any:
        """Somebody replies to the question; returns the creation, None if the reply is talk."""
        post_id = self.x.post(text, author=by, in_reply_to=str(self.reply_id))
        self.poller.look()
        return creation_of(self.engine, post_id)


def test_a_photo_alone_is_asked_about_and_the_reply_begins_from_it(poller: Poller, x: SandboxX, engine: Engine) -> None:
    question = Question(poller, x, engine, media=[a_photo()])
    assert (question.row.state, question.row.code) == ("refused", "photo_alone")
    assert question.row.says.startswith("What should I make of it?")
    row = question.answered("as a watercolor")
    assert (row.state, row.prompt, row.start_url) == ("queued", "as a watercolor", question.row.start_url)
    assert row.start_url


def test_the_handle_alone_is_asked_about_and_the_reply_is_the_prompt(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    question = Question(poller, x, engine)
    assert (question.row.code, question.row.says[:20]) == ("empty", "What should I paint?")
    row = question.answered("a fox in the snow --ar 16:9")
    assert (row.state, row.prompt, row.aspect_ratio, row.start_url) == ("queued", "a fox in the snow", "16:9", None)


def test_the_reply_may_name_the_bot_and_may_bring_another_photo(poller: Poller, x: SandboxX, engine: Engine) -> None:
    question = Question(poller, x, engine, media=[a_photo()])
    assert question.answered("@threadpaint as a woodcut").start_url == question.row.start_url
    other = x.post("as a woodcut", author="ada", in_reply_to=str(question.reply_id), media=[a_photo()])
    poller.look()
    row = creation_of(engine, other)
    assert row.prompt == "as a woodcut"
    assert row.start_url not in (None, question.row.start_url)


@pytest.mark.parametrize(("words", "by"), [("as a watercolor", "bea"), ("thanks!", "ada")])
def test_only_who_was_asked_answers_and_thanks_are_no_answer(
    poller: Poller, x: SandboxX, engine: Engine, words: str, by: str
) -> None:
    assert Question(poller, x, engine, media=[a_photo()]).answered(words, by) is None


def test_another_photo_of_somebody_else_is_not_begun_from_theirs(poller: Poller, x: SandboxX, engine: Engine) -> None:
    row = Question(poller, x, engine, media=[a_photo()]).answered("@threadpaint a red boat", by="bea")
    assert (row.prompt, row.start_url) == ("a red boat", None)


@pytest.mark.parametrize("code", ["wait", "failed"])
def test_what_is_said_under_a_notice_means_its_creation(poller: Poller, x: SandboxX, engine: Engine, code: str) -> None:
    asked = x.post("@threadpaint a fox", author="ada")
    poller.look()
    row = creation_of(engine, asked)
    notice = poller.x.answer("Sorry (No. 2)", to=asked, media_ids=[])
    told = {"answers_post_id": asked, "reply_post_id": notice, "code": code, "says": "Sorry", "prompt": ""}
    make_creation(engine, person_id=row.person_id, with_post=False, state=State.REFUSED, next_attempt_at=None, **told)
    with transaction(engine) as session:
        creation = session.get_one(Creation, row.id)
        creation.state, creation.next_attempt_at = State.FAILED, None
    again = x.post("again", author="ada", in_reply_to=str(notice))
    gone = x.post("delete", author="ada", in_reply_to=str(notice))
    poller.look()
    repeated = creation_of(engine, again)
    assert (repeated.prompt, repeated.parent_id) == ("a fox", row.id)
    assert verdicts(engine)[gone] == "delete"
    assert creation_of(engine, asked).deleted_at is not None
    assert now() >= creation_of(engine, asked).deleted_at
