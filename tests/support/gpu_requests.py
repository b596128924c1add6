"""A request to the GPU service, and readers of its response."""

import base64
import io
from typing import Any

from PIL import Image

REQUEST = {"prompt": "a lake", "seeds": [7], "width": 64, "height": 64}


def picture(answer: dict[str, Any]) -> Image.Image:
    """Decode the picture in one entry of a response."""
    return Image.open(io.BytesIO(base64.b64decode(answer["image"])))


def as_base64(image: Image.Image, form: str = "PNG") -> str:
    """Encode a picture for `init_image`."""
    buffer = io.BytesIO()
    image.save(buffer, form)
    return base64.b64encode(buffer.getvalue()).decode()


def fields(response: Any) -> list[str]:
    """Return the fields that a rejection names."""
    assert response.status_code == 422, response.text
    assert all(error["reason"] for error in response.json()["errors"])
    return [error["field"] for error in response.json()["errors"]]
