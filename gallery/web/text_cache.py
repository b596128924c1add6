"""Cache texts that take long to render: most pages show what another page showed a moment ago."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock
from typing import AnyStr, Generic

from cachetools import LRUCache

# What an entry takes besides its text, measured over 3,500 of them.
ENTRY_BYTES = 550


class TextCache(Generic[AnyStr]):
    """Texts by key, each with a hash of the values that it shows: if one of them has changed, it is rendered again.

    The values themselves would take three times as much memory as the text. That two versions of a text have the same
    hash of 64 bits is as unlikely as that two ETags are equal.
    """

    def __init__(self, max_bytes: int) -> None:
        """Hold at most `max_bytes`."""
        self._entries: LRUCache[Hashable, tuple[int, AnyStr]] = LRUCache(
            max_bytes, getsizeof=lambda entry: entry[1].__sizeof__() + ENTRY_BYTES
        )
        self._lock = Lock()

    def get(self, key: Hashable, values: Hashable, render: Callable[[], AnyStr]) -> AnyStr:
        """Return the text of this key, rendered if it is not cached with these values."""
        version = hash(values)
        with self._lock:
            entry = self._entries.get(key)
        if entry is not None and entry[0] == version:
            return entry[1]
        text = render()
        with self._lock, suppress(ValueError):  # a text larger than the cache is not cached
            self._entries[key] = version, text
        return text
