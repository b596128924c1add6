"""Describe exceptions without their messages, which may quote a prompt."""

from __future__ import annotations

import traceback


def safe_traceback(error: BaseException) -> str:
    """Return the exception's type, and the last three places in the code it came through."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{type(error).__name__} at " + " > ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
