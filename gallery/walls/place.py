"""Where a page of the best liked ends, as an opaque word for its link: so many likes, and the id. Knows no SQL."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gallery.unreadable import Unreadable

INSIDE = re.compile(rb"([0-9]{1,9})\.([0-9]{1,18})\.top")


@dataclass(frozen=True)
class Place:
    """The last creation of a page."""

    likes: int
    id: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.likes}.{self.id}.top".encode()).decode().rstrip("=")


def place_in(query: Mapping[str, str]) -> Place | None:
    """Where the page that an address asks for goes on; None for the first. Raises Unreadable."""
    cursor = query.get("cursor")
    if not cursor:
        return None
    try:
        inside = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        inside = b""
    parts = INSIDE.fullmatch(inside)
    if parts is None:
        raise Unreadable("cursor", "this is no cursor of this site: leave it out to begin with the best liked")
    return Place(int(parts[1]), int(parts[2]))
