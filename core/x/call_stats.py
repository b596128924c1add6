"""Record how calls to X go, by kind: the last success, and since when, how often and why they fail.

Every process that calls X writes here (`core/x/call_guard.py`); `status` and `/healthz` read. The state is in Redis.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from core.clock import now
from core.queue import WorkQueue, translate_redis_errors

RETENTION_SECONDS = 7 * 24 * 3600
MAX_DETAIL_LENGTH = 200


@dataclass(frozen=True)
class CallState:
    """One kind of call. `failing_since` is None after a success; `code` and `detail` are of the last failure."""

    call: str
    succeeded_at: datetime | None = None
    failing_since: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0
    code: str = ""
    detail: str = ""


class CallStats:
    """Results of all processes' calls to X. Every method raises TryLater("queue_away") if Redis is down."""

    def __init__(self, queue: WorkQueue) -> None:
        self._redis = queue.connection

    @translate_redis_errors
    def record_success(self, call: str) -> None:
        """Record that X did what the call asked for."""
        key = _key(call)
        with self._redis.pipeline() as pipe:
            pipe.hdel(key, "since", "failed", "failures", "code", "detail")
            pipe.hset(key, "ok", now().timestamp())
            pipe.expire(key, RETENTION_SECONDS)
            pipe.execute()

    @translate_redis_errors
    def record_failure(self, call: str, *, code: str, detail: str) -> None:
        """Record a failure that is not about one post."""
        key, timestamp = _key(call), now().timestamp()
        with self._redis.pipeline() as pipe:
            pipe.hsetnx(key, "since", timestamp)
            pipe.hset(key, mapping={"failed": timestamp, "code": code, "detail": detail[:MAX_DETAIL_LENGTH]})
            pipe.hincrby(key, "failures", 1)
            pipe.expire(key, RETENTION_SECONDS)
            pipe.execute()

    @translate_redis_errors
    def read(self, call: str) -> CallState:
        """Return how a kind of call goes."""
        raw = cast(dict[bytes, bytes], self._redis.hgetall(_key(call)))
        fields = {name.decode(): value.decode() for name, value in raw.items()}
        return CallState(
            call,
            succeeded_at=_parse_timestamp(fields.get("ok")),
            failing_since=_parse_timestamp(fields.get("since")),
            failed_at=_parse_timestamp(fields.get("failed")),
            failures=int(fields.get("failures", 0)),
            code=fields.get("code", ""),
            detail=fields.get("detail", ""),
        )


def _key(call: str) -> str:
    return f"x:call:{call}"


def _parse_timestamp(timestamp: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(timestamp), UTC) if timestamp else None
