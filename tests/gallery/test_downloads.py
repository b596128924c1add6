"""Downloads have readable names, every format carries the provenance, and a conversion costs a bounded time."""

import io
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from core.imaging import Provenance
from core.storage import FolderStorage
from gallery.services import downloads
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context
from tests.support.site_client import SiteClient


def test_download_has_a_descriptive_file_name(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(prompt='a "lighthouse" at night / 夜の灯台', pictures=2)
    picture = page_context(client.get(f"/c/{creation_id}"))["creation"].pictures[1]
    response = client.get(f"/c/{creation_id}/download/2")
    assert response.content == client.get(picture.url).content
    assert response.headers["content-type"] == "image/webp"
    words = response.headers["content-disposition"]
    assert words.startswith(f'attachment; filename="a-lighthouse-at-night-threadpaint-{creation_id}-2.webp"; ')
    assert unquote(words.partition("filename*=UTF-8''")[2]) == (
        f"a-lighthouse-at-night-夜の灯台-threadpaint-{creation_id}-2.webp"
    )


@pytest.mark.parametrize("prompt", ["", "...", "🌊" * 300, "x" * 2000, 'a"; filename=b\r\nX: y', "../../etc/passwd"])
def test_any_prompt_makes_a_safe_file_name(client: TestClient, gallery_data: GalleryData, prompt: str) -> None:
    creation_id = gallery_data.publish(prompt=prompt)
    words = client.get(f"/c/{creation_id}/download/1").headers["content-disposition"]
    plain = re.fullmatch(r"attachment; filename=\"([\w-]+\.webp)\"; filename\*=UTF-8''[\w%.-]+", words, re.ASCII)
    assert plain
    assert f"threadpaint-{creation_id}.webp" in plain[1]
    assert len(words) < 1000


@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "9" * 5000])
def test_missing_picture_is_not_found(client: TestClient, gallery_data: GalleryData, number: Any) -> None:
    assert client.get(f"/c/{gallery_data.publish()}/download/{number}").status_code == 404
    assert client.get(f"/c/{gallery_data.creation()}/download/1").status_code == 404


@pytest.mark.parametrize(("name", "kind", "mime"), [("png", "PNG", "image/png"), ("jpeg", "JPEG", "image/jpeg")])
def test_a_picture_is_converted_on_request(
    site: Callable[..., TestClient], gallery_data: GalleryData, name: str, kind: str, mime: str
) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse", pictures=2)
    address = f"https://paint.example/c/{creation_id}"
    response = site(public_url="https://paint.example").get(f"/c/{creation_id}/download/2?format={name}")
    extension = {"png": "png", "jpeg": "jpg"}[name]
    assert f'"a-lighthouse-threadpaint-{creation_id}-2.{extension}"' in response.headers["content-disposition"]
    assert (response.headers["content-type"], response.headers["cache-control"]) == (mime, "public, max-age=86400")
    with Image.open(io.BytesIO(response.content)) as image:
        assert (image.format, image.size) == (kind, (96, 64))
        xmp = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
    for text in ("a lighthouse", "Ada", "algorithmicMedia", ">8<", address):
        assert text.encode() in xmp


def test_the_stored_format_gets_the_address_of_its_page(
    site: Callable[..., TestClient], gallery_data: GalleryData, storage: FolderStorage
) -> None:
    creation_id = gallery_data.publish()
    client = site(public_url="https://paint.example")
    key = page_context(client.get(f"/c/{creation_id}"))["creation"].pictures[0].key
    with Image.open(io.BytesIO(client.get(f"/c/{creation_id}/download/1").content)) as image:
        assert image.format == "WEBP"
        assert f"https://paint.example/c/{creation_id}".encode() in image.info["xmp"]
        pixels = image.convert("RGB").tobytes()
    with Image.open(io.BytesIO(storage.get(key) or b"")) as stored:
        assert stored.convert("RGB").tobytes() == pixels


def test_an_unknown_format_and_a_broken_file_are_not_found(
    client: TestClient, gallery_data: GalleryData, storage: FolderStorage
) -> None:
    broken = storage.put(b"RIFF, but no picture", "webp")
    creation_id = gallery_data.publish(pictures=0)
    gallery_data.picture(creation_id, key=broken)
    for name in ("bmp", "PNG", "../png", "png", "jpeg"):
        assert client.get(f"/c/{creation_id}/download/1?format={name}").status_code == 404


def test_a_conversion_waits_for_others_only_so_long(
    client: SiteClient, gallery_data: GalleryData, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT_SECONDS", 0.05)
    creation_id = gallery_data.publish()
    key = page_context(client.get(f"/c/{creation_id}"))["creation"].pictures[0].key
    begun, may_end = threading.Event(), threading.Event()

    def convert(stored: bytes, _source: Provenance) -> bytes:
        begun.set()
        may_end.wait(60)
        return stored

    slow = downloads.DownloadFormat("x", "image/x", convert)
    source = Provenance("", "", "", 0)
    assert client.portal is not None
    other = client.portal.start_task_soon(client.app.state.converter.convert, storage, key, slow, source)
    assert begun.wait(60)
    response = client.get(f"/c/{creation_id}/download/1?format=png")
    may_end.set()
    assert (response.status_code, response.headers["retry-after"]) == (503, "30")
    assert other.result(60) == storage.get(key)
    assert client.get(f"/c/{creation_id}/download/1?format=png").status_code == 200
