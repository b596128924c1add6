"""Show and set the rate limits per endpoint and the daily caps per account."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from sandbox.clock import iso
from sandbox.control.posts import Body
from sandbox.daily_caps import Caps
from sandbox.dependencies import DispatcherDep, WorldDep
from sandbox.model import Json, RuleViolation
from sandbox.world import World
from sandbox.x.dispatcher import CallDispatcher
from sandbox.x.limits import Limit, LimitTable

Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Seconds = Annotated[int, Field(ge=1, le=366 * 86_400)]
router = APIRouter(prefix="/sandbox", tags=["control"])


class LimitChange(Body):
    endpoint: str
    calls: Count
    seconds: Seconds = 900
    who: Literal["user", "app", "both"] = "both"


class NewCaps(Body):
    """New caps; omitted ones stay. `verified`: posts and replies together. `half_hour`: null for no such cap."""

    posts: Count | None = None
    replies: Count | None = None
    verified: Count | None = None
    half_hour: Count | None = None
    status: Literal[403, 429] | None = None


class NewLimits(Body):
    """One limit, a list, switches, or several of these. `reset` is applied first."""

    reset: bool = False
    off: bool | None = None
    day_headers: bool | None = None
    account: NewCaps | None = None
    limits: list[LimitChange] = Field([], max_length=200)
    endpoint: str | None = None
    calls: Count | None = None
    seconds: Seconds = 900
    who: Literal["user", "app", "both"] = "both"

    def all_limits(self) -> list[LimitChange]:
        if self.endpoint is None and self.calls is None:
            return self.limits
        if self.endpoint is None or self.calls is None:
            raise RuleViolation("limit", "A limit needs endpoint and calls.")
        own = LimitChange(endpoint=self.endpoint, calls=self.calls, seconds=self.seconds, who=self.who)
        return [own, *self.limits]


@router.get("/limits")
async def limits(world: WorldDep, dispatcher: DispatcherDep) -> Json:
    return _summary(world, dispatcher)


@router.post("/limits")
async def set_limits(body: NewLimits, world: WorldDep, dispatcher: DispatcherDep) -> Json:
    """Apply all changes, or none if one is invalid."""
    table = _table(body, LimitTable() if body.reset else dispatcher.limits.table, dispatcher.names)
    caps = _caps(body, Caps() if body.reset else world.caps)
    if body.reset:
        dispatcher.limits.reset()
    dispatcher.limits.change(table)
    world.save(limits=table.stored, caps=asdict(caps))
    return _summary(world, dispatcher)


def _table(body: NewLimits, table: LimitTable, names: frozenset[str]) -> LimitTable:
    for item in body.all_limits():
        if item.endpoint not in names:
            raise RuleViolation(
                "limit", f"endpoint: {item.endpoint[:80]!r} is unknown; known are {', '.join(sorted(names))}."
            )
        table = table.with_limit(item.endpoint, Limit(item.calls, item.seconds), item.who)
    off = table.off if body.off is None else body.off
    return replace(table, off=off, day_headers=table.day_headers if body.day_headers is None else body.day_headers)


def _caps(body: NewLimits, caps: Caps) -> Caps:
    changes = body.account.model_dump(exclude_unset=True) if body.account else {}
    for name in changes.keys() - {"half_hour"}:
        if changes[name] is None:
            raise RuleViolation("limit", f"account.{name}: null is not allowed.")
    return replace(caps, **changes)


def _summary(world: World, dispatcher: CallDispatcher) -> Json:
    table = dispatcher.limits.table
    return {
        "off": table.off,
        "day_headers": table.day_headers,
        "account": asdict(world.caps),
        "limits": {name: asdict(table.row(name)) for name in sorted(dispatcher.names)},
        "windows": [
            {"endpoint": name, "who": who or "the app and all its users", "used": window.used, "left": window.left}
            | {"resets": iso(window.ends_at * 1000)}
            for (who, name), window in dispatcher.limits.windows.items()
        ],
    }
