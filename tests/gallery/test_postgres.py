"""The same questions on a real PostgreSQL."""

import pytest

from core.database import transaction
from core.models import creations
from core.visibility import show
from gallery.walls.pages import PAGE_SIZE


@pytest.fixture
def engine(postgres_engine):
    return postgres_engine


def test_the_wall_goes_on_by_keyset(client, wall):
    moment = None
    for number in range(PAGE_SIZE + 5):
        creation_id = wall.hang(prompt=str(number), pictures=1, **({"shown_at": moment} if moment else {}))
        moment = moment or client.get(f"/c/{creation_id}").context["creation"].shown_at
    wall.creation(prompt="waiting")
    first = client.get("/").context["page"]
    second = client.get("/", params={"cursor": first.older}).context["page"]
    seen = [creation.prompt for creation in (*first.creations, *second.creations)]
    assert seen == [str(number) for number in reversed(range(PAGE_SIZE + 5))]
    assert second.older is None


def test_a_persons_page_and_json_answer(client, wall):
    wall.hang(person_id=wall.person("Ada_L"))
    assert client.get("/@ada_l").context["total"] == "1 creation"
    assert len(client.get("/api/creations?person=ADA_L").json()["items"]) == 1


def test_what_no_database_can_hold_is_not_found(client):
    for path in ("/@%00", f"/c/{10**40}", "/api/creations?person=%00", f"/api/creations/{10**40}"):
        assert client.get(path).status_code == 404


def test_a_remix_leads_to_its_parent(client, wall):
    parent = wall.hang(person_id=wall.person("grace"))
    assert "a picture by <bdi>@grace</bdi>" in client.get(f"/c/{wall.hang(parent_id=parent)}").text


def test_words_are_found_and_machines_get_their_answers(site, wall, engine):
    ids = [wall.hang(prompt=prompt, shown_at=None) for prompt in ("a fox", "two foxes", "黒い猫")]
    with transaction(engine) as session:
        show(session, creations.c.id.in_(ids))
    client = site(public_url="https://paint.example")
    first = client.get("/api/search?q=fox&limit=1").json()
    second = client.get(first["links"]["next"].removeprefix("https://paint.example")).json()
    assert [page["items"][0]["prompt"] for page in (first, second)] == ["two foxes", "a fox"]
    assert client.get("/search?q=猫").context["result"].page.creations[0].id == ids[2]
    for words in ("'", "\\", "\0", ":*", "a & | !", "x" * 9000):
        assert client.get("/search.atom", params={"q": words}).status_code == 200
    assert client.get("/api/boards/nope/creations").status_code == 404
    for name in ("index", "people-0", "creations-0"):
        path = "/sitemap.xml" if name == "index" else f"/sitemap/{name}.xml"
        assert client.get(path).status_code == 200
    for path in ("/feed.atom", "/@ada/feed.json", "/api/people/ada", f"/api/creations/{ids[0]}/remixes", "/api/top"):
        assert client.get(path).status_code == 200
