"""The last calls to the API: when, what, by whom, what their signature was worth, what they got. For whoever debugs."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass

from sandbox.model import Json

KEPT = 1000


@dataclass(slots=True)
class Entry:
    """`heard` is the status, or `dropped`. `signature`: `good`, why it was refused, or None for a bearer token."""

    at: str
    endpoint: str
    heard: str = "500"
    by: str | None = None
    signature: str | None = None


class Journal:
    """Lives in memory, like the counts of calls."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def open(self, at: str, endpoint: str) -> Entry:
        """An entry in the order in which calls came in; whoever answers fills it."""
        entry = Entry(at, endpoint)
        self._entries.append(entry)
        return entry

    def newest(self, limit: int) -> list[Json]:
        return [asdict(entry) for entry in list(self._entries)[::-1][: max(0, limit)]]
