"""Reasons why X does not show posts and users."""

import json
from typing import Any

import pytest

from core.x.posts import parse_posts
from core.x.unavailable import USERS, parse_unavailable
from tests.support.x_responses import ID, answer, raw_post


def problem(
    kind: str, title: str, detail: str, lost: int | None, about: str = "tweet", by: str = "ids"
) -> dict[str, Any]:
    ids = {"resource_id": str(lost), "value": str(lost)} if lost else {}
    address = {"type": f"https://api.twitter.com/2/problems/{kind}"}
    return {"title": title, "detail": detail, "resource_type": about, "parameter": by} | ids | address


LOSSES = [
    problem("resource-not-found", "Not Found Error", "Could not find tweet with ids: [1].", 1),
    problem(
        "not-authorized-for-resource",
        "Authorization Error",
        "Sorry, you are not authorized to see the Tweet with ids: [2].",
        2,
    ),
    problem("resource-unavailable", "Forbidden", "User has been suspended: [3].", 3),
    problem("tea-break", "Odd", "Nobody knows.", 4),
]


def test_a_lookup_gives_the_reason_for_each_missing_post() -> None:
    reasons = {1: "deleted", 2: "protected", 3: "suspended", 4: "unknown"}
    assert parse_unavailable({"errors": LOSSES}) == reasons
    newer = json.loads(json.dumps(LOSSES).replace("api.twitter.com", "api.x.com").replace('"tweet"', '"post"'))
    assert parse_unavailable({"errors": newer}) == reasons


def test_a_lookup_without_data_is_empty() -> None:
    assert parse_posts({"errors": LOSSES}, strict=True) == []


def test_an_id_in_the_text_only_is_found() -> None:
    bare = problem("resource-not-found", "Not Found Error", "Could not find tweet with ids: [12345].", None)
    assert parse_unavailable({"errors": [bare]}) == {12345: "deleted"}


def test_a_missing_field_does_not_make_a_post_unavailable() -> None:
    field = problem("not-authorized-for-field", "Field Authorization Error", "Sorry.", 9)
    there = problem("resource-not-found", "Not Found Error", "Could not find it.", ID)
    assert parse_unavailable({"data": [raw_post()], "errors": [field, there]}) == {}


def test_a_deleted_parent_is_reported_with_the_post() -> None:
    gone = problem("resource-not-found", "Not Found Error", "Could not find tweet.", 5, by="referenced_tweets.id")
    assert parse_unavailable(answer(raw_post()) | {"errors": [gone]}) == {5: "deleted"}


def test_missing_users_are_no_missing_posts() -> None:
    user = problem("resource-not-found", "Not Found Error", "Could not find user.", 7, "user", "author_id")
    assert parse_unavailable({"errors": [user]}) == {}
    assert parse_unavailable({"errors": [user]}, USERS) == {7: "deleted"}
    suspended = problem("resource-unavailable", "Forbidden", "User has been suspended: [8].", 8, "user")
    assert parse_unavailable({"errors": [suspended]}, USERS) == {8: "suspended"}


def test_the_timeline_of_a_deleted_user_raises() -> None:
    gone = problem("resource-not-found", "Not Found Error", "Could not find user with id: [7].", 7, "user", "id")
    with pytest.raises(ValueError, match="has no data"):
        parse_posts({"errors": [gone]}, strict=True)
