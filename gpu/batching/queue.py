"""The waiting requests: a bounded FIFO that forms batches by key, with a short gathering window.

Whose turn it is among users is decided by the dispatcher that sends the requests, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gpu.batching.pending_request import PendingRequest
from gpu.engine import BatchKey

MaxImages = Callable[[BatchKey], int]

# A caller who has not sent the next request by then (encoding, and the way there and back) sends none at once.
RETURN_SECONDS = 0.05
# Arrivals, one after another, extend the window to this multiple of `gather_seconds` at most.
MAX_EXTENSION = 4


class RequestQueue:
    """The caller guards it with one lock. All moments are seconds of one clock."""

    def __init__(self, limit: int, gather_seconds: float) -> None:
        """`limit` counts requests; `gather_seconds` is how long to wait for the next arrival before a batch starts."""
        self.image_count = 0
        self._limit = limit
        self._gather_seconds = gather_seconds
        self._count = 0
        # In order of arrival. A dict removes a cancelled request in constant time.
        self._by_key: dict[BatchKey, dict[PendingRequest, None]] = {}
        self._expected = 0
        self._last_arrival = self._last_answer = float("-inf")

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        return self._count >= self._limit

    def add(self, pending: PendingRequest) -> None:
        """Append a request. The caller checks `is_full` first."""
        self._by_key.setdefault(pending.request.key, {})[pending] = None
        self._count += 1
        self.image_count += pending.image_count
        self._last_arrival = pending.queued_at
        self._expected = max(0, self._expected - 1)

    def remove(self, pending: PendingRequest) -> bool:
        """Take out a cancelled request. Return False if it does not wait here."""
        key = pending.request.key
        same_key = self._by_key.get(key, {})
        if pending not in same_key:
            return False
        del same_key[pending]
        if not same_key:
            del self._by_key[key]
        self._count -= 1
        self.image_count -= pending.image_count
        return True

    def record_answers(self, count: int, now: float) -> None:
        """Note answered requests: their callers are likely to send the next ones at once."""
        self._expected = count + (self._expected if now - self._last_answer < RETURN_SECONDS else 0)
        self._last_answer = now

    def gather_time(self, now: float, started: float, max_images: MaxImages) -> float:
        """Return the seconds to wait for more requests, since the wait `started`; 0 or less: start the batch.

        It waits only for callers who were answered a moment ago, so a single caller never waits.
        """
        is_late = now - self._last_answer > max(RETURN_SECONDS, self._gather_seconds)
        if not self._by_key or not self._expected or is_late or self._is_batch_full(max_images):
            return 0.0
        pause_ends = max(self._last_arrival, self._last_answer) + self._gather_seconds
        return min(pause_ends, started + MAX_EXTENSION * self._gather_seconds) - now

    def take_batch(self, max_images: MaxImages) -> list[PendingRequest]:
        """Remove and return the oldest request and the later ones with its key that fit; [] if none waits."""
        batch: list[PendingRequest] = []
        room = 0
        for pending in self._oldest_key():
            if not batch:
                # A request above the limit runs in slices, and its last slice has room too.
                room = -pending.image_count % max_images(pending.request.key)
            elif pending.image_count <= room:
                room -= pending.image_count
            else:
                continue
            batch.append(pending)
            if not room:
                break
        for pending in batch:
            self.remove(pending)
        return batch

    def clear(self) -> list[PendingRequest]:
        """Remove and return all requests."""
        left = [pending for same_key in self._by_key.values() for pending in same_key]
        self._by_key.clear()
        self._count = self.image_count = 0
        return left

    def _oldest_key(self) -> Iterable[PendingRequest]:
        """Return the requests with the key of the oldest one, in order of arrival."""
        return min(self._by_key.values(), key=lambda same_key: next(iter(same_key)).queued_at, default={})

    def _is_batch_full(self, max_images: MaxImages) -> bool:
        images = 0
        for pending in self._oldest_key():
            images += pending.image_count
            if images >= max_images(pending.request.key):
                return True
        return False
