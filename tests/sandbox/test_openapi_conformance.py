"""Responses of every endpoint, in each vocabulary, conform to X's own OpenAPI descriptions (2.166 and 2.167)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.x.endpoints import ENDPOINTS
from tests.support.sandbox_world import Json, Picture, SandboxWorld
from tests.support.x_openapi import Description, plain

FILES = {
    "legacy": "openapi_tweet_names.json",
    "mixed": "openapi_tweet_names.json",
    "new": "openapi_post_names_2026-08-22.json",
}
SERVED = {plain(endpoint.name) for endpoint in ENDPOINTS}
USAGE = "GET /2/usage/tweets"
EVERYTHING = {
    *("retweeted", "quoted", "replied_to", "mentions", "urls", "hashtags", "cashtags", "alt_text", "media_keys"),
    *("display_text_range", "edit_controls", "possibly_sensitive", "connection_status", "following", "blocking"),
    *("next_token", "previous_token", "Not Found Error", "Authorization Error", "Forbidden", "CreditsDepleted"),
    *("pending", "in_progress", "succeeded", "associated_metadata", "sensitive_media_warning", "includes"),
}
OLD = {"note_tweet", "referenced_tweets", "edit_history_tweet_ids", "tweets", "retweet_count", "pinned_tweet_id"}
NEW = {"note_post", "referenced_posts", "edit_history_post_ids", "posts", "repost_count", "pinned_post_id"}
read_description = cache(Description)  # each file has 800 KB


@pytest.fixture(params=list(FILES))
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def described(mode: str, material: Callable[[str], Path]) -> Description:
    return read_description(material("x-openapi") / FILES[mode])


@dataclass
class FullWorld:
    """A world with every kind of post and user, a session of the bot and one of the app, and ids of posts."""

    world: SandboxWorld
    bot: requests.Session
    app: requests.Session
    post_ids: list[str]


@pytest.fixture
def full(world: SandboxWorld, mode: str, picture: Picture) -> FullWorld:
    world.http.post("/sandbox/vocabulary", json={"vocabulary": mode})
    post_ids = create_posts(world, picture)
    world.set_user("leylanur", protected=True)
    world.set_user("marcelo_rs", suspended=True)
    world.set_user("mira_paints", verified=True, follows=["threadpaint"], description="see example.com @threadpaint")
    world.set_user("threadpaint", follows=["mira_paints", "anya_z"], blocks=["pixelpriya"])
    app = requests.Session()
    app.headers["authorization"] = "Bearer sandbox-bearer"
    return FullWorld(world, world.as_person(), app, post_ids)


def create_posts(world: SandboxWorld, picture: Picture) -> list[str]:
    """Create posts of every kind. Return the ids of most, of a deleted one and of one that never existed."""
    opening = world.bot.pinned_post_id
    text = "@threadpaint #red $TSLA a sea by https://example.com/a?b=c &amp; <tea> 🎨"
    with_picture = world.post("mira_paints", text, media=[{"image": picture.base64, "alt_text": "a sea"}])
    reply = world.post("jonas_weber", "@threadpaint and a fox", in_reply_to=opening)
    quote = world.post("anya_z", "@threadpaint like this", quote_of=with_picture["id"])
    world.post("oldtomcat", "", repost_of=with_picture["id"])
    world.post("noor_h", "@threadpaint " + "long " * 100 + "@mira_paints https://example.org")
    deleted = world.post("oldtomcat", "to be deleted")
    orphan = world.post("minjun_k", "@threadpaint about that", in_reply_to=deleted["id"])
    world.http.delete(f"/sandbox/posts/{deleted['id']}")
    original = world.post("glacierdan", "@threadpaint a fix")
    edited = world.http.post(f"/sandbox/posts/{original['id']}/edit", json={"text": "@threadpaint a fox"}).json()
    protected = world.post("leylanur", "@threadpaint only for friends")
    suspended = world.post("marcelo_rs", "@threadpaint bad words")
    posts = [with_picture, reply, quote, orphan, original, edited, protected, suspended, deleted]
    return [str(post["id"]) for post in posts] + ["1"]


class ConformanceCheck:
    """Call endpoints, compare their responses with X's description, and record endpoints, names and errors."""

    def __init__(self, full: FullWorld, described: Description) -> None:
        self.full, self.described = full, described
        self.called: set[str] = set()
        self.words: set[str] = set()
        self.errors: list[str] = []

    def call(
        self,
        endpoint: str,
        *,
        status: int = 200,
        query: dict[str, Any] | None = None,
        session: requests.Session | None = None,
        **body: Any,
    ) -> Json:
        """Call an endpoint as the bot, or with `session`. `body`: `json`, `data` or `files`."""
        method, path = endpoint.split(" ")
        for name, value in (query or {}).items():
            path = path.replace(f":{name}", str(value))
        params = {name: value for name, value in (query or {}).items() if f":{name}" not in endpoint}
        response = (session or self.full.bot).request(method, self.full.world.url + path, params=params, **body)
        assert response.status_code == status, (endpoint, response.status_code, response.text[:600])
        self.called.add(plain(endpoint))
        result: Json = response.json()
        self.words |= names_and_words(result)
        errors = self.described.find_errors(endpoint, response.status_code, result)
        self.errors += [f"{endpoint} {status}: {error}" for error in errors]
        return result

    def read(self, endpoint: str, **query: Any) -> Json:
        """Call an endpoint with all its fields and expansions."""
        return self.call(endpoint, query=query | self.described.lists(endpoint))


