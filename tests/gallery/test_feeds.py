"""Feeds: read by real parsers, whatever people write."""

import csv
import json
from datetime import datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from sqlalchemy import insert

from core.clock import now
from core.database import transaction
from core.models import boards, collected, creations
from core.visibility import show
from gallery.machines.feeds import ENTRIES

ATOM = "{http://www.w3.org/2005/Atom}"
OURS = "https://paint.example"
HOSTILE = [
    "]]><x/>", "</content><script>alert(1)</script>", "&amp;&#0;&bogus;",
    "a\x00\x01\x08\x0b\x1b\x1fb", "\ufffe\uffff", "\x7f\x85",
    "<!--", "<?xml?>", "<![CDATA[", '"><img src=x onerror=alert(1)>', "\u202egnirts\u202c", "👩‍👩‍👧‍👦",
    " \n\t ", "x" * 2000,
]  # fmt: skip


@pytest.fixture
def client(site):
    return site(public_url=OURS)


def atom(response):
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)


def entries(response):
    return atom(response).findall(f"{ATOM}entry")


def titles(response):
    return [entry.findtext(f"{ATOM}title") for entry in entries(response)]


def test_the_wall_as_atom_has_all_that_the_standard_wants(client, wall):
    one = wall.hang(prompt="a lighthouse", pictures=2)
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


def test_the_wall_as_json_feed_has_the_same(client, wall):
    one = wall.hang(prompt="a lighthouse")
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


def test_a_persons_feed_holds_theirs_alone(client, wall):
    wall.hang(prompt="ada's")
    wall.hang(prompt="grace's", person_id=wall.person("Grace", "Grace <b>"))
    response = client.get("/@grace/feed.atom")
    assert titles(response) == ["grace's"]
    assert atom(response).findtext(f"{ATOM}title") == "Grace <b> on Threadpaint"
    assert [item["title"] for item in client.get("/@grace/feed.json").json()["items"]] == ["grace's"]
    for nobody in ("nobody", "%00", "x" * 3000):
        assert client.get(f"/@{nobody}/feed.atom").status_code == 404


def test_a_search_can_be_followed(client, wall, engine):
    ids = [wall.hang(prompt=prompt, shown_at=None) for prompt in ("a fox", "an owl", "two foxes")]
    with transaction(engine) as session:
        show(session, creations.c.id.in_(ids))
    response = client.get("/search.atom", params={"q": "fox & fox"})
    assert titles(response) == ["two foxes", "a fox"]
    assert atom(response).find(f"{ATOM}link").get("href") == f"{OURS}/search.atom?q=fox+%26+fox"
    assert [item["title"] for item in client.get("/search.json?q=owl").json()["items"]] == ["an owl"]
    assert titles(client.get("/search.atom")) == []


def test_a_public_board_can_be_followed_and_no_other(client, wall, engine):
    one, ada = wall.hang(prompt="kept"), wall.person()
    with transaction(engine) as session:
        for name, public in (("open", True), ("mine", False)):
            row = {"name": name, "public": public, "title": "T", "about": "", "size": 1, "person_id": ada}
            row |= {"created_at": now(), "changed_at": now()}
            board_id = session.execute(insert(boards).values(**row).returning(boards.c.id)).scalar_one()
            session.execute(insert(collected).values(board_id=board_id, creation_id=one, at=now()))
    assert titles(client.get("/b/open/feed.atom")) == ["kept"]
    assert client.get("/b/mine/feed.atom").status_code == 404


def test_older_entries_are_behind_a_link(client, wall):
    for number in range(ENTRIES + 2):
        wall.hang(prompt=str(number), pictures=0)
    first = client.get("/@ada/feed.atom")
    [older] = [link.get("href") for link in atom(first).findall(f"{ATOM}link") if link.get("rel") == "next"]
    assert len(titles(first)) == ENTRIES
    assert titles(client.get(older.removeprefix(OURS))) == ["1", "0"]
    following = client.get("/feed.json").json()["next_url"]
    assert len(client.get(following.removeprefix(OURS)).json()["items"]) == 2


@pytest.mark.parametrize("path", ["/feed.atom", "/feed.json", "/@ada/feed.atom", "/search.atom?q=cat"])
def test_who_has_it_already_gets_nothing_again_until_it_changes(client, wall, path):
    wall.hang(prompt="a cat")
    first = client.get(path)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    again = client.get(path, headers={"If-None-Match": f'W/{first.headers["ETag"]}, "other"'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    if "search" not in path:
        wall.hang(prompt="a dog")
        assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_sensitive_picture_comes_without_its_picture(client, wall):
    wall.hang(sensitive=True)
    atom_text, item = client.get("/feed.atom").text, client.get("/feed.json").json()["items"][0]
    assert "/pictures/" not in atom_text
    assert "Marked as sensitive" in atom_text
    assert "image" not in item
    assert "attachments" not in item


def test_what_a_member_alone_may_see_is_in_no_feed(client, wall, sign_in):
    wall.hang(prompt="secret", shown_at=None, hidden_at=now())
    sign_in(client, wall.person())
    for path in ("/feed.atom", "/@ada/feed.atom", "/feed.json"):
        assert "secret" not in client.get(path).text


@pytest.mark.parametrize("form", ["atom", "json"])
def test_what_goes_wrong_is_told_to_programs_not_on_a_page(client, form):
    for path, status in ((f"/feed.{form}?cursor=nonsense", 422), (f"/@nobody/feed.{form}", 404)):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_an_empty_wall_is_a_feed_too(client):
    assert titles(client.get("/feed.atom")) == []
    assert client.get("/feed.json").json()["items"] == []


def test_without_an_address_of_its_own_the_site_believes_no_host_header(site, wall):
    wall.hang()
    for path in ("/feed.atom", "/feed.json", "/api/creations"):
        assert "evil" not in site().get(path, headers={"Host": "evil.example"}).text


class Seen(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, *sorted(name for name, _ in attributes)))


def assert_feeds_hold(client, wall, texts):
    for number, text in enumerate(texts):
        person_id = wall.person(f"h{number}", text, id=9000 + number)
        wall.hang(prompt=text, person_id=person_id, pictures=0 if number else 1)
        for path in ("/feed", f"/@h{number}/feed"):
            entry, item = entries(client.get(f"{path}.atom"))[0], client.get(f"{path}.json").json()["items"][0]
            for content in (entry.findtext(f"{ATOM}content"), item["content_html"]):
                elements = [element for element in Seen(content).elements if element[0] != "img"]
                assert elements == [("p",)] * len(elements), text
            assert entry.findtext(f"{ATOM}title")
            assert entry.findtext(f"{ATOM}author/{ATOM}name")


def test_hostile_text_of_our_own_keeps_feeds_whole(client, wall):
    assert_feeds_hold(client, wall, HOSTILE)


def test_naughty_strings_keep_feeds_whole(client, wall, material):
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    assert_feeds_hold(client, wall, naughty[::9])


def test_known_script_injections_keep_feeds_whole(client, wall, material):
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert_feeds_hold(client, wall, payloads[:: max(1, len(payloads) // 40)])
