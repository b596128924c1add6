"""The same queries on PostgreSQL."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.database import write_session
from core.models import creations
from core.publishing import publish
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context


@pytest.fixture
def engine(postgres_engine: Engine) -> Engine:
    return postgres_engine


def test_newest_feed_pages_by_cursor(client: TestClient, gallery_data: GalleryData) -> None:
    moment = None
    for number in range(PAGE_SIZE + 5):
        creation_id = gallery_data.publish(
            prompt=str(number), pictures=1, **({"published_at": moment} if moment else {})
        )
        moment = moment or page_context(client.get(f"/c/{creation_id}"))["creation"].published_at
    gallery_data.creation(prompt="waiting")
    first = page_context(client.get("/"))["page"]
    second = page_context(client.get("/", params={"cursor": first.older}))["page"]
    seen = [creation.prompt for creation in (*first.creations, *second.creations)]
    assert seen == [str(number) for number in reversed(range(PAGE_SIZE + 5))]
    assert second.older is None


def test_profile_and_json_response(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(person_id=gallery_data.person("Ada_L"))
    assert page_context(client.get("/@ada_l"))["total"] == "1 picture"
    assert len(client.get("/api/creations?person=ADA_L").json()["items"]) == 1


def test_invalid_handles_and_ids_are_not_found(client: TestClient) -> None:
    for path in ("/@%00", f"/c/{10**40}", "/api/creations?person=%00", f"/api/creations/{10**40}"):
        assert client.get(path).status_code == 404


def test_remix_links_to_its_parent(client: TestClient, gallery_data: GalleryData) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace"))
    assert "a picture by <bdi>@grace</bdi>" in client.get(f"/c/{gallery_data.publish(parent_id=parent)}").text


def test_search_and_syndication_work(
    site: Callable[..., TestClient], gallery_data: GalleryData, engine: Engine
) -> None:
    ids = [gallery_data.publish(prompt=prompt, published_at=None) for prompt in ("a fox", "two foxes", "黒い猫")]
    with write_session(engine) as session:
        publish(session, creations.c.id.in_(ids))
    client = site(public_url="https://paint.example")
    first = client.get("/api/search?q=fox&limit=1").json()
    second = client.get(first["links"]["next"].removeprefix("https://paint.example")).json()
    assert [page["items"][0]["prompt"] for page in (first, second)] == ["two foxes", "a fox"]
    assert page_context(client.get("/search?q=猫"))["result"].page.creations[0].id == ids[2]
    for words in ("'", "\\", "\0", ":*", "a & | !", "x" * 9000):
        assert client.get("/search.atom", params={"q": words}).status_code == 200
    assert client.get("/api/boards/nope/creations").status_code == 404
    for name in ("index", "people-0", "creations-0"):
        path = "/sitemap.xml" if name == "index" else f"/sitemap/{name}.xml"
        assert client.get(path).status_code == 200
    for path in ("/feed.atom", "/@ada/feed.json", "/api/people/ada", f"/api/creations/{ids[0]}/remixes", "/api/top"):
        assert client.get(path).status_code == 200
