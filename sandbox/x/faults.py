"""Which fault plays at which call: by number, by turn, by chance, and how often it did. Knows no HTTP and no posts."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from sandbox.clock import first_id_at, ms_of
from sandbox.model import Media

MENTIONS, SEARCH, OWN = "GET /2/users/:id/mentions", "GET /2/tweets/search/recent", "GET /2/users/:id/tweets"
UPLOADS = ("POST /2/media/upload", "POST /2/media/upload/:id/finalize")

# What each kind may be told beside where and when; `answer` and its likes come instead of the deed or after it.
OF_CALLS: dict[str, frozenset[str]] = {
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
OF_MEDIA = {
    "media_pending": frozenset(("check_after_secs",)),
    "media_failed": frozenset(("check_after_secs",)),
    "media_lag": frozenset(("seconds",)),
}
OF_READING = {
    "index_delay": frozenset(("seconds",)),
    "late": frozenset(("seconds", "rate")),
    "lost": frozenset(("rate",)),
    "duplicates": frozenset[str](),
    "freeze": frozenset[str](),
}
_PLACES = {
    **dict.fromkeys(OF_MEDIA, UPLOADS),
    **dict.fromkeys(("index_delay", "freeze"), (MENTIONS, SEARCH, OWN)),
    **dict.fromkeys(("late", "lost", "duplicates"), (MENTIONS,)),
}
_NEEDS = {"answer": "status", "slow": "seconds", "index_delay": "seconds", "late": "seconds"}
_WHEN = frozenset(("calls", "every", "rate", "times"))

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
    """One fault as it was asked for. Reading faults stay until deleted; the others fire once unless told otherwise."""

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
        known = OF_CALLS | OF_MEDIA | OF_READING
        allowed = known[self.kind] | {"kind", "endpoint"} | (frozenset() if self.kind in OF_READING else _WHEN)
        for name in sorted(self.model_fields_set - allowed):
            raise ValueError(f"{name} says nothing to a fault of the kind {self.kind}")
        need = _NEEDS.get(self.kind)
        if need and getattr(self, need) is None:
            raise ValueError(f"a fault of the kind {self.kind} needs {need}")
        return self


class Standing:
    """A fault that was set, with what it saw and did since."""

    def __init__(self, number: int, fault: Fault, places: tuple[str, ...], *, seed: int, now_ms: int) -> None:
        self.id, self.fault, self.places = number, fault, places
        self.since_ms = now_ms
        self.seen = self.fired = 0
        self._seed = seed
        self._chance = random.Random(f"{seed}:{number}")  # noqa: S311 a dice that falls the same way in each run
        self._hidden: set[int] = set()

    def fires(self, *, free: bool = True) -> bool:
        """Counts one call, and says whether it goes wrong; one that another fault has already spoiled is not `free`."""
        self.seen += 1
        hit = free and self._chosen() and (self.fault.times is None or self.fired < self.fault.times)
        self.fired += hit
        return hit

    def _chosen(self) -> bool:
        fault = self.fault
        if fault.calls is not None:
            return self.seen in fault.calls
        if fault.every is not None:
            return self.seen % fault.every == 0
        if fault.rate is not None:
            return self._chance.random() < fault.rate
        return fault.times is not None or self.fired == 0

    def hides(self, post_id: int, now_ms: int) -> bool:
        hidden = self._hiding(post_id, now_ms)
        if hidden:
            self._hidden.add(post_id)
            self.fired = len(self._hidden)
        return hidden

    def _hiding(self, post_id: int, now_ms: int) -> bool:
        fault = self.fault
        if fault.kind == "freeze":
            return post_id >= first_id_at(self.since_ms)
        if fault.kind == "lost":
            return self._picks(post_id)
        if fault.kind in ("index_delay", "late"):
            young = now_ms < ms_of(post_id) + (fault.seconds or 0) * 1000
            return young and (fault.kind == "index_delay" or self._picks(post_id))
        return False

    def _picks(self, post_id: int) -> bool:
        """The same posts each time they are asked for: a lost one does not come back."""
        rate = 1.0 if self.fault.rate is None else self.fault.rate
        return random.Random(f"{self._seed}:{self.id}:{post_id}").random() < rate  # noqa: S311 as above


class Faults:
    """All that stand, oldest first. In memory: a restart mends everything."""

    def __init__(self, endpoints: Collection[str], *, seed: int, now_ms: Callable[[], int]) -> None:
        self._endpoints, self._seed, self._now_ms = tuple(endpoints), seed, now_ms
        self._numbers = count(1)
        self.standing: dict[int, Standing] = {}

    def add(self, fault: Fault) -> Standing:
        """ValueError when the endpoint is none of ours, or one where this kind can not happen."""
        number = next(self._numbers)
        places = self._places(fault)
        self.standing[number] = Standing(number, fault, places, seed=self._seed, now_ms=self._now_ms())
        return self.standing[number]

    def _places(self, fault: Fault) -> tuple[str, ...]:
        usual = _PLACES.get(fault.kind, self._endpoints)
        possible = (MENTIONS, SEARCH, OWN) if fault.kind in OF_READING else usual
        if fault.endpoint == "*":
            return usual
        if fault.endpoint not in possible:
            raise ValueError(f"endpoint: {fault.kind} plays at * or one of {', '.join(possible)}")
        return (fault.endpoint,)

    def clear(self) -> None:
        self.standing.clear()

    def at_call(self, endpoint: str) -> list[Fault]:
        """What goes wrong with this call: every slowness, and the first of the others."""
        slow, spoilers = [], list[Fault]()
        for one in self._at(endpoint, OF_CALLS):
            if one.fault.kind == "slow":
                slow += [one.fault] if one.fires() else []
            elif one.fires(free=not spoilers):
                spoilers.append(one.fault)
        return slow + spoilers

    def _at(self, endpoint: str, kinds: Collection[str]) -> Iterable[Standing]:
        return [one for one in self.standing.values() if one.fault.kind in kinds and endpoint in one.places]

    def spoil(self, endpoint: str, media: Media) -> bool:
        """Makes a fresh upload slow to process, or to be known; says whether anything was changed."""
        firing = [one.fault for one in self._at(endpoint, OF_MEDIA) if one.fires()]
        for fault in firing:
            if fault.kind == "media_lag":
                media.usable_ms = self._now_ms() + round((3 if fault.seconds is None else fault.seconds) * 1000)
            else:
                media.processing, media.will_fail = "pending", fault.kind == "media_failed"
                media.check_after_secs = fault.check_after_secs
        return bool(firing)

    def shown(self, endpoint: str, ids: list[int]) -> list[int]:
        """The posts that the index gives away at this endpoint, now."""
        hiding = self._at(endpoint, OF_READING)
        now = self._now_ms()
        return [i for i in ids if not any(one.hides(i, now) for one in hiding)] if hiding else ids

    def overlap(self, endpoint: str, *, later_page: bool) -> int:
        """How many posts of the page before a later page begins with."""
        doubling = [one for one in self._at(endpoint, ("duplicates",)) if later_page]
        for one in doubling:
            one.seen += 1
            one.fired += 1
        return len(doubling[:1])
