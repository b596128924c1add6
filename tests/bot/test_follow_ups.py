"""Test follow-ups to a picture, from the post on X to the row of the remix."""

import json

import pytest
from sqlalchemy import Engine, select

from bot.poller import Poller
from core.database import read_connection, write_session
from core.models import Creation, State, creations, pictures
from tests.support.poller import answer, classifications, control, creation_of, find_person
from tests.support.rows import _picture as picture
from tests.support.sandbox_x import SandboxX

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

# Text, prompt of the remix, index of its init image.
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
    """Ada's prompt for four foxes."""
    post_id = x.post("@threadpaint a fox --n 4 --ar 7:3", author="ada")
    poller.poll_once()
    return post_id


@pytest.fixture
def answered(poller: Poller, engine: Engine, asked: int) -> int:
    """The bot's reply with four pictures."""
    reply_id = answer(poller, engine, asked)
    with write_session(engine) as session:
        session.add_all([picture(creation_of(engine, asked).id, position) for position in (1, 2, 3)])
    return reply_id


def test_ten_follow_ups_become_ten_correct_remixes(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    parent = creation_of(engine, asked)
    with read_connection(engine) as connection:
        of_parent = select(pictures.c.key).where(pictures.c.creation_id == parent.id).order_by(pictures.c.position)
        keys = list(connection.execute(of_parent).scalars())
    said = [x.post(f"@threadpaint {words}", author="bea", in_reply_to=str(answered)) for words, _, _ in FOLLOW_UPS]
    talk = x.post("@threadpaint thanks so much, you rock!", author="bea", in_reply_to=str(answered))
    assert poller.poll_once() == len(FOLLOW_UPS)
    for post_id, (_, prompt, number) in zip(said, FOLLOW_UPS, strict=True):
        child = creation_of(engine, post_id)
        assert (child.prompt, child.parent_id, child.state) == (prompt, parent.id, State.QUEUED)
        assert child.init_image_key == (keys[number - 1] if number else None)
        assert (child.aspect_ratio, child.count) == ("21:9", 4)
    assert (creation_of(engine, talk), classifications(engine)[talk]) == (None, "talk")


def test_option_corrections_are_stored(engine: Engine, asked: int, answered: int) -> None:
    assert json.loads(creation_of(engine, asked).option_corrections) == [["ar", "7:3", "21:9"]]


def test_stop_is_honored_in_any_wording(poller: Poller, x: SandboxX, engine: Engine) -> None:
    for number, words in enumerate(STOPS):
        x.post(f"@threadpaint {words}", author=f"p{number}")
    assert poller.poll_once() == 0
    for number in range(len(STOPS)):
        assert find_person(engine, f"p{number}").opted_out_at is not None


def test_delete_works_in_any_wording(poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int) -> None:
    x.post("please delete this picture", author="ada", in_reply_to=str(answered))
    poller.poll_once()
    assert creation_of(engine, asked).deleted_at is not None


def test_unsafe_edit_makes_the_prompt_unsafe(poller: Poller, x: SandboxX, engine: Engine, answered: int) -> None:
    said = x.post("@threadpaint make it nsfw", author="bea", in_reply_to=str(answered))
    assert poller.poll_once() == 0
    assert creation_of(engine, said).reason_code == "unsafe"


def test_edit_that_makes_the_prompt_too_long_is_rejected(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    with write_session(engine) as session:
        session.get_one(Creation, creation_of(engine, asked).id).prompt = "a fox " * 333
    said = x.post("@threadpaint make it blue", author="bea", in_reply_to=str(answered))
    assert poller.poll_once() == 0
    assert creation_of(engine, said).reason_code == "too_long"


def test_post_edited_into_stop_opts_out(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    control(x, f"posts/{asked}/edit", text="@threadpaint stop please")
    poller.poll_once()
    assert find_person(engine, "ada").opted_out_at is not None
    assert (creation_of(engine, asked).state, creation_of(engine, asked).reason_code) == (State.REFUSED, "opted_out")


def test_answer_to_the_bots_question_is_a_prompt_without_handle(poller: Poller, x: SandboxX, engine: Engine) -> None:
    empty = x.post("@threadpaint", author="ada")
    poller.poll_once()
    question = poller.x.reply(creation_of(engine, empty).reply_text, to=empty, media_ids=[])
    with write_session(engine) as session:
        session.execute(creations.update().where(creations.c.post_id == empty).values(reply_post_id=question))
    said = x.post("a red house please", author="ada", in_reply_to=str(question))
    others = x.post("what is this", author="bea", in_reply_to=str(question))
    assert poller.poll_once() == 1
    assert (creation_of(engine, said).prompt, creation_of(engine, said).parent_id) == ("a red house please", None)
    assert classifications(engine)[others] == "talk"


def test_again_under_a_failure_notice_means_the_failed_creation(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    creation = creation_of(engine, asked)
    notice_post = poller.x.reply("Sorry, I couldn't paint that. Reply again for another try.", to=asked, media_ids=[])
    with write_session(engine) as session:
        row = session.get_one(Creation, creation.id)
        row.state, row.reason_code, row.next_attempt_at = State.FAILED, "gpu_failed", None
        session.add(
            Creation(
                person_id=row.person_id,
                reply_to_post_id=asked,
                reply_post_id=notice_post,
                prompt="",
                seed=1,
                state=State.REFUSED,
                reason_code="failed",
                reply_text="Sorry",
            )
        )
    said = x.post("again", author="ada", in_reply_to=str(notice_post))
    assert poller.poll_once() == 1
    assert (creation_of(engine, said).prompt, creation_of(engine, said).parent_id) == ("a fox", creation.id)
