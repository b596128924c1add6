"""Photos from phones are accepted as init images, with the colors that browsers show."""

import base64
import io
import random
import resource
import sys

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat, PngImagePlugin

from core import image_reader
from core.errors import Refused
from core.image_reader import bounds, files
from core.imaging import INIT_IMAGE_MAX_SIDE, sanitize_init_image
from tests.support import hostile_images

# 64 x 48, the upper quarter blue, the rest red; made with an encoder that is not installed here.
HEIC = """
0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004fZDn*}000000000XXk=`10000000000aA{+700000000000000000000B57=IV*mgE07O6l0RRC2
00001p#T8@00000002J#001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01j|zbZr0t000010002}X>f9I0002pX>en20001XXm(>m0RwOV
0058x000009`FGC{rLC*01pFT0096PKmiN^|NjGU00093kN^M!000939=ZZRVE_RDDnbDP18@KU0|1Z!00RI30{|YNAb|yz>g1-mxCm%4AOHXZ10VnZ
0{|gn00967L;=Bbz=;3=025<xY;ta6Y<K_x01W^JfB*mh6lrsCWdHyG00000KmY&$KmY&$C}V74Z~y=RKmY&$0RR91FaQ7m0RR91000000{{R2@Bjb+
0ssI25O8UDX#fBK00RgJ2mk;87-?{AVE_OC000000RRC7fdT^sga7~lM{Q(bbN~PVJ17CK3E+1?;sm4rfxo@$asR;yS#)g9w=74XCdGHxe_Wpo>|MBd
3#FSK&HUq;k<=cM^f%O8iebHg
"""


def scene(width: int = 400, height: int = 300) -> Image.Image:
    """Return a picture with gradients everywhere and a dark bar at the bottom."""
    picture = Image.merge("RGB", [Image.linear_gradient("L").rotate(turn) for turn in (0, 90, 180)])
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    picture.paste((20, 30, 120), (0, height - height // 10, width // 2, height))
    return picture


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def taken(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(sanitize_init_image(data))) as image:
        assert image.format == "WEBP"
        assert not {"exif", "xmp", "icc_profile"} & image.info.keys()
        return image.convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of all values, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other.resize(one.size))).mean) / 3


def middle(data: bytes) -> tuple[int, ...]:
    picture = taken(data)
    pixel = picture.getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(pixel, tuple)
    return tuple(int(value) for value in pixel)


def is_near(one: tuple[int, ...], other: tuple[int, ...], by: int = 6) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= by


@pytest.mark.parametrize("size", [(5712, 4284), (6000, 4000), (8160, 6144)])
def test_a_photo_of_a_new_camera_is_accepted(size: tuple[int, int]) -> None:
    picture = taken(encoded(Image.new("RGB", size, (200, 60, 40)), "JPEG"))
    assert max(picture.size) == INIT_IMAGE_MAX_SIDE
    assert picture.width / picture.height == pytest.approx(size[0] / size[1], rel=0.01)


def test_a_too_large_image_is_rejected_with_its_size() -> None:
    with pytest.raises(Refused, match="start_too_large: 5200 x 5200"):
        sanitize_init_image(hostile_images.png_of_27_megapixels())


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_with_an_appended_video_is_accepted(progressive: bool) -> None:
    film = b"\0\0\0\x18ftypmp42" + random.Random(7).randbytes(5_000_000)
    assert film.count(b"\xff\xda") > files.MAX_SCANS
    photo = encoded(scene(), "JPEG", progressive=progressive)
    assert difference(taken(photo + film), taken(photo)) == 0


def test_an_embedded_thumbnail_does_not_end_the_photo() -> None:
    thumbnail = encoded(scene(40, 30), "JPEG")
    photo = encoded(scene(), "JPEG", exif=b"Exif\0\0" + thumbnail)
    assert difference(taken(photo), scene()) < 3


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2, 33, 0.05])
def test_a_photo_without_its_end_is_accepted(missing: float, progressive: bool) -> None:
    photo = encoded(scene(1600, 1200), "JPEG", progressive=progressive)
    left = len(photo) - (missing if isinstance(missing, int) else int(len(photo) * missing))
    assert difference(taken(photo[:left]), scene(1600, 1200)) < 12


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_half_a_photo_is_rejected(share: float) -> None:
    photo = encoded(scene(1600, 1200), "JPEG")
    with pytest.raises(Refused, match="no_start_picture: much of it is missing"):
        sanitize_init_image(photo[: int(len(photo) * share)])


