"""Timelines, lookups, fields and expansions, as tweepy and plain requests see them."""

import json

import pytest
import tweepy

from sandbox.model import Draft
from sandbox.settings import Settings


def message(answer):
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].endswith("/invalid-request")
    return answer.json()["errors"][0]["message"]


def mentions(play, **params):
    return play.get(f"/2/users/{play.bot.id}/mentions", **params)


def test_it_shows_mentions_newest_first_with_only_the_default_fields(play):
    ids = [play.says("mira_paints", f"@threadpaint {n}")["id"] for n in range(3)]
    body = mentions(play).json()
    assert [post["id"] for post in body["data"]] == ids[::-1]
    assert set(body["data"][0]) == {"id", "text", "edit_history_tweet_ids"}
    assert body["meta"] == {"result_count": 3, "newest_id": ids[-1], "oldest_id": ids[0]}


def test_it_leaves_data_out_when_there_is_nothing(play):
    assert mentions(play).json() == {"meta": {"result_count": 0}}


def test_it_hears_implicit_mentions_quotes_and_own_ones_but_no_reposts(play):
    opening = str(play.bot.pinned_post_id)
    implicit = play.says("mira_paints", "a blue sea", in_reply_to=opening)["id"]
    quote = play.says("oldtomcat", "look", quote_of=opening)["id"]
    own = play.says("threadpaint", "I am @threadpaint")["id"]
    play.says("anya_z", repost_of=own)
    assert [post["id"] for post in mentions(play).json()["data"]] == [own, quote, implicit]


def test_it_pages_through_250_mentions_without_loss_or_doubles(play):
    ids = [int(play.says(f"person_{n % 7}", f"@threadpaint {n}")["id"]) for n in range(250)]
    client = play.client()
    pages = list(tweepy.Paginator(client.get_users_mentions, play.bot.id, max_results=100))
    assert [len(page.data) for page in pages] == [100, 100, 50]
    assert [post.id for page in pages for post in page.data] == ids[::-1]
    assert "next_token" not in pages[-1].meta
    back = client.get_users_mentions(play.bot.id, max_results=100, pagination_token=pages[1].meta["previous_token"])
    assert [post.id for post in back.data] == [post.id for post in pages[0].data]


def test_it_shows_no_more_than_the_800_newest_mentions(play):
    for n in range(820):
        play.world.post(Draft(play.world.person("mira_paints"), f"@threadpaint {n}"))
    pages = list(tweepy.Paginator(play.client().get_users_mentions, play.bot.id, max_results=100))
    assert sum(len(page.data) for page in pages) == 800


def test_since_and_until_are_exclusive(play):
    ids = [play.says("mira_paints", f"@threadpaint {n}")["id"] for n in range(5)]
    body = mentions(play, since_id=ids[0], until_id=ids[4]).json()
    assert [post["id"] for post in body["data"]] == [ids[3], ids[2], ids[1]]
    assert mentions(play, since_id=ids[4]).json() == {"meta": {"result_count": 0}}
    assert message(mentions(play, since_id=ids[4], until_id=ids[0]))


def test_it_cuts_by_time(play):
    early = play.says("mira_paints", "@threadpaint early")
    play.clock.advance(60)
    late = play.says("mira_paints", "@threadpaint late")
    assert [post["id"] for post in mentions(play, start_time=late["created_at"]).json()["data"]] == [late["id"]]
    assert [post["id"] for post in mentions(play, end_time=late["created_at"]).json()["data"]] == [early["id"]]


def test_deleted_posts_vanish(play):
    post = play.says("mira_paints", "@threadpaint oops")
    play.http.delete(f"/sandbox/posts/{post['id']}")
    assert mentions(play).json() == {"meta": {"result_count": 0}}


@pytest.mark.parametrize(
    "params, expected",
    [
        ({"max_results": 4}, "The `max_results` query parameter value [4] is not between 5 and 100"),
        ({"max_results": 101}, "The `max_results` query parameter value [101] is not between 5 and 100"),
        ({"max_results": "many"}, "The `max_results` query parameter value [many] is not valid"),
        ({"since_id": "abc"}, "The `since_id` query parameter value [abc] is not valid"),
        ({"pagination_token": "zzz"}, "The `pagination_token` query parameter value [zzz] is not valid"),
        ({"start_time": "yesterday"}, "The `start_time` query parameter value [yesterday] is not valid"),
        (
            {"tweet.fields": "mood"},
            "The `tweet.fields` query parameter value [mood] is not one of [article,attachments,",
        ),
        ({"expansions": "pinned_tweet_id"}, "The `expansions` query parameter value [pinned_tweet_id] is not one of ["),
        ({"exclude": "replies"}, "The query parameter [exclude] is not one of ["),
    ],
)
def test_it_refuses_parameters_with_the_words_of_x(play, params, expected):
    assert message(mentions(play, **params)).startswith(expected)


def test_it_shows_the_fields_asked_for(play):
    play.says("mira_paints", "@threadpaint a sea")
    fields = "author_id,created_at,conversation_id,entities,display_text_range,public_metrics,edit_controls,lang"
    post = mentions(play, **{"tweet.fields": fields}).json()["data"][0]
    assert set(post) == {"id", "text", "edit_history_tweet_ids", *fields.split(",")}
    assert post["created_at"].endswith("Z") and post["created_at"][-5] == "."


