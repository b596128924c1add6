"""Small pictures for tests."""

import base64
import io

from PIL import Image


def a_photo(colour: str = "teal", size: tuple[int, int] = (64, 64)) -> str:
    """A plain picture in base64, as the sandbox takes it."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
