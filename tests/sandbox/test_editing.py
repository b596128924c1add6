"""Edits as X has them: a new id in the same history, newest in timelines, the old version under its own id."""

import pytest

from sandbox.app import create_app
from sandbox.settings import Settings


def edit(play, post, text):
    return play.http.post(f"/sandbox/posts/{post['id']}/edit", json={"text": text})


def shown(play, **params):
    return play.get(f"/2/users/{play.bot.id}/mentions", **{"tweet.fields": "edit_controls", **params}).json()["data"]


def test_an_edit_has_a_new_id_and_the_same_history(play):
    first = play.says("mira_paints", "@threadpaint a fix")
    second = edit(play, first, "@threadpaint a fox")
    assert second.status_code == 201
    assert second.json()["id"] > first["id"]
    assert second.json()["edit_history_tweet_ids"] == [first["id"], second.json()["id"]]
    assert second.json()["conversation_id"] == first["conversation_id"]


def test_timelines_and_search_show_the_newest_version_only(play):
    first = play.says("mira_paints", "@threadpaint a fix")
    second = edit(play, first, "@threadpaint a fox").json()
    assert [post["id"] for post in shown(play)] == [second["id"]]
    found = play.get("/2/tweets/search/recent", query="@threadpaint").json()["data"]
    assert [post["id"] for post in found] == [second["id"]]


def test_an_old_version_is_still_readable_by_its_id(play):
    first = play.says("mira_paints", "@threadpaint a fix")
    second = edit(play, first, "@threadpaint a fox").json()
    read = play.client().get_tweet(first["id"], user_auth=True).data
    assert read.text == "@threadpaint a fix"
    assert [str(i) for i in read.edit_history_tweet_ids] == [first["id"], second["id"]]


def test_five_edits_and_no_more(play):
    post = play.says("mira_paints", "@threadpaint 0")
    for n in range(1, 6):
        assert edit(play, post, f"@threadpaint {n}").status_code == 201
    assert edit(play, post, "@threadpaint 6").status_code == 422
    assert [version["edit_controls"]["edits_remaining"] for version in shown(play)] == [0]


def test_an_hour_and_no_longer(play):
    post = play.says("mira_paints", "@threadpaint a fix")
    play.clock.advance(3599)
    again = edit(play, post, "@threadpaint a fox")
    assert again.status_code == 201
    play.clock.advance(2)
    assert edit(play, again.json(), "@threadpaint an ox").status_code == 422


def test_a_reply_to_somebody_else_can_not_be_edited(play):
    root = play.says("oldtomcat", "root")
    reply = play.says("mira_paints", "a reply", in_reply_to=root["id"])
    assert edit(play, reply, "another").status_code == 422


def test_an_edit_keeps_its_picture_and_deleting_it_deletes_every_version(play, picture):
    first = play.says("mira_paints", "@threadpaint a fix", media=[picture.base64])
    second = edit(play, first, "@threadpaint a fox").json()
    assert second["media"][0]["url"] == first["media"][0]["url"]
    play.http.delete(f"/sandbox/posts/{second['id']}")
    answer = play.get("/2/tweets", ids=f"{first['id']},{second['id']}").json()
    assert "data" not in answer
    assert len(answer["errors"]) == 2
    assert play.http.get(first["media"][0]["url"]).status_code == 404


def test_answers_to_two_versions_of_one_post_are_duplicates(play):
    first = play.says("mira_paints", "@threadpaint a fix")
    play.client().create_tweet(text="one", in_reply_to_tweet_id=first["id"])
    second = edit(play, first, "@threadpaint a fox").json()
    play.client().create_tweet(text="two", in_reply_to_tweet_id=second["id"])
    assert play.answers()["answers"] == {first["id"]: 2}
    assert play.answers()["duplicates"] == 1


def test_edits_survive_a_restart(tmp_path, begin):
    play = begin(data=tmp_path)
    first = play.says("mira_paints", "@threadpaint a fix")
    second = edit(play, first, "@threadpaint a fox").json()
    play.world.store.close()
    world = create_app(Settings(data=tmp_path)).state.world
    assert world.shelf.mentions[world.bot.id][-1:] == [int(second["id"])]
    assert int(first["id"]) not in world.shelf.all
    assert world.shelf.posts[int(first["id"])].said == "@threadpaint a fix"
    world.store.close()


@pytest.mark.parametrize("text", ["", "x" * 25_001])
def test_an_edit_to_nothing_or_to_too_much_is_refused(play, text):
    post = play.says("mira_paints", "@threadpaint a fix")
    assert edit(play, post, text).status_code == 422
