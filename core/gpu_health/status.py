"""Read the state of the circuit breaker. Every method raises TryLater("queue_away") if the queue is down."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.clock import now
from core.errors import TryLater
from core.gpu_health.keys import (
    ALL_OPEN_KEY,
    OUTAGE_KEY,
    RETENTION_SECONDS,
    SUSPECTS_KEY,
    UNCHECKED_KEY,
    UNCHECKED_RETENTION_SECONDS,
    UNHEALTHY_KEY,
    BackendKeys,
)
from core.queue import WorkQueue, translate_redis_errors


@dataclass(frozen=True)
class UnhealthyBackend:
    """A backend that failed and has not worked since. It is tried again in `retry_in` seconds."""

    url: str
    code: str
    detail: str
    since: datetime
    retry_in: float


@dataclass(frozen=True)
class Outage:
    """No backend takes requests. The next try is in `retry_in` seconds."""

    code: str
    since: datetime
    retry_in: float


class GpuStatus:
    """State of the GPU backends as seen by all workers."""

    def __init__(self, queue: WorkQueue | None) -> None:
        self.queue = queue

    @translate_redis_errors
    def capacity(self) -> int | None:
        """Return how many creations may be dispatched: 0 during an outage, 1 to probe after it, else None (any)."""
        with self._redis.pipeline() as pipe:
            pipe.exists(ALL_OPEN_KEY)
            pipe.exists(OUTAGE_KEY)
            all_open, outage = pipe.execute()
        return 0 if all_open else 1 if outage else None

    @translate_redis_errors
    def outage(self) -> Outage | None:
        """Return the outage if no backend takes requests."""
        fields = self._read_hash(OUTAGE_KEY)
        if "since" not in fields:
            return None
        return Outage(fields.get("code", ""), _parse_timestamp(fields["since"]), self._expires_in(ALL_OPEN_KEY))

    @translate_redis_errors
    def unhealthy(self) -> list[UnhealthyBackend]:
        """Return the backends that failed and have not worked since, sorted by address."""
        backends = []
        for keys in self._unhealthy_keys():
            fields = self._read_hash(keys.failures)
            if "since" in fields:
                since, retry_in = _parse_timestamp(fields["since"]), self._expires_in(keys.open)
                backends.append(UnhealthyBackend(fields["url"], fields["code"], fields["detail"], since, retry_in))
        return sorted(backends, key=lambda backend: backend.url)

    @translate_redis_errors
    def unchecked(self) -> list[str]:
        """Return backends whose unchecked pictures were published in the last 24 hours."""
        since = now().timestamp() - UNCHECKED_RETENTION_SECONDS
        return [url.decode() for url in self._redis.zrangebyscore(UNCHECKED_KEY, since, "+inf")]

    @translate_redis_errors
    def suspects(self) -> set[int]:
        """Return the creations that a backend recently refused or failed with. Do not probe with them."""
        since = now().timestamp() - RETENTION_SECONDS
        return {int(creation_id) for creation_id in self._redis.zrangebyscore(SUSPECTS_KEY, since, "+inf")}

    @property
    def _redis(self) -> Any:
        if self.queue is None:
            raise TryLater("queue_away", counted=False)
        return self.queue.connection

    def _unhealthy_keys(self) -> list[BackendKeys]:
        return [BackendKeys.from_name(name.decode()) for name in self._redis.smembers(UNHEALTHY_KEY)]

    def _read_hash(self, key: str) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self._redis.hgetall(key).items()}

    def _expires_in(self, key: str) -> float:
        return max(0, int(self._redis.pttl(key))) / 1000


def _parse_timestamp(timestamp: str) -> datetime:
    return datetime.fromtimestamp(float(timestamp), UTC)
