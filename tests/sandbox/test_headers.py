"""Response headers: those recorded from X, with similar values."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.sandbox_world import SandboxWorld

RECORDED = {
    "GET https://api.twitter.com/2/users/me": "/2/users/me",
    "GET https://api.twitter.com/2/users/783214/mentions": "/2/users/{bot}/mentions",
    "GET https://api.twitter.com/2/tweets/search/recent": "/2/tweets/search/recent?query=paint",
    "GET https://api.twitter.com/2/users/783214/followers": "/2/users/{bot}/followers",
}


@pytest.fixture
def recorded(material: Callable[[str], Path]) -> dict[str, dict[str, str]]:
    """Headers that X sent, by our path of the same call."""
    lines = (material("x-tweepy-cassettes") / "v2_interactions.jsonl").read_text().splitlines()
    calls = [json.loads(line) for line in lines]
    headers = {f"{call['method']} {call['uri'].partition('?')[0]}": call["headers"] for call in calls}
    return {path: headers[recorded_call] for recorded_call, path in RECORDED.items()}


def pattern(value: str) -> str:
    """Replace numbers. Drop the access to direct messages, which the keys of the recordings had."""
    return re.sub(r"\d+", "0", value).removesuffix("-directmessages")


def fetch_headers(world: SandboxWorld, path: str, *, app_only: bool) -> httpx.Headers:
    if app_only:
        return world.http.get(path, headers={"authorization": "Bearer sandbox-bearer"}).headers
    return httpx.Headers(dict(world.as_person().get(world.url + path).headers))


def test_recorded_headers_are_present_with_similar_values(
    world: SandboxWorld, recorded: dict[str, dict[str, str]]
) -> None:
    for path, theirs in recorded.items():
        ours = fetch_headers(world, path.format(bot=world.bot.id), app_only=theirs["x-access-level"] == "read")
        assert {name: pattern(ours.get(name, "missing")) for name in theirs} == {
            name: pattern(value) for name, value in theirs.items()
        }


def test_responses_have_the_headers_of_2026(world: SandboxWorld) -> None:
    """The recordings of 2022 lack these headers, which were quoted in 2026."""
    headers = world.as_person().get(f"{world.url}/2/users/me").headers
    assert {"x-transaction-id", "x-response-time", "content-disposition", "date"} <= set(headers)
    assert headers["content-disposition"] == "attachment; filename=json.json"
    assert headers["api-version"] == "2.166"


def test_an_unknown_path_has_no_body(world: SandboxWorld) -> None:
    response = world.get("/2/usage/credits")
    assert (response.status_code, response.content) == (404, b"")


def test_access_level_header_depends_on_the_keys(world: SandboxWorld) -> None:
    url = f"{world.url}/2/users/me"
    assert world.as_person().get(url).headers["x-access-level"] == "read-write"
    assert world.as_person(mark="-readonly").get(url).headers["x-access-level"] == "read"
    assert world.get(f"/2/users/{world.bot.id}").headers["x-access-level"] == "read"
