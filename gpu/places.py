"""Says of an exception what it was and where, without its words: they may hold somebody's prompt. Knows no log."""

from __future__ import annotations

import traceback


def place_of(error: BaseException) -> str:
    """Its type, and the last three places in the code it came through."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{type(error).__name__} at " + " > ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
