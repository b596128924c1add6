"""Small pictures for tests."""

import base64
import io

from PIL import Image


def a_photo(color: str = "teal", size: tuple[int, int] = (64, 64)) -> str:
    """Return a plain picture in base64, for the sandbox."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
