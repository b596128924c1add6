"""X's rules for API clients: mentions, reply settings, duplicates, lengths, pictures. The web page is exempt."""

import pytest
import tweepy

from tests.support.sandbox_world import Json, SandboxWorld

NOT_VISIBLE = "You attempted to reply to a Tweet that is deleted or not visible to you."
RESTRICTED = "The original Tweet author restricted who can reply to this Tweet."

NEW = {
    "detail": "You can only reply to or quote posts where you are mentioned or are the author.",
    "status": 403,
    "title": "Authorization Error",
    "type": "https://api.x.com/2/problems/not-authorized-for-resource",
}
OLD = {
    "detail": "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged "
    "by the author of the post you are replying to.",
    "status": 403,
    "title": "Forbidden",
    "type": "about:blank",
}


def rejection(world: SandboxWorld, to: Json, text: str = "here") -> Json:
    """Return the problem with which X rejects a reply."""
    with pytest.raises(tweepy.Forbidden) as caught:
        world.reply(to, text)
    return dict(caught.value.response.json())


# the mention rule


def test_a_reply_to_a_post_without_a_mention_is_rejected(world: SandboxWorld) -> None:
    assert rejection(world, world.post("mira_paints", "a red sea")) == NEW


def test_a_mention_anywhere_in_the_post_allows_a_reply(world: SandboxWorld) -> None:
    assert world.reply(world.post("mira_paints", "look, @ThreadPaint, a red sea")).data["id"]
    assert world.reply(world.post("mira_paints", "word " * 100 + "@threadpaint"), text="long").data["id"]


def test_a_quote_of_an_own_post_allows_a_reply(world: SandboxWorld) -> None:
    mine = world.post("threadpaint", "a red sea")
    assert world.reply(world.post("mira_paints", "lovely", quote_of=mine["id"])).data["id"]


def test_replies_to_own_posts_are_allowed(world: SandboxWorld) -> None:
    mine = world.client().create_tweet(text="one").data
    assert world.reply(mine, text="two").data["id"]


def test_an_implicit_mention_allows_a_reply_unless_strict_explicit_is_set(world: SandboxWorld) -> None:
    mine = world.post("threadpaint", "reply with a prompt")
    direct = world.post("mira_paints", "a red sea", in_reply_to=mine["id"])
    assert direct["text"].startswith("@threadpaint ")
    assert world.reply(direct).data["id"]
    world.set_rules(strict_explicit=True)
    assert rejection(world, direct, text="again") == NEW
    explicit = world.post("mira_paints", "@threadpaint a red sea", in_reply_to=mine["id"])
    assert world.reply(explicit, text="again").data["id"]


def test_an_implicit_mention_in_a_long_reply_is_not_explicit(world: SandboxWorld) -> None:
    world.set_rules(strict_explicit=True)
    mine = world.post("threadpaint", "reply with a prompt")
    assert rejection(world, world.post("mira_paints", "word " * 100, in_reply_to=mine["id"])) == NEW
    explicit = world.post("mira_paints", "word " * 100 + "@threadpaint", in_reply_to=mine["id"])
    assert world.reply(explicit).data["id"]


def test_a_mention_of_another_user_allows_no_reply(world: SandboxWorld) -> None:
    assert rejection(world, world.post("mira_paints", "@oldtomcat a red sea")) == NEW


def test_a_mention_in_the_parent_is_an_implicit_mention_in_its_replies(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "@threadpaint a red sea")
    below = world.post("mira_paints", "a green one, I mean", in_reply_to=root["id"])
    assert world.reply(below).data["id"]
    world.set_rules(strict_explicit=True)
    assert rejection(world, below, text="again") == NEW


def test_the_rejection_can_have_the_old_wording(world: SandboxWorld) -> None:
    world.set_rules(wording="old")
    assert rejection(world, world.post("mira_paints", "a red sea")) == OLD


def test_the_mention_rule_can_be_switched_off(world: SandboxWorld) -> None:
    world.set_rules(summon="off")
    assert world.reply(world.post("mira_paints", "a red sea")).data["id"]


