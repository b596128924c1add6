"""Each format of a download carries the provenance where its programs read it."""

import io

import pytest
from PIL import Image

from core.imaging import Provenance, build_xmp, make_derivatives, make_jpeg, make_png, make_webp

BY_ADA = Provenance("a fox & 夜の灯台", "Ada", "sdxl-lightning", 42, "https://paint.example/c/17")
LONG = Provenance("&🌊" * 12_000, "Ada" * 20, "sdxl-lightning", 42, "https://paint.example/c/17")


def stored(provenance: Provenance = BY_ADA) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "PNG")
    return make_derivatives(buffer.getvalue(), provenance).image.data


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_a_png_has_xmp_and_text() -> None:
    image = opened(make_png(stored(), BY_ADA))
    assert image.info["XML:com.adobe.xmp"].encode() == build_xmp(BY_ADA)
    assert image.info["Description"] == "a fox & 夜の灯台"
    assert image.info["Author"] == "Ada"
    assert image.info["Comment"] == "https://paint.example/c/17"


def test_a_jpeg_has_xmp_and_exif() -> None:
    image = opened(make_jpeg(stored(), BY_ADA))
    assert image.info["xmp"] == build_xmp(BY_ADA)
    exif = image.getexif()
    assert (exif[0x013B], exif[0x0131]) == ("Ada", "Threadpaint, sdxl-lightning")
    kind, comment = exif.get_ifd(0x8769)[0x9286][:8], exif.get_ifd(0x8769)[0x9286][8:]
    assert (kind, comment.decode("utf-16-be")) == (b"UNICODE\0", "a fox & 夜の灯台\nprompted by Ada")


def test_a_webp_keeps_its_pixels_and_gets_new_xmp() -> None:
    before = stored(Provenance("old", "Bob", "m", 1))
    after = make_webp(before, BY_ADA)
    assert opened(after).info["xmp"] == build_xmp(BY_ADA)
    assert opened(after).tobytes() == opened(before).tobytes()
    assert after.count(b"XMP ") == 1
    assert make_webp(after, BY_ADA) == after


def test_without_an_address_no_format_names_a_page() -> None:
    source = Provenance("a fox", "Ada", "m", 1)
    for convert in (make_png, make_jpeg, make_webp):
        assert b"identifier" not in convert(stored(), source)


@pytest.mark.parametrize("convert", [make_png, make_jpeg, make_webp])
def test_the_longest_prompt_fits_into_every_format(convert: object) -> None:
    assert callable(convert)
    assert opened(convert(stored(), LONG)).size == (256, 256)
