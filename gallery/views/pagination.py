"""Cursors of lists that are sorted by time, as opaque text for links.

A page continues after the last creation shown, by (published_at, id): new creations never shift older pages, and page
1,000 costs the same as page 1.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gallery.translations import gettext

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds up to the year 9999, and 64 bits of id: account ids of X have 19 digits.
DECODED_CURSOR = re.compile(rb"([0-9]{1,18})\.([0-9]{1,19})")
MAX_ID = 2**63 - 1
# Fills whole rows of two, three and four columns.
PAGE_SIZE = 24


class InvalidParameter(Exception):
    """A value in an address or a form that cannot be used. `web/error_handlers.py` answers it with 422."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.errors = [{"field": field, "reason": reason}]


def parse_id(text: str) -> int:
    """Return the id that `text` names, or 0, which no row has, if it names none."""
    # The length comes first: Python refuses to convert thousands of digits.
    number = int(text) if len(text) < 20 and text.isascii() and text.isdigit() else 0
    return number if number <= MAX_ID else 0


@dataclass(frozen=True)
class Cursor:
    """The position after the last creation of a page."""

    published_at: datetime
    id: int

    def __str__(self) -> str:
        moment = (self.published_at - EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(f"{moment}.{self.id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Cursor | None:
    """Return the position that the text encodes; None if it is no cursor of ours."""
    try:
        decoded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = DECODED_CURSOR.fullmatch(decoded)
        if parts is None or int(parts[2]) > MAX_ID:
            return None
        return Cursor(EPOCH + timedelta(microseconds=int(parts[1])), int(parts[2]))
    except (binascii.Error, ValueError, OverflowError):
        return None


def parse_cursor(query: Mapping[str, str]) -> Cursor | None:
    """Return the cursor of a query string; None for the first page. Raises InvalidParameter."""
    cursor = query.get("cursor")
    if not cursor:
        return None
    position = decode_cursor(cursor)
    if position is None:
        raise InvalidParameter("cursor", gettext("That page no longer exists. Start from the newest."))
    return position