def check_user_reads(check: ConformanceCheck, full: FullWorld) -> None:
    people = [person.id for person in full.world.state.people.values()]
    names = [person.username for person in full.world.state.people.values()]
    check.read("GET /2/users/me")
    check.read("GET /2/users", ids=",".join(map(str, [*people, 1])))
    check.read("GET /2/users/by", usernames=",".join([*names, "nobody_here"]))
    for person in (*people, 1):
        check.read("GET /2/users/:id", id=person)
    for name in (*names, "nobody_here"):
        check.read("GET /2/users/by/username/:username", username=name)
    for endpoint in ("GET /2/users/:id/followers", "GET /2/users/:id/following"):
        for person in (*people, 1):
            check.read(endpoint, id=person)


def check_post_reads(check: ConformanceCheck, full: FullWorld) -> None:
    bot = full.world.bot.id
    mentions = check.read("GET /2/users/:id/mentions", id=bot, max_results=5)
    assert len(mentions["data"]) == 5
    check.read("GET /2/users/:id/mentions", id=bot, max_results=5, pagination_token=mentions["meta"]["next_token"])
    check.read("GET /2/users/:id/mentions", id=1)
    for person in full.world.state.people:
        check.read("GET /2/users/:id/tweets", id=person)
    check.read("GET /2/tweets/search/recent", query="@threadpaint", max_results=10)
    check.read("GET /2/tweets/search/recent", query="zebra")
    check.read("GET /2/tweets", ids=",".join(full.post_ids))
    for post_id in full.post_ids:
        check.read("GET /2/tweets/:id", id=post_id)
    check.call(USAGE, session=full.app, query=check.described.lists(USAGE))


def check_uploads(check: ConformanceCheck, full: FullWorld, picture: Picture) -> str:
    """Return the id of an uploaded picture."""
    category = {"media_category": "tweet_image"}
    media = check.call("POST /2/media/upload", files={"media": picture.data}, data=category)["data"]["id"]
    check.call("POST /2/media/upload", json={"media": picture.base64} | category)
    full.world.add_fault(kind="media_pending")
    pending = check.call("POST /2/media/upload", json={"media": picture.base64} | category)["data"]
    assert pending["processing_info"]["state"] == "pending"
    for _ in range(3):
        check.call("GET /2/media/upload", query={"media_id": pending["id"], "command": "STATUS"})
    metadata = {"alt_text": {"text": "a sea"}, "sensitive_media_warning": {"adult_content": True}}
    check.call("POST /2/media/metadata", json={"id": media, "metadata": metadata})
    size = {"media_type": "image/png", "total_bytes": len(picture.data)} | category
    upload_id = check.call("POST /2/media/upload/initialize", json=size)["data"]["id"]
    segment = {"segment_index": 0, "media": picture.base64}
    check.call("POST /2/media/upload/:id/append", query={"id": upload_id}, json=segment)
    check.call("POST /2/media/upload/:id/finalize", query={"id": upload_id})
    return str(media)


