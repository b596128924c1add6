"""`python -m core forget`: the host finds one person, and takes back all of theirs; `watch`: watched is watched."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from core.clock import now
from core.database import open_database, transaction
from core.errors import HouseError
from core.forgetting import find_person, forget_person
from core.models import Person, State, creations
from core.schema import migrate
from core.watching import watch, watched_posts
from tests.support.children import child_environment, empty_folder
from tests.support.rows import make_creation, make_person, read_creation

BARE = {"negative_prompt": "", "count": 1, "attempts": 0, "turn": 0, "created_at": now()}


def test_a_person_is_found_by_handle_or_id(engine: Engine) -> None:
    ada = make_person(engine, username="Ada_L")
    make_person(engine, username="bob")
    assert {find_person(engine, called) for called in ("@ada_l", "ADA_L", str(ada))} == {ada}


@pytest.mark.parametrize("called", ["@nobody", "0", "", "9" * 30])
def test_nobody_is_an_error(engine: Engine, called: str) -> None:
    with pytest.raises(HouseError, match="nobody here is called"):
        find_person(engine, called)


def test_a_handle_that_changed_hands_is_asked_about(engine: Engine) -> None:
    first, second = make_person(engine, username="ada"), make_person(engine, username="ada")
    with pytest.raises(HouseError, match=f"{first}, {second}"):
        find_person(engine, "@ada")


def test_who_said_stop_is_left_alone_also_when_forgotten(engine: Engine) -> None:
    said = now()
    ada = make_person(engine, username="ada", opted_out_at=said)
    forget_person(engine, ada)
    with Session(engine) as session:
        assert session.get_one(Person, ada).opted_out_at == said


def test_words_that_wait_to_be_told_are_not_told_any_more(engine: Engine) -> None:
    refused = make_creation(engine, state=State.REFUSED, says="too long", next_attempt_at=now())
    forget_person(engine, read_creation(engine, refused).person_id)
    row = read_creation(engine, refused)
    assert (row.says, row.next_attempt_at, row.state) == (None, None, State.REFUSED)


def test_forgetting_twice_does_no_harm(engine: Engine) -> None:
    ada = make_person(engine)
    make_creation(engine, person_id=ada)
    assert [forget_person(engine, ada), forget_person(engine, ada)] == [1, 0]


def test_the_command_asks_first(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
    migrate(engine)
    make_creation(engine, person_id=make_person(engine, username="ada"))
    command = [sys.executable, "-m", "core", "forget", "@ada"]
    given = child_environment(DATA_DIR=str(tmp_path))

    def run(*options: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        whole = [*command, *options]
        return subprocess.run(
            whole, cwd=empty_folder(), env=given, input=answer, capture_output=True, text=True, timeout=60, check=False
        )

    assert run(answer="n\n").returncode == 1
    assert read_creation(engine, 1).deleted_at is None
    assert "1 creations are out of sight now" in run("--yes").stdout
    assert run("--yes").stderr == "threadpaint: nobody here is called @ada\n"


def test_a_watched_post_is_watched_once(engine: Engine) -> None:
    watch(engine, [1, 2])
    watch(engine, [2, 3])
    assert watched_posts(engine) == {1, 2, 3}


def test_somebody_with_very_many_creations_is_forgotten_whole(engine: Engine) -> None:
    ada = make_person(engine)
    rows = [{"person_id": ada, "prompt": "a fox", "seed": 1, "state": "replied", **BARE} for _ in range(2500)]
    with transaction(engine) as session:
        session.execute(creations.insert(), rows)
    assert forget_person(engine, ada) == 2500
