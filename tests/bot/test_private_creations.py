"""Test which users may continue from a creation and its init image: the same rules on X as in the gallery."""

from typing import Any

import pytest
from sqlalchemy import Engine

from bot.poller import Poller
from core.clock import now
from core.database import write_session
from core.models import State, creations, people, pictures
from tests.support.pictures import a_photo
from tests.support.poller import answer, creation_of, find_person
from tests.support.sandbox_x import SandboxX

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def asked(poller: Poller, x: SandboxX) -> int:
    """Ada's prompt for a fox, with her own photo."""
    post_id = x.post("@threadpaint a fox", author="ada", media=[a_photo()])
    poller.poll_once()
    return post_id


@pytest.fixture
def answered(poller: Poller, engine: Engine, asked: int) -> int:
    """The bot's reply to Ada."""
    return answer(poller, engine, asked)


class Thread:
    """Post replies to one post, and read their creations."""

    def __init__(self, poller: Poller, x: SandboxX, engine: Engine, under: int) -> None:
        self.poller, self.x, self.engine, self.under = poller, x, engine, under

    def reply(self, text: str, by: str, under: int | None = None) -> Any:
        post_id = self.x.post(text, author=by, in_reply_to=str(under or self.under))
        self.poller.poll_once()
        return creation_of(self.engine, post_id)

    def change(self, table: Any, row_id: int, **values: Any) -> None:
        with write_session(self.engine) as session:
            session.execute(table.update().where(table.c.id == row_id).values(**values))


@pytest.fixture
def thread(poller: Poller, x: SandboxX, engine: Engine, answered: int) -> Thread:
    return Thread(poller, x, engine, answered)


@pytest.mark.parametrize("why", ["hidden", "protected", "held back", "refused", "failed"])
def test_others_cannot_continue_from_a_private_creation(thread: Thread, engine: Engine, asked: int, why: str) -> None:
    theirs = creation_of(engine, asked)
    match why:
        case "hidden":
            thread.change(creations, theirs.id, hidden_at=now(), published_at=None)
        case "protected":
            thread.change(people, theirs.person_id, hidden_at=now())
        case "held back":
            with write_session(engine) as session:
                session.execute(pictures.update().values(flagged=True))
        case "refused":
            thread.change(creations, theirs.id, state=State.REFUSED, reason_code="flagged", published_at=None)
        case "failed":
            thread.change(creations, theirs.id, state=State.FAILED, reason_code="gpu_failed", published_at=None)
    for words in (
        "@threadpaint make it blue",
        "@threadpaint the second one but at night",
        "@threadpaint one more please",
    ):
        row = thread.reply(words, by="bob")
        assert "fox" not in row.prompt
        assert (row.init_image_key, row.init_image_url) == (None, None)
    for words, prompt in (("@threadpaint again", ""), ("remix: at night", "at night"), ("@threadpaint remix", "")):
        row = thread.reply(words, by="bob")
        assert (row.reason_code, row.prompt) == ("nothing_there", prompt)
        assert (row.init_image_key, row.init_image_url) == (None, None)
        own = thread.reply(words, by="ada")
        assert (own.reason_code, own.prompt, own.parent_id) == (None, f"a fox, {prompt}".strip(", "), theirs.id)


def test_flagged_picture_is_no_init_image(thread: Thread, engine: Engine, asked: int) -> None:
    with write_session(engine) as session:
        session.execute(pictures.update().values(flagged=True))
    assert thread.reply("remix: at night", by="ada").init_image_key is None


def test_rerun_copies_strength_and_owner_of_the_photo(
    thread: Thread, poller: Poller, engine: Engine, asked: int
) -> None:
    """A chain: `again` under the reply to an `again`."""
    theirs = creation_of(engine, asked)
    assert theirs.init_image_owner_id == theirs.person_id
    thread.change(creations, theirs.id, strength=0.8)
    under = None
    for number in range(3):
        row = thread.reply("@threadpaint again", by="bob", under=under)
        assert (row.init_image_owner_id, row.strength, row.init_image_url) == (
            theirs.person_id,
            0.8,
            theirs.init_image_url,
        )
        if number < 2:
            under = answer(poller, engine, row.post_id)


def test_hidden_init_image_is_not_reused_through_a_rerun(
    thread: Thread, poller: Poller, engine: Engine, asked: int
) -> None:
    copy = thread.reply("@threadpaint again", by="bob")
    under = answer(poller, engine, copy.post_id)
    thread.change(creations, creation_of(engine, asked).id, hidden_at=now(), published_at=None)
    row = thread.reply("@threadpaint again", by="cleo", under=under)
    assert (row.prompt, row.parent_id) == ("a fox", copy.id)
    assert (row.init_image_url, row.init_image_key, row.strength) == (None, None, None)


def test_photo_belongs_to_the_author_of_its_post(poller: Poller, x: SandboxX, engine: Engine) -> None:
    ada = x.post("@threadpaint my cat", author="ada", media=[a_photo()])
    poller.poll_once()
    pointing = x.post("@threadpaint paint this", author="bob", in_reply_to=str(ada))
    poller.poll_once()
    row = creation_of(engine, pointing)
    assert row.init_image_url
    assert row.init_image_owner_id == find_person(engine, "ada").id
    own = x.post("@threadpaint at night", author="bob", media=[a_photo()])
    poller.poll_once()
    assert creation_of(engine, own).init_image_owner_id == find_person(engine, "bob").id


def test_remix_of_a_sensitive_picture_is_sensitive(thread: Thread, engine: Engine, asked: int) -> None:
    thread.change(creations, creation_of(engine, asked).id, sensitive=True)
    assert thread.reply("remix: at night", by="bob").sensitive
    assert thread.reply("@threadpaint again", by="bob").sensitive


def test_negative_prompt_is_checked_like_the_prompt(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_id = x.post("@threadpaint a cat on a chair --no porn", author="ada")
    poller.poll_once()
    assert creation_of(engine, post_id).reason_code == "unsafe"
