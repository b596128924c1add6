"""Posts are created and deleted through the API; texts get handles, links, entities and cuts."""

import html
from typing import Any

import pytest
import tweepy

from tests.support.sandbox_world import Json, SandboxWorld

ALL_FIELDS = [
    "author_id",
    "conversation_id",
    "created_at",
    "display_text_range",
    "entities",
    "in_reply_to_user_id",
    "lang",
    "note_tweet",
    "referenced_tweets",
    "attachments",
    "public_metrics",
    "reply_settings",
]


def entity_text(post: Json, entity: Json) -> str:
    return str(post["text"][entity["start"] : entity["end"]])


def test_a_post_is_returned_with_escaped_text(world: SandboxWorld) -> None:
    response = world.client().create_tweet(text="Tea & <scones>")
    assert set(response.data) == {"id", "text", "edit_history_tweet_ids"}
    assert response.data["text"] == "Tea &amp; &lt;scones&gt;"
    assert response.data["edit_history_tweet_ids"] == [response.data["id"]]


def test_ids_are_increasing_snowflakes(world: SandboxWorld) -> None:
    ids = [int(world.post("mira_paints", f"post {n}")["id"]) for n in range(50)]
    assert ids == sorted(set(ids))
    assert abs((ids[0] >> 22) + 1288834974657 - world.clock.now_ms()) < 50


def test_a_reply_has_conversation_parent_and_user(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "@threadpaint a blue forest")
    reply = world.client().create_tweet(text="Here.", in_reply_to_tweet_id=root["id"]).data["id"]
    post = world.client().get_tweet(reply, tweet_fields=ALL_FIELDS).data
    assert str(post.conversation_id) == root["id"]
    assert str(post.in_reply_to_user_id) == root["author_id"]
    assert [(reference.type, str(reference.id)) for reference in post.referenced_tweets] == [("replied_to", root["id"])]
    deeper = world.post("mira_paints", "thank you", in_reply_to=reply)
    assert deeper["conversation_id"] == root["id"]


def test_a_reply_is_prefixed_with_author_and_mentioned_users(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "@oldtomcat and @anya_z, look: @nobody_here")
    reply = world.post("oldtomcat", "nice", in_reply_to=root["id"])
    assert reply["text"] == "@mira_paints @anya_z nice"
    assert reply["display_text_range"] == [len("@mira_paints @anya_z "), len(reply["text"])]
    assert [m["username"] for m in reply["entities"]["mentions"]] == ["mira_paints", "anya_z"]


def test_explicit_mentions_are_not_prefixed_again(world: SandboxWorld) -> None:
    root = world.post("threadpaint", "reply with a prompt")
    reply = world.post("mira_paints", "@ThreadPaint a red sea", in_reply_to=root["id"])
    assert reply["text"] == "@ThreadPaint a red sea"
    assert reply["display_text_range"][0] == 0


def test_excluded_users_are_not_prefixed(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "@oldtomcat @threadpaint hello")
    tom = world.find_user("oldtomcat")
    response = world.client().create_tweet(text="hi", in_reply_to_tweet_id=root["id"], exclude_reply_user_ids=[tom.id])
    assert response.data["text"] == "@mira_paints hi"


def test_replies_to_own_posts_have_no_prefix(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "one")
    assert world.post("mira_paints", "two", in_reply_to=root["id"])["text"] == "two"


def test_offsets_are_code_points_of_the_escaped_text(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "🌊👩‍🎨 R&D <3 @threadpaint #Mëer $SEA https://example.com/a?b=1&c=2")
    entities = post["entities"]
    assert entity_text(post, entities["mentions"][0]) == "@threadpaint"
    assert entity_text(post, entities["hashtags"][0]) == "#Mëer"
    assert entity_text(post, entities["cashtags"][0]) == "$SEA"
    link = entities["urls"][0]
    assert entity_text(post, link) == link["url"]
    assert link["url"].startswith("https://t.co/")
    assert link["expanded_url"] == "https://example.com/a?b=1&c=2"
    assert link["display_url"] == "example.com/a?b=1&c=2"


def test_bare_domains_are_links_and_mail_addresses_are_not(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "see example.org, or write to me@example.com")
    assert [link["expanded_url"] for link in post["entities"]["urls"]] == ["http://example.org"]
    assert "mentions" not in post["entities"]


def test_a_long_post_is_complete_in_note_tweet(world: SandboxWorld) -> None:
    prompt = "@threadpaint " + "a very long & winding road 🌄 " * 140
    post = world.post("mira_paints", prompt)
    assert "… https://t.co/" in post["text"]
    assert len(post["text"]) < 320
    assert post["display_text_range"][1] == len(post["text"])
    assert html.unescape(post["note_tweet"]["text"]) == prompt.strip()
    tail = post["entities"]["urls"][-1]
    assert tail["expanded_url"].endswith(post["id"])
    short = world.client().get_tweet(post["id"]).data
    assert "note_tweet" not in short.data


