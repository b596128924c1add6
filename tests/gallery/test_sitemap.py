"""The sitemap and robots.txt: who may look, and where."""

from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from sqlalchemy import insert, update

from core.clock import now
from core.database import transaction
from core.models import boards, people
from gallery.machines import sitemap
from gallery.machines.robots import AI_CRAWLERS
from gallery.settings import GallerySettings

OURS = "https://paint.example"
NS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def client(site):
    return site(public_url=OURS)


def places(client, path):
    response = client.get(path)
    assert response.status_code == 200, path
    root = ElementTree.fromstring(response.content)
    return {line.findtext(f"{NS}loc"): line.findtext(f"{NS}lastmod") for line in root}


def everything(client):
    found = {}
    for file in places(client, "/sitemap.xml"):
        found |= places(client, file.removeprefix(OURS))
    return found


def test_it_names_what_hangs_and_who_prompted_it(client, wall):
    one = wall.hang(person_id=wall.person("Ada_L"))
    hidden, waiting = wall.hang(shown_at=None, hidden_at=now()), wall.creation()
    wall.person("nobody")
    found = everything(client)
    assert found[f"{OURS}/c/{one}"] == "2026-11-20T12:00:00Z"
    assert found[f"{OURS}/@Ada_L"] == "2026-11-20T12:00:00Z"
    assert f"{OURS}/" in found
    for path in (f"/c/{hidden}", f"/c/{waiting}", "/@nobody"):
        assert OURS + path not in found


def test_it_names_boards_that_everybody_may_see(client, wall, engine):
    one, ada = wall.hang(), wall.person()
    with transaction(engine) as session:
        for name, public, size in (("open", True, 1), ("mine", False, 1), ("empty", True, 0)):
            row = {"name": name, "public": public, "title": "T", "about": "", "size": size, "person_id": ada}
            session.execute(insert(boards).values(**row, created_at=now(), changed_at=now()))
    found = everything(client)
    assert f"{OURS}/b/open" in found
    assert f"{OURS}/b/mine" not in found
    assert f"{OURS}/b/empty" not in found
    assert f"{OURS}/c/{one}" in found


def test_nothing_of_a_hidden_person(client, wall, engine):
    wall.hang()
    with transaction(engine) as session:
        session.execute(update(people).values(hidden_at=now()))
    assert f"{OURS}/@ada" not in everything(client)


def test_a_file_without_a_line_is_not_named(client, wall, engine):
    nobody = wall.person("nobody")
    with transaction(engine) as session:
        row = {"name": "mine", "public": False, "title": "T", "about": "", "size": 1, "person_id": nobody}
        session.execute(insert(boards).values(**row, created_at=now(), changed_at=now()))
    assert list(places(client, "/sitemap.xml")) == [f"{OURS}/sitemap/pages.xml"]


def test_files_are_ranges_and_none_is_larger_than_allowed(client, wall, monkeypatch):
    monkeypatch.setattr(sitemap, "EACH", 2)
    ids = [wall.hang(pictures=0, person_id=wall.person(f"p{number}")) for number in range(5)]
    files = places(client, "/sitemap.xml")
    assert [name for name in files if "creations" in name] == [f"{OURS}/sitemap/creations-{n}.xml" for n in range(3)]
    assert len([name for name in files if "people" in name]) == 3
    for name in files:
        assert len(places(client, name.removeprefix(OURS))) <= 3
    assert {f"{OURS}/c/{one}" for one in ids} <= set(everything(client))


def test_it_is_made_once_in_a_few_minutes(client, wall, statements):
    wall.hang()
    client.get("/sitemap/creations-0.xml")
    statements.clear()
    response = client.get("/sitemap/creations-0.xml")
    assert statements == []
    assert response.headers["Cache-Control"] == "public, max-age=300"
    etag = response.headers["ETag"]
    assert client.get("/sitemap/creations-0.xml", headers={"If-None-Match": etag}).status_code == 304


def test_files_that_there_are_not(client, wall):
    wall.hang()
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


def test_a_site_that_does_not_know_its_address_has_no_sitemap(site):
    assert site().get("/sitemap.xml").status_code == 404
    assert "Sitemap:" not in site().get("/robots.txt").text


def robots(client):
    parser = RobotFileParser()
    parser.parse(client.get("/robots.txt").text.splitlines())
    return parser


def test_search_engines_may_look_at_what_is_public(client):
    rules = robots(client)
    assert rules.site_maps() == [f"{OURS}/sitemap.xml"]
    for path in ("/", "/c/1", "/@ada", "/top", "/api", "/feed.atom", "/pictures/x.webp", "/b/foxes"):
        assert rules.can_fetch("Googlebot", path), path
    for path in ("/me", "/me/boards", "/sign-in", "/live", "/search?q=x", "/api/creations", "/paint", "/following"):
        assert not rules.can_fetch("Googlebot", path), path


def test_those_who_train_machines_are_kept_out_unless_the_host_lets_them_in(client, site):
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


def test_a_hostile_handle_keeps_the_file_whole(client, wall):
    wall.hang(person_id=wall.person("a&<b>'\"]]>\x01é", id=77))
    [address] = [one for one in everything(client) if "/@" in one]
    assert address == f"{OURS}/@a%26%3Cb%3E%27%22%5D%5D%3E%01%C3%A9"
