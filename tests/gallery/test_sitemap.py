"""The sitemap and robots.txt."""

from collections.abc import Callable
from typing import Any
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert, update

from core.clock import now
from core.database import write_session
from core.models import boards, people
from gallery.routers import sitemap
from gallery.routers.robots import AI_CRAWLERS
from gallery.settings import GallerySettings
from tests.support.gallery_data import GalleryData

OURS = "https://paint.example"
NS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def client(site: Callable[..., TestClient]) -> TestClient:
    return site(public_url=OURS)


def places(client: TestClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, path
    root = ElementTree.fromstring(response.content)
    return {line.findtext(f"{NS}loc"): line.findtext(f"{NS}lastmod") for line in root}


def everything(client: TestClient) -> Any:
    found: dict[str, str | None] = {}
    for file in places(client, "/sitemap.xml"):
        found |= places(client, file.removeprefix(OURS))
    return found


def test_sitemap_lists_public_creations_and_their_authors(client: TestClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish(person_id=gallery_data.person("Ada_L"))
    hidden, waiting = gallery_data.publish(published_at=None, hidden_at=now()), gallery_data.creation()
    gallery_data.person("nobody")
    found = everything(client)
    assert found[f"{OURS}/c/{one}"] == "2026-11-20T12:00:00Z"
    assert found[f"{OURS}/@Ada_L"] == "2026-11-20T12:00:00Z"
    assert f"{OURS}/" in found
    for path in (f"/c/{hidden}", f"/c/{waiting}", "/@nobody"):
        assert OURS + path not in found


def test_sitemap_lists_public_boards(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    one, ada = gallery_data.publish(), gallery_data.person()
    with write_session(engine) as session:
        for name, public, size in (("open", True, 1), ("mine", False, 1), ("empty", True, 0)):
            row = {"name": name, "public": public, "title": "T", "about": "", "size": size, "person_id": ada}
            session.execute(insert(boards).values(**row, created_at=now(), changed_at=now()))
    found = everything(client)
    assert f"{OURS}/b/open" in found
    assert f"{OURS}/b/mine" not in found
    assert f"{OURS}/b/empty" not in found
    assert f"{OURS}/c/{one}" in found


def test_sitemap_omits_hidden_people(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    gallery_data.publish()
    with write_session(engine) as session:
        session.execute(update(people).values(hidden_at=now()))
    assert f"{OURS}/@ada" not in everything(client)


def test_index_omits_empty_files(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    nobody = gallery_data.person("nobody")
    with write_session(engine) as session:
        row = {"name": "mine", "public": False, "title": "T", "about": "", "size": 1, "person_id": nobody}
        session.execute(insert(boards).values(**row, created_at=now(), changed_at=now()))
    assert list(places(client, "/sitemap.xml")) == [f"{OURS}/sitemap/pages.xml"]


def test_files_are_ranges_of_bounded_size(
    client: TestClient, gallery_data: GalleryData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemap, "PAGES_PER_FILE", 2)
    ids = [gallery_data.publish(pictures=0, person_id=gallery_data.person(f"p{number}")) for number in range(5)]
    files = places(client, "/sitemap.xml")
    assert [name for name in files if "creations" in name] == [f"{OURS}/sitemap/creations-{n}.xml" for n in range(3)]
    assert len([name for name in files if "people" in name]) == 3
    for name in files:
        assert len(places(client, name.removeprefix(OURS))) <= 3
    assert {f"{OURS}/c/{one}" for one in ids} <= set(everything(client))


def test_files_are_cached(client: TestClient, gallery_data: GalleryData, statements: list[str]) -> None:
    gallery_data.publish()
    client.get("/sitemap/creations-0.xml")
    statements.clear()
    response = client.get("/sitemap/creations-0.xml")
    assert statements == []
    assert response.headers["Cache-Control"] == "public, max-age=300"
    etag = response.headers["ETag"]
    assert client.get("/sitemap/creations-0.xml", headers={"If-None-Match": etag}).status_code == 304


def test_unknown_files_are_not_found(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    for name in (
        "creations-9",
        "creations-x",
        "creations--1",
        "people-9999999999999999999",
        f"creations-{'9' * 5000}",
        "x",
    ):
        assert client.get(f"/sitemap/{name}.xml").status_code == 404, name
    assert client.get("/sitemap/people-9223372036854775807.xml").status_code == 404


def test_site_without_public_url_has_no_sitemap(site: Callable[..., TestClient]) -> None:
    assert site().get("/sitemap.xml").status_code == 404
    assert "Sitemap:" not in site().get("/robots.txt").text


def robots(client: TestClient) -> Any:
    parser = RobotFileParser()
    parser.parse(client.get("/robots.txt").text.splitlines())
    return parser


def test_robots_allow_public_pages(client: TestClient) -> None:
    rules = robots(client)
    assert rules.site_maps() == [f"{OURS}/sitemap.xml"]
    for path in ("/", "/c/1", "/@ada", "/top", "/api", "/feed.atom", "/pictures/x.webp", "/b/foxes"):
        assert rules.can_fetch("Googlebot", path), path
    for path in ("/me", "/me/boards", "/sign-in", "/live", "/search?q=x", "/api/creations", "/paint", "/following"):
        assert not rules.can_fetch("Googlebot", path), path


def test_ai_crawlers_are_denied_unless_allowed(client: TestClient, site: Callable[..., TestClient]) -> None:
    for name in AI_CRAWLERS:
        assert not robots(client).can_fetch(name, "/c/1"), name
    assert robots(client).can_fetch("OAI-SearchBot", "/c/1")
    headers = client.get("/").headers
    assert (headers["X-Robots-Tag"], headers["TDM-Reservation"]) == ("noai, noimageai", "1")
    assert client.get("/.well-known/tdmrep.json").json() == [{"location": "/", "tdm-reservation": 1}]

    friendly = site(settings=GallerySettings(_env_file=None, gallery_ai_crawlers="allow"))
    assert robots(friendly).can_fetch("GPTBot", "/c/1")
    assert not robots(friendly).can_fetch("GPTBot", "/me")
    assert "X-Robots-Tag" not in friendly.get("/").headers
    assert friendly.get("/.well-known/tdmrep.json").json() == [{"location": "/", "tdm-reservation": 0}]


def test_hostile_handle_is_escaped(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(person_id=gallery_data.person("a&<b>'\"]]>\x01é", id=77))
    [address] = [one for one in everything(client) if "/@" in one]
    assert address == f"{OURS}/@a%26%3Cb%3E%27%22%5D%5D%3E%01%C3%A9"
