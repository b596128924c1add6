"""Hostile text as prompt and name: shown as text on every page."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from tests.support.gallery_data import GalleryData

OWN = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{ 7*7 }}{% for x in y %}",
    "javascript:alert(1)",
    "<!-- --!><b>",
    "&lt;script&gt;",
    "\u202egnirts desrever\u202c",
    "a\x00b\x08c\x1b[31m",
    "𝕳𝖊𝖑𝖑𝖔 👩‍👩‍👧‍👦 ﷽ Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "../../etc/passwd",
    "%3Cscript%3E%00%ff",
    "x" * 2000,
]


# A link to other prompts with its words, if there are words in it.
WORD_LINKS = re.compile(r'<a class="button explore__words".*?</a>')


class Seen(HTMLParser):
    """Collect every element with its attributes, without the text of prompts and the links to their words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.feed(WORD_LINKS.sub("", html))

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attributes}


def assert_shown_as_text(client: TestClient, gallery_data: GalleryData, texts: Any) -> None:
    gallery_data.publish(prompt="plain", person_id=gallery_data.person("plain", "plain"))
    plain = {path: Seen(client.get(path).text) for path in ("/c/1", "/@plain")}
    # Two runs of the same page, one plain and one hostile, must be built of the same elements.
    for number, hostile in enumerate(texts):
        person_id = gallery_data.person(f"h{number}", hostile, id=5000 + number)
        creation_id = gallery_data.publish(prompt=hostile, person_id=person_id, pictures=0)
        gallery_data.picture(creation_id)
        for path, expected in zip((f"/c/{creation_id}", f"/@h{number}"), plain.values(), strict=True):
            response = client.get(path)
            assert response.status_code == 200, hostile
            seen = Seen(response.text)
            assert seen.elements == expected.elements, hostile
            assert seen.attributes - {"tabindex"} == expected.attributes - {"tabindex"}, hostile
        assert client.get(f"/api/creations/{creation_id}").json()["prompt"] == hostile


def test_own_hostile_text_is_escaped(client: TestClient, gallery_data: GalleryData) -> None:
    assert_shown_as_text(client, gallery_data, OWN)
    assert client.get("/").status_code == 200


def test_hostile_handle_is_escaped_in_links(client: TestClient, gallery_data: GalleryData) -> None:
    handle = 'a"><script>alert(1)</script>?#/..'
    gallery_data.publish(person_id=gallery_data.person(handle))
    html = client.get("/").text
    assert "<script>" not in html
    assert 'href="/@a%22%3E%3Cscript%3Ealert%281%29%3C/script%3E%3F%23/.."' in html


def test_naughty_strings_are_escaped(client: TestClient, gallery_data: GalleryData, material: Path) -> None:
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    assert_shown_as_text(client, gallery_data, [text for text in naughty if text.strip()][::4])


def test_known_script_injections_are_escaped(client: TestClient, gallery_data: GalleryData, material: Path) -> None:
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        payloads = [row["payload"] for row in rows]
    assert_shown_as_text(client, gallery_data, payloads[:: max(1, len(payloads) // 150)])


def test_id_with_too_many_digits_is_not_found(client: TestClient) -> None:
    assert client.get("/c/" + "9" * 5000).status_code == 404


def test_redirect_without_last_slash_ignores_the_host_header(client: TestClient) -> None:
    response = client.get("/@ada/?cursor=x", headers={"Host": "evil.example"}, follow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (307, "/@ada?cursor=x")
    nowhere = client.get("http://testserver//evil.example/", follow_redirects=False)
    assert nowhere.headers["Location"] == "/evil.example"


def test_error_pages_are_not_cached_without_revalidation(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    key = client.get("/api/creations").json()["items"][0]["pictures"][0]["url"]
    past_the_end = client.get(key, headers={"Range": "bytes=99999-"})
    assert past_the_end.status_code == 416
    answers = [past_the_end, client.get("/api/nope"), client.get("/pictures/nope.webp"), client.get("/api/creations")]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-cache"}
