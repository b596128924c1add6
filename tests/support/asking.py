"""An order to the painter as tests send it, and how they look at what comes back."""

import base64
import io
from typing import Any

from PIL import Image

ASKED = {"prompt": "a lake", "seeds": [7], "width": 64, "height": 64}


def picture(answer: dict[str, Any]) -> Image.Image:
    """The picture in one entry of an answer."""
    return Image.open(io.BytesIO(base64.b64decode(answer["image"])))


def as_base64(image: Image.Image, form: str = "PNG") -> str:
    """A picture as `init_image` takes it."""
    buffer = io.BytesIO()
    image.save(buffer, form)
    return base64.b64encode(buffer.getvalue()).decode()


def fields(response: Any) -> list[str]:
    """The fields that a refusal names."""
    assert response.status_code == 422, response.text
    assert all(error["reason"] for error in response.json()["errors"])
    return [error["field"] for error in response.json()["errors"]]
