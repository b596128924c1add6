"""Test bans of known and unknown users, and what they do to the users' creations."""

import json
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bot import moderation
from core.clock import now
from core.database import read_connection, write_session
from core.errors import ThreadpaintError
from core.models import people
from core.publishing import hide_users, unhide_users
from core.x import Author
from tests.support.forked_process import run_forked
from tests.support.rows import make_creation, make_person, read_creation
from tests.support.sandbox_x import KEYS, SandboxX


@pytest.fixture
def ada(engine: Engine) -> int:
    """A user with a picture in the gallery."""
    ada = make_person(engine, username="ada")
    make_creation(engine, person_id=ada, pictures=1, painted_at=now(), published_at=now(), next_attempt_at=None)
    return ada


def is_shown(engine: Engine) -> bool:
    return read_creation(engine, 1).published_at is not None


def test_unknown_user_is_banned_by_id(engine: Engine) -> None:
    moderation.ban(engine, "424242", reason="a spam account")
    with read_connection(engine) as connection:
        row = connection.execute(select(people)).one()
    assert (row.id, row.handle, row.ban_reason) == (424242, "424242", "a spam account")
    assert row.banned_at is not None


def test_unknown_user_is_banned_by_handle(engine: Engine, x: SandboxX) -> None:
    x.post("hello", author="Zoe")
    banned = moderation.ban(engine, "@zoe", look_up=x.client().find_user)
    assert banned.username == "Zoe"
    with pytest.raises(ThreadpaintError, match="and X has no user with that handle"):
        moderation.ban(engine, "@nobody_there", look_up=x.client().find_user)
    with pytest.raises(ThreadpaintError, match="X cannot be asked"):
        moderation.ban(engine, "@zack")


def test_handle_that_changed_hands_bans_no_user(engine: Engine, ada: int) -> None:
    with pytest.raises(ThreadpaintError, match=f"id 999 is @ada now, id {ada} was until"):
        moderation.ban(engine, "@ada", look_up=lambda handle: Author(999, handle, "New"))
    assert moderation.list_users(engine, only_banned=True) == []


def test_second_ban_changes_only_the_reason(engine: Engine, ada: int) -> None:
    first = moderation.ban(engine, str(ada), reason="rude")
    again = moderation.ban(engine, "@ada", reason="very rude")
    assert (again.banned_at, again.reason) == (first.banned_at, "very rude")
    moderation.ban(engine, str(ada))
    [listed] = moderation.list_users(engine, only_banned=True)
    assert (listed.display_name, listed.reason, listed.creations, listed.shown) == (
        f"@ada (id {ada})",
        "very rude",
        1,
        1,
    )


def test_ban_hides_pictures_only_on_request_until_it_ends(engine: Engine, ada: int) -> None:
    assert not moderation.ban(engine, "ada").hides
    assert is_shown(engine)
    assert moderation.ban(engine, "ada", hide=True).shown == 0
    assert not is_shown(engine)
    moderation.unban(engine, "ada")
    assert is_shown(engine)


def test_unhiding_by_x_does_not_override_a_ban(engine: Engine, ada: int) -> None:
    moderation.ban(engine, "ada", hide=True)
    with write_session(engine) as session:
        unhide_users(session, [ada])
    assert not is_shown(engine)


def test_user_hidden_by_x_stays_hidden_after_the_ban(engine: Engine, ada: int) -> None:
    moderation.ban(engine, "ada", hide=True)
    with write_session(engine) as session:
        hide_users(session, [ada])
    moderation.unban(engine, "ada")
    assert not is_shown(engine)
    with write_session(engine) as session:
        unhide_users(session, [ada])
    assert is_shown(engine)


def test_user_hidden_by_x_before_a_ban_is_shown_when_both_end(engine: Engine, ada: int) -> None:
    with write_session(engine) as session:
        hide_users(session, [ada])
    moderation.ban(engine, "ada", hide=True)
    with write_session(engine) as session:
        unhide_users(session, [ada])
    assert not is_shown(engine)
    moderation.unban(engine, "ada")
    assert is_shown(engine)


def test_unban_without_ban_fails(engine: Engine, ada: int) -> None:
    with pytest.raises(ThreadpaintError, match="is not banned"):
        moderation.unban(engine, "ada")


@pytest.mark.processes
@pytest.mark.usefixtures("migrated_engine")
def test_commands_print_their_results(tmp_path: Path, x: SandboxX) -> None:
    x.post("hello", author="zoe")
    keys = {name.upper(): value for name, value in KEYS.items()}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return run_forked("bot", *words, environment={"DATA_DIR": str(tmp_path), "X_API_URL": x.url, **keys})

    assert run("users", "--banned").stdout == "no user is banned\n"
    banned = run("ban", "@zoe", "--reason", "spam")
    assert "banned: @zoe (id " in banned.stdout
    assert "the gallery shows none of their creations" in banned.stdout
    assert "@zoe (id " in (listed := run("users", "--banned").stdout)
    assert listed.endswith(": spam\n")
    [user] = json.loads(run("users", "--json").stdout)
    assert (user["username"], user["reason"], user["hides"]) == ("zoe", "spam", False)
    assert run("unban", "@zoe").stdout.startswith("not banned any more: @zoe")
    refused = run("unban", "@zoe")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is not banned" in refused.stderr
