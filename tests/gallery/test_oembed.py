"""oEmbed: what other sites are told of an address of this one."""

from xml.etree import ElementTree

import pytest

from core.clock import now

OURS = "https://paint.example"


@pytest.fixture
def client(site):
    return site(public_url=OURS)


def ask(client, url, **values):
    return client.get("/oembed", params={"url": url, **values})


def test_a_creation_is_a_photo_with_its_author(client, wall):
    answer = ask(client, f"{OURS}/c/{wall.hang(prompt='a lighthouse')}")
    told = answer.json()
    assert answer.headers["Content-Type"] == "application/json"
    assert (told["type"], told["version"], told["title"]) == ("photo", "1.0", "a lighthouse")
    assert (told["author_name"], told["author_url"]) == ("Ada", f"{OURS}/@ada")
    assert (told["provider_name"], told["provider_url"]) == ("Threadpaint", f"{OURS}/")
    assert (told["width"], told["height"]) == (96, 64)
    assert (told["thumbnail_width"], told["thumbnail_height"]) == (96, 50)
    kinds = [client.get(told[name].removeprefix(OURS)).headers["Content-Type"] for name in ("url", "thumbnail_url")]
    assert kinds == ["image/webp", "image/jpeg"]


def test_the_same_as_xml(client, wall):
    answer = ask(client, f"{OURS}/c/{wall.hang(prompt='<a> & ]]> b')}", format="xml")
    root = ElementTree.fromstring(answer.content)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert (root.tag, root.findtext("type"), root.findtext("title")) == ("oembed", "photo", "<a> & ]]> b")


@pytest.mark.parametrize(
    ("bounds", "size"),
    [
        ({}, (96, 64)),
        ({"maxwidth": 96, "maxheight": 64}, (96, 64)),
        ({"maxwidth": 95}, (48, 32)),
        ({"maxheight": 40}, (48, 32)),
        ({"maxwidth": 24}, (24, 16)),
        ({"maxwidth": 1, "maxheight": 1}, (1, 1)),
    ],
)
def test_it_is_never_larger_than_asked_for(client, wall, bounds, size):
    told = ask(client, f"{OURS}/c/{wall.hang()}", **bounds).json()
    assert (told["width"], told["height"]) == size
    assert told["thumbnail_width"] <= told["width"]


def test_what_does_not_hang_is_not_told(client, wall):
    ids = [wall.hang(shown_at=None), wall.hang(shown_at=None, hidden_at=now()), wall.creation(), 999, 10**17]
    ids.append(wall.hang(shown_at=None, deleted_at=now()))
    for creation_id in ids:
        assert ask(client, f"{OURS}/c/{creation_id}").status_code == 404


def test_a_sensitive_picture_is_a_link_only(client, wall):
    answer = ask(client, f"{OURS}/c/{wall.hang(sensitive=True)}")
    assert answer.json()["type"] == "link"
    assert "/pictures/" not in answer.text


def test_other_addresses_are_not_ours(client, wall):
    one = wall.hang()
    others = [
        "", "x", f"/c/{one}", f"https://evil.example/c/{one}", f"{OURS}.evil.example/c/{one}", f"{OURS}/",
        f"{OURS}/@ada",
        f"https://paint.example@evil.example/c/{one}", f"javascript://paint.example/c/{one}", f"{OURS}/c/{one}/../2",
        f"{OURS}/c/{'9' * 5000}", f"{OURS}/c/\x00", "https://[", "http://paint.example:99999/c/1",
    ]  # fmt: skip
    for url in others:
        assert ask(client, url).status_code == 404, url
    for url in (f"http://paint.example/c/{one}", f"{OURS}/c/{one}?x=1#y", f"https://PAINT.example/c/{one}/"):
        assert ask(client, url).status_code == 200, url


def test_a_form_that_there_is_not_is_not_implemented(client, wall):
    response = ask(client, f"{OURS}/c/{wall.hang()}", format="yaml")
    assert (response.status_code, response.headers["Content-Type"]) == (501, "application/problem+json")


def test_senseless_bounds_are_named(client, wall):
    for bound in ("0", "-1", "x", "9" * 5000, "1.5", "٣"):
        assert ask(client, f"{OURS}/c/{wall.hang()}", maxwidth=bound).status_code == 422


def test_a_site_that_does_not_know_its_address_tells_nothing(site, wall):
    client = site()
    assert ask(client, f"http://testserver/c/{wall.hang()}").status_code == 404
