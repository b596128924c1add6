"""Cache texts that take long to render: most pages show what another page showed a moment ago."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock

from cachetools import LRUCache


class TextCache:
    """Texts by key, with the values that each shows: if one of them has changed, the text is rendered again.

    Values are compared, not part of the key, because hashing dozens of them takes longer than the rest of a look-up.
    """

    def __init__(self, max_bytes: int, values_bytes: int) -> None:
        """Hold at most `max_bytes`. `values_bytes`: what an entry takes besides its text."""
        self._entries: LRUCache[Hashable, tuple[object, str]] = LRUCache(
            max_bytes, getsizeof=lambda entry: entry[1].__sizeof__() + values_bytes
        )
        self._lock = Lock()

    def get(self, key: Hashable, values: object, render: Callable[[], str]) -> str:
        """Return the text of this key, rendered if it is not cached with these values."""
        with self._lock:
            entry = self._entries.get(key)
        if entry is not None and entry[0] == values:
            return entry[1]
        text = render()
        with self._lock, suppress(ValueError):  # a text larger than the cache is not cached
            self._entries[key] = values, text
        return text
