"""Cursors of the top feed as opaque text for links: the number of likes, and the id."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gallery.translations import gettext
from gallery.views.pagination import InvalidParameter

DECODED_CURSOR = re.compile(rb"([0-9]{1,9})\.([0-9]{1,18})\.top")


@dataclass(frozen=True)
class TopCursor:
    """The position after the last creation of a page."""

    likes: int
    id: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.likes}.{self.id}.top".encode()).decode().rstrip("=")


def parse_top_cursor(query: Mapping[str, str]) -> TopCursor | None:
    """Return the cursor of a query string; None for the first page. Raises InvalidParameter."""
    cursor = query.get("cursor")
    if not cursor:
        return None
    try:
        decoded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    parts = DECODED_CURSOR.fullmatch(decoded)
    if parts is None:
        raise InvalidParameter("cursor", gettext("That page no longer exists. Start from the first one."))
    return TopCursor(int(parts[1]), int(parts[2]))
