"""Atom and JSON feeds, read by real parsers, with hostile content."""

import csv
import json
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, insert

from core.clock import now
from core.database import write_session
from core.models import board_items, boards, creations
from core.publishing import publish
from gallery.routers.syndication import ENTRIES
from tests.support.gallery_data import GalleryData

ATOM = "{http://www.w3.org/2005/Atom}"
OURS = "https://paint.example"
HOSTILE = [
    "]]><x/>", "</content><script>alert(1)</script>", "&amp;&#0;&bogus;",
    "a\x00\x01\x08\x0b\x1b\x1fb", "\ufffe\uffff", "\x7f\x85",
    "<!--", "<?xml?>", "<![CDATA[", '"><img src=x onerror=alert(1)>', "\u202egnirts\u202c", "👩‍👩‍👧‍👦",
    " \n\t ", "x" * 2000,
]  # fmt: skip


@pytest.fixture
def client(site: Callable[..., TestClient]) -> TestClient:
    return site(public_url=OURS)


def atom(response: Response) -> Any:
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)


def entries(response: Response) -> Any:
    return atom(response).findall(f"{ATOM}entry")


def titles(response: Response) -> Any:
    return [entry.findtext(f"{ATOM}title") for entry in entries(response)]


def test_atom_feed_conforms_to_rfc_4287(client: TestClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish(prompt="a lighthouse", pictures=2)
    feed = atom(client.get("/feed.atom"))
    assert feed.findtext(f"{ATOM}id") == "tag:paint.example,2026:wall"
    assert feed.findtext(f"{ATOM}updated") == "2026-11-20T12:00:00Z"
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {"self": f"{OURS}/feed.atom", "alternate": f"{OURS}/"}
    entry = feed.find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == f"tag:paint.example,2026:creation/{one}"
    assert entry.findtext(f"{ATOM}title") == "a lighthouse"
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Ada"
    enclosures = [link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "enclosure"]
    assert [link.get("type") for link in enclosures] == ["image/jpeg", "image/webp", "image/webp"]
    assert client.get(enclosures[0].get("href").removeprefix(OURS)).status_code == 200
    assert '<img src="https://paint.example/pictures/' in entry.findtext(f"{ATOM}content")
    assert entry.find(f"{ATOM}content").get("type") == "html"


def test_json_feed_has_the_same_entries(client: TestClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish(prompt="a lighthouse")
    response = client.get("/feed.json")
    assert response.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = response.json()
    assert (feed["version"], feed["feed_url"]) == ("https://jsonfeed.org/version/1.1", f"{OURS}/feed.json")
    [item] = feed["items"]
    assert (item["id"], item["url"]) == (f"tag:paint.example,2026:creation/{one}", f"{OURS}/c/{one}")
    assert item["authors"] == [{"name": "Ada", "url": f"{OURS}/@ada"}]
    assert item["attachments"][0]["mime_type"] == "image/webp"
    assert client.get(item["image"].removeprefix(OURS)).headers["Content-Type"] == "image/jpeg"
    assert datetime.fromisoformat(item["date_published"]).tzinfo is not None


def test_feed_of_a_person_holds_only_their_creations(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(prompt="ada's")
    gallery_data.publish(prompt="grace's", person_id=gallery_data.person("Grace", "Grace <b>"))
    response = client.get("/@grace/feed.atom")
    assert titles(response) == ["grace's"]
    assert atom(response).findtext(f"{ATOM}title") == "Grace <b> on Threadpaint"
    assert [item["title"] for item in client.get("/@grace/feed.json").json()["items"]] == ["grace's"]
    for nobody in ("nobody", "%00", "x" * 3000):
        assert client.get(f"/@{nobody}/feed.atom").status_code == 404


def test_search_has_a_feed(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    ids = [gallery_data.publish(prompt=prompt, published_at=None) for prompt in ("a fox", "an owl", "two foxes")]
    with write_session(engine) as session:
        publish(session, creations.c.id.in_(ids))
    response = client.get("/search.atom", params={"q": "fox & fox"})
    assert titles(response) == ["two foxes", "a fox"]
    assert atom(response).find(f"{ATOM}link").get("href") == f"{OURS}/search.atom?q=fox+%26+fox"
    assert [item["title"] for item in client.get("/search.json?q=owl").json()["items"]] == ["an owl"]
    assert titles(client.get("/search.atom")) == []


def test_only_public_boards_have_feeds(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    one, ada = gallery_data.publish(prompt="kept"), gallery_data.person()
    with write_session(engine) as session:
        for name, public in (("open", True), ("mine", False)):
            row = {"name": name, "public": public, "title": "T", "about": "", "size": 1, "person_id": ada}
            row |= {"created_at": now(), "changed_at": now()}
            board_id = session.execute(insert(boards).values(**row).returning(boards.c.id)).scalar_one()
            session.execute(insert(board_items).values(board_id=board_id, creation_id=one, at=now()))
    assert titles(client.get("/b/open/feed.atom")) == ["kept"]
    assert client.get("/b/mine/feed.atom").status_code == 404


def test_older_entries_are_behind_a_link(client: TestClient, gallery_data: GalleryData) -> None:
    for number in range(ENTRIES + 2):
        gallery_data.publish(prompt=str(number), pictures=0)
    first = client.get("/@ada/feed.atom")
    [older] = [link.get("href") for link in atom(first).findall(f"{ATOM}link") if link.get("rel") == "next"]
    assert len(titles(first)) == ENTRIES
    assert titles(client.get(older.removeprefix(OURS))) == ["1", "0"]
    following = client.get("/feed.json").json()["next_url"]
    assert len(client.get(following.removeprefix(OURS)).json()["items"]) == 2


@pytest.mark.parametrize("path", ["/feed.atom", "/feed.json", "/@ada/feed.atom", "/search.atom?q=cat"])
def test_unchanged_feed_answers_304(client: TestClient, gallery_data: GalleryData, path: str) -> None:
    gallery_data.publish(prompt="a cat")
    first = client.get(path)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    again = client.get(path, headers={"If-None-Match": f'W/{first.headers["ETag"]}, "other"'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    if "search" not in path:
        gallery_data.publish(prompt="a dog")
        assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_entry_of_a_sensitive_picture_omits_it(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(sensitive=True)
    atom_text, item = client.get("/feed.atom").text, client.get("/feed.json").json()["items"][0]
    assert "/pictures/" not in atom_text
    assert "Marked as sensitive" in atom_text
    assert "image" not in item
    assert "attachments" not in item


def test_feeds_hold_nothing_private(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    gallery_data.publish(prompt="secret", published_at=None, hidden_at=now())
    sign_in(client, gallery_data.person())
    for path in ("/feed.atom", "/@ada/feed.atom", "/feed.json"):
        assert "secret" not in client.get(path).text


@pytest.mark.parametrize("form", ["atom", "json"])
def test_feed_errors_are_problem_json(client: TestClient, form: Any) -> None:
    for path, status in ((f"/feed.{form}?cursor=nonsense", 422), (f"/@nobody/feed.{form}", 404)):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_empty_feed_is_valid(client: TestClient) -> None:
    assert titles(client.get("/feed.atom")) == []
    assert client.get("/feed.json").json()["items"] == []


def test_feed_ignores_the_host_header(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    gallery_data.publish()
    for path in ("/feed.atom", "/feed.json", "/api/creations"):
        assert "evil" not in site().get(path, headers={"Host": "evil.example"}).text


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.elements.append((tag, *sorted(name for name, _ in attributes)))


def assert_feeds_hold(client: TestClient, gallery_data: GalleryData, texts: Any) -> None:
    for number, text in enumerate(texts):
        person_id = gallery_data.person(f"h{number}", text, id=9000 + number)
        gallery_data.publish(prompt=text, person_id=person_id, pictures=0 if number else 1)
        for path in ("/feed", f"/@h{number}/feed"):
            entry, item = entries(client.get(f"{path}.atom"))[0], client.get(f"{path}.json").json()["items"][0]
            for content in (entry.findtext(f"{ATOM}content"), item["content_html"]):
                elements = [element for element in Seen(content).elements if element[0] != "img"]
                assert elements == [("p",)] * len(elements), text
            assert entry.findtext(f"{ATOM}title")
            assert entry.findtext(f"{ATOM}author/{ATOM}name")


def test_own_hostile_text_keeps_feeds_valid(client: TestClient, gallery_data: GalleryData) -> None:
    assert_feeds_hold(client, gallery_data, HOSTILE)


def test_naughty_strings_keep_feeds_valid(client: TestClient, gallery_data: GalleryData, material: Path) -> None:
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    assert_feeds_hold(client, gallery_data, naughty[::9])


def test_known_script_injections_keep_feeds_valid(
    client: TestClient, gallery_data: GalleryData, material: Path
) -> None:
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert_feeds_hold(client, gallery_data, payloads[:: max(1, len(payloads) // 40)])
