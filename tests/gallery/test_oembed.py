"""oEmbed: the data that other sites get for an address of this one."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from core.clock import now
from tests.support.gallery_data import GalleryData

OURS = "https://paint.example"


@pytest.fixture
def client(site: Callable[..., TestClient]) -> TestClient:
    return site(public_url=OURS)


def ask(client: TestClient, url: str, **values: Any) -> Any:
    return client.get("/oembed", params={"url": url, **values})


def test_creation_is_a_photo_with_its_author(client: TestClient, gallery_data: GalleryData) -> None:
    answer = ask(client, f"{OURS}/c/{gallery_data.publish(prompt='a lighthouse')}")
    data = answer.json()
    assert answer.headers["Content-Type"] == "application/json"
    assert (data["type"], data["version"], data["title"]) == ("photo", "1.0", "a lighthouse")
    assert (data["author_name"], data["author_url"]) == ("Ada", f"{OURS}/@ada")
    assert (data["provider_name"], data["provider_url"]) == ("Threadpaint", f"{OURS}/")
    assert (data["width"], data["height"]) == (96, 64)
    assert (data["thumbnail_width"], data["thumbnail_height"]) == (96, 50)
    kinds = [client.get(data[name].removeprefix(OURS)).headers["Content-Type"] for name in ("url", "thumbnail_url")]
    assert kinds == ["image/webp", "image/jpeg"]


def test_xml_has_the_same_data(client: TestClient, gallery_data: GalleryData) -> None:
    answer = ask(client, f"{OURS}/c/{gallery_data.publish(prompt='<a> & ]]> b')}", format="xml")
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
def test_photo_fits_the_requested_size(client: TestClient, gallery_data: GalleryData, bounds: Any, size: Any) -> None:
    data = ask(client, f"{OURS}/c/{gallery_data.publish()}", **bounds).json()
    assert (data["width"], data["height"]) == size
    assert data["thumbnail_width"] <= data["width"]


def test_creation_that_is_not_public_is_not_found(client: TestClient, gallery_data: GalleryData) -> None:
    ids = [
        gallery_data.publish(published_at=None),
        gallery_data.publish(published_at=None, hidden_at=now()),
        gallery_data.creation(),
        999,
        10**17,
    ]
    ids.append(gallery_data.publish(published_at=None, deleted_at=now()))
    for creation_id in ids:
        assert ask(client, f"{OURS}/c/{creation_id}").status_code == 404


def test_sensitive_picture_is_a_link(client: TestClient, gallery_data: GalleryData) -> None:
    answer = ask(client, f"{OURS}/c/{gallery_data.publish(sensitive=True)}")
    assert answer.json()["type"] == "link"
    assert "/pictures/" not in answer.text


def test_addresses_of_other_sites_are_not_found(client: TestClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish()
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


def test_unknown_format_is_not_implemented(client: TestClient, gallery_data: GalleryData) -> None:
    response = ask(client, f"{OURS}/c/{gallery_data.publish()}", format="yaml")
    assert (response.status_code, response.headers["Content-Type"]) == (501, "application/problem+json")


def test_invalid_bounds_are_validation_errors(client: TestClient, gallery_data: GalleryData) -> None:
    for bound in ("0", "-1", "x", "9" * 5000, "1.5", "٣"):
        assert ask(client, f"{OURS}/c/{gallery_data.publish()}", maxwidth=bound).status_code == 422


def test_site_without_public_url_has_no_oembed(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    client = site()
    assert ask(client, f"http://testserver/c/{gallery_data.publish()}").status_code == 404
