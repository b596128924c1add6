"""Browsers can install the site: its manifest, its service worker and the offline page."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.pages import find_match
from tests.support.site_client import SiteClient


def test_the_manifest_names_icons_of_its_sizes(client: SiteClient) -> None:
    assert '<link rel="manifest" href="/manifest.webmanifest">' in client.get("/").text
    response = client.get("/manifest.webmanifest")
    assert response.headers["content-type"] == "application/manifest+json"
    icons = response.json()["icons"]
    sizes = {(icon["sizes"], icon["purpose"]) for icon in icons}
    assert sizes == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    for icon in icons:
        file = client.get(icon["src"])
        assert "immutable" in file.headers["cache-control"]
        with Image.open(io.BytesIO(file.content)) as image:
            assert f"{image.width}x{image.height}" == icon["sizes"]


@pytest.mark.parametrize(("options", "offered"), [({}, False), ({"settings": SETTINGS_WITH_SIGN_IN}, True)])
def test_sharing_is_offered_if_users_can_sign_in(
    site: Callable[..., SiteClient], options: dict[str, Any], offered: bool
) -> None:
    assert ("share_target" in site(**options).get("/manifest.webmanifest").json()) == offered


def test_the_service_worker_stores_only_the_offline_page_and_its_files(client: SiteClient) -> None:
    response = client.get("/service-worker.js")
    assert response.headers["content-type"].startswith("text/javascript")
    files = json.loads(find_match(r"FILES = (\[.*\])", response.text)[1])
    page = client.get("/offline").text
    assert files[0] == "/offline"
    assert sorted(files[1:]) == sorted(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert all(client.get(path).status_code == 200 for path in files)
    unchanged = client.get("/service-worker.js", headers={"If-None-Match": response.headers["etag"]})
    assert unchanged.status_code == 304


def test_the_offline_page_knows_no_member(
    client: SiteClient, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> None:
    before = client.get("/offline")
    assert "No connection" in before.text
    sign_in(client, gallery_data.person("ada"))
    client.cookies.set("theme", "dark")
    after = client.get("/offline")
    assert after.text == before.text
    assert "private" not in after.headers["cache-control"]
