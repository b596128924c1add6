"""Hostile text as prompt and name: shown as text on every page."""

import csv
import json
from html.parser import HTMLParser

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


class Seen(HTMLParser):
    """Every element with its attributes, but without the text of prompts."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes = [], set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attributes}


def assert_shown_as_text(client, wall, texts):
    wall.hang(prompt="plain", person_id=wall.person("plain", "plain"))
    # Two runs of the same page, one plain and one hostile, must be built of the same elements.
    for number, hostile in enumerate(texts):
        person_id = wall.person(f"h{number}", hostile, id=5000 + number)
        creation_id = wall.hang(prompt=hostile, person_id=person_id, pictures=0)
        wall.picture(creation_id)
        for path, plain in ((f"/c/{creation_id}", "/c/1"), (f"/@h{number}", "/@plain")):
            response = client.get(path)
            assert response.status_code == 200, hostile
            seen, expected = Seen(response.text), Seen(client.get(plain).text)
            assert seen.elements == expected.elements, hostile
            assert seen.attributes - {"tabindex"} == expected.attributes - {"tabindex"}, hostile
        assert client.get(f"/api/creations/{creation_id}").json()["prompt"] == hostile


def test_hostile_text_of_our_own_is_shown_as_text(client, wall):
    assert_shown_as_text(client, wall, OWN)
    assert client.get("/").status_code == 200


def test_a_hostile_handle_stays_inside_its_link(client, wall):
    handle = 'a"><script>alert(1)</script>?#/..'
    wall.hang(person_id=wall.person(handle))
    html = client.get("/").text
    assert "<script>" not in html
    assert 'href="/@a%22%3E%3Cscript%3Ealert%281%29%3C/script%3E%3F%23/.."' in html


def test_the_naughty_strings_are_shown_as_text(client, wall, material):
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    assert_shown_as_text(client, wall, [text for text in naughty if text.strip()][::4])


def test_known_script_injections_are_shown_as_text(client, wall, material):
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        payloads = [row["payload"] for row in rows]
    assert_shown_as_text(client, wall, payloads[:: max(1, len(payloads) // 150)])


def test_an_id_with_more_digits_than_python_reads_is_nowhere(client):
    assert client.get("/c/" + "9" * 5000).status_code == 404


def test_a_slash_too_many_leads_back_without_believing_the_host_header(client):
    response = client.get("/@ada/?cursor=x", headers={"Host": "evil.example"}, follow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (307, "/@ada?cursor=x")
    nowhere = client.get("http://testserver//evil.example/", follow_redirects=False)
    assert nowhere.headers["Location"] == "/evil.example"


def test_nobody_keeps_an_error_unasked(client, wall):
    wall.hang()
    key = client.get("/api/creations").json()["items"][0]["pictures"][0]["url"]
    past_the_end = client.get(key, headers={"Range": "bytes=99999-"})
    assert past_the_end.status_code == 416
    answers = [past_the_end, client.get("/api/nope"), client.get("/pictures/nope.webp"), client.get("/api/creations")]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-cache"}
