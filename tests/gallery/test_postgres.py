"""The same questions on a real PostgreSQL."""

import pytest
from sqlalchemy import text

from core.database import open_database
from core.schema import migrate
from gallery.walls.pages import PAGE_SIZE


@pytest.fixture
def engine(postgres_url):
    database = open_database(postgres_url)
    with database.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrate(database)
    yield database
    database.dispose()


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
