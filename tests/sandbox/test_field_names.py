"""X's rename of 2026 from tweet.fields to post.fields: which names each mode accepts and returns."""

import pytest
import tweepy

from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.support.sandbox_world import Json, SandboxWorld


def set_mode(world: SandboxWorld, mode: str) -> None:
    assert world.http.post("/sandbox/vocabulary", json={"vocabulary": mode}).json() == {"vocabulary": mode}


@pytest.fixture
def post(world: SandboxWorld) -> Json:
    """A post that replies to the bot's first post and quotes a long post."""
    long = world.post("noor_h", "long " * 100)
    return world.post("mira_paints", "@threadpaint a fox", in_reply_to=world.bot.pinned_post_id, quote_of=long["id"])


NEW = {
    "post.fields": "author_id,note_post,public_metrics,referenced_posts",
    "expansions": "referenced_posts,author_id",
    "user.fields": "public_metrics,pinned_post_id",
}


def test_new_fields_return_new_names(world: SandboxWorld, post: Json) -> None:
    set_mode(world, "new")
    body = world.get(f"/2/tweets/{post['id']}", **NEW).json()
    assert {reference["type"] for reference in body["data"]["referenced_posts"]} == {"replied_to", "quoted"}
    assert body["data"]["edit_history_post_ids"] == [post["id"]]
    assert body["data"]["public_metrics"]["repost_count"] == 0
    assert "post_count" in body["includes"]["users"][0]["public_metrics"]
    assert any("note_post" in included for included in body["includes"]["posts"])
    assert "tweet" not in str(body)


def test_new_mode_accepts_old_fields_and_returns_new_names(world: SandboxWorld, post: Json) -> None:
    set_mode(world, "new")
    old = {"tweet.fields": "referenced_tweets", "expansions": "referenced_tweets.id"}
    body = world.get(f"/2/tweets/{post['id']}", **old).json()
    assert "referenced_posts" in body["data"]
    assert len(body["includes"]["posts"]) == 2


def test_in_new_mode_an_expansion_adds_its_field(world: SandboxWorld, post: Json) -> None:
    set_mode(world, "new")
    body = world.get(f"/2/tweets/{post['id']}", expansions="author_id,in_reply_to_user_id,referenced_posts").json()
    assert {"author_id", "in_reply_to_user_id", "referenced_posts"} <= set(body["data"])


def test_legacy_mode_rejects_new_fields(world: SandboxWorld, post: Json) -> None:
    assert world.get(f"/2/tweets/{post['id']}", **{"post.fields": "author_id"}).status_code == 400
    assert world.get(f"/2/tweets/{post['id']}", expansions="referenced_posts").status_code == 400


def test_new_mode_rejects_unknown_fields(world: SandboxWorld, post: Json) -> None:
    set_mode(world, "new")
    assert world.get(f"/2/tweets/{post['id']}", **{"post.fields": "color"}).status_code == 400


def test_a_new_post_has_the_field_names_of_the_mode(world: SandboxWorld) -> None:
    def create(mode: str) -> Json:
        set_mode(world, mode)
        return dict(world.client().create_tweet(text=f"hello in {mode}").data)

    assert create("legacy")["edit_history_tweet_ids"][0].isdigit()
    assert create("new")["edit_history_post_ids"][0].isdigit()
    assert create("mixed")["edit_history_tweet_ids"] == [""]


def test_mixed_mode_returns_old_names_for_old_and_new_fields(world: SandboxWorld, post: Json) -> None:
    set_mode(world, "mixed")
    body = world.get(f"/2/tweets/{post['id']}", **NEW).json()
    assert "referenced_tweets" in body["data"]
    assert body["data"]["edit_history_tweet_ids"] == [post["id"]]
    assert "tweets" in body["includes"]


@pytest.mark.parametrize("mode", ["legacy", "mixed"])
def test_tweepy_reads_all_of_a_post_with_old_names(world: SandboxWorld, post: Json, mode: str) -> None:
    set_mode(world, mode)
    read = world.client().get_tweet(post["id"], tweet_fields=["referenced_tweets", "author_id"], user_auth=True).data
    assert {reference.type for reference in read.referenced_tweets} == {"replied_to", "quoted"}


def test_tweepy_reads_text_and_author_with_new_names(world: SandboxWorld, post: Json) -> None:
    set_mode(world, "new")
    with pytest.warns(RuntimeWarning, match="edit_history_tweet_ids"):
        read = world.client().get_tweet(post["id"], tweet_fields=["referenced_tweets", "author_id"], user_auth=True)
    assert str(read.data.author_id) == post["author_id"]
    assert read.data.referenced_tweets is None


def test_api_version_header_depends_on_the_mode(world: SandboxWorld) -> None:
    def version(mode: str) -> str:
        set_mode(world, mode)
        return world.get(f"/2/users/{world.bot.id}").headers["api-version"]

    assert [version(mode) for mode in ("legacy", "mixed", "new")] == ["2.166", "2.166", "2.167"]


def test_problem_types_have_the_new_host_in_new_mode(world: SandboxWorld) -> None:
    set_mode(world, "new")
    with pytest.raises(tweepy.BadRequest) as refused:
        world.client().get_tweets(["x"], user_auth=True)
    assert refused.value.response.json()["type"] == "https://api.x.com/2/problems/invalid-request"
    gone = world.get("/2/tweets/1").json()["errors"][0]
    assert gone["type"] == "https://api.x.com/2/problems/resource-not-found"


def test_the_mode_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_VOCABULARY", "mixed")
    assert create_app(SandboxSettings(data=None)).state.dispatcher.vocabulary == "mixed"


def test_an_unknown_mode_is_rejected(world: SandboxWorld) -> None:
    assert world.http.post("/sandbox/vocabulary", json={"vocabulary": "klingon"}).status_code == 422