def test_it_expands_people_parents_and_pictures(play, picture):
    parent = play.says("mira_paints", "my cat", media=[{"image": picture.base64, "alt_text": "a cat"}])
    play.says("oldtomcat", "@threadpaint remix: a dog", in_reply_to=parent["id"])
    answer = play.client().get_users_mentions(
        play.bot.id,
        tweet_fields=["author_id", "referenced_tweets", "attachments"],
        media_fields=["url", "alt_text", "width", "height"],
        expansions=[
            "author_id",
            "referenced_tweets.id",
            "referenced_tweets.id.author_id",
            "referenced_tweets.id.attachments.media_keys",
        ],
    )
    assert {user.username for user in answer.includes["users"]} == {"oldtomcat", "mira_paints"}
    assert [str(post.id) for post in answer.includes["tweets"]] == [parent["id"]]
    media = answer.includes["media"][0]
    assert (media.type, media.alt_text, media.width, media.height) == ("photo", "a cat", 3, 2)
    assert play.http.get(media.url).content == picture.data


def test_it_reports_a_parent_that_is_gone_beside_the_data(play):
    parent = play.says("mira_paints", "soon gone")
    play.says("oldtomcat", "@threadpaint this one", in_reply_to=parent["id"])
    play.http.delete(f"/sandbox/posts/{parent['id']}")
    body = mentions(play, expansions="referenced_tweets.id").json()
    assert body["errors"][0]["resource_id"] == parent["id"]
    assert body["meta"]["result_count"] == 1


def test_it_looks_up_many_posts_and_reports_the_missing(play):
    post = play.says("mira_paints", "here")
    answer = play.client().get_tweets([post["id"], "42"])
    assert [str(one.id) for one in answer.data] == [post["id"]]
    assert answer.errors[0]["value"] == "42"
    assert message(play.get("/2/tweets", ids="1,x"))
    assert message(play.get("/2/tweets"))
    assert message(play.get("/2/tweets", ids=",".join(["1"] * 101)))


def test_it_finds_people_by_id_and_name(play):
    client = play.client()
    assert client.get_user(username="ThreadPaint").data.id == play.bot.id
    assert client.get_user(id=play.bot.id).data.username == "threadpaint"
    assert len(client.get_users(ids=[play.bot.id, 7]).data) == 1
    assert client.get_user(username="nobody").errors[0]["title"] == "Not Found Error"


def test_the_bot_pins_its_opening_post(play):
    me = play.client().get_me(user_fields=["pinned_tweet_id", "created_at"], expansions=["pinned_tweet_id"])
    assert me.data.pinned_tweet_id == me.includes["tweets"][0].id
    thread = play.get("/2/tweets/search/recent", query=f"conversation_id:{me.data.pinned_tweet_id}").json()
    assert thread["meta"]["result_count"] == 3


def test_it_lists_ones_own_posts_and_can_leave_out_replies(play):
    root = play.says("mira_paints", "root")
    play.says("mira_paints", "more", in_reply_to=root["id"])
    mira = play.world.person("mira_paints")
    assert play.client().get_users_tweets(mira.id).meta["result_count"] == 2
    only = play.client().get_users_tweets(mira.id, exclude=["replies"])
    assert [str(post.id) for post in only.data] == [root["id"]]


def test_it_shows_the_3200_newest_of_ones_own_posts_and_the_800_newest_without_replies(begin):
    play = begin(posts_reach=32, posts_reach_without_replies=8)
    usual = Settings()
    assert (usual.posts_reach, usual.posts_reach_without_replies) == (3200, 800)
    mira = play.world.person("mira_paints")
    for n in range(40):
        play.says("mira_paints", f"boat {n}")
    for exclude, shown in ((None, 32), (["retweets"], 32), (["replies"], 8)):
        assert play.client().get_users_tweets(mira.id, exclude=exclude, max_results=100).meta["result_count"] == shown


def test_an_unknown_path_is_an_empty_404_and_an_unknown_person_an_error(play):
    for answer in (play.get("/2/nothing/here"), play.http.patch("/2/tweets")):
        assert (answer.status_code, answer.content) == (404, b"")
    assert play.get("/2/users/42/mentions").json()["errors"][0]["detail"] == "Could not find user with id: [42]."
    assert message(play.get("/2/users/abc/mentions"))


def test_every_answer_carries_the_headers_of_x(play):
    first, second = mentions(play).headers, mentions(play).headers
    assert first["x-rate-limit-limit"] == "450"
    assert (first["x-rate-limit-remaining"], second["x-rate-limit-remaining"]) == ("449", "448")
    assert int(first["x-rate-limit-reset"]) == pytest.approx(play.clock.now_ms() / 1000 + 900, abs=2)
    assert first["content-type"] == "application/json; charset=utf-8"
    for name in ("api-version", "x-transaction-id", "x-access-level", "x-response-time"):
        assert first[name]


def test_a_window_begins_anew_when_it_is_over(play):
    mentions(play)
    play.clock.advance(901)
    assert mentions(play).headers["x-rate-limit-remaining"] == "449"


def test_the_recorded_answers_of_x_have_no_header_we_lack(play, material):
    recorded = [
        json.loads(line) for line in (material("x-tweepy-cassettes") / "v2_interactions.jsonl").read_text().splitlines()
    ]
    mine = {name.lower() for name in mentions(play).headers}
    of_x = [one for one in recorded if "/2/users/" in one["uri"] and "/mentions" in one["uri"]]
    assert of_x
    wanted = {
        name for one in of_x for name in one["headers"] if name.startswith(("x-rate", "x-access", "api-v", "content-t"))
    }
    assert wanted <= mine
    assert set(of_x[0]["json"]["data"][0]) - {"edit_history_tweet_ids"} <= {"id", "text"}