def test_a_webp_without_its_last_byte_is_accepted() -> None:
    assert difference(taken(encoded(scene(), "WEBP")[:-1]), scene()) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP"])
def test_every_format_of_browsers_is_accepted(kind: str) -> None:
    assert difference(taken(encoded(scene(), kind)), scene()) < 8


def test_photos_of_iphones_are_accepted() -> None:
    picture = taken(base64.b85decode(HEIC.replace("\n", "")))
    assert picture.size == (64, 48)
    top, rest = picture.getpixel((32, 4)), picture.getpixel((32, 30))
    assert isinstance(top, tuple) and isinstance(rest, tuple)
    assert is_near(top, (40, 60, 200), 25) and is_near(rest, (200, 60, 40), 25)


def exchanged() -> bytes:
    """Return an sRGB profile with red and green swapped, so that ignoring it is visible."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    at = {bytes(data[entry : entry + 4]): entry for entry in range(132, 132 + 12 * count, 12)}
    red, green = at[b"rXYZ"], at[b"gXYZ"]
    data[red + 4 : red + 12], data[green + 4 : green + 12] = data[green + 4 : green + 12], data[red + 4 : red + 12]
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 95})]
)
def test_color_profiles_are_applied(kind: str, options: dict[str, object]) -> None:
    red = Image.new("RGB", (64, 48), (200, 60, 40))
    assert is_near(middle(encoded(red, kind, icc_profile=exchanged(), **options)), (60, 200, 40))


def test_color_profiles_are_applied_to_transparent_images() -> None:
    half = Image.new("RGBA", (64, 48), (200, 60, 40, 128))
    assert is_near(middle(encoded(half, "PNG", icc_profile=exchanged())), (157, 227, 147))


def test_a_color_profile_does_not_change_a_gray_image() -> None:
    assert is_near(middle(encoded(Image.new("L", (64, 48), 90), "JPEG", icc_profile=exchanged())), (90, 90, 90))


def hostile_profiles() -> dict[str, bytes]:
    good = exchanged()
    return {
        "endless": good + b"mpet",
        "large": good + bytes(5_000_000),
        "of_cmyk": good[:16] + b"CMYK" + good[20:],
        "of_names": good[:12] + b"nmcl" + good[16:],
        "cut": good[:200],
        "short": good[:10],
        "noise": random.Random(1).randbytes(3000),
    }


@pytest.mark.parametrize("name", hostile_profiles())
def test_an_invalid_profile_is_ignored(name: str) -> None:
    red = Image.new("RGB", (64, 48), (200, 60, 40))
    assert is_near(middle(encoded(red, "JPEG", icc_profile=hostile_profiles()[name])), (200, 60, 40))


@pytest.mark.parametrize(("gamma", "shown"), [(45_455, 128), (100_000, 188), (0, 128), (4_000_000_000, 128)])
def test_the_gamma_of_a_png_is_applied(gamma: int, shown: int) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"gAMA", gamma.to_bytes(4, "big"))
    assert is_near(middle(encoded(Image.new("RGB", (64, 48), (128,) * 3), "PNG", pnginfo=chunks)), (shown,) * 3, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_upright_size_is_read_from_the_file_header(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = encoded(scene(400, 200), "JPEG", exif=exif)
    assert image_reader.size_of(photo[:2000]) == ((400, 200) if orientation < 5 else (200, 400))


def test_a_file_of_tiny_chunks_is_rejected_after_too_many_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_SECONDS", 600.0)
    with pytest.raises(Refused, match="start_too_slow"):
        sanitize_init_image(hostile_images.png_of_many_chunks())


@pytest.mark.skipif(sys.platform != "linux", reason="bounds the memory of its child on Linux only")
def test_a_frame_larger_than_declared_fails_in_the_child_process_only() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Refused, match="no_start_picture: its decoder gave up"):
        sanitize_init_image(hostile_images.avif_larger_than_it_says())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "in kB"
