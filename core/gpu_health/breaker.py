"""Record what happens at the GPU backends, and decide which may be called."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from core.clock import now
from core.errors import TryLater
from core.gpu_health.keys import (
    ALL_OPEN_KEY,
    MAX_SUSPECTS,
    OUTAGE_KEY,
    RETENTION_SECONDS,
    SUSPECTS_KEY,
    UNCHECKED_KEY,
    UNCHECKED_RETENTION_SECONDS,
    UNHEALTHY_KEY,
    BackendKeys,
)
from core.gpu_health.status import GpuStatus
from core.queue import translate_redis_errors

MIN_PAUSE = 5.0
MAX_PAUSE = 300.0
# Pause if the requests may be the cause: one user's prompts must not delay others for a minute.
MAX_SUSPECT_PAUSE = 15.0
# After this many different creations fail in a row, blame the backend.
MAX_SUSPECTS_IN_A_ROW = 3
# A worker may die while it probes. Another one probes after this time, which is longer than a probe takes.
PROBE_SECONDS = 50.0
PROBE_PAUSE = 5.0
# After one of these failures the backend answers requests, but the answers are useless.
BAD_ANSWER_CODES = frozenset({"gpu_slow", "gpu_failed", "gpu_garbage", "gpu_unchecked"})

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def ignore_queue_errors(fallback: Result) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Return `fallback`, as if nothing were known, if the queue is down or there is none."""

    def decorate(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @wraps(method)
        def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            try:
                return translate_redis_errors(method)(*args, **kwargs)
            except TryLater:
                return fallback

        return wrapped

    return decorate


class GpuCircuitBreaker(GpuStatus):
    """Circuit breaker that all workers share. Without a queue every backend counts as healthy."""

    @ignore_queue_errors(0.0)
    def retry_after(self, url: str) -> float:
        """Return 0 if the backend may be called now, else seconds until the next try.

        A caller that gets 0 must record the result: it may be the only one that probes.
        """
        keys = BackendKeys(url)
        if (seconds := self._expires_in(keys.open)) > 0:
            return seconds
        if not self._redis.exists(keys.failures):
            return 0.0
        may_probe = self._redis.set(keys.probe, 1, nx=True, px=_milliseconds(PROBE_SECONDS))
        return 0.0 if may_probe else PROBE_PAUSE

    @ignore_queue_errors(False)
    def is_half_open(self, url: str) -> bool:
        """Return whether the backend failed and has not worked since. If so, check its health before a request."""
        keys = BackendKeys(url)
        return bool(self._redis.exists(keys.failures, keys.suspects))

    @ignore_queue_errors(0.0)
    def open_for(self, url: str) -> float:
        """Return seconds until the backend is tried again; 0 if it may be called."""
        keys = BackendKeys(url)
        seconds = self._expires_in(keys.open)
        is_probed = self._redis.exists(keys.failures) and self._redis.exists(keys.probe)
        return PROBE_PAUSE if seconds == 0 and is_probed else seconds

    @ignore_queue_errors(None)
    def record_failure(
        self, url: str, *, code: str, detail: str, after: float = 0.0, max_pause: float = MAX_PAUSE
    ) -> None:
        """Open the breaker of a backend, for `after` seconds if the backend asked for them."""
        keys = BackendKeys(url)
        count = int(self._redis.hget(keys.failures, "times") or 0)
        pause = max(1.0, after) if after else min(MIN_PAUSE * 3 ** min(count, 9), max_pause)
        # Failures of several workers at the same moment count once.
        if self._redis.set(keys.open, code, nx=True, px=_milliseconds(pause)):
            with self._redis.pipeline() as pipe:
                pipe.hset(
                    keys.failures,
                    mapping={"url": redact_url(url), "code": code, "detail": detail, "times": count + 1},
                )
                pipe.hsetnx(keys.failures, "since", now().timestamp())
                pipe.expire(keys.failures, RETENTION_SECONDS + int(pause))
                pipe.sadd(UNHEALTHY_KEY, keys.name)
                pipe.expire(UNHEALTHY_KEY, 2 * RETENTION_SECONDS + int(pause))
                pipe.execute()
        elif self._expires_in(keys.open) < after:
            self._redis.pexpire(keys.open, _milliseconds(after))
        self._redis.delete(keys.probe)

    @ignore_queue_errors(None)
    def record_suspect(self, url: str, request_key: str, *, code: str, detail: str) -> None:
        """Record a failure that the request may have caused. `request_key` identifies the creation."""
        keys = BackendKeys(url)
        with self._redis.pipeline() as pipe:
            pipe.sadd(keys.suspects, request_key)
            pipe.scard(keys.suspects)
            pipe.expire(keys.suspects, RETENTION_SECONDS)
            pipe.delete(keys.probe)
            count = int(pipe.execute()[1])
        self._add_suspect(request_key)
        if count >= MAX_SUSPECTS_IN_A_ROW:
            self.record_failure(url, code=code, detail=detail, max_pause=MAX_SUSPECT_PAUSE)

    @ignore_queue_errors(False)
    def record_refusal(self, url: str, request_key: str) -> bool:
        """Record that the backend refused a request.

        Returns whether the backend generated another creation since it last refused this one. If so, the request is
        the cause and not the backend.
        """
        keys = BackendKeys(url)
        successes = int(self._redis.get(keys.successes) or 0)
        successes_at_last_refusal = self._redis.hget(keys.refusals, request_key)
        with self._redis.pipeline() as pipe:
            pipe.hset(keys.refusals, request_key, successes)
            pipe.expire(keys.refusals, RETENTION_SECONDS)
            pipe.execute()
        self._add_suspect(request_key)
        return successes_at_last_refusal is not None and successes > int(successes_at_last_refusal)

    @ignore_queue_errors(None)
    def record_reachable(self, url: str) -> None:
        """Record that the backend reads requests. Whether it generates is for the next request to find out."""
        keys = BackendKeys(url)
        code = (self._redis.hget(keys.failures, "code") or b"").decode()
        if code in BAD_ANSWER_CODES:
            self._redis.delete(keys.probe)
        else:
            self._close(keys)

    @ignore_queue_errors(None)
    def record_success(self, url: str, request_key: str = "") -> None:
        """Close the breaker of a backend. `request_key` is the creation that it generated, if any."""
        keys = BackendKeys(url)
        with self._redis.pipeline() as pipe:
            pipe.incr(keys.successes)
            pipe.expire(keys.successes, 2 * RETENTION_SECONDS)
            pipe.hdel(keys.refusals, request_key)
            pipe.zrem(SUSPECTS_KEY, request_key)
            pipe.delete(keys.suspects)
            pipe.execute()
        self._close(keys)

    @ignore_queue_errors(None)
    def record_unchecked(self, url: str) -> None:
        """Record that pictures without a safety verdict were published, as the operator allowed."""
        with self._redis.pipeline() as pipe:
            pipe.zadd(UNCHECKED_KEY, {redact_url(url): now().timestamp()})
            pipe.expire(UNCHECKED_KEY, UNCHECKED_RETENTION_SECONDS)
            pipe.execute()

    @ignore_queue_errors(None)
    def open_all(self, seconds: float, code: str) -> None:
        """Record that no backend takes requests for so many seconds, at most `MAX_PAUSE`.

        An empty code leaves the recorded one. The maximum makes sure that new addresses are tried, too.
        """
        seconds = min(max(0.1, seconds), MAX_PAUSE)
        with self._redis.pipeline() as pipe:
            pipe.set(ALL_OPEN_KEY, code, px=_milliseconds(seconds))
            if code:
                pipe.hset(OUTAGE_KEY, "code", code)
            pipe.hsetnx(OUTAGE_KEY, "since", now().timestamp())
            pipe.expire(OUTAGE_KEY, RETENTION_SECONDS + int(seconds))
            pipe.execute()

    @translate_redis_errors
    def reset(self) -> None:
        """Close all breakers, so that every backend is tried at once."""
        names = [
            name for keys in self._unhealthy_keys() for name in (keys.failures, keys.open, keys.probe, keys.suspects)
        ]
        self._redis.delete(ALL_OPEN_KEY, OUTAGE_KEY, UNHEALTHY_KEY, *names)

    def _close(self, keys: BackendKeys) -> None:
        with self._redis.pipeline() as pipe:
            pipe.delete(keys.open, keys.failures, keys.probe, ALL_OPEN_KEY, OUTAGE_KEY)
            pipe.srem(UNHEALTHY_KEY, keys.name)
            pipe.execute()

    def _add_suspect(self, request_key: str) -> None:
        if not request_key.isdigit():
            return
        with self._redis.pipeline() as pipe:
            pipe.zadd(SUSPECTS_KEY, {request_key: now().timestamp()})
            pipe.zremrangebyrank(SUSPECTS_KEY, 0, -MAX_SUSPECTS - 1)
            pipe.expire(SUSPECTS_KEY, RETENTION_SECONDS)
            pipe.execute()


def redact_url(url: str) -> str:
    """Return an address without its user name and password."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
