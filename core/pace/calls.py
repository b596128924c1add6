"""How each kind of call to X fares: its last success, and since when, how often and why it fails. Kept in Redis.

All processes that call X write it (`core/pace/toll.py`); `status` and `/healthz` read it. What is lost with Redis is
known again after the next call.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.clock import now
from core.queue import WorkQueue, translated

# What is known of a call that nobody made for so long is forgotten.
REMEMBERED_SECONDS = 7 * 24 * 3600
MAX_DETAIL_LENGTH = 200


@dataclass(frozen=True)
class CallState:
    """One kind of call. `failing_since` is None while it works; `code` and `detail` are those of the last failure."""

    call: str
    succeeded_at: datetime | None = None
    failing_since: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0
    code: str = ""
    detail: str = ""


class CallStates:
    """What all processes know of the calls to X. All verbs raise TryLater("queue_away") when Redis is down."""

    def __init__(self, queue: WorkQueue) -> None:
        self._redis = queue.connection

    @translated
    def worked(self, call: str) -> None:
        """Note that X did what was asked."""
        key = _key(call)
        with self._redis.pipeline() as line:
            line.hdel(key, "since", "failed", "failures", "code", "detail")
            line.hset(key, "ok", now().timestamp())
            line.expire(key, REMEMBERED_SECONDS)
            line.execute()

    @translated
    def failed(self, call: str, *, code: str, detail: str) -> None:
        """Note that X did not, though it was nothing about this one post."""
        key, moment = _key(call), now().timestamp()
        with self._redis.pipeline() as line:
            line.hsetnx(key, "since", moment)
            line.hset(key, mapping={"failed": moment, "code": code, "detail": detail[:MAX_DETAIL_LENGTH]})
            line.hincrby(key, "failures", 1)
            line.expire(key, REMEMBERED_SECONDS)
            line.execute()

    @translated
    def read(self, call: str) -> CallState:
        """Return how a kind of call fares."""
        held: Any = self._redis.hgetall(_key(call))
        found = {name.decode(): value.decode() for name, value in held.items()}
        return CallState(
            call,
            succeeded_at=_moment(found.get("ok")),
            failing_since=_moment(found.get("since")),
            failed_at=_moment(found.get("failed")),
            failures=int(found.get("failures", 0)),
            code=found.get("code", ""),
            detail=found.get("detail", ""),
        )


def _key(call: str) -> str:
    return f"x:call:{call}"


def _moment(timestamp: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(timestamp), UTC) if timestamp else None
