"""Who follows whom, how two people stand to each other, and hidden replies; all with tweepy's own calls."""

import pytest
import tweepy


def become(play, username, **state):
    assert play.http.patch(f"/sandbox/people/{username}", json=state).status_code == 200


def names(answer):
    return [person.username for person in answer.data or []]


def test_followers_and_following(play):
    become(play, "mira_paints", follows=["threadpaint"])
    become(play, "oldtomcat", follows=["threadpaint"])
    become(play, "threadpaint", follows=["anya_z"])
    client = play.client()
    assert set(names(client.get_users_followers(play.bot.id, user_auth=True))) == {"mira_paints", "oldtomcat"}
    assert names(client.get_users_following(play.bot.id, user_auth=True)) == ["anya_z"]


def test_followers_come_in_pages(play):
    for name in ("mira_paints", "oldtomcat", "anya_z"):
        become(play, name, follows=["threadpaint"])
    pages = tweepy.Paginator(play.client().get_users_followers, play.bot.id, max_results=1, user_auth=True)
    assert len({person.id for person in pages.flatten()}) == 3


def test_the_circles_of_a_protected_or_suspended_person_are_closed(play):
    become(play, "mira_paints", protected=True, follows=["anya_z"])
    become(play, "oldtomcat", suspended=True)
    for name, title in (("mira_paints", "Authorization Error"), ("oldtomcat", "Forbidden")):
        answer = play.client().get_users_following(play.world.person(name).id, user_auth=True)
        assert names(answer) == []
        assert [error["title"] for error in answer.errors] == [title]
    become(play, "threadpaint", follows=["mira_paints"])
    friend = play.client().get_users_following(play.world.person("mira_paints").id, user_auth=True)
    assert names(friend) == ["anya_z"]


def test_how_two_people_stand_to_each_other(play):
    become(play, "mira_paints", follows=["threadpaint"])
    become(play, "threadpaint", follows=["mira_paints"], blocks=["oldtomcat"])

    def status(username):
        read = play.client().get_user(username=username, user_fields=["connection_status"], user_auth=True)
        return read.data.data["connection_status"]

    assert status("mira_paints") == ["following", "followed_by"]
    assert status("oldtomcat") == ["blocking"]
    assert status("anya_z") == []


def test_an_app_without_a_person_is_told_no_connections(play):
    read = play.get(f"/2/users/{play.world.person('anya_z').id}", **{"user.fields": "connection_status"}).json()
    assert "connection_status" not in read["data"]


def test_one_hides_replies_in_ones_own_conversation_only(play):
    reply = play.says("mira_paints", "spam", in_reply_to=play.bot.pinned_post_id)
    assert play.client().hide_reply(reply["id"]).data == {"hidden": True}
    assert play.http.get(f"/sandbox/posts/{reply['id']}").json()["hidden"] is True
    assert play.client().unhide_reply(reply["id"]).data == {"hidden": False}
    with pytest.raises(tweepy.Forbidden):
        play.client("oldtomcat").hide_reply(reply["id"])


def test_the_start_of_a_conversation_can_not_be_hidden(play):
    with pytest.raises(tweepy.Forbidden):
        play.client().hide_reply(play.bot.pinned_post_id)
    with pytest.raises(tweepy.NotFound):
        play.client().hide_reply(1)


def test_people_are_found_by_several_names_at_once(play):
    answer = play.client().get_users(usernames=["mira_paints", "nobody_here"], user_auth=True)
    assert names(answer) == ["mira_paints"]
    assert answer.errors[0]["value"] == "nobody_here"


def test_a_control_answer_shows_what_the_bot_declared(play, picture):
    media = play.as_person().post(
        f"{play.url}/2/media/upload", files={"media": picture.data}, data={"media_category": "tweet_image"}
    )
    media_id = media.json()["data"]["id"]
    warning = {"adult_content": True, "graphic_violence": False, "other": False}
    said = {"id": media_id, "metadata": {"sensitive_media_warning": {"adult_content": True}}}
    assert play.as_person().post(f"{play.url}/2/media/metadata", json=said).status_code == 200
    body = {"text": "a sea", "media": {"media_ids": [media_id]}, "made_with_ai": True}
    post = play.as_person().post(f"{play.url}/2/tweets", json=body).json()["data"]["id"]
    told = play.http.get(f"/sandbox/posts/{post}").json()
    assert told["made_with_ai"] is True
    assert told["possibly_sensitive"] is True
    assert told["media"][0]["sensitive_media_warning"] == warning
