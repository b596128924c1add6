"""What people say under a picture, from a post on X to the row of its child."""

import json

import pytest
from sqlalchemy import Engine, select

from bot.poller import Poller
from core.database import reading, transaction
from core.models import Creation, State, creations, pictures
from tests.support.hearing import answer, control, creation_of, person_called, verdicts
from tests.support.rows import _picture as picture
from tests.support.sandbox_x import SandboxX

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

# Words, prompt of the child, the picture that it begins from.
FOLLOW_UPS = [
    ("make it blue", "a fox, blue", 1),
    ("the second one, but at night", "a fox, at night", 2),
    ("one more please", "a fox", None),
    ("bigger", "a fox, bigger", 1),
    ("variations", "a fox", 1),
    ("V2", "a fox", 2),
    ("again but in winter", "a fox, in winter", 1),
    ("nochmal", "a fox", None),
    ("agian", "a fox", None),
    ("picture 7 with a hat", "a fox, with a hat", 4),
]
STOPS = [
    "stop please",
    "STOP!!!",
    "stop 🙏",
    "/stop",
    "unsubscribe",
    "please stop replying to me",
    "返信しないでください",
]


@pytest.fixture
def asked(poller: Poller, x: SandboxX) -> int:
    """Ada asked for four foxes."""
    post_id = x.post("@threadpaint a fox --n 4 --ar 7:3", author="ada")
    poller.look()
    return post_id


@pytest.fixture
def answered(poller: Poller, engine: Engine, asked: int) -> int:
    """The bot's reply with four pictures."""
    reply_id = answer(poller, engine, asked)
    with transaction(engine) as session:
        session.add_all([picture(creation_of(engine, asked).id, position) for position in (1, 2, 3)])
    return reply_id


def test_ten_follow_ups_are_ten_right_children(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    parent = creation_of(engine, asked)
    with reading(engine) as connection:
        of_parent = select(pictures.c.key).where(pictures.c.creation_id == parent.id).order_by(pictures.c.position)
        keys = list(connection.execute(of_parent).scalars())
    said = [x.post(f"@threadpaint {words}", author="bea", in_reply_to=str(answered)) for words, _, _ in FOLLOW_UPS]
    talk = x.post("@threadpaint thanks so much, you rock!", author="bea", in_reply_to=str(answered))
    assert poller.look() == len(FOLLOW_UPS)
    for post_id, (_, prompt, number) in zip(said, FOLLOW_UPS, strict=True):
        child = creation_of(engine, post_id)
        assert (child.prompt, child.parent_id, child.state) == (prompt, parent.id, State.QUEUED)
        assert child.start_key == (keys[number - 1] if number else None)
        assert (child.aspect_ratio, child.count) == ("21:9", 4)
    assert (creation_of(engine, talk), verdicts(engine)[talk]) == (None, "talk")


def test_what_was_not_taken_as_written_is_kept_for_the_label(engine: Engine, asked: int, answered: int) -> None:
    assert json.loads(creation_of(engine, asked).option_corrections) == [["ar", "7:3", "21:9"]]


def test_stop_is_honored_however_it_is_said(poller: Poller, x: SandboxX, engine: Engine) -> None:
    for number, words in enumerate(STOPS):
        x.post(f"@threadpaint {words}", author=f"p{number}")
    assert poller.look() == 0
    for number in range(len(STOPS)):
        assert person_called(engine, f"p{number}").opted_out_at is not None


def test_delete_is_done_however_it_is_said(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    x.post("please delete this picture", author="ada", in_reply_to=str(answered))
    poller.look()
    assert creation_of(engine, asked).deleted_at is not None


def test_unsafe_words_make_an_unsafe_prompt_of_a_harmless_one(
    poller: Poller, x: SandboxX, engine: Engine, answered: int
) -> None:
    said = x.post("@threadpaint make it nsfw", author="bea", in_reply_to=str(answered))
    assert poller.look() == 0
    assert creation_of(engine, said).code == "unsafe"


def test_words_that_make_the_prompt_too_long_are_refused_by_name(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    with transaction(engine) as session:
        session.get_one(Creation, creation_of(engine, asked).id).prompt = "a fox " * 333
    said = x.post("@threadpaint make it blue", author="bea", in_reply_to=str(answered))
    assert poller.look() == 0
    assert creation_of(engine, said).code == "too_long"


def test_a_post_that_is_edited_into_stop_is_honored(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    control(x, f"posts/{asked}/edit", text="@threadpaint stop please")
    poller.look()
    assert person_called(engine, "ada").opted_out_at is not None
    assert (creation_of(engine, asked).state, creation_of(engine, asked).code) == (State.REFUSED, "opted_out")


def test_the_answer_to_the_bots_question_is_a_prompt_without_the_handle(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    empty = x.post("@threadpaint", author="ada")
    poller.look()
    question = poller.x.answer(creation_of(engine, empty).says, to=empty, media_ids=[])
    with transaction(engine) as session:
        session.execute(creations.update().where(creations.c.post_id == empty).values(reply_post_id=question))
    said = x.post("a red house please", author="ada", in_reply_to=str(question))
    others = x.post("what is this", author="bea", in_reply_to=str(question))
    assert poller.look() == 1
    assert (creation_of(engine, said).prompt, creation_of(engine, said).parent_id) == ("a red house please", None)
    assert verdicts(engine)[others] == "talk"


def test_again_under_a_notice_of_failure_means_what_failed(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    creation = creation_of(engine, asked)
    notice_post = poller.x.answer("Sorry, I couldn't paint that. Reply again for another try.", to=asked, media_ids=[])
    with transaction(engine) as session:
        row = session.get_one(Creation, creation.id)
        row.state, row.code, row.next_attempt_at = State.FAILED, "gpu_failed", None
        values = {"prompt": "", "seed": 1, "state": State.REFUSED, "code": "failed", "says": "Sorry"}
        session.add(Creation(person_id=row.person_id, answers_post_id=asked, reply_post_id=notice_post, **values))
    said = x.post("again", author="ada", in_reply_to=str(notice_post))
    assert poller.look() == 1
    assert (creation_of(engine, said).prompt, creation_of(engine, said).parent_id) == ("a fox", creation.id)
