"""Who can see whose posts: a suspended, protected or blocking author is out of sight. Knows people only, no posts.

What a blocked account may still read is not documented for the API; here the blocker's posts are out of its sight.
"""

from __future__ import annotations

from typing import Literal

from sandbox.model import Person

Veil = Literal["suspended", "protected", "blocking"]


def veil(author: Person, viewer: Person | None) -> Veil | None:
    """Why `viewer` (None: an app without a person) does not see this author; None when nothing is in the way."""
    if viewer is not None and viewer.id == author.id:
        return None
    if author.suspended:
        return "suspended"
    if author.protected and (viewer is None or author.id not in viewer.follows):
        return "protected"
    if viewer is not None and viewer.id in author.blocking:
        return "blocking"
    return None


def ignored(author: Person, viewer: Person | None) -> bool:
    """Out of the timelines and the search: whom one can not see, and whom one blocked oneself."""
    return veil(author, viewer) is not None or (viewer is not None and author.id in viewer.blocking)
