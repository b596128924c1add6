"""`threadpaint user erase` erases one user; `watch_posts` stores watched posts."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from core.clock import now
from core.database import write_session
from core.deletion import erase_user, find_erasable_user
from core.init_image_access import is_init_image_removed
from core.models import Person, State, creations
from core.people import UserNotFound, record_people
from core.upload_store import UploadStore
from core.watched_posts import watch_posts, watched_post_ids
from core.x import Author
from tests.support.forked_process import run_forked
from tests.support.rows import make_creation, make_person, read_creation

BARE = {"negative_prompt": "", "count": 1, "attempts": 0, "queue_rank": 0, "created_at": now()}


def test_erasing_keeps_the_opt_out(engine: Engine) -> None:
    opted_out_at = now()
    ada = make_person(engine, username="ada", opted_out_at=opted_out_at)
    erase_user(engine, ada)
    with Session(engine) as session:
        assert session.get_one(Person, ada).opted_out_at == opted_out_at


def test_erasing_drops_a_pending_reply_text(engine: Engine) -> None:
    refused = make_creation(engine, state=State.REFUSED, reply_text="too long", next_attempt_at=now())
    erase_user(engine, read_creation(engine, refused).person_id)
    row = read_creation(engine, refused)
    assert (row.reply_text, row.next_attempt_at, row.state) == (None, None, State.REFUSED)


def test_erasing_twice_is_harmless(engine: Engine) -> None:
    ada = make_person(engine)
    make_creation(engine, person_id=ada)
    assert [erase_user(engine, ada), erase_user(engine, ada)] == [1, 0]


def test_an_owner_of_an_init_image_can_be_erased_without_a_row(engine: Engine) -> None:
    creation_id = make_creation(engine, init_image_key="ab/photo.webp", init_image_owner_id=424242)
    found = find_erasable_user(engine, "424242")
    assert find_erasable_user(engine, "@zoe", lambda handle: Author(424242, handle, "Zoe")).id == found.id
    erase_user(engine, found.id)
    assert is_init_image_removed(read_creation(engine, creation_id))
    with pytest.raises(UserNotFound):
        find_erasable_user(engine, "77")


@pytest.mark.processes
def test_erase_asks_for_confirmation(migrated_engine: Engine, tmp_path: Path) -> None:
    engine = migrated_engine
    make_creation(engine, person_id=make_person(engine, username="ada"))

    def run(*options: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return run_forked("core", "erase", "@ada", *options, environment={"DATA_DIR": str(tmp_path)}, text=answer)

    assert run(answer="n\n").returncode == 1
    assert read_creation(engine, 1).deleted_at is None
    assert "1 creations are hidden now" in run("--yes").stdout
    assert run("--yes").stderr == "threadpaint: no user @ada in this instance\n"


@pytest.mark.processes
def test_erase_requires_the_id_if_the_handle_may_have_changed_hands(migrated_engine: Engine, tmp_path: Path) -> None:
    engine = migrated_engine
    ada = make_person(engine, username="ada", handle_seen_at=now() - timedelta(days=3))
    make_creation(engine, person_id=ada)
    uploads = UploadStore(tmp_path / "pictures")
    uploads.save(ada, b"never used")

    def run(called: str) -> subprocess.CompletedProcess[str]:
        return run_forked("core", "erase", "--yes", called, environment={"DATA_DIR": str(tmp_path)})

    assert f"use the id instead: {ada}" in run("@ada").stderr
    with write_session(engine) as session:
        record_people(session, [Author(222, "ada", "B")])
    assert f"id 222 is @ada now, id {ada} was until" in run("@ada").stderr
    assert read_creation(engine, 1).deleted_at is None
    assert list(uploads.folder.iterdir())
    assert run(str(ada)).returncode == 0
    assert read_creation(engine, 1).deleted_at is not None
    assert not list(uploads.folder.iterdir())


def test_watched_posts_are_stored_once(engine: Engine) -> None:
    watch_posts(engine, [1, 2])
    watch_posts(engine, [2, 3])
    assert watched_post_ids(engine) == {1, 2, 3}


def test_a_user_with_thousands_of_creations_is_erased(engine: Engine) -> None:
    ada = make_person(engine)
    rows = [{"person_id": ada, "prompt": "a fox", "seed": 1, "state": "replied", **BARE} for _ in range(2500)]
    with write_session(engine) as session:
        session.execute(creations.insert(), rows)
    assert erase_user(engine, ada) == 2500
