"""The JSON."""

import re
from datetime import timedelta

import pytest
from openapi_schema_validator import OAS31Validator
from sqlalchemy import insert, update

from core.clock import now
from core.database import transaction
from core.models import State, boards, collected, comments, creations, people
from core.refusals import WORDS
from core.visibility import show
from gallery.limits import RATES, Limits
from gallery.social.follows import follow

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
    "sensitive",
    "likes",
    "comments",
    "remixes",
    "links",
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
    own = {"self": "/api/creations", "next": None}
    assert client.get("/api/creations").json() == {"items": [], "next": None, "links": own}
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


def board(engine, person_id, *creation_ids, **values):
    row = {"name": "b0ard", "title": "Foxes", "about": "", "public": True, "size": len(creation_ids)}
    row |= {"person_id": person_id, "created_at": now(), "changed_at": now(), **values}
    with transaction(engine) as session:
        board_id = session.execute(insert(boards).values(**row).returning(boards.c.id)).scalar_one()
        for minute, creation_id in enumerate(creation_ids):
            at = now() + timedelta(minutes=minute)
            session.execute(insert(collected).values(board_id=board_id, creation_id=creation_id, at=at))


def prompts(response):
    return [item["prompt"] for item in response.json()["items"]]


def test_a_list_names_its_own_address_and_that_of_the_next_page(site, wall):
    for number in range(3):
        wall.hang(prompt=str(number), pictures=0)
    client = site(public_url="https://paint.example")
    first = client.get("/api/creations?limit=2&person=ada", headers={"Host": "evil.example"}).json()
    assert first["links"]["self"] == "https://paint.example/api/creations?limit=2&person=ada"
    following = first["links"]["next"]
    assert following == f"https://paint.example/api/creations?limit=2&person=ada&cursor={first['next']}"
    second = client.get(following.removeprefix("https://paint.example")).json()
    assert [item["prompt"] for item in second["items"]] == ["0"]
    assert (second["links"]["self"], second["links"]["next"]) == (following, None)


def test_a_creation_tells_its_counts_and_its_family(client, wall, engine):
    parent = wall.hang(prompt="first")
    child = wall.hang(prompt="second", parent_id=parent, sensitive=True)
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == parent).values(likes=3, comments=2, remixes=1))
    item = client.get(f"/api/creations/{parent}").json()
    assert (item["likes"], item["comments"], item["remixes"], item["sensitive"]) == (3, 2, 1, False)
    assert prompts(client.get(item["links"]["remixes"])) == ["second"]
    item = client.get(f"/api/creations/{child}").json()
    assert item["sensitive"] is True
    assert client.get(item["links"]["parent"]).json()["prompt"] == "first"


def test_every_link_of_an_answer_leads_somewhere(client, wall, engine):
    one = wall.hang()
    board(engine, wall.person(), one)
    for start in (f"/api/creations/{one}", "/api/people/ada", "/api/boards/b0ard"):
        for name, address in client.get(start).json()["links"].items():
            assert client.get(address).status_code == 200, (start, name)


def test_the_best_liked_of_a_time(client, wall, engine):
    one, two, _three = (wall.hang(prompt=prompt, shown_at=now()) for prompt in ("one", "two", "three"))
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == one).values(likes=2))
        session.execute(update(creations).where(creations.c.id == two).values(likes=5))
    first = client.get("/api/top?limit=1&of=all")
    assert prompts(first) == ["two"]
    assert prompts(client.get(first.json()["links"]["next"])) == ["one"]
    assert prompts(client.get("/api/top")) == ["two", "one"]
    assert_problem(client.get("/api/top?of=year"), 422, "of")
    assert_problem(client.get("/api/top?cursor=x"), 422, "cursor")


def test_the_wall_of_those_one_follows_is_a_members_own(client, wall, engine, sign_in):
    assert_problem(client.get("/api/following"), 401)
    ada, grace = wall.person("ada"), wall.person("grace")
    wall.hang(prompt="by grace", person_id=grace)
    follow(engine, ada, grace)
    sign_in(client, ada)
    response = client.get("/api/following")
    assert prompts(response) == ["by grace"]
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_search_by_words(client, wall, engine):
    ids = [wall.hang(prompt=f"fox {number}", shown_at=None) for number in range(3)]
    with transaction(engine) as session:
        show(session, creations.c.id.in_(ids))
    first = client.get("/api/search?q=foxes&limit=2")
    assert prompts(first) == ["fox 2", "fox 1"]
    assert prompts(client.get(first.json()["links"]["next"])) == ["fox 0"]
    assert prompts(client.get("/api/search?q=owl")) == []
    assert_problem(client.get("/api/search"), 422, "q")


def test_comments_with_their_answers(client, wall, engine):
    one, ada = wall.hang(), wall.person()
    with transaction(engine) as session:
        row = {"creation_id": one, "person_id": ada, "created_at": now()}
        said = session.execute(insert(comments).values(text="nice", **row).returning(comments.c.id)).scalar_one()
        session.execute(insert(comments).values(text="thanks", parent_id=said, **row))
        session.execute(insert(comments).values(text="words taken back", **row | {"deleted_at": now()}))
    page = client.get(f"/api/creations/{one}/comments").json()
    assert [(item["text"], item["parent_id"]) for item in page["items"]] == [("nice", None), ("thanks", said)]
    assert page["items"][0]["said_by"]["username"] == "ada"
    assert page["next"] is None
    assert_problem(client.get(f"/api/creations/{one}/comments?cursor=x"), 422, "cursor")
    hidden = wall.hang(shown_at=None)
    assert_problem(client.get(f"/api/creations/{hidden}/comments"), 404)


