"""Suspended, protected and blocking users are missing from timelines and search; lookups return partial errors."""

from collections.abc import Callable

import pytest
import tweepy

from tests.support.sandbox_world import Json, SandboxWorld

STATES: list[Json] = [{"suspended": True}, {"protected": True}, {"blocks": ["threadpaint"]}]


def get_mentions(world: SandboxWorld) -> tweepy.Response:
    return world.client().get_users_mentions(world.bot.id, user_auth=True)


def search_mentions(world: SandboxWorld) -> tweepy.Response:
    return world.client().search_recent_tweets("@threadpaint", user_auth=True)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("read", [get_mentions, search_mentions])
def test_suspended_protected_and_blocking_users_are_missing_from_mentions_and_search(
    world: SandboxWorld, read: Callable[[SandboxWorld], tweepy.Response], state: Json
) -> None:
    gone = world.post("mira_paints", "@threadpaint a red sea")
    there = world.post("oldtomcat", "@threadpaint a green sea")
    assert [str(post.id) for post in read(world).data] == [there["id"], gone["id"]]
    world.set_user("mira_paints", **state)
    response = read(world)
    assert [str(post.id) for post in response.data] == [there["id"]]
    assert response.meta["result_count"] == 1


def test_blocked_users_are_missing_from_mentions(world: SandboxWorld) -> None:
    world.post("mira_paints", "@threadpaint a red sea")
    world.set_user("threadpaint", blocks=["mira_paints"])
    assert get_mentions(world).data is None
    assert "data" not in world.get(f"/2/users/{world.bot.id}/mentions").json()


def test_posts_of_protected_users_are_visible_to_followers_only(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    world.set_user("mira_paints", protected=True)
    world.set_user("threadpaint", follows=["mira_paints"])
    assert [str(one.id) for one in get_mentions(world).data] == [post["id"]]
    assert "data" not in world.get(f"/2/users/{world.bot.id}/mentions").json()


def test_posts_return_after_a_suspension_ends(world: SandboxWorld) -> None:
    world.post("mira_paints", "@threadpaint a red sea")
    world.set_user("mira_paints", suspended=True)
    assert get_mentions(world).data is None
    world.set_user("mira_paints", suspended=False)
    assert len(get_mentions(world).data) == 1


def only_error(response: tweepy.Response) -> Json:
    assert response.data is None
    (error,) = response.errors
    return dict(error)


@pytest.mark.parametrize("state", STATES[1:])
def test_a_post_of_a_protected_or_blocking_author_is_an_authorization_error(world: SandboxWorld, state: Json) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    world.set_user("mira_paints", **state)
    result = only_error(world.client().get_tweet(post["id"], user_auth=True))
    assert result["title"] == "Authorization Error"
    assert result["detail"] == f"Sorry, you are not authorized to see the Tweet with id: [{post['id']}]."
    assert result["type"].endswith("/not-authorized-for-resource")
    assert (result["section"], result["resource_id"]) == ("data", post["id"])


def test_a_post_of_a_suspended_author_is_a_forbidden_error(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    world.set_user("mira_paints", suspended=True)
    result = only_error(world.client().get_tweet(post["id"], user_auth=True))
    assert result["title"] == "Forbidden"
    assert result["detail"] == f"User has been suspended: [{post['author_id']}]."


def test_a_batch_returns_visible_posts_and_errors_for_others(world: SandboxWorld) -> None:
    gone, there = (world.post(name, "@threadpaint a sea") for name in ("mira_paints", "oldtomcat"))
    world.set_user("mira_paints", suspended=True)
    response = world.client().get_tweets([gone["id"], there["id"], 7], user_auth=True)
    assert [str(post.id) for post in response.data] == [there["id"]]
    assert [one["title"] for one in response.errors] == ["Forbidden", "Not Found Error"]


def test_protected_users_can_be_looked_up_and_suspended_users_cannot(world: SandboxWorld) -> None:
    mira, client = world.find_user("mira_paints"), world.client()
    world.set_user("mira_paints", protected=True)
    assert client.get_user(username="mira_paints", user_fields=["protected"]).data.protected is True
    world.set_user("mira_paints", suspended=True)
    for asked in ({"username": "mira_paints"}, {"id": mira.id}):
        result = only_error(client.get_user(**asked))
        assert (result["title"], result["detail"]) == ("Forbidden", f"User has been suspended: [{mira.id}].")


def test_the_timeline_of_a_protected_user_is_an_authorization_error(world: SandboxWorld) -> None:
    world.post("mira_paints", "a sea")
    mira = world.find_user("mira_paints")
    world.set_user("mira_paints", protected=True)
    assert only_error(world.client().get_users_tweets(mira.id))["title"] == "Authorization Error"
    assert world.client("mira_paints").get_users_tweets(mira.id, user_auth=True).meta["result_count"] == 1


def test_a_parent_by_a_protected_author_is_missing_from_includes(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "a sea")
    below = world.post("oldtomcat", "@threadpaint paint this", in_reply_to=root["id"])
    world.set_user("mira_paints", protected=True)
    response = world.client().get_tweet(below["id"], expansions=["referenced_tweets.id"], user_auth=True)
    assert "tweets" not in response.includes
    assert response.errors[0]["title"] == "Authorization Error"
    assert response.errors[0]["section"] == "includes"
