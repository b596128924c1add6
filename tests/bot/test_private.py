"""What only its author may go on from, and whose start pictures are: on X the same holds as in the gallery."""

from typing import Any

import pytest
from sqlalchemy import Engine

from bot.poller import Poller
from core.clock import now
from core.database import transaction
from core.models import State, creations, people, pictures
from tests.support.hearing import answer, creation_of, person_called
from tests.support.pictures import a_photo
from tests.support.sandbox_x import SandboxX

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def asked(poller: Poller, x: SandboxX) -> int:
    """Ada asked for a fox after a photo of hers."""
    post_id = x.post("@threadpaint a fox", author="ada", media=[a_photo()])
    poller.look()
    return post_id


@pytest.fixture
def answered(poller: Poller, engine: Engine, asked: int) -> int:
    """The bot's answer to her."""
    return answer(poller, engine, asked)


class Talk:
    """People who reply to the same post, and what becomes of it."""

    def __init__(self, poller: Poller, x: SandboxX, engine: Engine, under: int) -> None:
        self.poller, self.x, self.engine, self.under = poller, x, engine, under

    def says(self, text: str, by: str, under: int | None = None) -> Any:
        post_id = self.x.post(text, author=by, in_reply_to=str(under or self.under))
        self.poller.look()
        return creation_of(self.engine, post_id)

    def change(self, table: Any, row_id: int, **values: Any) -> None:
        with transaction(self.engine) as session:
            session.execute(table.update().where(table.c.id == row_id).values(**values))


@pytest.fixture
def talk(poller: Poller, x: SandboxX, engine: Engine, answered: int) -> Talk:
    return Talk(poller, x, engine, answered)


@pytest.mark.parametrize("why", ["hidden", "protected", "held back", "refused", "failed"])
def test_others_do_not_go_on_from_what_its_author_does_not_show(
    talk: Talk, engine: Engine, asked: int, why: str
) -> None:
    theirs = creation_of(engine, asked)
    match why:
        case "hidden":
            talk.change(creations, theirs.id, hidden_at=now(), shown_at=None)
        case "protected":
            talk.change(people, theirs.person_id, hidden_at=now())
        case "held back":
            with transaction(engine) as session:
                session.execute(pictures.update().values(flagged=True))
        case "refused":
            talk.change(creations, theirs.id, state=State.REFUSED, code="flagged", shown_at=None)
        case "failed":
            talk.change(creations, theirs.id, state=State.FAILED, code="gpu_failed", shown_at=None)
    for words in (
        "@threadpaint make it blue",
        "@threadpaint the second one but at night",
        "@threadpaint one more please",
    ):
        row = talk.says(words, by="bob")
        assert "fox" not in row.prompt
        assert (row.start_key, row.start_url) == (None, None)
    for words, prompt in (("@threadpaint again", ""), ("remix: at night", "at night"), ("@threadpaint remix", "")):
        row = talk.says(words, by="bob")
        assert (row.code, row.prompt) == ("nothing_there", prompt)
        assert (row.start_key, row.start_url) == (None, None)
        own = talk.says(words, by="ada")
        assert (own.code, own.prompt, own.parent_id) == (None, f"a fox, {prompt}".strip(", "), theirs.id)


def test_a_picture_that_a_check_held_back_is_no_start_for_its_author_either(
    talk: Talk, engine: Engine, asked: int
) -> None:
    with transaction(engine) as session:
        session.execute(pictures.update().values(flagged=True))
    assert talk.says("remix: at night", by="ada").start_key is None


def test_again_goes_as_far_from_the_photo_as_its_owner_went_and_names_them(
    talk: Talk, poller: Poller, engine: Engine, asked: int
) -> None:
    """Along a chain: again under an answer to an "again"."""
    theirs = creation_of(engine, asked)
    assert theirs.start_owner_id == theirs.person_id
    talk.change(creations, theirs.id, strength=0.8)
    under = None
    for number in range(3):
        row = talk.says("@threadpaint again", by="bob", under=under)
        assert (row.start_owner_id, row.strength, row.start_url) == (theirs.person_id, 0.8, theirs.start_url)
        if number < 2:
            under = answer(poller, engine, row.post_id)


def test_what_its_owner_hides_is_no_start_through_an_again_of_somebody_else(
    talk: Talk, poller: Poller, engine: Engine, asked: int
) -> None:
    copy = talk.says("@threadpaint again", by="bob")
    under = answer(poller, engine, copy.post_id)
    talk.change(creations, creation_of(engine, asked).id, hidden_at=now(), shown_at=None)
    row = talk.says("@threadpaint again", by="cleo", under=under)
    assert (row.prompt, row.parent_id) == ("a fox", copy.id)
    assert (row.start_url, row.start_key, row.strength) == (None, None, None)


def test_a_photo_of_somebody_elses_post_is_theirs(poller: Poller, x: SandboxX, engine: Engine) -> None:
    ada = x.post("@threadpaint my cat", author="ada", media=[a_photo()])
    poller.look()
    pointing = x.post("@threadpaint paint this", author="bob", in_reply_to=str(ada))
    poller.look()
    row = creation_of(engine, pointing)
    assert row.start_url
    assert row.start_owner_id == person_called(engine, "ada").id
    own = x.post("@threadpaint at night", author="bob", media=[a_photo()])
    poller.look()
    assert creation_of(engine, own).start_owner_id == person_called(engine, "bob").id


def test_what_is_made_of_a_sensitive_picture_is_sensitive(talk: Talk, engine: Engine, asked: int) -> None:
    talk.change(creations, creation_of(engine, asked).id, sensitive=True)
    assert talk.says("remix: at night", by="bob").sensitive
    assert talk.says("@threadpaint again", by="bob").sensitive


def test_what_is_left_out_is_checked_like_the_prompt(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_id = x.post("@threadpaint a cat on a chair --no porn", author="ada")
    poller.look()
    assert creation_of(engine, post_id).code == "unsafe"
