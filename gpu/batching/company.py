"""Whether it is worth waiting a moment for more orders. Pure: knows moments that others tell it, and no queue.

Callers who were answered a moment ago are likely to ask again at once; the others are not to be foreseen. So an order
waits for as many others as were answered lately and have not come back, and an order that comes after a pause, or from
a caller who is alone, waits for nobody.
"""

from __future__ import annotations

from collections import deque

# Who has not asked again by then (encoding, the way there and back) is not coming back at once.
_RETURN_SECONDS = 0.05
# Others that keep coming, one by one, do not hold up the first for more than so many times the patience.
_LONGEST = 4


class Company:
    """All moments are seconds of one clock."""

    def __init__(self, patience: float) -> None:
        """`patience`: the longest pause between two orders that one waits for the other."""
        self._patience = patience
        self._away: deque[float] = deque()
        self._came = 0.0

    def came(self, now: float) -> None:
        """An order was queued."""
        self._came = now
        if self._away:
            self._away.popleft()

    def went(self, now: float) -> None:
        """An order was answered."""
        self._away.append(now)

    def wait(self, now: float, since: float) -> float:
        """Seconds to wait for others from now on, if none comes; zero or less: go. `since`: when the waiting began."""
        while self._away and self._away[0] < now - max(_RETURN_SECONDS, self._patience):
            self._away.popleft()
        if not self._away:
            return 0.0
        pause = max(self._came, self._away[-1]) + self._patience
        return min(pause, since + _LONGEST * self._patience) - now
