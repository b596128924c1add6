"""User states that the control API sets: protected, suspended, verified, automated, blocks, follows, handle."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from httpx import Response

from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from sandbox.store import Store
from tests.support.sandbox_world import SandboxWorld


def change(world: SandboxWorld, handle: str, **values: str | bool | list[str]) -> Response:
    return world.http.patch(f"/sandbox/people/{handle}", json=values)


def test_a_user_can_be_made_protected_suspended_verified_and_automated(world: SandboxWorld) -> None:
    response = change(
        world, "mira_paints", protected=True, suspended=True, verified=True, automated=True, description="a bot"
    )
    assert response.status_code == 200
    result = world.http.get("/sandbox/people/mira_paints").json()
    assert (result["protected"], result["suspended"], result["verified"], result["automated"]) == (True,) * 4
    assert result["description"] == "a bot"


def test_a_partial_change_preserves_other_fields(world: SandboxWorld) -> None:
    change(world, "mira_paints", verified=True, follows=["threadpaint"])
    result = change(world, "mira_paints", name="Mira").json()
    assert (result["name"], result["verified"], result["follows"]) == ("Mira", True, ["threadpaint"])


def test_a_block_removes_follows_in_both_directions(world: SandboxWorld) -> None:
    change(world, "mira_paints", follows=["jonas_weber", "threadpaint"])
    change(world, "jonas_weber", follows=["mira_paints"])
    blocker = change(world, "jonas_weber", blocks=["mira_paints"]).json()
    assert (blocker["blocks"], blocker["follows"]) == (["mira_paints"], [])
    assert world.http.get("/sandbox/people/mira_paints").json()["follows"] == ["threadpaint"]


def test_unknown_users_and_fields_are_rejected(world: SandboxWorld) -> None:
    assert change(world, "nobody_here", verified=True).status_code == 404
    assert change(world, "mira_paints", blocks=["nobody_here"]).status_code == 404
    assert change(world, "mira_paints", color="red").status_code == 422


def test_user_states_survive_a_restart_and_default_to_off(tmp_path: Path) -> None:
    first = create_app(SandboxSettings(data=tmp_path)).state.world
    first.update_person(first.find_person("mira_paints"), suspended=True, blocking=[first.bot.id])
    first.store.close()
    write_user_without_states(tmp_path, "jonas_weber")
    second = create_app(SandboxSettings(data=tmp_path)).state.world
    assert second.find_person("mira_paints").suspended
    assert second.find_person("mira_paints").blocking == [second.bot.id]
    assert not second.find_person("jonas_weber").suspended
    assert second.find_person("jonas_weber").follows == []
    second.store.close()


def write_user_without_states(folder: Path, username: str) -> None:
    """Rewrite a user as an earlier version of the sandbox stored users."""
    with closing(Store(folder)) as store:
        (person,) = [person for person in store.people() if person.username == username]
    old = {"id": person.id, "username": username, "name": person.name, "created_ms": person.created_ms}
    with closing(sqlite3.connect(folder / "world.sqlite")) as database, database:
        database.execute("UPDATE person SET body = ? WHERE id = ?", (json.dumps(old), person.id))


def test_a_released_handle_can_be_taken(world: SandboxWorld) -> None:
    mira = world.http.get("/sandbox/people/mira_paints").json()["id"]
    assert change(world, "mira_paints", username="Mira_P").json()["username"] == "Mira_P"
    assert world.http.get("/sandbox/people/mira_paints").status_code == 404
    assert change(world, "jonas_weber", username="mira_paints").json()["username"] == "mira_paints"
    assert world.http.get("/sandbox/people/mira_p").json()["id"] == mira
    assert change(world, "mira_p", username="MIRA_P").status_code == 200


def test_taken_and_invalid_handles_are_rejected(world: SandboxWorld) -> None:
    taken = change(world, "mira_paints", username="Jonas_Weber")
    assert (taken.status_code, taken.json()["code"]) == (409, "not-renamed")
    assert change(world, "threadpaint", username="other").status_code == 409
    assert change(world, "mira_paints", username="no spaces").status_code == 422
    assert world.http.get("/sandbox/people/mira_paints").status_code == 200


def test_a_new_handle_survives_a_restart(tmp_path: Path) -> None:
    first = create_app(SandboxSettings(data=tmp_path)).state.world
    first.rename_person(first.find_person("mira_paints"), "mira_p")
    first.store.close()
    second = create_app(SandboxSettings(data=tmp_path)).state.world
    assert second.find_person("mira_paints") is None
    assert second.find_person("mira_p") is not None
    second.store.close()
