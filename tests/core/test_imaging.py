"""Pictures carry their provenance, derivatives are small, and invalid data is an error of the GPU service."""

import base64
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from core.errors import TryLater
from core.imaging import Provenance, build_xmp, make_derivatives

BY_ADA = Provenance("a fox & a hen <at> night", "Ada", "sdxl-lightning", 42)


def png(width: int = 640, height: int = 480) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def photo(width: int, height: int) -> bytes:
    """Return soft shapes with a little noise, similar to a photo."""
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


def test_the_file_has_its_provenance() -> None:
    with Image.open(io.BytesIO(make_derivatives(png(), BY_ADA).image)) as image:
        assert image.format == "WEBP"
        texts = xmp_texts(image.info["xmp"])
    assert texts["AIPromptInformation"] == "a fox & a hen <at> night"
    assert texts["AIPromptWriterName"] == "Ada"
    assert texts["Credit"] == "prompted by Ada"
    assert texts["AISystemUsed"] == "sdxl-lightning"
    assert texts["seed"] == "42"
    assert texts["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert texts["li"] == "a fox & a hen <at> night (prompted by Ada)"


def test_a_sketch_is_not_labeled_as_trained() -> None:
    assert xmp_texts(build_xmp(Provenance("x", "Ada", "sketch", 1)))["DigitalSourceType"].endswith("/algorithmicMedia")


def test_characters_that_xml_forbids_are_left_out() -> None:
    hostile = Provenance("a\x00b\x1b]c\ufffe\ud800 <!-- ]]> ?> é 🦊", "N\x07", "m", 1)
    assert xmp_texts(build_xmp(hostile))["AIPromptInformation"] == "ab]c <!-- ]]> ?> é 🦊"


def test_derivatives_are_small_and_keep_the_aspect_ratio() -> None:
    finished = make_derivatives(png(1024, 512), BY_ADA)
    assert (finished.width, finished.height, finished.thumb.width, finished.thumb.height) == (1024, 512, 480, 240)
    assert len(finished.placeholder) < 400
    head, _, data = finished.placeholder.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as tiny:
        assert tiny.size == (16, 8)


def test_a_large_picture_gets_a_wide_derivative() -> None:
    wide = make_derivatives(photo(1536, 1024), BY_ADA).wide
    assert wide is not None
    assert (wide.width, wide.height) == (960, 640)
    assert (sizes_in(wide.webp), sizes_in(wide.avif or b"")) == (("WEBP", (960, 640)), ("AVIF", (960, 640)))


def test_a_picture_near_the_wide_size_gets_no_wide_derivative() -> None:
    assert make_derivatives(png(1104, 64), BY_ADA).wide is None
    assert make_derivatives(png(1105, 64), BY_ADA).wide is not None


def test_avif_is_smaller_than_webp() -> None:
    thumb = make_derivatives(photo(512, 512), BY_ADA).thumb
    assert thumb.avif is not None
    assert sizes_in(thumb.avif) == ("AVIF", (480, 480))
    assert len(thumb.avif) < len(thumb.webp)


def test_avif_larger_than_webp_is_dropped() -> None:
    assert make_derivatives(png(16, 16), BY_ADA).thumb.avif is None


def test_a_very_flat_picture_still_has_a_placeholder() -> None:
    assert make_derivatives(png(1024, 8), BY_ADA).thumb.height >= 1


@pytest.mark.parametrize("data", [b"", b"no image", png()[:500], b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_data_that_is_no_image_raises_try_later(data: bytes) -> None:
    with pytest.raises(TryLater, match="gpu_garbage: not an image"):
        make_derivatives(data, BY_ADA)


def test_hostile_images_raise_nothing_else(material: Path) -> None:
    files = [
        path for path in (material / "img-pillow-tests").rglob("*") if path.is_file() and path.stat().st_size < 200_000
    ]
    assert len(files) > 50
    for path in files:
        try:
            make_derivatives(path.read_bytes(), BY_ADA)
        except TryLater as error:
            assert error.code == "gpu_garbage"
