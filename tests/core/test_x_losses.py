"""What X says of posts and people it does not show."""

import json
from typing import Any

import pytest

from core.x.losses import PEOPLE, read_losses
from core.x.posts import read_page
from tests.support.x_answers import ID, answer, raw_post


def problem(
    kind: str, title: str, detail: str, lost: int | None, about: str = "tweet", by: str = "ids"
) -> dict[str, Any]:
    told = {"resource_id": str(lost), "value": str(lost)} if lost else {}
    address = {"type": f"https://api.twitter.com/2/problems/{kind}"}
    return {"title": title, "detail": detail, "resource_type": about, "parameter": by} | told | address


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


def test_a_lookup_says_why_it_does_not_show_a_post() -> None:
    told = {1: "gone", 2: "protected", 3: "suspended", 4: "unknown"}
    assert read_losses({"errors": LOSSES}) == told
    newer = json.loads(json.dumps(LOSSES).replace("api.twitter.com", "api.x.com").replace('"tweet"', '"post"'))
    assert read_losses({"errors": newer}) == told


def test_a_lookup_that_shows_none_says_so_without_data() -> None:
    assert read_page({"errors": LOSSES}, strict=True) == []


def test_an_id_told_in_words_only_is_found() -> None:
    bare = problem("resource-not-found", "Not Found Error", "Could not find tweet with ids: [12345].", None)
    assert read_losses({"errors": [bare]}) == {12345: "gone"}


def test_a_post_that_is_shown_is_not_lost_for_a_field_that_is_not() -> None:
    field = problem("not-authorized-for-field", "Field Authorization Error", "Sorry.", 9)
    there = problem("resource-not-found", "Not Found Error", "Could not find it.", ID)
    assert read_losses({"data": [raw_post()], "errors": [field, there]}) == {}


def test_a_parent_that_is_gone_is_told_beside_the_post() -> None:
    gone = problem("resource-not-found", "Not Found Error", "Could not find tweet.", 5, by="referenced_tweets.id")
    assert read_losses(answer(raw_post()) | {"errors": [gone]}) == {5: "gone"}


def test_people_who_are_lost_are_no_lost_posts() -> None:
    user = problem("resource-not-found", "Not Found Error", "Could not find user.", 7, "user", "author_id")
    assert read_losses({"errors": [user]}) == {}
    assert read_losses({"errors": [user]}, PEOPLE) == {7: "gone"}
    suspended = problem("resource-unavailable", "Forbidden", "User has been suspended: [8].", 8, "user")
    assert read_losses({"errors": [suspended]}, PEOPLE) == {8: "suspended"}


def test_a_timeline_of_somebody_who_is_gone_does_not_say_that_there_is_nothing() -> None:
    gone = problem("resource-not-found", "Not Found Error", "Could not find user with id: [7].", 7, "user", "id")
    with pytest.raises(ValueError, match="does not say"):
        read_page({"errors": [gone]}, strict=True)
