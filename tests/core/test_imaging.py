"""Pictures carry their provenance; thumbnails and placeholders are small; what is no image is the painter's fault."""

import base64
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from core.errors import TryLater
from core.imaging import Provenance, finish, xmp_of

BY_ADA = Provenance("a fox & a hen <at> night", "Ada", "sdxl-lightning", 42)


def png(width: int = 640, height: int = 480) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def photo(width: int, height: int) -> bytes:
    """Soft shapes with a little noise, as much like a photograph as three lines can make it."""
    soft = Image.effect_noise((16, 16), 90).resize((width, height), Image.Resampling.BICUBIC).convert("RGB")
    buffer = io.BytesIO()
    Image.blend(soft, Image.effect_noise((width, height), 40).convert("RGB"), 0.15).save(buffer, "WEBP", quality=95)
    return buffer.getvalue()


def sizes_in(data: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(data)) as image:
        return image.format, image.size


def xmp_texts(xmp: bytes) -> dict[str, str]:
    text = xmp.decode()
    body = text[text.index("?>") + 2 : text.rindex("<?xpacket")]
    return {element.tag.rpartition("}")[2]: element.text or "" for element in ET.fromstring(body).iter()}


def test_the_file_says_where_it_comes_from() -> None:
    with Image.open(io.BytesIO(finish(png(), BY_ADA).image)) as image:
        assert image.format == "WEBP"
        texts = xmp_texts(image.info["xmp"])
    assert texts["AIPromptInformation"] == "a fox & a hen <at> night"
    assert texts["AIPromptWriterName"] == "Ada"
    assert texts["Credit"] == "prompted by Ada"
    assert texts["AISystemUsed"] == "sdxl-lightning"
    assert texts["seed"] == "42"
    assert texts["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert texts["li"] == "a fox & a hen <at> night (prompted by Ada)"


def test_a_sketch_is_not_said_to_be_trained() -> None:
    assert xmp_texts(xmp_of(Provenance("x", "Ada", "sketch", 1)))["DigitalSourceType"].endswith("/algorithmicMedia")


def test_characters_that_xml_forbids_are_left_out() -> None:
    hostile = Provenance("a\x00b\x1b]c\ufffe\ud800 <!-- ]]> ?> é 🦊", "N\x07", "m", 1)
    assert xmp_texts(xmp_of(hostile))["AIPromptInformation"] == "ab]c <!-- ]]> ?> é 🦊"


def test_the_small_ones_are_small_and_keep_the_shape() -> None:
    finished = finish(png(1024, 512), BY_ADA)
    assert (finished.width, finished.height, finished.thumb.width, finished.thumb.height) == (1024, 512, 480, 240)
    assert len(finished.placeholder) < 400
    head, _, data = finished.placeholder.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as tiny:
        assert tiny.size == (16, 8)


def test_a_large_picture_has_a_copy_to_hang_large() -> None:
    wide = finish(photo(1536, 1024), BY_ADA).wide
    assert wide is not None
    assert (wide.width, wide.height) == (960, 640)
    assert (sizes_in(wide.webp), sizes_in(wide.avif or b"")) == (("WEBP", (960, 640)), ("AVIF", (960, 640)))


def test_a_picture_hardly_larger_than_that_hangs_itself() -> None:
    assert finish(png(1104, 64), BY_ADA).wide is None
    assert finish(png(1105, 64), BY_ADA).wide is not None


def test_browsers_that_know_avif_have_less_to_fetch() -> None:
    thumb = finish(photo(512, 512), BY_ADA).thumb
    assert thumb.avif is not None
    assert sizes_in(thumb.avif) == ("AVIF", (480, 480))
    assert len(thumb.avif) < len(thumb.webp)


def test_an_avif_that_would_weigh_more_is_not_kept() -> None:
    assert finish(png(16, 16), BY_ADA).thumb.avif is None


def test_a_very_flat_picture_still_has_a_placeholder() -> None:
    assert finish(png(1024, 8), BY_ADA).thumb.height >= 1


@pytest.mark.parametrize("data", [b"", b"no image", png()[:500], b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_image_is_tried_later(data: bytes) -> None:
    with pytest.raises(TryLater, match="gpu_garbage: not an image"):
        finish(data, BY_ADA)


def test_hostile_images_never_do_more_than_that(material: Path) -> None:
    files = [
        path for path in (material / "img-pillow-tests").rglob("*") if path.is_file() and path.stat().st_size < 200_000
    ]
    assert len(files) > 50
    for path in files:
        try:
            finish(path.read_bytes(), BY_ADA)
        except TryLater as error:
            assert error.code == "gpu_garbage"
