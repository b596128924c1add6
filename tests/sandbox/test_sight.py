"""Suspended, protected and blocking people: out of timelines and search, partial errors where somebody asks by id."""

import pytest

STATES = [{"suspended": True}, {"protected": True}, {"blocks": ["threadpaint"]}]


def be(play, username, **state):
    answer = play.http.patch(f"/sandbox/people/{username}", json=state)
    assert answer.status_code == 200, answer.text


def mentions(play):
    return play.client().get_users_mentions(play.bot.id, user_auth=True)


def searched(play):
    return play.client().search_recent_tweets("@threadpaint", user_auth=True)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("read", [mentions, searched])
def test_whoever_is_out_of_sight_is_absent_from_mentions_and_search(play, read, state):
    gone = play.says("mira_paints", "@threadpaint a red sea")
    there = play.says("oldtomcat", "@threadpaint a green sea")
    assert [str(post.id) for post in read(play).data] == [there["id"], gone["id"]]
    be(play, "mira_paints", **state)
    answer = read(play)
    assert [str(post.id) for post in answer.data] == [there["id"]]
    assert answer.meta["result_count"] == 1


def test_whom_the_bot_blocked_is_absent_from_its_mentions(play):
    play.says("mira_paints", "@threadpaint a red sea")
    be(play, "threadpaint", blocks=["mira_paints"])
    assert mentions(play).data is None
    assert "data" not in play.get(f"/2/users/{play.bot.id}/mentions").json()


def test_a_protected_author_is_there_for_followers_only(play):
    post = play.says("mira_paints", "@threadpaint a red sea")
    be(play, "mira_paints", protected=True)
    be(play, "threadpaint", follows=["mira_paints"])
    assert [str(one.id) for one in mentions(play).data] == [post["id"]]
    assert "data" not in play.get(f"/2/users/{play.bot.id}/mentions").json()


def test_they_come_back_when_all_is_well_again(play):
    play.says("mira_paints", "@threadpaint a red sea")
    be(play, "mira_paints", suspended=True)
    assert mentions(play).data is None
    be(play, "mira_paints", suspended=False)
    assert len(mentions(play).data) == 1


def error(answer):
    assert answer.data is None
    (only,) = answer.errors
    return only


@pytest.mark.parametrize("state", STATES[1:])
def test_the_post_of_a_protected_or_blocking_author_is_an_authorization_error(play, state):
    post = play.says("mira_paints", "@threadpaint a red sea")
    be(play, "mira_paints", **state)
    told = error(play.client().get_tweet(post["id"], user_auth=True))
    assert told["title"] == "Authorization Error"
    assert told["detail"] == f"Sorry, you are not authorized to see the Tweet with id: [{post['id']}]."
    assert told["type"].endswith("/not-authorized-for-resource")
    assert (told["section"], told["resource_id"]) == ("data", post["id"])


def test_the_post_of_a_suspended_author_says_so(play):
    post = play.says("mira_paints", "@threadpaint a red sea")
    be(play, "mira_paints", suspended=True)
    told = error(play.client().get_tweet(post["id"], user_auth=True))
    assert told["title"] == "Forbidden"
    assert told["detail"] == f"User has been suspended: [{post['author_id']}]."


def test_a_batch_shows_what_it_may_and_names_the_rest(play):
    gone, there = (play.says(name, "@threadpaint a sea") for name in ("mira_paints", "oldtomcat"))
    be(play, "mira_paints", suspended=True)
    answer = play.client().get_tweets([gone["id"], there["id"], 7], user_auth=True)
    assert [str(post.id) for post in answer.data] == [there["id"]]
    assert [one["title"] for one in answer.errors] == ["Forbidden", "Not Found Error"]


def test_a_suspended_person_can_not_be_looked_up_and_a_protected_one_can(play):
    mira, client = play.world.person("mira_paints"), play.client()
    be(play, "mira_paints", protected=True)
    assert client.get_user(username="mira_paints", user_fields=["protected"]).data.protected is True
    be(play, "mira_paints", suspended=True)
    for asked in ({"username": "mira_paints"}, {"id": mira.id}):
        told = error(client.get_user(**asked))
        assert (told["title"], told["detail"]) == ("Forbidden", f"User has been suspended: [{mira.id}].")


def test_the_timeline_of_a_protected_person_is_an_authorization_error(play):
    play.says("mira_paints", "a sea")
    mira = play.world.person("mira_paints")
    be(play, "mira_paints", protected=True)
    assert error(play.client().get_users_tweets(mira.id))["title"] == "Authorization Error"
    assert play.client("mira_paints").get_users_tweets(mira.id, user_auth=True).meta["result_count"] == 1


def test_a_parent_out_of_sight_is_missing_from_the_includes(play):
    root = play.says("mira_paints", "a sea")
    below = play.says("oldtomcat", "@threadpaint paint this", in_reply_to=root["id"])
    be(play, "mira_paints", protected=True)
    answer = play.client().get_tweet(below["id"], expansions=["referenced_tweets.id"], user_auth=True)
    assert "tweets" not in answer.includes
    assert answer.errors[0]["title"] == "Authorization Error"
    assert answer.errors[0]["section"] == "includes"
