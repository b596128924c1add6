"""Make small files that take much memory or time to decode."""

import base64
import io
import struct
import zlib

from PIL import Image

_AVIF = """
c-muNU{FXasVqn=%S>Yc0uY^>nP!-qnV9D5Xy^zOdYzkElE?r7iWw<6MNl?FL1uCZ0~+8f$SlbPvlxL`E;A=T8N_h`@fjhajKT~IJiS1+MrLMS8e
FXukdw*;<t3IG7&_<Y<b&<X$}A`<0Mg!>1<Cn9S|qc$AQft#0}vYku|Pp)MJ7mqnS+A^Nbw|=89F!GgVhKp=jRmVCFfKCP3C1_YXAy~XBOnb`~-9
u3nNoA3sBS4+?2!;AqFmP`|ox2KmRUaF_CgG`Yj=#lxR4~p@~C%0?@j|^XCHBY8R!g&0Bxz-0S9kpT;NN`%GJ>K8uOrw-gB9wr2OP7dler^FQr7;
jmXH^W46u(<_<3zyEW1#?6&8r~YKPTJ~MtIP2OK3BhB!0fz59wD`W8dmBjJIm^c2Jpap+2|H{aB%ePQQO@*t*8Q&{hR2-0zi(tWd&t^zY4gqau2w
TP9Y;4e-pw8!hF8Aja;~b?R!?8R$o*R~B6g-niLAuy;wZycmx`~7d;YU6J#Z%Sbki@VH?x;z@7520lflW)edy@r71HM%R~?{>C5dEN(x@!`uYc;5
wco{$&74$TV9gZn#VEU&_gn1Klh4%yZ3TmbI_AFCw($=<wvTD~@CmHZ7#WR`(HI$xk<l0#jgiq98I6&_7bDR$^v8ywYdGx!UH|}Xj2px
"""
_LIMIT = 10 * 1024 * 1024
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(width: int, height: int, *, kind: int = 6, before: bytes = b"", data: bytes | None = None) -> bytes:
    """Return a PNG of zeros. `kind`: 2 is RGB, 6 RGBA. `before`: chunks before its data."""
    row = bytes(width * (3 if kind == 2 else 4) + 1)
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
    pixels = _chunk(b"IDAT", _compressed(row, height)) if data is None else data
    return _SIGNATURE + header + before + pixels + _chunk(b"IEND", b"")


def _compressed(row: bytes, times: int) -> bytes:
    compressor = zlib.compressobj(9)
    many = max(1, 2**20 // len(row))
    parts = [compressor.compress(row * min(many, times - done)) for done in range(0, times, many)]
    return b"".join([*parts, compressor.flush()])


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_of_16_megapixels() -> bytes:
    return _png(4096, 4096)


def png_of_27_megapixels() -> bytes:
    return _png(5200, 5200, kind=2)


def png_of_one_column() -> bytes:
    return _png(1, 4096 * 4096)


def png_that_says_2_gigapixels() -> bytes:
    return _png(46_000, 46_000, data=_chunk(b"IDAT", zlib.compress(bytes(1000))))


def png_of_many_chunks() -> bytes:
    return _png(64, 64, before=_chunk(b"abCd", b"") * 800_000)


def png_of_empty_data() -> bytes:
    return _png(64, 64, before=_chunk(b"IDAT", b"") * 800_000)


def png_of_text_bombs() -> bytes:
    return _png(64, 64, before=_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000), 9)) * 9000)


def webp_of_16_megapixels() -> bytes:
    return _saved(Image.new("RGBA", (4096, 4096), (1, 2, 3, 4)), "WEBP", lossless=True, method=0)


def webp_of_26_megapixels() -> bytes:
    """Return the largest WebP that is accepted. Decoding it takes 16 bytes a pixel."""
    return _saved(Image.new("RGBA", (6500, 4000), (1, 2, 3, 4)), "WEBP", lossless=True, method=0)


def webp_of_65_megapixels() -> bytes:
    return _saved(Image.new("RGB", (16_383, 4000)), "WEBP", lossless=True, method=0)


def avif_larger_than_it_says() -> bytes:
    """Return 3 kB whose header says 64 x 48. The frame has 16,000 x 16,000 pixels and took 930 MB."""
    return zlib.decompress(base64.b85decode(_AVIF.replace("\n", "")))


def gif_of_300_frames() -> bytes:
    frames = [Image.new("P", (600, 600), number % 250) for number in range(300)]
    return _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def gif_of_a_long_comment() -> bytes:
    whole = _saved(Image.new("P", (64, 64)), "GIF")
    place = whole.index(b"\x2c", 13)
    return whole[:place] + b"\x21\xfe" + b"\x01c" * 5_000_000 + b"\0" + whole[place:]


def jpeg_of_16_megapixels() -> bytes:
    return _saved(Image.effect_noise((4096, 4096), 20).convert("RGB"), "JPEG", quality=60, progressive=True)


def jpeg_of_67_megapixels() -> bytes:
    """Return the largest JPEG that is accepted. A progressive one takes 6 bytes a pixel."""
    return _saved(Image.new("RGB", (8192, 8192), (1, 2, 3)), "JPEG", quality=20, progressive=True, subsampling=0)


def jpeg_of_many_segments() -> bytes:
    whole = _saved(Image.new("RGB", (64, 64)), "JPEG")
    return whole[:2] + b"\xff\xe5\x00\x02" * 2_600_000 + whole[2:]


def jpeg_of_many_scans(width: int = 4096, height: int = 4096, scans: int = 2000) -> bytes:
    """Return 40 kB in which each scan refines a large picture by nothing."""
    whole = _saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True, subsampling=0)
    place = whole.index(b"\xff\xc2")
    whole = whole[: place + 5] + struct.pack(">HH", height, width) + whole[place + 9 :]
    first = whole.index(b"\xff\xda")
    end = whole.index(b"\xff", first + 14)
    scan = b"\xff\xda" + struct.pack(">H", 12) + b"\x03\x01\x00\x02\x00\x03\x00" + b"\x00\x00\x10" + b"\x00"
    return whole[:end] + scan * scans + b"\xff\xd9"