def test_a_person_with_their_totals(client, wall):
    wall.hang(person_id=wall.person("Ada_L", "Ada"))
    item = client.get("/api/people/@ada_l").json()
    assert (item["username"], item["creations"], item["followers"], item["url"]) == ("Ada_L", 1, 0, "/@Ada_L")
    assert len(client.get("/api/people/ada_l/creations").json()["items"]) == 1
    for nobody in ("nobody", "%00", "x" * 3000, "%ff"):
        assert_problem(client.get(f"/api/people/{nobody}"), 404)


def test_a_public_board_and_what_hangs_of_it(client, wall, engine):
    one, two, hidden = wall.hang(prompt="one"), wall.hang(prompt="two"), wall.hang(shown_at=None)
    board(engine, wall.person(), one, two, hidden)
    item = client.get("/api/boards/b0ard").json()
    assert (item["title"], item["kept_by"]["username"], item["url"]) == ("Foxes", "ada", "/b/b0ard")
    first = client.get("/api/boards/b0ard/creations?limit=1")
    assert prompts(first) == ["two"]
    assert prompts(client.get(first.json()["links"]["next"])) == ["one"]
    [listed] = client.get("/api/people/ada/boards").json()["items"]
    assert listed == item


def test_a_board_of_ones_own_is_nowhere(client, wall, engine, sign_in):
    board(engine, wall.person(), wall.hang(), public=False)
    sign_in(client, wall.person())
    assert client.get("/api/people/ada/boards").json()["items"] == []
    for path in ("/api/boards/b0ard", "/api/boards/b0ard/creations", "/api/boards/nope", "/api/boards/%00"):
        assert_problem(client.get(path), 404)


def test_nothing_of_a_hidden_person_is_in_it(client, wall, engine):
    one = wall.hang()
    board(engine, wall.person(), one)
    with transaction(engine) as session:
        session.execute(update(people).values(hidden_at=now()))
    for path in ("people/ada", "people/ada/creations", f"creations/{one}", f"creations/{one}/comments", "boards/b0ard"):
        assert_problem(client.get(f"/api/{path}"), 404)


def test_too_many_questions_are_told_when_to_come_back(client):
    client.app.state.limits = Limits({**RATES, "api": "2/minute"})
    assert [client.get("/api/creations").status_code for _ in range(3)] == [200, 200, 429]
    response = client.get("/api/search?q=fox")
    assert_problem(response, 429)
    assert 0 < int(response.headers["Retry-After"]) <= 60


def test_scripts_of_other_sites_may_read_it_but_not_as_a_member(client, wall):
    one = wall.hang()
    for path in ("/api/creations", f"/api/creations/{one}", "/api/nothing", "/feed.atom", "/@ada/feed.json", "/oembed"):
        headers = client.get(path, headers={"Origin": "https://other.example"}).headers
        assert headers["Access-Control-Allow-Origin"] == "*", path
        assert "Access-Control-Allow-Credentials" not in headers
    asked = client.options("/api/creations", headers={"Origin": "https://other.example"})
    assert (asked.status_code, asked.headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")
    for path in ("/", f"/c/{one}", "/search?q=x", "/me", "/healthz"):
        assert "Access-Control-Allow-Origin" not in client.get(path, follow_redirects=False).headers, path


def test_answers_are_what_their_description_says(client, wall, engine):
    one = wall.hang(tokens_read=1, tokens_in_all=2)
    wall.hang(parent_id=one, prompt="", model=None, painting_seconds=None)
    board(engine, wall.person(), one)
    described = client.get("/api/openapi.json").json()
    given = {"creation_id": one, "handle": "ada", "name": "b0ard"}
    for path, operation in described["paths"].items():
        if path == "/api/following":
            continue
        schema = operation["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = client.get(path.format(**given), params={"q": "cat"} if path == "/api/search" else {})
        assert answer.status_code == 200, path
        OAS31Validator({**schema, "components": described["components"]}).validate(answer.json())


def test_the_page_about_it_names_every_address_and_every_answer(client):
    described = client.get("/api/openapi.json").json()
    response = client.get("/api")
    assert response.headers["Content-Type"].startswith("text/html")
    for path in described["paths"]:
        assert f"GET {path}" in response.text
    ids = re.findall(r'id="(\w+)"', response.text)
    for anchor in re.findall(r'href="#(\w+)"', response.text):
        assert anchor in ids, anchor
    for operation in described["paths"].values():
        assert operation["get"]["description"]
        for parameter in operation["get"].get("parameters", []):
            assert parameter.get("description"), parameter


@pytest.mark.parametrize("path", ["/api/creations", "/api/search?q=a", "/api/people/ada", "/api/top"])
def test_nothing_can_be_written_through_it(client, path):
    for method in (client.post, client.put, client.delete, client.patch):
        answer = method(path)
        assert_problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_problems_are_described_as_what_they_are(client):
    described = client.get("/api/openapi.json").json()
    assert "ProblemJson" in described["components"]["schemas"]
    for path, operation in described["paths"].items():
        problems = {status: one for status, one in operation["get"]["responses"].items() if status >= "400"}
        assert {"404", "422", "429"} <= problems.keys()
        assert ("401" in problems) == (path == "/api/following")
        assert all(one["content"].keys() == {"application/problem+json"} for one in problems.values()), path


def test_who_has_an_answer_already_gets_nothing_again_until_it_changes(client, wall):
    one = wall.hang()
    for path in ("/api/creations", f"/api/creations/{one}", "/api/people/ada"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": f'W/{first.headers["ETag"]}, "else"'})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"]), path
    known = {"If-None-Match": client.get("/api/creations").headers["ETag"]}
    wall.hang()
    assert client.get("/api/creations", headers=known).status_code == 200
