"""Compute when a failed step is tried again."""

from datetime import datetime, timedelta

from core.errors import TryLater
from core.settings import JobSettings


def next_attempt_at(error: TryLater, attempts: int, settings: JobSettings, now: datetime) -> datetime:
    """Return when to try again: after 5 s, 15 s, 45 s ... up to 10 minutes, or later if the error asks for it.

    attempts: attempts so far, including this one.
    """
    pause = min(settings.retry_seconds * 3 ** max(0, attempts - 1), settings.retry_max_seconds)
    return now + timedelta(seconds=max(pause, error.after))
