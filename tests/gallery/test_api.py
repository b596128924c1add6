"""The JSON."""

from core.models import State
from core.refusals import WORDS

ITEM = {
    "id",
    "state",
    "code",
    "reason",
    "prompt",
    "negative_prompt",
    "steps",
    "aspect_ratio",
    "style",
    "prompted_by",
    "post_id",
    "parent_id",
    "model",
    "seed",
    "painting_seconds",
    "painted_steps",
    "guidance",
    "truncated",
    "ignored",
    "created_at",
    "painted_at",
    "shown_at",
    "url",
    "reply_outcome",
    "pictures",
}


def assert_problem(response, status, field=None):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    if field:
        assert response.json()["errors"][0]["field"] == field


def test_a_creation_has_every_field(client, wall):
    creation_id = wall.hang(prompt="a lighthouse", seed=2**53 + 1)
    item = client.get(f"/api/creations/{creation_id}").json()
    assert set(item) == ITEM | {"wait"}
    assert item["prompted_by"] == {"id": str(wall.person()), "username": "ada", "name": "Ada"}
    assert item["post_id"] == "1890000000000000001"
    assert item["seed"] == "9007199254740993"
    assert item["shown_at"] == "2026-11-20T12:00:00Z"
    assert item["url"] == f"/c/{creation_id}"
    assert (item["state"], item["reason"]) == ("replied", None)


def test_a_picture_has_every_field_and_its_address_works(client, wall):
    picture = client.get(f"/api/creations/{wall.hang(prompt='a lighthouse')}").json()["pictures"][0]
    assert set(picture) == {"url", "thumb_url", "width", "height", "seed", "mime", "placeholder", "alt"}
    assert picture["alt"] == "a lighthouse – prompted by Ada"
    assert client.get(picture["url"]).status_code == 200
    assert client.get(picture["thumb_url"]).status_code == 200


def test_how_it_was_painted_is_told_and_null_where_nobody_knows(client, wall):
    values = {"aspect_ratio": "16:9", "painted_steps": 4, "guidance": 0.0, "tokens_read": 75, "tokens_in_all": 130}
    item = client.get(f"/api/creations/{wall.hang(**values)}").json()
    assert (item["aspect_ratio"], item["painted_steps"], item["guidance"]) == ("16:9", 4, 0.0)
    assert item["truncated"] == {"read": 75, "of": 130}
    assert item["ignored"] == []
    item = client.get(f"/api/creations/{wall.hang(ignored='negative_prompt steps')}").json()
    assert item["ignored"] == ["negative_prompt", "steps"]
    item = client.get(f"/api/creations/{wall.hang()}").json()
    assert {item[name] for name in ("aspect_ratio", "painted_steps", "guidance", "truncated")} == {None}


def test_addresses_are_absolute_where_the_public_one_is_known(site, wall):
    item = site(public_url="https://paint.example").get(f"/api/creations/{wall.hang()}").json()
    assert item["url"].startswith("https://paint.example/c/")
    assert item["pictures"][0]["url"].startswith("https://paint.example/pictures/")


def test_a_list_goes_on_by_its_cursor_until_the_end(client, wall):
    for number in range(7):
        wall.hang(prompt=str(number), pictures=0)
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/creations", params={"limit": 3, "cursor": cursor}).json()
        seen += [item["prompt"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_list_has_only_what_is_visible_and_one_creation_may_have_any_state(client, wall):
    hidden = wall.hang(shown_at=None)
    refused = wall.creation(state=State.REFUSED, code="too_long")
    assert client.get("/api/creations").json() == {"items": [], "next": None}
    assert client.get(f"/api/creations/{hidden}").json()["pictures"] == []
    assert client.get(f"/api/creations/{refused}").json()["reason"] == WORDS["too_long"]


def test_a_list_can_be_one_persons(client, wall):
    wall.hang(prompt="ada's", person_id=wall.person("Ada"))
    wall.hang(prompt="grace's", person_id=wall.person("grace"))
    for handle in ("ada", "ADA", "@ada"):
        page = client.get("/api/creations", params={"person": handle}).json()
        assert [item["prompt"] for item in page["items"]] == ["ada's"]
    assert_problem(client.get("/api/creations?person=nobody"), 404)


def test_limits_outside_1_to_100_are_named(client):
    for limit in ("0", "-1", "101", "many", "1.5", "9" * 400):
        assert_problem(client.get("/api/creations", params={"limit": limit}), 422, "limit")
    assert client.get("/api/creations?limit=100").status_code == 200


def test_a_cursor_that_is_none_of_ours_is_named(client):
    for cursor in ("x", "\x00", "LTEuLTE", "🎨", "a" * 5000):
        assert_problem(client.get("/api/creations", params={"cursor": cursor}), 422, "cursor")


def test_what_is_not_there_is_a_problem_for_machines(client):
    assert_problem(client.get("/api/creations/999"), 404)
    assert_problem(client.get(f"/api/creations/{10**40}"), 404)
    assert_problem(client.get(f"/api/creations/-{10**40}"), 404)
    assert_problem(client.get("/api/creations/abc"), 422, "creation_id")
    assert_problem(client.get("/api/nothing"), 404)
    assert_problem(client.post("/api/creations"), 405)


def test_the_api_is_described_without_pages_from_elsewhere(client):
    assert "/api/creations" in client.get("/api/openapi.json").json()["paths"]
    assert client.get("/docs").status_code == 404


def test_a_head_gets_what_a_get_would_without_its_body(client, wall):
    creation_id = wall.hang()
    for path in ("/api/creations", f"/api/creations/{creation_id}"):
        got, asked = client.get(path), client.head(path)
        assert (asked.status_code, asked.headers["Content-Type"]) == (200, got.headers["Content-Type"])
    assert client.head("/api/creations/99").status_code == 404
