"""Timelines, lookups, fields and expansions, as tweepy and plain requests see them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tweepy
from httpx import Response

from sandbox.model import Draft
from sandbox.settings import SandboxSettings
from tests.support.sandbox_world import Json, Picture, SandboxWorld, StartWorld


def error_message(response: Response) -> str:
    assert response.status_code == 400, response.text
    assert response.json()["type"].endswith("/invalid-request")
    return str(response.json()["errors"][0]["message"])


def get_mentions(world: SandboxWorld, **params: Any) -> Response:
    return world.get(f"/2/users/{world.bot.id}/mentions", **params)


def test_mentions_are_newest_first_with_default_fields(world: SandboxWorld) -> None:
    ids = [world.post("mira_paints", f"@threadpaint {n}")["id"] for n in range(3)]
    body = get_mentions(world).json()
    assert [post["id"] for post in body["data"]] == ids[::-1]
    assert set(body["data"][0]) == {"id", "text", "edit_history_tweet_ids"}
    assert body["meta"] == {"result_count": 3, "newest_id": ids[-1], "oldest_id": ids[0]}


def test_an_empty_timeline_has_no_data_field(world: SandboxWorld) -> None:
    assert get_mentions(world).json() == {"meta": {"result_count": 0}}


def test_mentions_include_implicit_ones_quotes_and_own_posts_but_no_reposts(world: SandboxWorld) -> None:
    opening = str(world.bot.pinned_post_id)
    implicit = world.post("mira_paints", "a blue sea", in_reply_to=opening)["id"]
    quote = world.post("oldtomcat", "look", quote_of=opening)["id"]
    own = world.post("threadpaint", "I am @threadpaint")["id"]
    world.post("anya_z", repost_of=own)
    assert [post["id"] for post in get_mentions(world).json()["data"]] == [own, quote, implicit]


def test_250_mentions_are_paginated_without_gaps_or_duplicates(world: SandboxWorld) -> None:
    ids = [int(world.post(f"person_{n % 7}", f"@threadpaint {n}")["id"]) for n in range(250)]
    client = world.client()
    pages = list(tweepy.Paginator(client.get_users_mentions, world.bot.id, max_results=100))
    assert [len(page.data) for page in pages] == [100, 100, 50]
    assert [post.id for page in pages for post in page.data] == ids[::-1]
    assert "next_token" not in pages[-1].meta
    previous = client.get_users_mentions(
        world.bot.id, max_results=100, pagination_token=pages[1].meta["previous_token"]
    )
    assert [post.id for post in previous.data] == [post.id for post in pages[0].data]


def test_mentions_are_limited_to_the_800_newest(world: SandboxWorld) -> None:
    for n in range(820):
        world.state.create_post(Draft(world.find_user("mira_paints"), f"@threadpaint {n}"))
    pages = list(tweepy.Paginator(world.client().get_users_mentions, world.bot.id, max_results=100))
    assert sum(len(page.data) for page in pages) == 800


def test_since_id_and_until_id_are_exclusive(world: SandboxWorld) -> None:
    ids = [world.post("mira_paints", f"@threadpaint {n}")["id"] for n in range(5)]
    body = get_mentions(world, since_id=ids[0], until_id=ids[4]).json()
    assert [post["id"] for post in body["data"]] == [ids[3], ids[2], ids[1]]
    assert get_mentions(world, since_id=ids[4]).json() == {"meta": {"result_count": 0}}
    assert error_message(get_mentions(world, since_id=ids[4], until_id=ids[0]))


def test_mentions_are_filtered_by_start_time_and_end_time(world: SandboxWorld) -> None:
    early = world.post("mira_paints", "@threadpaint early")
    world.clock.advance(60)
    late = world.post("mira_paints", "@threadpaint late")
    assert [post["id"] for post in get_mentions(world, start_time=late["created_at"]).json()["data"]] == [late["id"]]
    assert [post["id"] for post in get_mentions(world, end_time=late["created_at"]).json()["data"]] == [early["id"]]


def test_deleted_posts_are_missing_from_mentions(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint oops")
    world.http.delete(f"/sandbox/posts/{post['id']}")
    assert get_mentions(world).json() == {"meta": {"result_count": 0}}


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
def test_invalid_parameters_return_the_message_of_x(world: SandboxWorld, params: Json, expected: str) -> None:
    assert error_message(get_mentions(world, **params)).startswith(expected)


def test_requested_fields_are_returned(world: SandboxWorld) -> None:
    world.post("mira_paints", "@threadpaint a sea")
    fields = "author_id,created_at,conversation_id,entities,display_text_range,public_metrics,edit_controls,lang"
    post = get_mentions(world, **{"tweet.fields": fields}).json()["data"][0]
    assert set(post) == {"id", "text", "edit_history_tweet_ids", *fields.split(",")}
    assert post["created_at"].endswith("Z") and post["created_at"][-5] == "."


def test_users_parents_and_media_are_expanded(world: SandboxWorld, picture: Picture) -> None:
    parent = world.post("mira_paints", "my cat", media=[{"image": picture.base64, "alt_text": "a cat"}])
    world.post("oldtomcat", "@threadpaint remix: a dog", in_reply_to=parent["id"])
    response = world.client().get_users_mentions(
        world.bot.id,
        tweet_fields=["author_id", "referenced_tweets", "attachments"],
        media_fields=["url", "alt_text", "width", "height"],
        expansions=[
            "author_id",
            "referenced_tweets.id",
            "referenced_tweets.id.author_id",
            "referenced_tweets.id.attachments.media_keys",
        ],
    )
    assert {user.username for user in response.includes["users"]} == {"oldtomcat", "mira_paints"}
    assert [str(post.id) for post in response.includes["tweets"]] == [parent["id"]]
    media = response.includes["media"][0]
    assert (media.type, media.alt_text, media.width, media.height) == ("photo", "a cat", 3, 2)
    assert world.http.get(media.url).content == picture.data


def test_a_deleted_parent_is_a_partial_error(world: SandboxWorld) -> None:
    parent = world.post("mira_paints", "soon gone")
    world.post("oldtomcat", "@threadpaint this one", in_reply_to=parent["id"])
    world.http.delete(f"/sandbox/posts/{parent['id']}")
    body = get_mentions(world, expansions="referenced_tweets.id").json()
    assert body["errors"][0]["resource_id"] == parent["id"]
    assert body["meta"]["result_count"] == 1


def test_missing_posts_of_a_lookup_are_partial_errors(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "here")
    response = world.client().get_tweets([post["id"], "42"])
    assert [str(found.id) for found in response.data] == [post["id"]]
    assert response.errors[0]["value"] == "42"
    assert error_message(world.get("/2/tweets", ids="1,x"))
    assert error_message(world.get("/2/tweets"))
    assert error_message(world.get("/2/tweets", ids=",".join(["1"] * 101)))


def test_users_are_looked_up_by_id_and_handle(world: SandboxWorld) -> None:
    client = world.client()
    assert client.get_user(username="ThreadPaint").data.id == world.bot.id
    assert client.get_user(id=world.bot.id).data.username == "threadpaint"
    assert len(client.get_users(ids=[world.bot.id, 7]).data) == 1
    assert client.get_user(username="nobody").errors[0]["title"] == "Not Found Error"


def test_the_bot_pins_its_opening_post(world: SandboxWorld) -> None:
    me = world.client().get_me(user_fields=["pinned_tweet_id", "created_at"], expansions=["pinned_tweet_id"])
    assert me.data.pinned_tweet_id == me.includes["tweets"][0].id
    thread = world.get("/2/tweets/search/recent", query=f"conversation_id:{me.data.pinned_tweet_id}").json()
    assert thread["meta"]["result_count"] == 3


def test_a_timeline_can_exclude_replies(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "root")
    world.post("mira_paints", "more", in_reply_to=root["id"])
    mira = world.find_user("mira_paints")
    assert world.client().get_users_tweets(mira.id).meta["result_count"] == 2
    without_replies = world.client().get_users_tweets(mira.id, exclude=["replies"])
    assert [str(post.id) for post in without_replies.data] == [root["id"]]


def test_a_timeline_has_3200_posts_or_800_without_replies(
    start_world: StartWorld,
) -> None:
    world = start_world(posts_reach=32, posts_reach_without_replies=8)
    default = SandboxSettings()
    assert (default.posts_reach, default.posts_reach_without_replies) == (3200, 800)
    mira = world.find_user("mira_paints")
    for n in range(40):
        world.post("mira_paints", f"boat {n}")
    for exclude, shown in ((None, 32), (["retweets"], 32), (["replies"], 8)):
        assert world.client().get_users_tweets(mira.id, exclude=exclude, max_results=100).meta["result_count"] == shown


def test_unknown_paths_return_an_empty_404_and_unknown_users_an_error(world: SandboxWorld) -> None:
    for response in (world.get("/2/nothing/here"), world.http.patch("/2/tweets")):
        assert (response.status_code, response.content) == (404, b"")
    assert world.get("/2/users/42/mentions").json()["errors"][0]["detail"] == "Could not find user with id: [42]."
    assert error_message(world.get("/2/users/abc/mentions"))


def test_responses_have_the_rate_limit_headers_of_x(world: SandboxWorld) -> None:
    first, second = get_mentions(world).headers, get_mentions(world).headers
    assert first["x-rate-limit-limit"] == "450"
    assert (first["x-rate-limit-remaining"], second["x-rate-limit-remaining"]) == ("449", "448")
    assert int(first["x-rate-limit-reset"]) == pytest.approx(world.clock.now_ms() / 1000 + 900, abs=2)
    assert first["content-type"] == "application/json; charset=utf-8"
    for name in ("api-version", "x-transaction-id", "x-access-level", "x-response-time"):
        assert first[name]


def test_a_window_restarts_when_it_ends(world: SandboxWorld) -> None:
    get_mentions(world)
    world.clock.advance(901)
    assert get_mentions(world).headers["x-rate-limit-remaining"] == "449"


def test_no_recorded_header_of_x_is_missing(world: SandboxWorld, material: Callable[[str], Path]) -> None:
    recorded = [
        json.loads(line) for line in (material("x-tweepy-cassettes") / "v2_interactions.jsonl").read_text().splitlines()
    ]
    calls = [call for call in recorded if "/2/users/" in call["uri"] and "/mentions" in call["uri"]]
    prefixes = ("x-rate", "x-access", "api-v", "content-t")
    names = {name for call in calls for name in call["headers"] if name.startswith(prefixes)}
    assert names
    assert names <= {name.lower() for name in get_mentions(world).headers}
    assert set(calls[0]["json"]["data"][0]) - {"edit_history_tweet_ids"} <= {"id", "text"}
