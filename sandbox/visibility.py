"""Decide whose posts a user sees: not those of suspended, protected or blocking authors.

X does not document what the API shows a blocked user; here the blocker's posts are hidden from them.
"""

from __future__ import annotations

from typing import Literal

from sandbox.model import User

HiddenReason = Literal["suspended", "protected", "blocking"]


def hidden_reason(author: User, viewer: User | None) -> HiddenReason | None:
    """Return why `viewer` (None: an app-only token) does not see this author, or None if it does."""
    if viewer is not None and viewer.id == author.id:
        return None
    if author.suspended:
        return "suspended"
    if author.protected and (viewer is None or author.id not in viewer.follows):
        return "protected"
    if viewer is not None and viewer.id in author.blocking:
        return "blocking"
    return None


def is_left_out(author: User, viewer: User | None) -> bool:
    """Return whether timelines and search leave this author out: hidden from the viewer, or blocked by the viewer."""
    return hidden_reason(author, viewer) is not None or (viewer is not None and author.id in viewer.blocking)
