"""The JSON API."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from openapi_schema_validator import OAS31Validator
from sqlalchemy import Engine, insert, update

from core.clock import now
from core.database import write_session
from core.models import State, board_items, boards, comments, creations, people, pictures
from core.publishing import publish
from core.reason_codes import MESSAGES
from gallery.services.follows import follow
from gallery.web.rate_limits import RATES, RateLimiter
from tests.support.gallery_data import GalleryData
from tests.support.site_client import SiteClient

ITEM = {
    "id",
    "state",
    "reason_code",
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
    "steps_used",
    "guidance",
    "prompt_tokens",
    "ignored_options",
    "sensitive",
    "likes",
    "comments",
    "remixes",
    "links",
    "created_at",
    "painted_at",
    "published_at",
    "url",
    "reply_status",
    "pictures",
}


def assert_problem(response: Response, status: int, field: Any = None) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    if field:
        assert response.json()["errors"][0]["field"] == field


def test_creation_has_every_field(client: SiteClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse", seed=2**53 + 1)
    item = client.get(f"/api/creations/{creation_id}").json()
    assert set(item) == ITEM | {"eta"}
    assert item["prompted_by"] == {"id": str(gallery_data.person()), "username": "ada", "name": "Ada"}
    assert item["post_id"] == "1890000000000000001"
    assert item["seed"] == "9007199254740993"
    assert item["published_at"] == "2026-11-20T12:00:00Z"
    assert item["url"] == f"/c/{creation_id}"
    assert (item["state"], item["reason"]) == ("replied", None)


def test_picture_has_every_field_and_a_working_url(client: SiteClient, gallery_data: GalleryData) -> None:
    picture = client.get(f"/api/creations/{gallery_data.publish(prompt='a lighthouse')}").json()["pictures"][0]
    assert set(picture) == {"url", "thumb_url", "width", "height", "seed", "mime", "placeholder", "alt"}
    assert picture["alt"] == "a lighthouse – prompted by Ada"
    assert client.get(picture["url"]).status_code == 200
    assert client.get(picture["thumb_url"]).status_code == 200


def test_generation_details_are_null_if_unknown(client: SiteClient, gallery_data: GalleryData) -> None:
    values: dict[str, Any] = {"aspect_ratio": "16:9", "steps_used": 4, "guidance": 0.0, "prompt_tokens_used": 75}
    values["prompt_tokens_total"] = 130
    item = client.get(f"/api/creations/{gallery_data.publish(**values)}").json()
    assert (item["aspect_ratio"], item["steps_used"], item["guidance"]) == ("16:9", 4, 0.0)
    assert item["prompt_tokens"] == {"used": 75, "total": 130}
    assert item["ignored_options"] == []
    item = client.get(f"/api/creations/{gallery_data.publish(ignored_options='negative_prompt steps')}").json()
    assert item["ignored_options"] == ["negative_prompt", "steps"]
    item = client.get(f"/api/creations/{gallery_data.publish()}").json()
    assert {item[name] for name in ("aspect_ratio", "steps_used", "guidance", "prompt_tokens")} == {None}


def test_urls_are_absolute_with_a_public_url(site: Callable[..., SiteClient], gallery_data: GalleryData) -> None:
    item = site(public_url="https://paint.example").get(f"/api/creations/{gallery_data.publish()}").json()
    assert item["url"].startswith("https://paint.example/c/")
    assert item["pictures"][0]["url"].startswith("https://paint.example/pictures/")


def test_list_pages_to_the_end(client: SiteClient, gallery_data: GalleryData) -> None:
    for number in range(7):
        gallery_data.publish(prompt=str(number), pictures=0)
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/creations", params={"limit": 3, "cursor": cursor}).json()
        seen += [item["prompt"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_lists_have_only_public_creations_and_a_single_one_may_have_any_state(
    client: SiteClient, gallery_data: GalleryData
) -> None:
    hidden = gallery_data.publish(published_at=None)
    refused = gallery_data.creation(state=State.REFUSED, reason_code="too_long")
    own = {"self": "/api/creations", "next": None}
    assert client.get("/api/creations").json() == {"items": [], "next": None, "links": own}
    assert client.get(f"/api/creations/{hidden}").json()["pictures"] == []
    assert client.get(f"/api/creations/{refused}").json()["reason"] == MESSAGES["too_long"]


def test_list_can_be_filtered_by_user(client: SiteClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(prompt="ada's", person_id=gallery_data.person("Ada"))
    gallery_data.publish(prompt="grace's", person_id=gallery_data.person("grace"))
    for handle in ("ada", "ADA", "@ada"):
        page = client.get("/api/creations", params={"person": handle}).json()
        assert [item["prompt"] for item in page["items"]] == ["ada's"]
    assert_problem(client.get("/api/creations?person=nobody"), 404)


def test_limit_outside_1_to_100_is_a_validation_error(client: SiteClient) -> None:
    for limit in ("0", "-1", "101", "many", "1.5", "9" * 400):
        assert_problem(client.get("/api/creations", params={"limit": limit}), 422, "limit")
    assert client.get("/api/creations?limit=100").status_code == 200


def test_unknown_cursor_is_a_validation_error(client: SiteClient) -> None:
    for cursor in ("x", "\x00", "LTEuLTE", "🎨", "a" * 5000):
        assert_problem(client.get("/api/creations", params={"cursor": cursor}), 422, "cursor")


def test_unknown_things_are_problem_json(client: SiteClient) -> None:
    assert_problem(client.get("/api/creations/999"), 404)
    assert_problem(client.get(f"/api/creations/{10**40}"), 404)
    assert_problem(client.get(f"/api/creations/-{10**40}"), 404)
    assert_problem(client.get("/api/creations/abc"), 422, "creation_id")
    assert_problem(client.get("/api/nothing"), 404)
    assert_problem(client.post("/api/creations"), 405)


def test_api_description_loads_nothing_from_elsewhere(client: SiteClient) -> None:
    assert "/api/creations" in client.get("/api/openapi.json").json()["paths"]
    assert client.get("/docs").status_code == 404


def test_head_returns_the_headers_of_get(client: SiteClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish()
    for path in ("/api/creations", f"/api/creations/{creation_id}"):
        got, asked = client.get(path), client.head(path)
        assert (asked.status_code, asked.headers["Content-Type"]) == (200, got.headers["Content-Type"])
    assert client.head("/api/creations/99").status_code == 404


def board(engine: Engine, person_id: int, *creation_ids: Any, **values: Any) -> None:
    row = {"name": "b0ard", "title": "Foxes", "about": "", "public": True, "size": len(creation_ids)}
    row |= {"person_id": person_id, "created_at": now(), "changed_at": now(), **values}
    with write_session(engine) as session:
        board_id = session.execute(insert(boards).values(**row).returning(boards.c.id)).scalar_one()
        for minute, creation_id in enumerate(creation_ids):
            at = now() + timedelta(minutes=minute)
            session.execute(insert(board_items).values(board_id=board_id, creation_id=creation_id, at=at))


def prompts(response: Response) -> Any:
    return [item["prompt"] for item in response.json()["items"]]


def test_list_links_to_itself_and_the_next_page(site: Callable[..., SiteClient], gallery_data: GalleryData) -> None:
    for number in range(3):
        gallery_data.publish(prompt=str(number), pictures=0)
    client = site(public_url="https://paint.example")
    first = client.get("/api/creations?limit=2&person=ada", headers={"Host": "evil.example"}).json()
    assert first["links"]["self"] == "https://paint.example/api/creations?limit=2&person=ada"
    following = first["links"]["next"]
    assert following == f"https://paint.example/api/creations?limit=2&person=ada&cursor={first['next']}"
    second = client.get(following.removeprefix("https://paint.example")).json()
    assert [item["prompt"] for item in second["items"]] == ["0"]
    assert (second["links"]["self"], second["links"]["next"]) == (following, None)


def test_creation_has_counts_and_links(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    parent = gallery_data.publish(prompt="first")
    child = gallery_data.publish(prompt="second", parent_id=parent, sensitive=True)
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == parent).values(likes=3, comments=2, remixes=1))
    item = client.get(f"/api/creations/{parent}").json()
    assert (item["likes"], item["comments"], item["remixes"], item["sensitive"]) == (3, 2, 1, False)
    assert prompts(client.get(item["links"]["remixes"])) == ["second"]
    item = client.get(f"/api/creations/{child}").json()
    assert item["sensitive"] is True
    assert client.get(item["links"]["parent"]).json()["prompt"] == "first"


def test_every_link_of_a_response_works(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one = gallery_data.publish()
    board(engine, gallery_data.person(), one)
    for start in (f"/api/creations/{one}", "/api/people/ada", "/api/boards/b0ard"):
        for name, address in client.get(start).json()["links"].items():
            assert client.get(address).status_code == 200, (start, name)


def test_top_lists_the_most_liked_of_a_period(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one, two, _three = (gallery_data.publish(prompt=prompt, published_at=now()) for prompt in ("one", "two", "three"))
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == one).values(likes=2))
        session.execute(update(creations).where(creations.c.id == two).values(likes=5))
    first = client.get("/api/top?limit=1&period=all")
    assert prompts(first) == ["two"]
    assert prompts(client.get(first.json()["links"]["next"])) == ["one"]
    assert prompts(client.get("/api/top")) == ["two", "one"]
    assert_problem(client.get("/api/top?period=year"), 422, "period")
    assert_problem(client.get("/api/top?cursor=x"), 422, "cursor")


def test_following_requires_a_member(
    client: SiteClient, gallery_data: GalleryData, engine: Engine, sign_in: Callable[[SiteClient, int], str]
) -> None:
    assert_problem(client.get("/api/following"), 401)
    ada, grace = gallery_data.person("ada"), gallery_data.person("grace")
    gallery_data.publish(prompt="by grace", person_id=grace)
    follow(engine, ada, grace)
    sign_in(client, ada)
    response = client.get("/api/following")
    assert prompts(response) == ["by grace"]
    assert response.headers["Cache-Control"] == "private, no-store"


def test_search_finds_creations_by_words(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    ids = [gallery_data.publish(prompt=f"fox {number}", published_at=None) for number in range(3)]
    with write_session(engine) as session:
        publish(session, creations.c.id.in_(ids))
    first = client.get("/api/search?q=foxes&limit=2")
    assert prompts(first) == ["fox 2", "fox 1"]
    assert prompts(client.get(first.json()["links"]["next"])) == ["fox 0"]
    assert prompts(client.get("/api/search?q=owl")) == []
    assert_problem(client.get("/api/search"), 422, "q")


def test_comments_include_replies(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one, ada = gallery_data.publish(), gallery_data.person()
    with write_session(engine) as session:
        row = {"creation_id": one, "person_id": ada, "created_at": now()}
        said = session.execute(insert(comments).values(text="nice", **row).returning(comments.c.id)).scalar_one()
        session.execute(insert(comments).values(text="thanks", parent_id=said, **row))
        session.execute(insert(comments).values(text="words taken back", **row | {"deleted_at": now()}))
    page = client.get(f"/api/creations/{one}/comments").json()
    assert [(item["text"], item["parent_id"]) for item in page["items"]] == [("nice", None), ("thanks", said)]
    assert page["items"][0]["author"]["username"] == "ada"
    assert page["next"] is None
    assert_problem(client.get(f"/api/creations/{one}/comments?cursor=x"), 422, "cursor")
    hidden = gallery_data.publish(published_at=None)
    assert_problem(client.get(f"/api/creations/{hidden}/comments"), 404)


def test_user_has_totals(client: SiteClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(person_id=gallery_data.person("Ada_L", "Ada"))
    item = client.get("/api/people/@ada_l").json()
    assert (item["username"], item["creations"], item["followers"], item["url"]) == ("Ada_L", 1, 0, "/@Ada_L")
    assert len(client.get("/api/people/ada_l/creations").json()["items"]) == 1
    for nobody in ("nobody", "%00", "x" * 3000, "%ff"):
        assert_problem(client.get(f"/api/people/{nobody}"), 404)


def test_public_board_and_its_public_creations(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one, two, hidden = (
        gallery_data.publish(prompt="one"),
        gallery_data.publish(prompt="two"),
        gallery_data.publish(published_at=None),
    )
    board(engine, gallery_data.person(), one, two, hidden)
    item = client.get("/api/boards/b0ard").json()
    assert (item["title"], item["owner"]["username"], item["url"]) == ("Foxes", "ada", "/b/b0ard")
    first = client.get("/api/boards/b0ard/creations?limit=1")
    assert prompts(first) == ["two"]
    assert prompts(client.get(first.json()["links"]["next"])) == ["one"]
    [listed] = client.get("/api/people/ada/boards").json()["items"]
    assert listed == item


def test_private_board_is_not_found(
    client: SiteClient, gallery_data: GalleryData, engine: Engine, sign_in: Callable[[SiteClient, int], str]
) -> None:
    board(engine, gallery_data.person(), gallery_data.publish(), public=False)
    sign_in(client, gallery_data.person())
    assert client.get("/api/people/ada/boards").json()["items"] == []
    for path in ("/api/boards/b0ard", "/api/boards/b0ard/creations", "/api/boards/nope", "/api/boards/%00"):
        assert_problem(client.get(path), 404)


def test_hidden_user_is_omitted(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one = gallery_data.publish()
    board(engine, gallery_data.person(), one)
    with write_session(engine) as session:
        session.execute(update(people).values(hidden_at=now()))
    for path in ("people/ada", "people/ada/creations", f"creations/{one}", f"creations/{one}/comments", "boards/b0ard"):
        assert_problem(client.get(f"/api/{path}"), 404)


def test_too_many_requests_have_retry_after(client: SiteClient) -> None:
    client.app.state.rate_limiter = RateLimiter({**RATES, "api": "2/minute"})
    assert [client.get("/api/creations").status_code for _ in range(3)] == [200, 200, 429]
    response = client.get("/api/search?q=fox")
    assert_problem(response, 429)
    assert 0 < int(response.headers["Retry-After"]) <= 60


def test_other_sites_may_read_it_without_credentials(client: SiteClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish()
    for path in ("/api/creations", f"/api/creations/{one}", "/api/nothing", "/feed.atom", "/@ada/feed.json", "/oembed"):
        headers = client.get(path, headers={"Origin": "https://other.example"}).headers
        assert headers["Access-Control-Allow-Origin"] == "*", path
        assert "Access-Control-Allow-Credentials" not in headers
    asked = client.options("/api/creations", headers={"Origin": "https://other.example"})
    assert (asked.status_code, asked.headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")
    for path in ("/", f"/c/{one}", "/search?q=x", "/me", "/healthz"):
        assert "Access-Control-Allow-Origin" not in client.get(path, follow_redirects=False).headers, path


@pytest.mark.parametrize(
    ("table", "values", "path"),
    [
        (creations, {"likes": 41}, ["likes"]),
        (creations, {"reply_status": "answered"}, ["reply_status"]),
        (people, {"name": "Lovelace"}, ["prompted_by", "name"]),
        (pictures, {"mime": "image/png"}, ["pictures", 0, "mime"]),
    ],
)
def test_lists_show_what_has_changed(
    client: SiteClient, gallery_data: GalleryData, engine: Engine, table: Any, values: Any, path: Any
) -> None:
    one = gallery_data.publish()
    client.get("/api/creations")
    with write_session(engine) as session:
        session.execute(update(table).values(**values))
    shown = client.get("/api/creations").json()["items"][0]
    assert client.get(f"/api/creations/{one}").json() == shown | {"eta": None}
    for step in path:
        shown = shown[step]
    assert [shown] == list(values.values())


def test_responses_match_the_schema(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one = gallery_data.publish(prompt_tokens_used=1, prompt_tokens_total=2)
    gallery_data.publish(parent_id=one, prompt="", model=None, painting_seconds=None)
    board(engine, gallery_data.person(), one)
    described = client.get("/api/openapi.json").json()
    given = {"creation_id": one, "handle": "ada", "name": "b0ard"}
    for path, operation in described["paths"].items():
        if path == "/api/following":
            continue
        schema = operation["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = client.get(path.format(**given), params={"q": "cat"} if path == "/api/search" else {})
        assert answer.status_code == 200, path
        OAS31Validator({**schema, "components": described["components"]}).validate(answer.json())


def test_every_operation_and_parameter_is_described(client: SiteClient) -> None:
    for operation in client.get("/api/openapi.json").json()["paths"].values():
        assert operation["get"]["description"]
        for parameter in operation["get"].get("parameters", []):
            assert parameter.get("description"), parameter


def test_api_docs_load_nothing_from_elsewhere_and_allow_one_inline_script(client: SiteClient) -> None:
    assert "/api/docs" in client.get("/api").text
    response = client.get("/api/docs")
    assert "/api/openapi.json" in response.text
    files = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert len(files) == 3
    for path in files:
        assert client.get(path).status_code == 200, path
    policy = response.headers["Content-Security-Policy"]
    assert re.search(r"script-src 'self' 'sha256-[\w+/=]{44}'; style-src 'self' 'unsafe-inline'$", policy)


@pytest.mark.parametrize("path", ["/api/creations", "/api/search?q=a", "/api/people/ada", "/api/top"])
def test_api_is_read_only(client: SiteClient, path: str) -> None:
    for method in (client.post, client.put, client.delete, client.patch):
        answer = method(path)
        assert_problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_errors_are_described_as_problem_json(client: SiteClient) -> None:
    described = client.get("/api/openapi.json").json()
    assert "ProblemJson" in described["components"]["schemas"]
    for path, operation in described["paths"].items():
        problems = {status: one for status, one in operation["get"]["responses"].items() if status >= "400"}
        assert {"404", "422", "429"} <= problems.keys()
        assert ("401" in problems) == (path == "/api/following")
        assert all(one["content"].keys() == {"application/problem+json"} for one in problems.values()), path


def test_unchanged_response_answers_304(client: SiteClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish()
    for path in ("/api/creations", f"/api/creations/{one}", "/api/people/ada"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": f'W/{first.headers["ETag"]}, "else"'})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"]), path
    known = {"If-None-Match": client.get("/api/creations").headers["ETag"]}
    gallery_data.publish()
    assert client.get("/api/creations", headers=known).status_code == 200
