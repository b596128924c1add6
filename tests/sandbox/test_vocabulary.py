"""The rename of 2026: tweet.fields and post.fields, what each mode accepts and in which words it answers."""

import pytest
import tweepy

from sandbox.app import create_app
from sandbox.settings import Settings


def speak(play, mode):
    assert play.http.post("/sandbox/vocabulary", json={"vocabulary": mode}).json() == {"vocabulary": mode}


@pytest.fixture
def asked(play):
    """A reply to the bot's first post, and a quote of a long post."""
    long = play.says("noor_h", "long " * 100)
    return play.says("mira_paints", "@threadpaint a fox", in_reply_to=play.bot.pinned_post_id, quote_of=long["id"])


NEW = {
    "post.fields": "author_id,note_post,public_metrics,referenced_posts",
    "expansions": "referenced_posts,author_id",
    "user.fields": "public_metrics,pinned_post_id",
}


def test_new_fields_are_answered_in_new_names(play, asked):
    speak(play, "new")
    answer = play.get(f"/2/tweets/{asked['id']}", **NEW).json()
    assert {one["type"] for one in answer["data"]["referenced_posts"]} == {"replied_to", "quoted"}
    assert answer["data"]["edit_history_post_ids"] == [asked["id"]]
    assert answer["data"]["public_metrics"]["repost_count"] == 0
    assert "post_count" in answer["includes"]["users"][0]["public_metrics"]
    assert any("note_post" in post for post in answer["includes"]["posts"])
    assert "tweet" not in str(answer)


def test_old_fields_are_understood_in_new_mode_and_answered_in_new_names(play, asked):
    speak(play, "new")
    old = {"tweet.fields": "referenced_tweets", "expansions": "referenced_tweets.id"}
    answer = play.get(f"/2/tweets/{asked['id']}", **old).json()
    assert "referenced_posts" in answer["data"]
    assert len(answer["includes"]["posts"]) == 2


def test_since_the_rename_an_expansion_brings_its_field_along(play, asked):
    speak(play, "new")
    answer = play.get(f"/2/tweets/{asked['id']}", expansions="author_id,in_reply_to_user_id,referenced_posts").json()
    assert {"author_id", "in_reply_to_user_id", "referenced_posts"} <= set(answer["data"])


def test_old_mode_knows_no_new_fields(play, asked):
    assert play.get(f"/2/tweets/{asked['id']}", **{"post.fields": "author_id"}).status_code == 400
    assert play.get(f"/2/tweets/{asked['id']}", expansions="referenced_posts").status_code == 400


def test_an_unknown_new_field_is_refused(play, asked):
    speak(play, "new")
    assert play.get(f"/2/tweets/{asked['id']}", **{"post.fields": "colour"}).status_code == 400


def test_a_new_post_is_told_in_the_words_of_the_mode(play):
    def told(mode):
        speak(play, mode)
        return play.client().create_tweet(text=f"hello in {mode}").data

    assert told("legacy")["edit_history_tweet_ids"][0].isdigit()
    assert told("new")["edit_history_post_ids"][0].isdigit()
    assert told("mixed")["edit_history_tweet_ids"] == [""]


def test_mixed_mode_answers_old_names_to_old_and_new_questions(play, asked):
    speak(play, "mixed")
    answer = play.get(f"/2/tweets/{asked['id']}", **NEW).json()
    assert "referenced_tweets" in answer["data"]
    assert answer["data"]["edit_history_tweet_ids"] == [asked["id"]]
    assert "tweets" in answer["includes"]


@pytest.mark.parametrize("mode", ["legacy", "mixed"])
def test_tweepy_reads_whole_posts_in_the_old_words(play, asked, mode):
    speak(play, mode)
    read = play.client().get_tweet(asked["id"], tweet_fields=["referenced_tweets", "author_id"], user_auth=True).data
    assert {one.type for one in read.referenced_tweets} == {"replied_to", "quoted"}


def test_tweepy_still_reads_text_and_author_in_the_new_words(play, asked):
    speak(play, "new")
    with pytest.warns(RuntimeWarning, match="edit_history_tweet_ids"):
        read = play.client().get_tweet(asked["id"], tweet_fields=["referenced_tweets", "author_id"], user_auth=True)
    assert str(read.data.author_id) == asked["author_id"]
    assert read.data.referenced_tweets is None


def test_the_version_header_follows(play):
    def version(mode):
        speak(play, mode)
        return play.get(f"/2/users/{play.bot.id}").headers["api-version"]

    assert [version(mode) for mode in ("legacy", "mixed", "new")] == ["2.166", "2.166", "2.167"]


def test_problems_move_to_the_new_host(play):
    speak(play, "new")
    with pytest.raises(tweepy.BadRequest) as refused:
        play.client().get_tweets(["x"], user_auth=True)
    assert refused.value.response.json()["type"] == "https://api.x.com/2/problems/invalid-request"
    gone = play.get("/2/tweets/1").json()["errors"][0]
    assert gone["type"] == "https://api.x.com/2/problems/resource-not-found"


def test_the_mode_can_be_set_by_the_environment(monkeypatch):
    monkeypatch.setenv("SANDBOX_VOCABULARY", "mixed")
    assert create_app(Settings(data=None)).state.gate.vocabulary == "mixed"


def test_an_unknown_mode_is_refused(play):
    assert play.http.post("/sandbox/vocabulary", json={"vocabulary": "klingon"}).status_code == 422
