"""`python -m core forget`: the host finds one person, and takes back all of theirs; `watch`: watched is watched."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from core.clock import now
from core.database import open_database, transaction
from core.forgetting import find_erasable, forget_person
from core.models import Person, State, creations
from core.people import UnknownPerson, record_people
from core.schema import migrate
from core.starts import was_taken_back
from core.uploads import Uploads
from core.watching import watch, watched_posts
from core.x import Author
from tests.support.children import child_environment, empty_folder
from tests.support.rows import make_creation, make_person, read_creation

BARE = {"negative_prompt": "", "count": 1, "attempts": 0, "turn": 0, "created_at": now()}


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


def test_whose_photo_others_began_from_can_be_erased_without_having_spoken_to_the_bot(engine: Engine) -> None:
    begun = make_creation(engine, start_key="ab/photo.webp", start_owner_id=424242)
    found = find_erasable(engine, "424242")
    assert find_erasable(engine, "@zoe", lambda handle: Author(424242, handle, "Zoe")).id == found.id
    forget_person(engine, found.id)
    assert was_taken_back(read_creation(engine, begun))
    with pytest.raises(UnknownPerson):
        find_erasable(engine, "77")


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


def test_the_command_deletes_nobody_whose_handle_may_be_another_ones_by_now(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
    migrate(engine)
    ada = make_person(engine, username="ada", handle_seen_at=now() - timedelta(days=3))
    make_creation(engine, person_id=ada)
    uploads = Uploads(tmp_path / "pictures")
    uploads.keep(ada, b"never used")
    command = [sys.executable, "-m", "core", "forget", "--yes"]
    given = child_environment(DATA_DIR=str(tmp_path))

    def run(called: str) -> subprocess.CompletedProcess[str]:
        whole = [*command, called]
        return subprocess.run(
            whole, cwd=empty_folder(), env=given, capture_output=True, text=True, timeout=60, check=False
        )

    assert f"say the id: {ada}" in run("@ada").stderr
    with transaction(engine) as session:
        record_people(session, [Author(222, "ada", "B")])
    assert f"id 222 is @ada now, id {ada} was until" in run("@ada").stderr
    assert read_creation(engine, 1).deleted_at is None
    assert list(uploads.folder.iterdir())
    assert run(str(ada)).returncode == 0
    assert read_creation(engine, 1).deleted_at is not None
    assert not list(uploads.folder.iterdir())


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
