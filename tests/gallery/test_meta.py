"""What other sites read in the head of a page: previews, linked data, where its feeds are."""

import csv
import json
from html.parser import HTMLParser

import pytest
from sqlalchemy import insert

from core.clock import now
from core.database import transaction
from core.models import boards, collected
from core.text import display_name

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
def client(site):
    return site(public_url=OURS)


class Head(HTMLParser):
    """Metas, links and data of a page, as a browser would read them."""

    def __init__(self, html):
        super().__init__()
        self.metas, self.images, self.links, self.data, self.scripts = {}, [], [], [], 0
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
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

    def handle_endtag(self, tag):
        if tag == "script":
            self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.data.append(json.loads(data))

    def link(self, rel, kind=None):
        return [link["href"] for link in self.links if link["rel"] == rel and kind in (None, link.get("type"))]


def head(client, path):
    response = client.get(path)
    assert response.status_code == 200
    return Head(response.text)


def test_a_creation_has_a_preview_with_its_own_picture(client, wall):
    one = wall.hang(prompt="a lighthouse")
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


@pytest.mark.parametrize("path", ["/", "/top?of=all", "/@ada"])
def test_every_public_page_has_a_preview_and_one_address(client, wall, path):
    wall.hang(likes=2, sensitive=True)
    wall.hang(prompt="second", likes=1)
    found = head(client, path)
    assert found.link("canonical") == [OURS + path]
    assert found.metas["og:url"] == OURS + path
    assert found.metas["og:title"]
    assert found.metas["og:image:alt"].startswith("second")


def test_a_page_whose_pictures_are_all_sensitive_has_a_preview_without_one(client, wall):
    one = wall.hang(sensitive=True)
    for path in ("/", "/@ada", f"/c/{one}"):
        found = head(client, path)
        assert "og:image" not in found.metas
        assert found.metas["twitter:card"] == "summary"
        assert found.data == []


def test_without_an_address_of_its_own_a_site_has_no_previews_and_believes_no_host_header(site, wall):
    response = site().get(f"/c/{wall.hang()}", headers={"Host": "evil.example"})
    assert "og:" not in response.text
    assert "evil" not in response.text


def test_feeds_are_named_where_they_are(client, wall):
    one = wall.hang()
    for path, feed in (("/", "/feed"), ("/@ada", "/@ada/feed"), ("/search?q=a+fox", "/search")):
        found = head(client, path)
        [atom] = found.link("alternate", "application/atom+xml")
        [as_json] = found.link("alternate", "application/feed+json")
        assert atom.startswith(f"{feed}.atom")
        assert client.get(atom).status_code == client.get(as_json).status_code == 200
    for kind in ("application/json+oembed", "text/xml+oembed"):
        [address] = head(client, f"/c/{one}").link("alternate", kind)
        assert client.get(address.removeprefix(OURS)).status_code == 200


def test_a_public_board_has_a_preview_and_a_feed(client, wall, engine):
    one, ada = wall.hang(prompt="kept"), wall.person()
    with transaction(engine) as session:
        row = {"name": "open", "public": True, "title": "Foxes <b>", "about": "", "size": 1, "person_id": ada}
        row |= {"created_at": now(), "changed_at": now()}
        board_id = session.execute(insert(boards).values(**row).returning(boards.c.id)).scalar_one()
        session.execute(insert(collected).values(board_id=board_id, creation_id=one, at=now()))
    found = head(client, "/b/open")
    assert (found.metas["og:title"], found.metas["og:image:alt"]) == ("Foxes <b>", "kept – prompted by Ada")
    assert found.link("alternate", "application/atom+xml") == ["/b/open/feed.atom"]


def test_linked_data_says_who_prompted_it_and_that_a_machine_painted_it(client, wall):
    parent = wall.hang(person_id=wall.person("grace"))
    one = wall.hang(prompt="a lighthouse", model="sd-turbo", parent_id=parent, likes=3)
    [data] = head(client, f"/c/{one}").data
    assert (data["@context"], data["@type"]) == ("https://schema.org", "ImageObject")
    assert data["creator"] == {"@type": "Person", "name": "Ada", "url": f"{OURS}/@ada"}
    assert data["creditText"] == "prompted by Ada, painted with sd-turbo"
    assert data["digitalSourceType"] == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert data["isBasedOn"] == f"{OURS}/c/{parent}"
    assert data["dateCreated"].startswith("2026-11-20T12:")
    assert data["interactionStatistic"][0]["userInteractionCount"] == 3
    assert client.get(data["contentUrl"].removeprefix(OURS)).status_code == 200


def test_a_sketch_and_a_picture_made_from_a_picture_say_so(client, wall):
    kinds = {
        "algorithmicMedia": wall.hang(),
        "compositeWithTrainedAlgorithmicMedia": wall.hang(model="sd-turbo", start_key="aa/x.webp"),
    }
    for kind, one in kinds.items():
        assert head(client, f"/c/{one}").data[0]["digitalSourceType"].endswith(f"/{kind}")


def test_several_pictures_are_a_graph(client, wall):
    [data] = head(client, f"/c/{wall.hang(pictures=3)}").data
    assert [one["@type"] for one in data["@graph"]] == ["ImageObject"] * 3


def test_what_does_not_hang_has_no_linked_data(client, wall, sign_in):
    hidden = wall.hang(shown_at=None, hidden_at=now())
    sign_in(client, wall.person())
    found = Head(client.get(f"/c/{hidden}").text)
    assert found.data == []
    assert "og:image" not in found.metas


def assert_heads_hold(client, wall, texts):
    plain = head(client, f"/c/{wall.hang(prompt='plain', person_id=wall.person('plain'))}")
    for number, text in enumerate(texts):
        one = wall.hang(prompt=text, person_id=wall.person(f"h{number}", text, id=9000 + number), pictures=0)
        wall.picture(one)
        found = head(client, f"/c/{one}")
        assert found.scripts == plain.scripts, text
        assert found.metas.keys() == plain.metas.keys(), text
        [data] = found.data
        assert data["creator"]["name"] == display_name(text, f"h{number}")


def test_no_prompt_of_our_own_ends_its_data(client, wall):
    assert_heads_hold(client, wall, HOSTILE)


def test_no_naughty_string_ends_its_data(client, wall, material):
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    assert_heads_hold(client, wall, naughty[::12])


def test_no_known_script_injection_ends_its_data(client, wall, material):
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert_heads_hold(client, wall, payloads[:: max(1, len(payloads) // 40)])
