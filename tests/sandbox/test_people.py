"""The states of people that the control API sets: protected, suspended, verified, automated, blocks, follows."""

import json

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.store import Store


def change(play, username, /, **values):
    return play.http.patch(f"/sandbox/people/{username}", json=values)


def test_a_person_can_be_made_protected_suspended_verified_and_automated(play):
    answer = change(
        play, "mira_paints", protected=True, suspended=True, verified=True, automated=True, description="a bot"
    )
    assert answer.status_code == 200
    told = play.http.get("/sandbox/people/mira_paints").json()
    assert (told["protected"], told["suspended"], told["verified"], told["automated"]) == (True,) * 4
    assert told["description"] == "a bot"


def test_what_a_change_leaves_out_stays(play):
    change(play, "mira_paints", verified=True, follows=["threadpaint"])
    told = change(play, "mira_paints", name="Mira").json()
    assert (told["name"], told["verified"], told["follows"]) == ("Mira", True, ["threadpaint"])


def test_who_blocks_somebody_ends_the_following_on_both_sides(play):
    change(play, "mira_paints", follows=["jonas_weber", "threadpaint"])
    change(play, "jonas_weber", follows=["mira_paints"])
    blocker = change(play, "jonas_weber", blocks=["mira_paints"]).json()
    assert (blocker["blocks"], blocker["follows"]) == (["mira_paints"], [])
    assert play.http.get("/sandbox/people/mira_paints").json()["follows"] == ["threadpaint"]


def test_nobody_can_be_changed_nor_blocked_who_is_not_there(play):
    assert change(play, "nobody_here", verified=True).status_code == 404
    assert change(play, "mira_paints", blocks=["nobody_here"]).status_code == 404
    assert change(play, "mira_paints", colour="red").status_code == 422


def test_states_survive_a_restart_and_people_of_older_worlds_have_none(tmp_path):
    first = create_app(Settings(data=tmp_path, search_lag_seconds=0)).state.world
    first.change(first.person("mira_paints"), suspended=True, blocking=[first.bot.id])
    first.store.close()
    forget_the_new_fields(tmp_path, "jonas_weber")
    second = create_app(Settings(data=tmp_path, search_lag_seconds=0)).state.world
    assert second.person("mira_paints").suspended
    assert second.person("mira_paints").blocking == [second.bot.id]
    assert not second.person("jonas_weber").suspended
    assert second.person("jonas_weber").follows == []
    second.store.close()


def forget_the_new_fields(folder, username):
    store = Store(folder)
    for person in store.people():
        if person.username == username:
            old = {"id": person.id, "username": username, "name": person.name, "created_ms": person.created_ms}
            store._db.execute("UPDATE person SET body = ? WHERE id = ?", (json.dumps(old), person.id))
    store.close()


def test_a_handle_can_change_hands(play):
    mira = play.http.get("/sandbox/people/mira_paints").json()["id"]
    assert change(play, "mira_paints", username="Mira_P").json()["username"] == "Mira_P"
    assert play.http.get("/sandbox/people/mira_paints").status_code == 404
    assert change(play, "jonas_weber", username="mira_paints").json()["username"] == "mira_paints"
    assert play.http.get("/sandbox/people/mira_p").json()["id"] == mira
    assert change(play, "mira_p", username="MIRA_P").status_code == 200


def test_nobody_takes_a_handle_that_is_somebodys_nor_the_bots(play):
    taken = change(play, "mira_paints", username="Jonas_Weber")
    assert (taken.status_code, taken.json()["code"]) == (409, "not-renamed")
    assert change(play, "threadpaint", username="other").status_code == 409
    assert change(play, "mira_paints", username="no spaces").status_code == 422
    assert play.http.get("/sandbox/people/mira_paints").status_code == 200


def test_a_new_handle_survives_a_restart(tmp_path):
    first = create_app(Settings(data=tmp_path, search_lag_seconds=0)).state.world
    first.rename(first.person("mira_paints"), "mira_p")
    first.store.close()
    second = create_app(Settings(data=tmp_path, search_lag_seconds=0)).state.world
    assert second.person("mira_paints") is None
    assert second.person("mira_p") is not None
    second.store.close()
