"""Whatever Chromium shows of honest files is taken as an init image, with the same colors.

Run with `-s` it lists what only one of the two takes, and where colors differ most.
"""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.imaging import reader
from tests.support.browsing import running_browser

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
NOT_TAKEN = {
    "badpalettesize.bmp": "a palette of a size that cannot be",
    "rgba16-4444.bmp": "marked as questionable by its makers",
    "rgba32abf.bmp": "marked as questionable by its makers",
    "hopper.ico": "an icon may hold a picture of any size, unchecked",
    "unknown_compression_method.png": "broken on purpose",
}
SHOWN_OTHERWISE = {
    "badrle.bmp": "broken on purpose",
    "xmp_tags_orientation_exiftool.png": "turned by XMP, which Chromium does not read",
    "xmp_tags_orientation.png": "turned by XMP, which Chromium does not read",
    "xmp_tags_orientation.avif": "turned by XMP, which Chromium does not read",
    "exif_imagemagick_orientation.png": "turned by EXIF kept as text, which Chromium does not read",
    "hopper_bad_exif.jpg": "what its EXIF says is not clear",
}


def ours(data: bytes) -> Image.Image | None:
    try:
        return reader.read(data, lambda size: size)
    except reader.Unreadable:
        return None


def mean_error(picture: Image.Image, shown: dict[str, Any]) -> float:
    width, height = shown["width"], shown["height"]
    theirs = np.frombuffer(base64.b64decode(shown["data"]), np.uint8).reshape(height, width, 4)[..., :3]
    scaled = picture.resize((width, height), Image.Resampling.BOX)
    return float(np.abs(theirs.astype(int) - np.asarray(scaled).astype(int)).mean())


def is_left_out(path: Path) -> bool:
    """Animations that their first frame is no part of; WebP with EXIF, which Chromium does not turn."""
    return path.parent.name == "apng" or (path.suffix == ".webp" and "orientation" in path.name)


@pytest.mark.timeout(600)
def test_what_chromium_shows_is_taken_with_the_same_colors(chromium: str, material: Path) -> None:
    paths = [path for path in sorted(material.glob("img-*/**/*")) if path.is_file() and path.name != "SOURCE"]
    missing, different, together = [], [], 0
    with running_browser(chromium) as browser:
        page = browser.new_page()
        for path in paths:
            data = path.read_bytes()
            if len(data) > MAX_BYTES:
                continue
            shown = page.evaluate(DECODE, [base64.b64encode(data).decode(), SIDE])
            picture = ours(data)
            if shown and picture is None and path.name not in NOT_TAKEN:
                missing.append(path.name)
            if picture and not shown:
                print("only here:", path.name)
            if picture and shown:
                together += 1
                error = mean_error(picture, shown)
                if error > 5 and not is_left_out(path) and path.name not in SHOWN_OTHERWISE:
                    different.append(f"{path.name}: {error:.1f}")
    assert missing == []
    assert different == []
    assert together > 300


@pytest.mark.parametrize("gamma", [45_455, 100_000, 30_000])
def test_a_gamma_is_shown_as_chromium_shows_it(chromium: str, gamma: int) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"gAMA", gamma.to_bytes(4, "big"))
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "PNG", pnginfo=chunks)
    with running_browser(chromium) as browser:
        shown = browser.new_page().evaluate(DECODE, [base64.b64encode(buffer.getvalue()).decode(), SIDE])
    picture = ours(buffer.getvalue())
    assert picture is not None
    assert mean_error(picture, shown) < 1
