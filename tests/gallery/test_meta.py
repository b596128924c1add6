"""Metadata in the head of a page: previews, JSON-LD and links to feeds."""

import csv
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from core.clock import now
from core.database import write_session
from core.models import board_items, boards
from core.text import display_name
from tests.support.gallery_data import GalleryData

OURS = "https://paint.example"
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    '"\\',
    "\u2028\u2029",
    "&lt;",
    "a\x00b",
    "'",
    "{{ 7*7 }}",
    "\u202e",
]


@pytest.fixture
def client(site: Callable[..., TestClient]) -> TestClient:
    return site(public_url=OURS)


class Head(HTMLParser):
    """Metas, links and data of a page, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.metas: dict[str | None, str | None] = {}
        self.images: list[dict[str, str | None]] = []
        self.links: list[dict[str, str]] = []
        self.data: list[Any] = []
        self.scripts = 0
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        values = dict(attributes)
        if tag == "meta":
            name = values.get("property") or values.get("name")
            self.metas.setdefault(name, values.get("content"))
            if name == "og:image":
                self.images.append({"": values.get("content")})
            elif name and name.startswith("og:image:"):
                self.images[-1][name.removeprefix("og:image:")] = values.get("content")
        if tag == "link":
            self.links.append(values)
        if tag == "script":
            self.scripts += 1
            self._inside = values.get("type") == "application/ld+json"

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: Any) -> None:
        if self._inside:
            self.data.append(json.loads(data))

    def link(self, rel: Any, kind: str | None = None) -> Any:
        return [link["href"] for link in self.links if link["rel"] == rel and kind in (None, link.get("type"))]


def head(client: TestClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200
    return Head(response.text)


def test_creation_has_a_preview_with_its_picture(client: TestClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish(prompt="a lighthouse")
    found = head(client, f"/c/{one}")
    metas = found.metas
    assert metas["og:title"] == "a lighthouse"
    assert metas["og:url"] == f"{OURS}/c/{one}"
    assert metas["twitter:card"] == "summary_large_image"
    assert metas["twitter:image"] == metas["og:image"]
    assert [(one["type"], one["width"], one["height"]) for one in found.images] == [
        ("image/jpeg", "1200", "630"),
        ("image/webp", "96", "64"),
    ]
    for image in found.images:
        assert image["alt"] == "a lighthouse – prompted by Ada"
        answer = client.get(image[""].removeprefix(OURS))
        assert answer.headers["Content-Type"] == image["type"]


@pytest.mark.parametrize("path", ["/", "/top?period=all", "/@ada"])
def test_every_public_page_has_a_preview_and_a_canonical_url(
    client: TestClient, gallery_data: GalleryData, path: str
) -> None:
    gallery_data.publish(likes=2, sensitive=True)
    gallery_data.publish(prompt="second", likes=1)
    found = head(client, path)
    assert found.link("canonical") == [OURS + path]
    assert found.metas["og:url"] == OURS + path
    assert found.metas["og:title"]
    assert found.metas["og:image:alt"].startswith("second")


def test_page_of_sensitive_pictures_has_a_preview_without_a_picture(
    client: TestClient, gallery_data: GalleryData
) -> None:
    one = gallery_data.publish(sensitive=True)
    for path in ("/", "/@ada", f"/c/{one}"):
        found = head(client, path)
        assert "og:image" not in found.metas
        assert found.metas["twitter:card"] == "summary"
        assert found.data == []


def test_site_without_public_url_has_no_previews_and_ignores_the_host_header(
    site: Callable[..., TestClient], gallery_data: GalleryData
) -> None:
    response = site().get(f"/c/{gallery_data.publish()}", headers={"Host": "evil.example"})
    assert "og:" not in response.text
    assert "evil" not in response.text


def test_pages_link_to_their_feeds(client: TestClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish()
    for path, feed in (("/", "/feed"), ("/@ada", "/@ada/feed"), ("/search?q=a+fox", "/search")):
        found = head(client, path)
        [atom] = found.link("alternate", "application/atom+xml")
        [as_json] = found.link("alternate", "application/feed+json")
        assert atom.startswith(f"{feed}.atom")
        assert client.get(atom).status_code == client.get(as_json).status_code == 200
    for kind in ("application/json+oembed", "text/xml+oembed"):
        [address] = head(client, f"/c/{one}").link("alternate", kind)
        assert client.get(address.removeprefix(OURS)).status_code == 200


def test_public_board_has_a_preview_and_a_feed(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    one, ada = gallery_data.publish(prompt="kept"), gallery_data.person()
    with write_session(engine) as session:
        row = {"name": "open", "public": True, "title": "Foxes <b>", "about": "", "size": 1, "person_id": ada}
        row |= {"created_at": now(), "changed_at": now()}
        board_id = session.execute(insert(boards).values(**row).returning(boards.c.id)).scalar_one()
        session.execute(insert(board_items).values(board_id=board_id, creation_id=one, at=now()))
    found = head(client, "/b/open")
    assert (found.metas["og:title"], found.metas["og:image:alt"]) == ("Foxes <b>", "kept – prompted by Ada")
    assert found.link("alternate", "application/atom+xml") == ["/b/open/feed.atom"]


def test_linked_data_names_the_author_and_the_model(client: TestClient, gallery_data: GalleryData) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace"))
    one = gallery_data.publish(prompt="a lighthouse", model="sd-turbo", parent_id=parent, likes=3)
    [data] = head(client, f"/c/{one}").data
    assert (data["@context"], data["@type"]) == ("https://schema.org", "ImageObject")
    assert data["creator"] == {"@type": "Person", "name": "Ada", "url": f"{OURS}/@ada"}
    assert data["creditText"] == "prompted by Ada, made with sd-turbo"
    assert data["digitalSourceType"] == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert data["isBasedOn"] == f"{OURS}/c/{parent}"
    assert data["dateCreated"].startswith("2026-11-20T12:")
    assert data["interactionStatistic"][0]["userInteractionCount"] == 3
    assert client.get(data["contentUrl"].removeprefix(OURS)).status_code == 200


def test_linked_data_names_the_digital_source_type(client: TestClient, gallery_data: GalleryData) -> None:
    kinds = {
        "algorithmicMedia": gallery_data.publish(),
        "compositeWithTrainedAlgorithmicMedia": gallery_data.publish(model="sd-turbo", init_image_key="aa/x.webp"),
    }
    for kind, one in kinds.items():
        assert head(client, f"/c/{one}").data[0]["digitalSourceType"].endswith(f"/{kind}")


def test_linked_data_of_several_pictures_is_a_graph(client: TestClient, gallery_data: GalleryData) -> None:
    [data] = head(client, f"/c/{gallery_data.publish(pictures=3)}").data
    assert [one["@type"] for one in data["@graph"]] == ["ImageObject"] * 3


def test_creation_that_is_not_public_has_no_linked_data(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    hidden = gallery_data.publish(published_at=None, hidden_at=now())
    sign_in(client, gallery_data.person())
    found = Head(client.get(f"/c/{hidden}").text)
    assert found.data == []
    assert "og:image" not in found.metas


def assert_heads_hold(client: TestClient, gallery_data: GalleryData, texts: Any) -> None:
    plain = head(client, f"/c/{gallery_data.publish(prompt='plain', person_id=gallery_data.person('plain'))}")
    for number, text in enumerate(texts):
        one = gallery_data.publish(
            prompt=text, person_id=gallery_data.person(f"h{number}", text, id=9000 + number), pictures=0
        )
        gallery_data.picture(one)
        found = head(client, f"/c/{one}")
        assert found.scripts == plain.scripts, text
        assert found.metas.keys() == plain.metas.keys(), text
        [data] = found.data
        assert data["creator"]["name"] == display_name(text, f"h{number}")


def test_own_hostile_prompts_stay_inside_the_linked_data(client: TestClient, gallery_data: GalleryData) -> None:
    assert_heads_hold(client, gallery_data, HOSTILE)


def test_naughty_strings_stay_inside_the_linked_data(
    client: TestClient, gallery_data: GalleryData, material: Path
) -> None:
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    assert_heads_hold(client, gallery_data, naughty[::12])


def test_known_script_injections_stay_inside_the_linked_data(
    client: TestClient, gallery_data: GalleryData, material: Path
) -> None:
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert_heads_hold(client, gallery_data, payloads[:: max(1, len(payloads) // 40)])
