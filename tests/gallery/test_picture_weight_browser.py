"""What a phone loads first of a page: a picture in AVIF of at most 25 kB at 512 pixels, 50 kB at 1024."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Response
from sqlalchemy import Engine

from core.clock import now
from core.imaging import Provenance, make_derivatives
from core.storage import FolderStorage
from gpu.sketch.picture import sketch
from tests.support.browser import window
from tests.support.gallery_data import GalleryData
from tests.support.site_client import Serve, SiteClient
from worker.avif_copies import AvifCopies

pytestmark = pytest.mark.browser

# A mid-range phone, as Lighthouse emulates it.
PHONE: dict[str, Any] = {"viewport": {"width": 412, "height": 823}, "device_scale_factor": 1.75, "is_mobile": True}
PAINTED_PICTURE = """() => new Promise(done => {
    new PerformanceObserver(list => list.getEntries().filter(entry => entry.url.includes("/pictures/"))
        .forEach(entry => done(entry.url)))
        .observe({type: "largest-contentful-paint", buffered: true})
})"""


def publish(data: GalleryData, prompt: str, side: int) -> int:
    """Publish a sketch of this prompt, as the paint job does it."""
    png = io.BytesIO()
    sketch(prompt, 1, side, side).save(png, "PNG")
    derived = make_derivatives(png.getvalue(), Provenance(prompt, "Ada", "sketch", 1))
    creation_id = data.publish(pictures=0, prompt=prompt)
    values: dict[str, Any] = {
        "width": side,
        "height": side,
        "size": len(derived.image.data),
        "key": data.storage.put(derived.image.data, "webp"),
        "thumb_key": data.storage.put(derived.thumb.data, "webp"),
        "thumb_width": derived.thumb.width,
        "thumb_height": derived.thumb.height,
        "placeholder": derived.placeholder,
    }
    data.picture(creation_id, avif_due_at=now(), **values)
    return creation_id


def largest_paint(browser: Browser, address: str) -> tuple[str, int]:
    """Return type and bytes of the picture that a phone's first visit paints largest."""
    page = window(browser, address, **PHONE).new_page()
    responses: dict[str, Response] = {}
    page.on("response", lambda response: responses.update({response.url: response}))
    page.goto(address, wait_until="load")
    response = responses[page.evaluate(PAINTED_PICTURE)]
    return response.headers["content-type"], len(response.body())


@pytest.mark.parametrize(("side", "max_bytes"), [(512, 25_000), (1024, 50_000)])
def test_the_largest_paint_on_a_phone_is_a_small_avif(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    engine: Engine,
    storage: FolderStorage,
    side: int,
    max_bytes: int,
) -> None:
    creation_id = publish(gallery_data, "a lighthouse on a cliff at dawn", side)
    address = serve_in_browser(site())
    paths = ("/", f"/c/{creation_id}")
    assert {largest_paint(browser, address + path)[0] for path in paths} == {"image/webp"}
    AvifCopies(engine, storage, 45).make(creation_id)
    for path in paths:
        kind, size = largest_paint(browser, address + path)
        assert kind == "image/avif", path
        assert size <= max_bytes, path
