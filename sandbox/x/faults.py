"""Decide which faults apply to a call, and count how often they did."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from sandbox.clock import min_id_at, snowflake_ms
from sandbox.model import Media

MENTIONS, SEARCH, OWN = "GET /2/users/:id/mentions", "GET /2/tweets/search/recent", "GET /2/users/:id/tweets"
UPLOADS = ("POST /2/media/upload", "POST /2/media/upload/:id/finalize")

# The options of each kind, beside endpoint and occurrence. `when`: before or after the call runs.
CALL_FAULTS: dict[str, frozenset[str]] = {
    "answer": frozenset(("status", "body", "headers", "when")),
    "html_503": frozenset(("when",)),
    "empty_200": frozenset(("when",)),
    "garbage_200": frozenset(("when",)),
    "list_body": frozenset(("status", "when")),
    "drop": frozenset(("when",)),
    "status_after": frozenset(("status",)),
    "slow": frozenset(("seconds", "when")),
    "no_reset": frozenset(),
    "reset_past": frozenset(),
    "usage_cap": frozenset(),
    "no_credits": frozenset(),
    "unauthorized": frozenset(),
}
MEDIA_FAULTS = {
    "media_pending": frozenset(("check_after_secs",)),
    "media_failed": frozenset(("check_after_secs",)),
    "media_lag": frozenset(("seconds",)),
}
READ_FAULTS = {
    "index_delay": frozenset(("seconds",)),
    "late": frozenset(("seconds", "rate")),
    "lost": frozenset(("rate",)),
    "duplicates": frozenset[str](),
    "freeze": frozenset[str](),
}
_DEFAULT_ENDPOINTS = {
    **dict.fromkeys(MEDIA_FAULTS, UPLOADS),
    **dict.fromkeys(("index_delay", "freeze"), (MENTIONS, SEARCH, OWN)),
    **dict.fromkeys(("late", "lost", "duplicates"), (MENTIONS,)),
}
_NEEDS = {"answer": "status", "slow": "seconds", "index_delay": "seconds", "late": "seconds"}
_OCCURRENCE = frozenset(("calls", "every", "rate", "times"))

Kind = Literal[
    "answer",
    "html_503",
    "empty_200",
    "garbage_200",
    "list_body",
    "drop",
    "status_after",
    "slow",
    "no_reset",
    "reset_past",
    "usage_cap",
    "no_credits",
    "unauthorized",
    "media_pending",
    "media_failed",
    "media_lag",
    "index_delay",
    "late",
    "lost",
    "duplicates",
    "freeze",
]


HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$", max_length=4000)]


class Fault(BaseModel):
    """The definition of a fault. Read faults stay until deleted; the others fire once by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    endpoint: str = "*"
    calls: list[PositiveInt] | None = Field(None, max_length=10_000)
    every: PositiveInt | None = None
    rate: float | None = Field(None, ge=0, le=1)
    times: PositiveInt | None = None

    when: Literal["before", "after"] = "before"
    status: int | None = Field(None, ge=200, le=599)
    body: Any = None
    headers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")], HeaderValue] = {}
    seconds: float | None = Field(None, ge=0, le=86_400)
    check_after_secs: int = Field(1, ge=0, le=3600)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Fault:
        options_by_kind = CALL_FAULTS | MEDIA_FAULTS | READ_FAULTS
        allowed = options_by_kind[self.kind] | {"kind", "endpoint"}
        if self.kind not in READ_FAULTS:
            allowed |= _OCCURRENCE
        for name in sorted(self.model_fields_set - allowed):
            raise ValueError(f"{name} is not an option of {self.kind}")
        required = _NEEDS.get(self.kind)
        if required and getattr(self, required) is None:
            raise ValueError(f"{self.kind} needs {required}")
        return self


