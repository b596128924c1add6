"""Followers, connection status, hidden replies and declarations, read with tweepy."""

import pytest
import tweepy

from tests.support.sandbox_world import Picture, SandboxWorld


def names(response: tweepy.Response) -> list[str]:
    return [person.username for person in response.data or []]


def test_followers_and_following(world: SandboxWorld) -> None:
    world.set_user("mira_paints", follows=["threadpaint"])
    world.set_user("oldtomcat", follows=["threadpaint"])
    world.set_user("threadpaint", follows=["anya_z"])
    client = world.client()
    assert set(names(client.get_users_followers(world.bot.id, user_auth=True))) == {"mira_paints", "oldtomcat"}
    assert names(client.get_users_following(world.bot.id, user_auth=True)) == ["anya_z"]


def test_followers_are_paginated(world: SandboxWorld) -> None:
    for name in ("mira_paints", "oldtomcat", "anya_z"):
        world.set_user(name, follows=["threadpaint"])
    pages = tweepy.Paginator(world.client().get_users_followers, world.bot.id, max_results=1, user_auth=True)
    assert len({person.id for person in pages.flatten()}) == 3


def test_follows_of_protected_and_suspended_users_are_errors(world: SandboxWorld) -> None:
    world.set_user("mira_paints", protected=True, follows=["anya_z"])
    world.set_user("oldtomcat", suspended=True)
    for name, title in (("mira_paints", "Authorization Error"), ("oldtomcat", "Forbidden")):
        response = world.client().get_users_following(world.find_user(name).id, user_auth=True)
        assert names(response) == []
        assert [error["title"] for error in response.errors] == [title]
    world.set_user("threadpaint", follows=["mira_paints"])
    response = world.client().get_users_following(world.find_user("mira_paints").id, user_auth=True)
    assert names(response) == ["anya_z"]


def test_connection_status_of_two_users(world: SandboxWorld) -> None:
    world.set_user("mira_paints", follows=["threadpaint"])
    world.set_user("threadpaint", follows=["mira_paints"], blocks=["oldtomcat"])

    def status(username: str) -> list[str]:
        user = world.client().get_user(username=username, user_fields=["connection_status"], user_auth=True).data
        return list(user.data["connection_status"])

    assert status("mira_paints") == ["following", "followed_by"]
    assert status("oldtomcat") == ["blocking"]
    assert status("anya_z") == []


def test_app_only_calls_get_no_connection_status(world: SandboxWorld) -> None:
    body = world.get(f"/2/users/{world.find_user('anya_z').id}", **{"user.fields": "connection_status"}).json()
    assert "connection_status" not in body["data"]


def test_replies_are_hidden_in_own_conversations_only(world: SandboxWorld) -> None:
    reply = world.post("mira_paints", "spam", in_reply_to=world.bot.pinned_post_id)
    assert world.client().hide_reply(reply["id"]).data == {"hidden": True}
    assert world.http.get(f"/sandbox/posts/{reply['id']}").json()["hidden"] is True
    assert world.client().unhide_reply(reply["id"]).data == {"hidden": False}
    with pytest.raises(tweepy.Forbidden):
        world.client("oldtomcat").hide_reply(reply["id"])


def test_the_first_post_of_a_conversation_cannot_be_hidden(world: SandboxWorld) -> None:
    with pytest.raises(tweepy.Forbidden):
        world.client().hide_reply(world.bot.pinned_post_id)
    with pytest.raises(tweepy.NotFound):
        world.client().hide_reply(1)


def test_users_are_looked_up_by_several_handles(world: SandboxWorld) -> None:
    response = world.client().get_users(usernames=["mira_paints", "nobody_here"], user_auth=True)
    assert names(response) == ["mira_paints"]
    assert response.errors[0]["value"] == "nobody_here"


def test_control_api_shows_ai_label_and_content_warning(world: SandboxWorld, picture: Picture) -> None:
    media_id = world.upload(picture)
    warning = {"adult_content": True, "graphic_violence": False, "other": False}
    metadata = {"id": media_id, "metadata": {"sensitive_media_warning": {"adult_content": True}}}
    assert world.as_person().post(f"{world.url}/2/media/metadata", json=metadata).status_code == 200
    body = {"text": "a sea", "media": {"media_ids": [media_id]}, "made_with_ai": True}
    post = world.as_person().post(f"{world.url}/2/tweets", json=body).json()["data"]["id"]
    result = world.http.get(f"/sandbox/posts/{post}").json()
    assert result["made_with_ai"] is True
    assert result["possibly_sensitive"] is True
    assert result["media"][0]["sensitive_media_warning"] == warning
