"""Recorded responses of the real X, and hostile ones, are parsed without loss or crash."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.x.posts import next_page_token, parse_posts
from core.x.types import Media
from core.x.unavailable import parse_unavailable
from core.x.users import parse_users
from tests.support.x_responses import ADA, ID, answer, raw_post, renamed


def recordings(material: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Recorded responses of X, each with its source."""
    for line in (material / "x-tweepy-cassettes" / "v2_interactions.jsonl").read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        if "/2/" in call["uri"] and isinstance(call["json"], dict):
            yield call["uri"], call["json"]
    for path in sorted((material / "x-pytwitter-testdata" / "testdata" / "apis").rglob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(body, dict):
            yield path.name, body


def holding(body: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    """Return the objects of a response if all have these fields. Direct messages have `text`, too."""
    data = body.get("data") or []
    items = [data] if isinstance(data, dict) else data
    fit = all(isinstance(item, dict) and {*names} <= {*item} and "event_type" not in item for item in items)
    return items if fit else []


@pytest.fixture(scope="module")
def recorded(material: Path) -> list[tuple[str, dict[str, Any]]]:
    if not (material / "x-tweepy-cassettes").is_dir() or not (material / "x-pytwitter-testdata").is_dir():
        pytest.skip("no recorded answers of X here (TEST_MATERIAL)")
    return list(recordings(material))


def test_recorded_posts_are_parsed_completely(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    answers = [(name, body) for name, body in recorded if holding(body, "id", "text")]
    assert len(answers) >= 38
    for name, body in answers:
        read = parse_posts(body)
        assert [str(post.id) for post in read] == [item["id"] for item in holding(body, "id", "text")], name
        assert parse_posts(renamed(body)) == read, name


def test_recorded_users_are_parsed_completely(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    answers = [(name, body) for name, body in recorded if holding(body, "id", "username")]
    assert len(answers) >= 30
    for name, body in answers:
        read = parse_users(body)
        assert [str(person.id) for person in read] == [item["id"] for item in holding(body, "id", "username")], name
        assert parse_users(renamed(body)) == read, name
        assert all(person.username and person.name for person in read)


def test_recorded_includes_are_parsed_completely(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    known = joined = attached = 0
    for _, body in recorded:
        included = body.get("includes") or {}
        read = parse_posts(body) if holding(body, "id", "text") else []
        people = {user["id"] for user in included.get("users", [])}
        known += sum(1 for post in read if str(post.author.id) in people)
        assert all(bool(post.author.username) == (str(post.author.id) in people) for post in read)
        joined += sum(1 for post in read if post.parent or post.quoted)
        attached += sum(len(post.media) for post in read)
    assert known >= 20
    assert joined >= 4
    assert attached >= 1


def test_a_recorded_post_has_its_picture(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    body = dict(recorded)["tweet_resp.json"]
    [post] = parse_posts(body)
    [media] = post.media
    assert replace(media, url=None) == Media(
        media.key, body["includes"]["media"][0]["type"], width=media.width, height=media.height
    )


# hostile responses

FULL = raw_post(
    conversation_id=str(ID),
    in_reply_to_user_id="7",
    lang="en",
    reply_settings="everyone",
    display_text_range=[0, 5],
    attachments={"media_keys": ["3_1"]},
    referenced_tweets=[{"type": "replied_to", "id": str(ID - 1)}, {"type": "quoted", "id": str(ID - 1)}],
    entities={"mentions": [{"start": 0, "end": 4, "id": "7", "username": "ada"}], "urls": [{"start": 1, "end": 2}]},
    note_tweet={"text": "a long fox", "entities": {"mentions": [{"start": 0, "end": 4, "username": "ada"}]}},
)
PERSON = ADA | {"created_at": "2013-12-14T04:35:55.000Z", "connection_status": ["followed_by"], "protected": False}
PICTURE = {"media_key": "3_1", "type": "photo", "url": "u", "width": 1, "height": 1, "alt_text": "a"}
LOSS = {"type": "x/resource-not-found", "title": "t", "detail": "[5]", "resource_id": "5", "resource_type": "tweet"}
WHOLE = answer(FULL, FULL, users=[PERSON], tweets=[FULL | {"id": str(ID - 1)}], media=[PICTURE]) | {"errors": [LOSS]}

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
plain |= st.sampled_from(["1", "-1", str(2**64), "\ud800", "1" * 5000, ["replied_to"], {"id": "1"}, [""], [[]], [{}]])
junk = st.recursive(plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner))


def places(thing: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of a response."""
    keys = range(len(thing)) if isinstance(thing, list) else thing if isinstance(thing, dict) else ()
    for key in keys:
        yield (*path, key)
        yield from places(thing[key], (*path, key))


def spoiled(spots: dict[tuple[Any, ...], Any]) -> dict[str, Any]:
    """Return a response with some values replaced, the deepest first."""
    body: dict[str, Any] = json.loads(json.dumps(WHOLE))
    for path in sorted(spots, key=len, reverse=True):
        inner: Any = body
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = spots[path]
    return body


def test_the_sample_response_is_valid() -> None:
    assert len(parse_posts(WHOLE, strict=True)) == 2
    assert parse_unavailable(WHOLE) == {5: "deleted"}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(places(WHOLE))), junk, max_size=4))
def test_any_response_is_parsed_or_rejected(spots: dict[tuple[Any, ...], Any]) -> None:
    body = spoiled(spots)
    for sent in (body, renamed(body)):
        parse_unavailable(sent)
        parse_users(sent)
        next_page_token(sent)
        try:
            read = parse_posts(sent)
        except ValueError:
            continue
        for post in read:
            assert isinstance(hash(post), int)
            assert post.text.encode() is not None


@settings(deadline=None)
@given(st.sampled_from([path for path in places(WHOLE) if path[:2] == ("data", 0) or path[0] == "includes"]), junk)
def test_one_invalid_value_does_not_hide_the_other_post(path: tuple[Any, ...], value: Any) -> None:
    assert [post.id for post in parse_posts(spoiled({path: value}))][-1:] == [ID]
