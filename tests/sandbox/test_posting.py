"""Posting and deleting through the API, and what becomes of a text on its way."""

import html

import pytest
import tweepy

ALL = [
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


def cut(post, entity):
    return post["text"][entity["start"] : entity["end"]]


def test_it_posts_and_answers_as_x_does(play):
    answer = play.client().create_tweet(text="Tea & <scones>")
    assert set(answer.data) == {"id", "text", "edit_history_tweet_ids"}
    assert answer.data["text"] == "Tea &amp; &lt;scones&gt;"
    assert answer.data["edit_history_tweet_ids"] == [answer.data["id"]]


def test_it_gives_growing_snowflakes_that_tell_the_time(play):
    ids = [int(play.says("mira_paints", f"post {n}")["id"]) for n in range(50)]
    assert ids == sorted(set(ids))
    assert abs((ids[0] >> 22) + 1288834974657 - play.clock.now_ms()) < 50


def test_it_threads_a_reply(play):
    root = play.says("mira_paints", "@threadpaint a blue forest")
    reply = play.client().create_tweet(text="Here.", in_reply_to_tweet_id=root["id"]).data["id"]
    post = play.client().get_tweet(reply, tweet_fields=ALL).data
    assert str(post.conversation_id) == root["id"]
    assert str(post.in_reply_to_user_id) == root["author_id"]
    assert [(one.type, str(one.id)) for one in post.referenced_tweets] == [("replied_to", root["id"])]
    deeper = play.says("mira_paints", "thank you", in_reply_to=reply)
    assert deeper["conversation_id"] == root["id"]


def test_it_prefixes_a_reply_with_the_author_and_whom_they_mention_but_not_oneself(play):
    root = play.says("mira_paints", "@oldtomcat and @anya_z, look: @nobody_here")
    reply = play.says("oldtomcat", "nice", in_reply_to=root["id"])
    assert reply["text"] == "@mira_paints @anya_z nice"
    assert reply["display_text_range"] == [len("@mira_paints @anya_z "), len(reply["text"])]
    assert [m["username"] for m in reply["entities"]["mentions"]] == ["mira_paints", "anya_z"]


def test_it_does_not_prefix_a_handle_that_the_text_names_already(play):
    root = play.says("threadpaint", "reply with a prompt")
    reply = play.says("mira_paints", "@ThreadPaint a red sea", in_reply_to=root["id"])
    assert reply["text"] == "@ThreadPaint a red sea"
    assert reply["display_text_range"][0] == 0


def test_it_leaves_out_the_handles_the_api_call_excludes(play):
    root = play.says("mira_paints", "@oldtomcat @threadpaint hello")
    tom = play.world.person("oldtomcat")
    answer = play.client().create_tweet(text="hi", in_reply_to_tweet_id=root["id"], exclude_reply_user_ids=[tom.id])
    assert answer.data["text"] == "@mira_paints hi"


def test_it_needs_no_prefix_under_ones_own_post(play):
    root = play.says("mira_paints", "one")
    assert play.says("mira_paints", "two", in_reply_to=root["id"])["text"] == "two"


def test_it_counts_offsets_in_code_points_of_the_escaped_text(play):
    post = play.says("mira_paints", "🌊👩‍🎨 R&D <3 @threadpaint #Mëer $SEA https://example.com/a?b=1&c=2")
    entities = post["entities"]
    assert cut(post, entities["mentions"][0]) == "@threadpaint"
    assert cut(post, entities["hashtags"][0]) == "#Mëer"
    assert cut(post, entities["cashtags"][0]) == "$SEA"
    link = entities["urls"][0]
    assert cut(post, link) == link["url"]
    assert link["url"].startswith("https://t.co/")
    assert link["expanded_url"] == "https://example.com/a?b=1&c=2"
    assert link["display_url"] == "example.com/a?b=1&c=2"


def test_it_links_bare_domains_and_leaves_mail_addresses_alone(play):
    post = play.says("mira_paints", "see example.org, or write to me@example.com")
    assert [link["expanded_url"] for link in post["entities"]["urls"]] == ["http://example.org"]
    assert "mentions" not in post["entities"]


def test_it_keeps_a_long_post_whole_in_note_tweet(play):
    prompt = "@threadpaint " + "a very long & winding road 🌄 " * 140
    post = play.says("mira_paints", prompt)
    assert "… https://t.co/" in post["text"]
    assert len(post["text"]) < 320
    assert post["display_text_range"][1] == len(post["text"])
    assert html.unescape(post["note_tweet"]["text"]) == prompt.strip()
    tail = post["entities"]["urls"][-1]
    assert tail["expanded_url"].endswith(post["id"])
    short = play.client().get_tweet(post["id"]).data
    assert "note_tweet" not in short.data


def test_it_mentions_whoever_stands_behind_the_cut(play):
    post = play.says("mira_paints", "word " * 100 + "@threadpaint")
    assert play.client().get_users_mentions(play.bot.id).data[0].id == int(post["id"])
    assert post["note_tweet"]["entities"]["mentions"][0]["username"] == "threadpaint"


def test_it_quotes_with_a_link_behind_the_text(play):
    first = play.says("mira_paints", "a green sea")
    quote = play.says("oldtomcat", "better with cats", quote_of=first["id"])
    assert quote["referenced_tweets"] == [{"type": "quoted", "id": first["id"]}]
    assert quote["entities"]["urls"][0]["expanded_url"] == f"https://x.com/mira_paints/status/{first['id']}"
    assert quote["text"][: quote["display_text_range"][1]] == "better with cats"
    assert quote["conversation_id"] == quote["id"]


def test_it_marks_a_repost_and_cuts_its_text(play):
    first = play.says("mira_paints", "@threadpaint " + "x" * 200)
    repost = play.says("oldtomcat", repost_of=first["id"])
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
def test_it_guesses_the_language(play, text, lang):
    assert play.says("mira_paints", text)["lang"] == lang


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x", "colour": "red"},
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
def test_it_refuses_a_body_that_x_would_refuse(play, body):
    answer = play.as_person().post(f"{play.url}/2/tweets", json=body)
    assert answer.status_code == 400
    assert answer.json()["title"] == "Invalid Request"


def test_it_refuses_json_that_is_none(play):
    for junk in (b"{", b"\xff\xfe", b"[" * 100_000, b'{"text": ' + b"9" * 10_000 + b"}"):
        headers = {"content-type": "application/json"}
        assert play.as_person().post(f"{play.url}/2/tweets", data=junk, headers=headers).status_code == 400


def test_it_takes_what_tweepy_does_not_know(play):
    answer = play.as_person().post(
        f"{play.url}/2/tweets", json={"text": "x", "made_with_ai": True, "paid_partnership": False}
    )
    assert answer.status_code == 201


def test_it_says_which_parts_of_x_it_does_not_play(play):
    answer = play.as_person().post(f"{play.url}/2/tweets", json={"text": "x", "poll": {"options": ["a", "b"]}})
    assert "does not play" in answer.json()["errors"][0]["message"]


def test_it_refuses_a_reply_to_what_is_gone(play):
    post = play.says("mira_paints", "soon gone")
    play.http.delete(f"/sandbox/posts/{post['id']}")
    for target in (post["id"], "123"):
        with pytest.raises(tweepy.Forbidden) as caught:
            play.client().create_tweet(text="hi", in_reply_to_tweet_id=target)
        assert caught.value.response.json()["detail"] == (
            "You attempted to reply to a Tweet that is deleted or not visible to you."
        )


def test_it_deletes_only_ones_own(play):
    mine = play.client().create_tweet(text="oops").data["id"]
    theirs = play.says("mira_paints", "mine")["id"]
    assert play.client().delete_tweet(mine).data == {"deleted": True}
    assert play.client().delete_tweet(mine).data == {"deleted": True}
    with pytest.raises(tweepy.Forbidden):
        play.client().delete_tweet(theirs)
    with pytest.raises(tweepy.NotFound):
        play.client().delete_tweet(123)


def test_it_answers_a_deleted_post_with_200_and_errors(play):
    mine = play.client().create_tweet(text="oops").data["id"]
    play.client().delete_tweet(mine)
    answer = play.client().get_tweet(mine)
    assert answer.data is None
    assert answer.errors[0]["detail"] == f"Could not find tweet with id: [{mine}]."
    assert answer.errors[0]["type"].endswith("/resource-not-found")
