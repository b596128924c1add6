"""A run can be repeated: two worlds with one seed and one clock give the same responses to the same calls."""

import time
from typing import Any, TypeVar

import httpx
import requests

from tests.support.sandbox_world import Json, Picture, SandboxWorld, StartWorld

AnyResponse = TypeVar("AnyResponse", httpx.Response, requests.Response)
BEARER = {"authorization": "Bearer sandbox-bearer"}
EVERYTHING = {
    "tweet.fields": "author_id,created_at,entities,conversation_id,referenced_tweets,attachments,public_metrics",
    "user.fields": "created_at,public_metrics,description",
    "expansions": "author_id,attachments.media_keys,referenced_tweets.id",
    "media.fields": "url,alt_text",
}


class Recorder:
    """Call a world and record all responses."""

    def __init__(self, world: SandboxWorld) -> None:
        self.world = world
        self.responses: list[tuple[int, str]] = []

    def record(self, response: AnyResponse) -> AnyResponse:
        self.responses.append((response.status_code, response.text))
        return response

    def control(self, path: str, **body: Any) -> Json:
        return dict(self.record(self.world.http.post(f"/sandbox/{path}", json=body)).json())

    def read(self, path: str, **params: Any) -> httpx.Response:
        return self.record(self.world.http.get(path, params=EVERYTHING | params, headers=BEARER))


def run_all_features(world: SandboxWorld, picture: Picture) -> list[tuple[int, str]]:
    """Call everything with ids, random faults or times in it. Return all responses."""
    recorder = Recorder(world)
    recorder.control("faults", kind="lost", endpoint="GET /2/users/:id/mentions", rate=0.3)
    recorder.control("faults", kind="answer", status=503, endpoint="GET /2/tweets/search/recent", rate=0.5)
    recorder.control("people", username="zoe", name="Zoé")
    texts = [f"@threadpaint sea {n} x.com" for n in range(20)]
    posts = [recorder.control("posts", author=f"p{n % 3}", text=text)["id"] for n, text in enumerate(texts)]
    recorder.control(f"posts/{posts[0]}/edit", text="@threadpaint a lake")
    world.clock.advance(3)
    reply_with_picture(recorder, picture, posts[:3])
    recorder.control("clock", advance=60)
    page = recorder.read(f"/2/users/{world.bot.id}/mentions", max_results=5).json()
    token = page["meta"]["next_token"]
    recorder.read(f"/2/users/{world.bot.id}/mentions", max_results=5, pagination_token=token)
    for _ in range(6):
        recorder.read("/2/tweets/search/recent", query="sea")
    recorder.read(f"/2/users/{world.bot.id}/tweets")
    for path in ("state", "people", "posts", "faults", "limits", "money?rows=1", "clock", "calls"):
        recorder.record(world.http.get(f"/sandbox/{path}"))
    return recorder.responses


def reply_with_picture(recorder: Recorder, picture: Picture, posts: list[str]) -> None:
    session, url = recorder.world.as_person(), recorder.world.url
    files = {"media": ("boat.png", picture.data, "image/png")}
    category = {"media_category": "tweet_image"}
    media = recorder.record(session.post(f"{url}/2/media/upload", data=category, files=files)).json()
    body = {"text": "Painting", "media": {"media_ids": [media["data"]["id"]]}}
    for post_id in posts:
        reply = body | {"reply": {"in_reply_to_tweet_id": post_id}}
        recorder.record(session.post(f"{url}/2/tweets", json=reply))


def test_two_worlds_with_one_seed_give_the_same_responses(start_world: StartWorld, picture: Picture) -> None:
    at_ms = round(time.time() * 1000)
    first, second, other = (run_all_features(start_world(seed=seed, at_ms=at_ms), picture) for seed in (7, 7, 8))
    assert first == second
    assert [status for status, _ in first].count(503) in range(1, 6)
    assert other != first