class ActiveFault:
    """A fault in effect, with its counts."""

    def __init__(self, fault_id: int, fault: Fault, endpoints: tuple[str, ...], *, seed: int, now_ms: int) -> None:
        self.id, self.fault, self.endpoints = fault_id, fault, endpoints
        self.since_ms = now_ms
        self.seen = self.fired = 0
        self._seed = seed
        self._rng = random.Random(f"{seed}:{fault_id}")  # noqa: S311 reproducible, not secret
        self._hidden: set[int] = set()

    def fires(self, *, free: bool = True) -> bool:
        """Count a call and return whether it fails. `free`: no other fault failed it yet."""
        self.seen += 1
        fires = free and self._is_selected() and (self.fault.times is None or self.fired < self.fault.times)
        self.fired += fires
        return fires

    def _is_selected(self) -> bool:
        fault = self.fault
        if fault.calls is not None:
            return self.seen in fault.calls
        if fault.every is not None:
            return self.seen % fault.every == 0
        if fault.rate is not None:
            return self._rng.random() < fault.rate
        return fault.times is not None or self.fired == 0

    def hides(self, post_id: int, now_ms: int) -> bool:
        hidden = self._is_hidden(post_id, now_ms)
        if hidden:
            self._hidden.add(post_id)
            self.fired = len(self._hidden)
        return hidden

    def _is_hidden(self, post_id: int, now_ms: int) -> bool:
        fault = self.fault
        if fault.kind == "freeze":
            return post_id >= min_id_at(self.since_ms)
        if fault.kind == "lost":
            return self._picks(post_id)
        if fault.kind in ("index_delay", "late"):
            young = now_ms < snowflake_ms(post_id) + (fault.seconds or 0) * 1000
            return young and (fault.kind == "index_delay" or self._picks(post_id))
        return False

    def _picks(self, post_id: int) -> bool:
        """Choose by post id, so that a lost post stays lost."""
        rate = 1.0 if self.fault.rate is None else self.fault.rate
        return random.Random(f"{self._seed}:{self.id}:{post_id}").random() < rate  # noqa: S311 as above


class Faults:
    """The faults in effect, oldest first. They end with the process."""

    def __init__(self, endpoints: Collection[str], *, seed: int, now_ms: Callable[[], int]) -> None:
        self._endpoints, self._seed, self._now_ms = tuple(endpoints), seed, now_ms
        self._ids = count(1)
        self.active: dict[int, ActiveFault] = {}

    def add(self, fault: Fault) -> ActiveFault:
        """Add a fault. Raise ValueError if this kind is impossible at its endpoint."""
        fault_id = next(self._ids)
        endpoints = self._select_endpoints(fault)
        self.active[fault_id] = ActiveFault(fault_id, fault, endpoints, seed=self._seed, now_ms=self._now_ms())
        return self.active[fault_id]

    def _select_endpoints(self, fault: Fault) -> tuple[str, ...]:
        default = _DEFAULT_ENDPOINTS.get(fault.kind, self._endpoints)
        allowed = (MENTIONS, SEARCH, OWN) if fault.kind in READ_FAULTS else default
        if fault.endpoint == "*":
            return default
        if fault.endpoint not in allowed:
            raise ValueError(f"endpoint: {fault.kind} needs * or one of {', '.join(allowed)}")
        return (fault.endpoint,)

    def clear(self) -> None:
        self.active.clear()

    def for_call(self, endpoint: str) -> list[Fault]:
        """Return the faults of this call: all delays, and the first of the others."""
        delays, others = list[Fault](), list[Fault]()
        for entry in self._active_at(endpoint, CALL_FAULTS):
            if entry.fault.kind == "slow":
                delays += [entry.fault] if entry.fires() else []
            elif entry.fires(free=not others):
                others.append(entry.fault)
        return delays + others

    def _active_at(self, endpoint: str, kinds: Collection[str]) -> Iterable[ActiveFault]:
        return [entry for entry in self.active.values() if entry.fault.kind in kinds and endpoint in entry.endpoints]

    def apply_to_media(self, endpoint: str, media: Media) -> bool:
        """Apply media faults to a new upload. Return whether any did."""
        firing = [entry.fault for entry in self._active_at(endpoint, MEDIA_FAULTS) if entry.fires()]
        for fault in firing:
            if fault.kind == "media_lag":
                media.usable_ms = self._now_ms() + round((3 if fault.seconds is None else fault.seconds) * 1000)
            else:
                media.processing, media.will_fail = "pending", fault.kind == "media_failed"
                media.check_after_secs = fault.check_after_secs
        return bool(firing)

    def visible_ids(self, endpoint: str, ids: list[int]) -> list[int]:
        """Return the posts that no fault hides at this endpoint now."""
        hiding = self._active_at(endpoint, READ_FAULTS)
        now = self._now_ms()
        return [i for i in ids if not any(entry.hides(i, now) for entry in hiding)] if hiding else ids

    def overlap(self, endpoint: str, *, later_page: bool) -> int:
        """Return how many posts of the previous page a later page repeats."""
        duplicating = [entry for entry in self._active_at(endpoint, ("duplicates",)) if later_page]
        for entry in duplicating:
            entry.seen += 1
            entry.fired += 1
        return len(duplicating[:1])