def test_a_mention_beyond_the_cut_counts(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "word " * 100 + "@threadpaint")
    assert world.client().get_users_mentions(world.bot.id).data[0].id == int(post["id"])
    assert post["note_tweet"]["entities"]["mentions"][0]["username"] == "threadpaint"


def test_a_quote_ends_with_a_link(world: SandboxWorld) -> None:
    first = world.post("mira_paints", "a green sea")
    quote = world.post("oldtomcat", "better with cats", quote_of=first["id"])
    assert quote["referenced_tweets"] == [{"type": "quoted", "id": first["id"]}]
    assert quote["entities"]["urls"][0]["expanded_url"] == f"https://x.com/mira_paints/status/{first['id']}"
    assert quote["text"][: quote["display_text_range"][1]] == "better with cats"
    assert quote["conversation_id"] == quote["id"]


def test_a_repost_is_marked_and_truncated(world: SandboxWorld) -> None:
    first = world.post("mira_paints", "@threadpaint " + "x" * 200)
    repost = world.post("oldtomcat", repost_of=first["id"])
    assert repost["referenced_tweets"] == [{"type": "retweeted", "id": first["id"]}]
    assert repost["text"].startswith("RT @mira_paints: @threadpaint xxx")
    assert len(repost["text"]) == 140


@pytest.mark.parametrize(
    "text, lang",
    [
        ("a boat on the sea", "en"),
        ("ein Boot auf der See mit Wind", "de"),
        ("海の上の船", "ja"),
        ("лодка в море", "ru"),
        ("قارب في البحر", "ar"),
        ("🌊🌊", "und"),
        ("@threadpaint", "qam"),
        ("une barque sur la mer", "fr"),
    ],
)
def test_the_language_is_guessed(world: SandboxWorld, text: str, lang: str) -> None:
    assert world.post("mira_paints", text)["lang"] == lang


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x", "color": "red"},
        {"text": 7},
        {"reply": {}},
        {"text": "x", "reply": {"in_reply_to_tweet_id": "abc"}},
        {"media": {"media_ids": []}},
        {"text": "x", "reply_settings": "nobody"},
        {"text": "x", "reply_settings": "everyone"},
        {"text": "x", "media": {"media_ids": ["1", "2", "3", "4", "5"]}},
        {"text": "x", "media": {"media_ids": ["1"], "tagged_user_ids": ["1"] * 11}},
        {},
        {"text": "  \u0000 "},
        [],
        "x",
        7,
        None,
    ],
)
def test_invalid_bodies_are_rejected(world: SandboxWorld, body: Any) -> None:
    response = world.as_person().post(f"{world.url}/2/tweets", json=body)
    assert response.status_code == 400
    assert response.json()["title"] == "Invalid Request"


def test_malformed_json_is_rejected(world: SandboxWorld) -> None:
    for junk in (b"{", b"\xff\xfe", b"[" * 100_000, b'{"text": ' + b"9" * 10_000 + b"}"):
        headers = {"content-type": "application/json"}
        assert world.as_person().post(f"{world.url}/2/tweets", data=junk, headers=headers).status_code == 400


def test_fields_unknown_to_tweepy_are_accepted(world: SandboxWorld) -> None:
    response = world.as_person().post(
        f"{world.url}/2/tweets", json={"text": "x", "made_with_ai": True, "paid_partnership": False}
    )
    assert response.status_code == 201


def test_unsupported_fields_are_named_in_the_error(world: SandboxWorld) -> None:
    response = world.as_person().post(f"{world.url}/2/tweets", json={"text": "x", "poll": {"options": ["a", "b"]}})
    assert "not supported" in response.json()["errors"][0]["message"]


def test_a_reply_to_a_deleted_or_unknown_post_is_rejected(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "soon gone")
    world.http.delete(f"/sandbox/posts/{post['id']}")
    for target in (post["id"], "123"):
        with pytest.raises(tweepy.Forbidden) as caught:
            world.client().create_tweet(text="hi", in_reply_to_tweet_id=target)
        assert caught.value.response.json()["detail"] == (
            "You attempted to reply to a Tweet that is deleted or not visible to you."
        )


def test_only_own_posts_can_be_deleted(world: SandboxWorld) -> None:
    mine = world.client().create_tweet(text="oops").data["id"]
    theirs = world.post("mira_paints", "mine")["id"]
    assert world.client().delete_tweet(mine).data == {"deleted": True}
    assert world.client().delete_tweet(mine).data == {"deleted": True}
    with pytest.raises(tweepy.Forbidden):
        world.client().delete_tweet(theirs)
    with pytest.raises(tweepy.NotFound):
        world.client().delete_tweet(123)


def test_a_deleted_post_returns_200_with_errors(world: SandboxWorld) -> None:
    mine = world.client().create_tweet(text="oops").data["id"]
    world.client().delete_tweet(mine)
    response = world.client().get_tweet(mine)
    assert response.data is None
    assert response.errors[0]["detail"] == f"Could not find tweet with id: [{mine}]."
    assert response.errors[0]["type"].endswith("/resource-not-found")
