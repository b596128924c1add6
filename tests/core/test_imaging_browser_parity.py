"""Valid files that Chromium shows are accepted as init images, with the same colors.

Run with `-s` to list files that only our reader accepts.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core import image_reader
from tests.support.browser import running_browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SIDE = 256
MAX_BYTES = 10 * 1024 * 1024
DECODE = """async ([text, side]) => {
    let bitmap
    try {
        bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(text), letter => letter.charCodeAt(0))]))
    } catch { return null }
    const width = Math.min(bitmap.width, side), height = Math.min(bitmap.height, side)
    const pen = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true})
    pen.imageSmoothingQuality = "high"
    pen.fillStyle = "white"
    pen.fillRect(0, 0, width, height)
    pen.drawImage(bitmap, 0, 0, width, height)
    const data = pen.getImageData(0, 0, width, height).data
    let bytes = ""
    for (let at = 0; at < data.length; at += 8192) bytes += String.fromCharCode(...data.subarray(at, at + 8192))
    return {size: [bitmap.width, bitmap.height], width, height, data: btoa(bytes)}
}"""
# Broken on purpose, or of no use as an init image.
NOT_ACCEPTED = {
    "badpalettesize.bmp": "its palette has an impossible size",
    "rgba16-4444.bmp": "marked as questionable by its authors",
    "rgba32abf.bmp": "marked as questionable by its authors",
    "hopper.ico": "an icon may contain a picture of any size, unchecked",
    "unknown_compression_method.png": "broken on purpose",
}
SHOWN_DIFFERENTLY = {
    "badrle.bmp": "broken on purpose",
    "xmp_tags_orientation_exiftool.png": "turned by XMP, which Chromium does not read",
    "xmp_tags_orientation.png": "turned by XMP, which Chromium does not read",
    "xmp_tags_orientation.avif": "turned by XMP, which Chromium does not read",
    "exif_imagemagick_orientation.png": "turned by EXIF stored as text, which Chromium does not read",
    "hopper_bad_exif.jpg": "its EXIF is ambiguous",
}


# One per file: only one synchronous Playwright can run in a process.
@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator["Page"]:
    with running_browser(chromium) as browser:
        yield browser.new_page()


def read_image(data: bytes) -> Image.Image | None:
    try:
        return image_reader.read(data, lambda size: size)
    except image_reader.Unreadable:
        return None


def mean_error(picture: Image.Image, shown: dict[str, Any]) -> float:
    width, height = shown["width"], shown["height"]
    theirs = np.frombuffer(base64.b64decode(shown["data"]), np.uint8).reshape(height, width, 4)[..., :3]
    scaled = picture.resize((width, height), Image.Resampling.BOX)
    return float(np.abs(theirs.astype(int) - np.asarray(scaled).astype(int)).mean())


def is_not_compared(path: Path) -> bool:
    """Return whether Chromium differs: APNG may show another frame first, and WebP is not turned by EXIF."""
    return path.parent.name == "apng" or (path.suffix == ".webp" and "orientation" in path.name)


@pytest.mark.timeout(600)
def test_files_that_chromium_shows_are_accepted_with_the_same_colors(page: "Page", material: Path) -> None:
    paths = [path for path in sorted(material.glob("img-*/**/*")) if path.is_file() and path.name != "SOURCE"]
    missing, different, compared = [], [], 0
    for path in paths:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            continue
        shown = page.evaluate(DECODE, [base64.b64encode(data).decode(), SIDE])
        picture = read_image(data)
        if shown and picture is None and path.name not in NOT_ACCEPTED:
            missing.append(path.name)
        if picture and not shown:
            print("only here:", path.name)
        if picture and shown:
            compared += 1
            error = mean_error(picture, shown)
            if error > 5 and not is_not_compared(path) and path.name not in SHOWN_DIFFERENTLY:
                different.append(f"{path.name}: {error:.1f}")
    assert missing == []
    assert different == []
    assert compared > 300


@pytest.mark.parametrize("gamma", [45_455, 100_000, 30_000])
def test_gamma_is_applied_as_in_chromium(page: "Page", gamma: int) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"gAMA", gamma.to_bytes(4, "big"))
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "PNG", pnginfo=chunks)
    shown = page.evaluate(DECODE, [base64.b64encode(buffer.getvalue()).decode(), SIDE])
    picture = read_image(buffer.getvalue())
    assert picture is not None
    assert mean_error(picture, shown) < 1
