"""Render preview cards, which other sites show for a link to a creation.

A card is a JPEG, because many sites do not read WebP, in the shape that sites show uncropped.
"""

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageOps

from core.imaging.text_rendering import Lettering

PREVIEW_MIME = "image/jpeg"
WIDTH, HEIGHT = 1200, 630
PREVIEW_SIZE = (WIDTH, HEIGHT)
QUALITY = 82
WALL, INK, QUIET = "#f5f5f3", "#18181b", "#5c5c63"
MARGIN, GAP = 48, 40
# Wider pictures have the text below them, others beside them.
WIDE_RATIO = 1.3
# Height of the text below a wide picture; minimum width of the text beside a tall one.
BENEATH, BESIDE = 150, 400
TITLE_SIZES = (46, 40, 34, 28)
SMALL_SIZES = (26, 22)
MAX_LETTERS = 240
# Between the pictures of one creation.
SEAM = 6


def render_preview(files: Sequence[bytes], prompt: str, names: Sequence[str]) -> bytes:
    """Return a card of PREVIEW_SIZE with the pictures (one, or four), the prompt and its author.

    A prompt in a script that no font here has is left out. Of the names the first that can be drawn is. Raises OSError
    for a file that is no picture, LookupError if there is none.
    """
    if not files:
        raise LookupError("no picture")
    by = next((name for name in map(Lettering, names) if name.text), Lettering(""))
    picture = _joined([_opened(file) for file in files])
    arranged = _wide if picture.width / picture.height > WIDE_RATIO else _tall
    card = arranged(picture, prompt, by)
    buffer = io.BytesIO()
    card.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _opened(file: bytes) -> Image.Image:
    """Decode a stored picture and shrink it to the card's size."""
    with Image.open(io.BytesIO(file)) as image:
        picture = image.convert("RGB")
    picture.thumbnail(PREVIEW_SIZE, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def _joined(pictures: list[Image.Image]) -> Image.Image:
    """Arrange pictures of equal size in a square grid."""
    if len(pictures) == 1:
        return pictures[0]
    across = math.isqrt(len(pictures))
    width, height = pictures[0].size
    whole = Image.new("RGB", (across * (width + SEAM) - SEAM, across * (height + SEAM) - SEAM), WALL)
    for number, picture in enumerate(pictures[: across * across]):
        row, column = divmod(number, across)
        whole.paste(picture, (column * (width + SEAM), row * (height + SEAM)))
    return whole


def _tall(picture: Image.Image, prompt: str, by: Lettering) -> Image.Image:
    """Return a card with the picture at the left and the text beside it."""
    card = Image.new("RGB", PREVIEW_SIZE, WALL)
    shown = ImageOps.contain(picture, (WIDTH - BESIDE - GAP, HEIGHT), Image.Resampling.LANCZOS)
    card.paste(shown, (0, (HEIGHT - shown.height) // 2))
    _label(card, (shown.width + GAP, MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN), prompt, by)
    return card


def _wide(picture: Image.Image, prompt: str, by: Lettering) -> Image.Image:
    """Return a card with the picture at the top and the text below it."""
    card = Image.new("RGB", PREVIEW_SIZE, WALL)
    shown = ImageOps.contain(picture, (WIDTH, HEIGHT - BENEATH), Image.Resampling.LANCZOS)
    card.paste(shown, ((WIDTH - shown.width) // 2, 0))
    _label(card, (MARGIN, shown.height + 16, WIDTH - MARGIN, HEIGHT - 12), prompt, by)
    return card


def _label(card: Image.Image, box: tuple[int, int, int, int], prompt: str, author: Lettering) -> None:
    """Draw prompt and author, centered vertically in a box of left, top, right and bottom."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    title = Lettering(prompt[:MAX_LETTERS])
    small, author_lines = author.fit(width, 2 * 34, SMALL_SIZES) if author.text else (SMALL_SIZES[0], [])
    author_height = round(len(author_lines) * small * 1.3)
    if not title.text:
        author.draw(card, (left, top + (height - author_height) // 2), author_lines, small, QUIET)
        return
    gap = 10
    size, lines = title.fit(width, height - author_height - gap, TITLE_SIZES)
    at = top + max(0, (height - author_height - gap - round(len(lines) * size * 1.3)) // 2)
    at += title.draw(card, (left, at), lines, size, INK) + gap
    author.draw(card, (left, at), author_lines, small, QUIET)
