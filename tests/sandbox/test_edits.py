"""Edits: a new id in the same history, the newest version in timelines, old versions by their ids."""

from pathlib import Path

import pytest
from httpx import Response

from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.support.sandbox_world import Json, Picture, SandboxWorld, StartWorld


def edit(world: SandboxWorld, post: Json, text: str) -> Response:
    return world.http.post(f"/sandbox/posts/{post['id']}/edit", json={"text": text})


def get_mentions(world: SandboxWorld) -> list[Json]:
    return list(world.get(f"/2/users/{world.bot.id}/mentions", **{"tweet.fields": "edit_controls"}).json()["data"])


def test_an_edit_has_a_new_id_and_the_same_history(world: SandboxWorld) -> None:
    first = world.post("mira_paints", "@threadpaint a fix")
    second = edit(world, first, "@threadpaint a fox")
    assert second.status_code == 201
    assert second.json()["id"] > first["id"]
    assert second.json()["edit_history_tweet_ids"] == [first["id"], second.json()["id"]]
    assert second.json()["conversation_id"] == first["conversation_id"]


def test_timelines_and_search_have_the_newest_version_only(world: SandboxWorld) -> None:
    first = world.post("mira_paints", "@threadpaint a fix")
    second = edit(world, first, "@threadpaint a fox").json()
    assert [post["id"] for post in get_mentions(world)] == [second["id"]]
    found = world.get("/2/tweets/search/recent", query="@threadpaint").json()["data"]
    assert [post["id"] for post in found] == [second["id"]]


def test_an_old_version_is_found_by_its_id(world: SandboxWorld) -> None:
    first = world.post("mira_paints", "@threadpaint a fix")
    second = edit(world, first, "@threadpaint a fox").json()
    read = world.client().get_tweet(first["id"], user_auth=True).data
    assert read.text == "@threadpaint a fix"
    assert [str(i) for i in read.edit_history_tweet_ids] == [first["id"], second["id"]]


def test_a_post_can_be_edited_five_times(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint 0")
    for n in range(1, 6):
        assert edit(world, post, f"@threadpaint {n}").status_code == 201
    assert edit(world, post, "@threadpaint 6").status_code == 422
    assert [version["edit_controls"]["edits_remaining"] for version in get_mentions(world)] == [0]


def test_a_post_can_be_edited_for_an_hour(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a fix")
    world.clock.advance(3599)
    first_edit = edit(world, post, "@threadpaint a fox")
    assert first_edit.status_code == 201
    world.clock.advance(2)
    assert edit(world, first_edit.json(), "@threadpaint an ox").status_code == 422


def test_a_reply_to_another_user_cannot_be_edited(world: SandboxWorld) -> None:
    root = world.post("oldtomcat", "root")
    reply = world.post("mira_paints", "a reply", in_reply_to=root["id"])
    assert edit(world, reply, "another").status_code == 422


def test_an_edit_keeps_its_media_and_is_deleted_with_all_versions(world: SandboxWorld, picture: Picture) -> None:
    first = world.post("mira_paints", "@threadpaint a fix", media=[picture.base64])
    second = edit(world, first, "@threadpaint a fox").json()
    assert second["media"][0]["url"] == first["media"][0]["url"]
    world.http.delete(f"/sandbox/posts/{second['id']}")
    body = world.get("/2/tweets", ids=f"{first['id']},{second['id']}").json()
    assert "data" not in body
    assert len(body["errors"]) == 2
    assert world.http.get(first["media"][0]["url"]).status_code == 404


def test_replies_to_two_versions_of_a_post_are_duplicates(world: SandboxWorld) -> None:
    first = world.post("mira_paints", "@threadpaint a fix")
    world.client().create_tweet(text="one", in_reply_to_tweet_id=first["id"])
    second = edit(world, first, "@threadpaint a fox").json()
    world.client().create_tweet(text="two", in_reply_to_tweet_id=second["id"])
    assert world.stats()["answers"] == {first["id"]: 2}
    assert world.stats()["duplicates"] == 1


def test_edits_survive_a_restart(tmp_path: Path, start_world: StartWorld) -> None:
    world = start_world(data=tmp_path)
    first = world.post("mira_paints", "@threadpaint a fix")
    second = edit(world, first, "@threadpaint a fox").json()
    world.state.store.close()
    reopened = create_app(SandboxSettings(data=tmp_path)).state.world
    assert reopened.post_index.mentions[reopened.bot.id][-1:] == [int(second["id"])]
    assert int(first["id"]) not in reopened.post_index.all
    assert reopened.post_index.posts[int(first["id"])].said == "@threadpaint a fix"
    reopened.store.close()


@pytest.mark.parametrize("text", ["", "x" * 25_001])
def test_an_edit_to_an_empty_or_too_long_text_is_rejected(world: SandboxWorld, text: str) -> None:
    post = world.post("mira_paints", "@threadpaint a fix")
    assert edit(world, post, text).status_code == 422
