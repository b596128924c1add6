"""The headers of an answer: those recorded from X, with the same kind of values."""

import json
import re

import pytest

RECORDED = {
    "GET https://api.twitter.com/2/users/me": "/2/users/me",
    "GET https://api.twitter.com/2/users/783214/mentions": "/2/users/{bot}/mentions",
    "GET https://api.twitter.com/2/tweets/search/recent": "/2/tweets/search/recent?query=paint",
    "GET https://api.twitter.com/2/users/783214/followers": "/2/users/{bot}/followers",
}


@pytest.fixture
def recorded(material):
    lines = (material("x-tweepy-cassettes") / "v2_interactions.jsonl").read_text().splitlines()
    talks = [json.loads(line) for line in lines]
    found = {f"{talk['method']} {talk['uri'].partition('?')[0]}": talk["headers"] for talk in talks}
    return {ours: found[theirs] for theirs, ours in RECORDED.items()}


def shape(value):
    """Digits may differ, and how many there are; the keys of the recordings could send direct messages, too."""
    return re.sub(r"\d+", "0", value).removesuffix("-directmessages")


def test_every_recorded_header_is_there_and_looks_alike(play, recorded):
    for path, theirs in recorded.items():
        session = play.http if theirs["x-access-level"] == "read" else play.as_person()
        bearer = {"authorization": "Bearer sandbox-bearer"} if session is play.http else {}
        ours = session.get(play.url + path.format(bot=play.bot.id), headers=bearer).headers
        assert {name: shape(ours.get(name, "missing")) for name in theirs} == {
            name: shape(value) for name, value in theirs.items()
        }


def test_an_answer_has_the_headers_of_today(play):
    """As quoted in 2026, beyond what the recordings of 2022 kept."""
    headers = play.as_person().get(f"{play.url}/2/users/me").headers
    assert {"x-transaction-id", "x-response-time", "content-disposition", "date"} <= set(headers)
    assert headers["content-disposition"] == "attachment; filename=json.json"
    assert headers["api-version"] == "2.166"


def test_an_unknown_path_has_no_body(play):
    answer = play.get("/2/usage/credits")
    assert (answer.status_code, answer.content) == (404, b"")


def test_the_access_level_is_that_of_the_keys(play):
    url = f"{play.url}/2/users/me"
    assert play.as_person().get(url).headers["x-access-level"] == "read-write"
    assert play.as_person(mark="-readonly").get(url).headers["x-access-level"] == "read"
    assert play.get(f"/2/users/{play.bot.id}").headers["x-access-level"] == "read"
