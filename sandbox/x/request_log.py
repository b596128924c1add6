"""Log the last API calls for debugging."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass

from sandbox.model import Json

MAX_ENTRIES = 1000


@dataclass(slots=True)
class Entry:
    """A call. `response`: status or `dropped`. `signature`: `good`, why it is invalid, or None for bearer tokens."""

    at: str
    endpoint: str
    response: str = "500"
    by: str | None = None
    signature: str | None = None


class RequestLog:
    """The last calls, in memory."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)

    def open(self, at: str, endpoint: str) -> Entry:
        """Add an entry at the start of a call, so that entries are ordered by it. The caller completes it."""
        entry = Entry(at, endpoint)
        self._entries.append(entry)
        return entry

    def newest(self, limit: int) -> list[Json]:
        return [asdict(entry) for entry in list(self._entries)[::-1][: max(0, limit)]]
