"""Pictures carry their provenance, derivatives are small, and invalid data is an error of the GPU service."""

import base64
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from core.errors import GiveUp, TryLater
from core.imaging import Provenance, build_xmp, make_avif, make_derivatives
from gpu.sketch.picture import sketch

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
    with Image.open(io.BytesIO(make_derivatives(png(), BY_ADA).image.data)) as image:
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
    assert [(file.width, file.height) for file in (finished.image, finished.thumb)] == [(1024, 512), (480, 240)]
    assert sizes_in(finished.thumb.data) == ("WEBP", (480, 240))
    assert len(finished.placeholder) < 400
    head, _, data = finished.placeholder.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as tiny:
        assert tiny.size == (16, 8)


@pytest.mark.parametrize(("width", "thumb_width"), [(64, 64), (480, 480), (512, 512), (552, 552), (553, 480)])
def test_a_picture_near_the_size_of_the_thumbnail_is_its_own(width: int, thumb_width: int) -> None:
    finished = make_derivatives(png(width, 64), BY_ADA)
    assert finished.thumb.width == thumb_width
    assert (finished.thumb is finished.image) == (width == thumb_width)


def test_avif_copies_have_the_requested_widths() -> None:
    image = make_derivatives(photo(1536, 1024), BY_ADA).image.data
    copies = make_avif(image, [480, 960, 1536])
    assert [(copy.width, copy.height) for copy in copies] == [(480, 320), (960, 640), (1536, 1024)]
    assert [sizes_in(copy.data) for copy in copies] == [("AVIF", (copy.width, copy.height)) for copy in copies]


@pytest.mark.parametrize("side", [512, 1024])
def test_avif_of_a_grainy_picture_is_small(side: int) -> None:
    """25 kB for 512 pixels, 50 kB for 1024, whatever is in the picture."""
    images = [sketch(prompt, 1, side, side) for prompt in ("a lighthouse at night", "a forest in the fog", "a red fox")]
    for image in [*images, Image.open(io.BytesIO(photo(side, side)))]:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        webp = make_derivatives(buffer.getvalue(), BY_ADA).image.data
        (copy,) = make_avif(webp, [side])
        assert len(copy.data) <= 25_000 * side / 512
        assert len(copy.data) < len(webp) / 2


@pytest.mark.parametrize("data", [b"", b"no image", png()[:500]])
def test_data_that_is_no_image_has_no_avif_copies(data: bytes) -> None:
    with pytest.raises(GiveUp, match="unreadable"):
        make_avif(data, [480])


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