def check_writes(check: ConformanceCheck, full: FullWorld, media_id: str) -> None:
    reply = {"in_reply_to_tweet_id": full.post_ids[0]}
    body = {"text": "here &  <b>", "media": {"media_ids": [media_id]}, "reply": reply, "made_with_ai": True}
    post = check.call("POST /2/tweets", status=201, json=body)["data"]["id"]
    check.read("GET /2/tweets/:id", id=post)
    check.call("DELETE /2/tweets/:id", query={"id": post})
    for hidden in (True, False):
        check.call("PUT /2/tweets/:id/hidden", query={"id": full.post_ids[1]}, json={"hidden": hidden})


def check_errors(check: ConformanceCheck, full: FullWorld) -> None:
    """Check an error of each kind. `test_posting_rules.py` has the errors of posting rules."""
    post = "POST /2/tweets"
    check.call(post, status=400, json={"text": "x", "color": "red"})
    check.call(post, status=400, json={"text": "x", "media": {"media_ids": ["1"]}})
    check.call(post, status=403, json={"text": "x", "reply": {"in_reply_to_tweet_id": "1"}})
    check.call("DELETE /2/tweets/:id", status=404, query={"id": 1})
    check.call("PUT /2/tweets/:id/hidden", status=403, query={"id": full.post_ids[0]}, json={"hidden": True})
    check.call("GET /2/tweets", status=400, query={"ids": "x"})
    check.call("GET /2/users/me", status=401, session=requests.Session())
    read_only = full.world.as_person("threadpaint", mark="-readonly")
    check.call(post, status=403, session=read_only, json={"text": "x"})
    for kind, status in (("no_reset", 429), ("usage_cap", 429), ("no_credits", 402), ("unauthorized", 401)):
        full.world.add_fault(kind=kind)
        check.call("GET /2/users/me", status=status)
    full.world.add_fault(kind="status_after", status=503)
    check.call("GET /2/users/me", status=503)


def test_every_response_conforms_to_xs_openapi_description(
    full: FullWorld, described: Description, mode: str, picture: Picture
) -> None:
    check = ConformanceCheck(full, described)
    check_user_reads(check, full)
    check_post_reads(check, full)
    check_writes(check, full, check_uploads(check, full, picture))
    check_errors(check, full)
    assert check.errors == []
    assert check.called == SERVED
    assert {*EVERYTHING, *(NEW if mode == "new" else OLD)} - check.words == set()


def names_and_words(body: object) -> set[str]:
    """Return all keys and strings of a response. They show that the world had enough in it."""
    if isinstance(body, dict):
        return set(body).union(*map(names_and_words, body.values()))
    if isinstance(body, list):
        return set().union(*map(names_and_words, body))
    return {body} if isinstance(body, str) else set()


def test_every_endpoint_is_described_by_x(described: Description) -> None:
    assert set(described.operations) >= SERVED


def test_the_conformance_check_finds_errors(described: Description, mode: str) -> None:
    mentions = "GET /2/users/:id/mentions"
    plural = "posts" if mode == "new" else "tweets"
    wrong = [
        {"data": [{"id": 17, "text": "x"}]},
        {"data": [{"id": "17", "text": "x", "color": "red"}]},
        {"data": [{"id": "17", "text": "x", "entities": {"urls": [{"start": "0"}]}}]},
        {"includes": {plural: [{"id": "1", "text": 5}]}},
        {"includes": {{"tweets": "posts", "posts": "tweets"}[plural]: [{"id": "1"}]}},
        {"errors": [{"detail": "nothing else"}]},
    ]
    for body in wrong:
        assert described.find_errors(mentions, 200, body), json.dumps(body)
    assert described.find_errors(mentions, 200, {"data": [{"id": "17", "text": "x"}]}) == []
