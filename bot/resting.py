"""How long the bot rests between two looks: shortly while people ask, longer and longer while nobody does. Pure."""

from dataclasses import dataclass, field

from core.settings import PollSettings

# How long after the last news people are taken to be still about.
BUSY_FOR = 120.0
LONGEST = 300.0
MOST_DOUBLINGS = 10


@dataclass
class Rest:
    """Remembers when there was news. `at`: seconds of a clock that never goes back."""

    settings: PollSettings
    _news_at: float | None = field(default=None, init=False)
    _rest: float = field(default=0.0, init=False)
    _failures: int = field(default=0, init=False)

    def after_look(self, at: float, *, news: bool) -> float:
        """Seconds to rest after a look. An empty look is free, so the longest rest is for X's sake, not for money's."""
        self._failures = 0
        if news or self._news_at is None:
            self._news_at = at
        if at - self._news_at < BUSY_FOR:
            self._rest = self.settings.poll_seconds
        else:
            self._rest = min(self._rest * 2, max(self.settings.poll_idle_seconds, self.settings.poll_seconds))
        return self._rest

    def after_failure(self, *, at_least: float = 0.0) -> float:
        """Seconds to rest after a look that failed. `at_least`: before that another is pointless."""
        self._failures += 1
        longer: float = self.settings.poll_seconds * 2 ** min(self._failures, MOST_DOUBLINGS)
        return max(min(longer, LONGEST), at_least)
