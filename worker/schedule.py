"""When a failed step is tried again. Pure."""

from datetime import datetime, timedelta

from core.errors import TryLater
from core.settings import WorkSettings


def next_try(error: TryLater, attempts: int, settings: WorkSettings, moment: datetime) -> datetime:
    """The moment of the next try: 5 s, 15 s, 45 s ... up to 10 minutes; later where the world asks for it.

    attempts: tries so far, this one included.
    """
    pause = min(settings.retry_seconds * 3 ** max(0, attempts - 1), settings.retry_longest_seconds)
    return moment + timedelta(seconds=max(pause, error.after))
