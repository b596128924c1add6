"""Where a page of the wall ends, as an opaque word for its link. Knows no SQL and no HTTP.

A page goes on after the last creation shown, by (shown_at, id): new pictures never shift what is older, and page
1,000 costs what page 1 costs.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gallery.unreadable import Unreadable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Up to the year 9999 in microseconds, and 64 bits of id: those of people are X's own and have 19 digits.
INSIDE = re.compile(rb"([0-9]{1,18})\.([0-9]{1,19})")
LARGEST_ID = 2**63 - 1
# Whole rows on two, three and four columns.
PAGE_SIZE = 24


@dataclass(frozen=True)
class After:
    """The last creation of a page."""

    shown_at: datetime
    id: int

    def __str__(self) -> str:
        moment = (self.shown_at - EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(f"{moment}.{self.id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> After | None:
    """The place a cursor names; None when it is none of ours."""
    try:
        inside = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = INSIDE.fullmatch(inside)
        if parts is None or int(parts[2]) > LARGEST_ID:
            return None
        return After(EPOCH + timedelta(microseconds=int(parts[1])), int(parts[2]))
    except (binascii.Error, ValueError, OverflowError):
        return None


def after_in(query: Mapping[str, str]) -> After | None:
    """Where the page that an address asks for goes on; None for the first. Raises Unreadable."""
    cursor = query.get("cursor")
    if not cursor:
        return None
    after = read_cursor(cursor)
    if after is None:
        raise Unreadable("cursor", "this is no cursor of this site: leave it out to begin with the newest")
    return after
