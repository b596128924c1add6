"""Choose the pause between two polls: short while users write, then longer and longer. Pure."""

from dataclasses import dataclass, field

from core.settings import PollSettings

# Polls stay frequent for this long after the last new post.
ACTIVE_SECONDS = 120.0
MAX_DELAY_SECONDS = 300.0
MAX_DOUBLINGS = 10


@dataclass
class PollBackoff:
    """The state between two polls. `at` is a monotonic time in seconds."""

    settings: PollSettings
    _last_news_at: float | None = field(default=None, init=False)
    _delay: float = field(default=0.0, init=False)
    _failures: int = field(default=0, init=False)

    def next_delay(self, at: float, *, found_new: bool) -> float:
        """Return the seconds to wait after a poll. An empty poll costs nothing, so long pauses only spare X."""
        self._failures = 0
        if found_new or self._last_news_at is None:
            self._last_news_at = at
        if at - self._last_news_at < ACTIVE_SECONDS:
            self._delay = self.settings.poll_seconds
        else:
            self._delay = min(self._delay * 2, max(self.settings.poll_max_seconds, self.settings.poll_seconds))
        return self._delay

    def delay_after_failure(self, *, at_least: float = 0.0) -> float:
        """Return the seconds to wait after a failed poll. `at_least`: X's own retry delay in seconds."""
        self._failures += 1
        backoff: float = self.settings.poll_seconds * 2 ** min(self._failures, MAX_DOUBLINGS)
        return max(min(backoff, MAX_DELAY_SECONDS), at_least)
