"""Encoding of pictures, and decoding of untrusted init images: colors, orientation, limits."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu.api.contract import MAX_INIT_IMAGE_BYTES, InvalidRequest
from gpu.api.encoding import MIME, Format, encode
from gpu.api.init_image import decode_init_image
from tests.support import hostile_images


def bytes_of(image: Any, form: str = "PNG", **options: Any) -> Any:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def start(data: Any, width: int = 64, height: int = 64) -> Any:
    return decode_init_image(base64.b64encode(data).decode(), width, height)


def reason(data: Any) -> Any:
    with pytest.raises(InvalidRequest) as refused:
        start(data)
    [(field, why)] = refused.value.errors
    assert field == "init_image"
    return why


def gradient(width: int, height: int) -> Any:
    across = np.linspace(0, 255, width)[None, :].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([across, down, 255 - across], 2).astype(np.uint8))


def distance(one: Image.Image, other: Image.Image) -> Any:
    return np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean()


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_an_encoded_image_decodes_to_itself(form: Format) -> None:
    image = gradient(96, 64)
    back = Image.open(io.BytesIO(base64.b64decode(encode(image, form))))
    assert Image.MIME[str(back.format)] == MIME[form]
    assert distance(back, image) < (1.5 if form == "jpeg" else 0.01)


@pytest.mark.parametrize("has_memory_files", [True, False])
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("jpeg", {"quality": 95, "subsampling": 0}),
        ("png", {"compress_level": 1}),
        ("webp", {"lossless": True, "quality": 0, "method": 0}),
    ],
)
def test_the_bytes_are_those_that_pillow_writes_into_memory(
    form: Format, options: Any, has_memory_files: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_memory_files:
        monkeypatch.delattr("os.memfd_create", raising=False)
    image = gradient(300, 200)
    assert base64.b64decode(encode(image, form)) == bytes_of(image, form, **options)


def test_pillow_encodes_a_jpeg_outside_the_gil() -> None:
    """Pillow writes into a full pipe until the other thread, which needs the GIL, has read from it."""
    code = (
        "import os, threading\n"
        "from PIL import Image\n"
        "source, target = os.pipe()\n"
        "sizes = []\n"
        "reader = threading.Thread(target=lambda: sizes.append(len(open(source, 'rb').read())))\n"
        "reader.start()\n"
        "with open(target, 'wb') as file:\n"
        "    Image.effect_noise((800, 800), 90).convert('RGB').save(file, 'jpeg', quality=95, subsampling=0)\n"
        "reader.join()\n"
        "assert sizes[0] > 200_000\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("size", [(64, 64), (128, 64), (64, 160), (32, 32), (8, 200), (1, 1)])
@pytest.mark.parametrize("given", [(64, 64), (1000, 700), (50, 2000), (3, 5)])
def test_the_middle_of_a_picture_is_scaled_to_the_size(given: tuple[int, int], size: tuple[int, int]) -> None:
    image = gradient(*given)
    begun = start(bytes_of(image), *size)
    assert begun.size == size and begun.mode == "RGB"
    if min(*given, *size) > 30:
        from PIL import ImageOps

        assert distance(begun, ImageOps.fit(image, size, Image.Resampling.LANCZOS)) < 2


def test_a_large_picture_in_strips_is_the_same_as_in_one_piece() -> None:
    image = gradient(3000, 2800)
    whole = image.resize((256, 256), Image.Resampling.LANCZOS, box=(100, 0, 2900, 2800))
    assert distance(start(bytes_of(image, compress_level=1), 256, 256), whole) < 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(orientation: int) -> None:
    upright = gradient(120, 60)
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the rotation by the camera, which the service must undo
    lying = upright if orientation == 1 else upright.transpose(Image.Transpose(turns[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert distance(start(bytes_of(lying, exif=exif), 120, 60), upright) < 2


def test_broken_exif_beside_a_good_picture_does_no_harm() -> None:
    assert start(bytes_of(gradient(64, 64), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")).size == (64, 64)


def test_16_bits_of_gray_keep_their_light() -> None:
    grey = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    begun = np.asarray(start(bytes_of(Image.fromarray(grey))), np.float32)[..., 0]
    assert np.abs(begun - grey / 257).max() < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_transparency_becomes_white(mode: str) -> None:
    image = Image.new("RGBA", (64, 64), (10, 20, 30, 0))
    image.paste((200, 0, 0, 255), (0, 0, 64, 32))
    if mode == "P":
        image = image.quantize(8)
    elif mode != "RGBA":
        image = image.convert("LA")
    begun = start(bytes_of(image))
    assert begun.getpixel((10, 60)) == (255, 255, 255)
    assert begun.getpixel((10, 4)) != (255, 255, 255)


def test_a_transparent_color_becomes_white() -> None:
    assert start(bytes_of(Image.new("RGB", (64, 64), (1, 2, 3)), transparency=(1, 2, 3))).getpixel((5, 5)) == (255,) * 3


def test_cmyk_keeps_its_color() -> None:
    red = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    pixel = start(bytes_of(red, "JPEG", quality=95)).getpixel((9, 9))
    assert pixel[0] > 200 and max(pixel[1:]) < 60


def test_the_first_frame_of_an_animation_is_used() -> None:
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    for form in ("GIF", "WEBP", "PNG"):
        data = bytes_of(frames[0], form, save_all=True, append_images=frames[1:])
        pixel = start(data).getpixel((9, 9))
        assert pixel[0] > 200 and pixel[2] < 60


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_rejected_or_read(form: str, share: float) -> None:
    data = bytes_of(gradient(200, 200), form)
    try:
        assert start(data[: int(len(data) * share)]).size == (64, 64)
    except InvalidRequest as refused:
        assert "not an image that can be read" in str(refused)


@pytest.mark.parametrize("form", ["TIFF", "PPM", "ICO", "PDF", "EPS", "TGA", "JPEG2000"])
def test_rare_formats_are_not_opened(form: str) -> None:
    assert "can be read" in reason(bytes_of(gradient(64, 64), form))


def test_too_many_bytes_are_rejected() -> None:
    assert "larger" in reason(b"\x89PNG" + bytes(MAX_INIT_IMAGE_BYTES))


@pytest.mark.parametrize(
    ("bomb", "why"),
    [
        ("png_of_27_megapixels", "pixels"),
        ("png_of_one_column", "a side"),
        ("webp_of_65_megapixels", "pixels"),
        ("avif_larger_than_it_says", "can be read"),
        ("png_that_says_2_gigapixels", "too many pixels"),
        ("jpeg_of_many_scans", "can be read"),
        ("jpeg_of_many_segments", "can be read"),
        ("png_of_many_chunks", "too long"),
        ("png_of_empty_data", "too long"),
        ("gif_of_a_long_comment", "too long"),
        ("png_of_text_bombs", "can be read"),
    ],
)
def test_a_decompression_bomb_is_rejected_within_two_seconds(bomb: str, why: str) -> None:
    data = getattr(hostile_images, bomb)()
    assert len(data) <= MAX_INIT_IMAGE_BYTES
    began = time.thread_time()
    assert why in reason(data)
    # Of this thread's CPU, not of the clock: the bound that the code sets itself.
    assert time.thread_time() - began < 2


@pytest.mark.parametrize(
    "large", ["png_of_16_megapixels", "webp_of_26_megapixels", "jpeg_of_16_megapixels", "gif_of_300_frames"]
)
def test_a_large_ordinary_image_is_read(large: str) -> None:
    assert start(getattr(hostile_images, large)()).size == (64, 64)