def test_a_quote_of_a_post_without_a_mention_is_rejected(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "a red sea")
    with pytest.raises(tweepy.Forbidden) as caught:
        world.client().create_tweet(text="look", quote_tweet_id=post["id"])
    assert caught.value.response.json() == NEW
    mention = world.post("mira_paints", "@threadpaint a red sea")
    assert world.client().create_tweet(text="look", quote_tweet_id=mention["id"]).data["id"]


def test_posts_from_the_page_need_no_mention(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "a red sea")
    assert world.post("oldtomcat", "nice", in_reply_to=root["id"])
    assert world.post("oldtomcat", "nice", in_reply_to=root["id"])


def test_rules_are_read_and_changed_one_by_one(world: SandboxWorld) -> None:
    before = {"summon": "on", "wording": "new", "strict_explicit": False, "duplicate_seconds": 86_400}
    assert world.http.get("/sandbox/rules").json() == before
    assert world.set_rules(wording="old") == before | {"wording": "old"}
    assert world.http.get("/sandbox/rules").json()["wording"] == "old"


@pytest.mark.parametrize("wrong", [{"summon": "maybe"}, {"wording": 3}, {"duplicate_seconds": -1}, {"manners": "good"}])
def test_an_invalid_rule_is_named_in_the_error(world: SandboxWorld, wrong: Json) -> None:
    response = world.http.post("/sandbox/rules", json=wrong)
    assert response.status_code == 422
    assert response.json()["errors"][0]["where"][-1] == next(iter(wrong))


# reply settings


def post_with_settings(world: SandboxWorld, settings: str, text: str = "a red sea") -> Json:
    body = {"text": text} | ({} if settings == "everyone" else {"reply_settings": settings})
    response = world.as_person("mira_paints").post(f"{world.url}/2/tweets", json=body)
    return dict(response.json()["data"])


@pytest.mark.parametrize("settings", ["mentionedUsers", "following", "subscribers", "verified"])
def test_reply_settings_exclude_other_users(world: SandboxWorld, settings: str) -> None:
    world.set_rules(summon="off")
    world.set_user("threadpaint", verified=False)
    assert rejection(world, post_with_settings(world, settings))["detail"] == RESTRICTED


@pytest.mark.parametrize("settings", ["everyone", "mentionedUsers", "following", "subscribers", "verified"])
def test_mentioned_users_may_always_reply(world: SandboxWorld, settings: str) -> None:
    world.set_user("threadpaint", verified=False)
    assert world.reply(post_with_settings(world, settings, "@threadpaint a red sea")).data["id"]


def test_following_allows_users_whom_the_author_follows(world: SandboxWorld) -> None:
    world.set_rules(summon="off")
    world.set_user("mira_paints", follows=["threadpaint"])
    assert world.reply(post_with_settings(world, "following")).data["id"]


def test_verified_allows_verified_users(world: SandboxWorld) -> None:
    world.set_rules(summon="off")
    assert world.reply(post_with_settings(world, "verified")).data["id"]


def test_reply_settings_of_the_first_post_apply_to_the_conversation(world: SandboxWorld) -> None:
    root = post_with_settings(world, "mentionedUsers")
    below = world.post("mira_paints", "@threadpaint paint this", in_reply_to=root["id"])
    assert rejection(world, below)["detail"] == RESTRICTED


# visibility


@pytest.mark.parametrize("state", [{"suspended": True}, {"protected": True}, {"blocks": ["threadpaint"]}])
def test_a_reply_to_an_invisible_author_is_rejected(world: SandboxWorld, state: Json) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    world.set_user("mira_paints", **state)
    assert rejection(world, post)["detail"] == NOT_VISIBLE


def test_a_follower_may_reply_to_a_protected_author(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    world.set_user("mira_paints", protected=True)
    world.set_user("threadpaint", follows=["mira_paints"])
    assert world.reply(post).data["id"]


def test_a_suspended_account_can_neither_read_nor_write(world: SandboxWorld) -> None:
    world.set_user("threadpaint", suspended=True)
    with pytest.raises(tweepy.Forbidden) as caught:
        world.client().create_tweet(text="hello")
    assert "suspended" in caught.value.response.json()["type"]
    with pytest.raises(tweepy.Forbidden):
        world.client().get_me()
