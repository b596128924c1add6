"""The operator bans people: known here or not, with reason, list and date; what that does to what they made."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bot import bans
from core.clock import now
from core.database import open_database, reading, transaction
from core.errors import HouseError
from core.models import people
from core.schema import migrate
from core.visibility import hide_people, show_people
from core.x import Author
from tests.support.children import child_environment, empty_folder
from tests.support.rows import make_creation, make_person, read_creation
from tests.support.sandbox_x import KEYS, SandboxX


@pytest.fixture
def ada(engine: Engine) -> int:
    """Somebody with a picture in the gallery."""
    ada = make_person(engine, username="ada")
    make_creation(engine, person_id=ada, pictures=1, painted_at=now(), shown_at=now(), next_attempt_at=None)
    return ada


def is_shown(engine: Engine) -> bool:
    return read_creation(engine, 1).shown_at is not None


def test_somebody_unknown_is_banned_by_id_before_they_ever_ask(engine: Engine) -> None:
    bans.ban(engine, "424242", reason="a spam account")
    with reading(engine) as connection:
        row = connection.execute(select(people)).one()
    assert (row.id, row.handle, row.ban_reason) == (424242, "424242", "a spam account")
    assert row.banned_at is not None


def test_somebody_unknown_is_banned_by_handle_as_x_shows_it(engine: Engine, x: SandboxX) -> None:
    x.post("hello", author="Zoe")
    banned = bans.ban(engine, "@zoe", ask=x.client().person_called)
    assert banned.username == "Zoe"
    with pytest.raises(HouseError, match="and X shows nobody with that handle"):
        bans.ban(engine, "@nobody_there", ask=x.client().person_called)
    with pytest.raises(HouseError, match="X cannot be asked"):
        bans.ban(engine, "@zack")


def test_whom_x_does_not_show_any_more_is_not_banned_in_the_place_of_another(engine: Engine, ada: int) -> None:
    with pytest.raises(HouseError, match=f"id 999 is @ada now, id {ada} was until"):
        bans.ban(engine, "@ada", ask=lambda handle: Author(999, handle, "New"))
    assert list(bans.bans(engine)) == []


def test_bans_are_listed_with_date_and_reason_and_again_changes_the_reason_only(engine: Engine, ada: int) -> None:
    first = bans.ban(engine, str(ada), reason="rude")
    again = bans.ban(engine, "@ada", reason="very rude")
    assert (again.banned_at, again.reason) == (first.banned_at, "very rude")
    bans.ban(engine, str(ada))
    [listed] = bans.bans(engine)
    assert (listed.called, listed.reason, listed.creations, listed.shown) == (f"@ada (id {ada})", "very rude", 1, 1)


def test_pictures_stay_unless_the_ban_hides_them_and_come_back_when_it_ends(engine: Engine, ada: int) -> None:
    assert not bans.ban(engine, "ada").hides
    assert is_shown(engine)
    assert bans.ban(engine, "ada", hide=True).shown == 0
    assert not is_shown(engine)
    bans.unban(engine, "ada")
    assert is_shown(engine)


def test_x_showing_somebody_does_not_show_what_a_ban_hides(engine: Engine, ada: int) -> None:
    bans.ban(engine, "ada", hide=True)
    with transaction(engine) as session:
        show_people(session, [ada])
    assert not is_shown(engine)


def test_whom_x_hides_is_hidden_also_after_the_ban(engine: Engine, ada: int) -> None:
    bans.ban(engine, "ada", hide=True)
    with transaction(engine) as session:
        hide_people(session, [ada])
    bans.unban(engine, "ada")
    assert not is_shown(engine)
    with transaction(engine) as session:
        show_people(session, [ada])
    assert is_shown(engine)


def test_who_was_hidden_by_x_before_the_ban_stays_so_until_x_shows_them(engine: Engine, ada: int) -> None:
    with transaction(engine) as session:
        hide_people(session, [ada])
    bans.ban(engine, "ada", hide=True)
    with transaction(engine) as session:
        show_people(session, [ada])
    assert not is_shown(engine)
    bans.unban(engine, "ada")
    assert is_shown(engine)


def test_who_is_not_banned_cannot_be_unbanned(engine: Engine, ada: int) -> None:
    with pytest.raises(HouseError, match="is not banned"):
        bans.unban(engine, "ada")


def test_the_commands_say_what_they_did(tmp_path: Path, x: SandboxX) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
    migrate(engine)
    x.post("hello", author="zoe")
    keys = {name.upper(): value for name, value in KEYS.items()}
    given = child_environment(DATA_DIR=str(tmp_path), X_API_URL=x.url, **keys)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-m", "bot", *words]
        return subprocess.run(
            whole, cwd=empty_folder(), env=given, capture_output=True, text=True, timeout=120, check=False
        )

    assert run("bans").stdout == "nobody is banned\n"
    banned = run("ban", "@zoe", "--reason", "spam")
    assert "banned: @zoe (id " in banned.stdout
    assert "the gallery shows nothing of theirs" in banned.stdout
    assert "@zoe (id " in (listed := run("bans").stdout)
    assert listed.endswith("spam\n")
    [told] = json.loads(run("bans", "--json").stdout)
    assert (told["username"], told["reason"], told["hides"]) == ("zoe", "spam", False)
    assert run("unban", "@zoe").stdout.startswith("not banned any more: @zoe")
    refused = run("unban", "@zoe")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is not banned" in refused.stderr
