"""The control of how much X lets through: limits per endpoint and token, caps per account and day."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from sandbox.account import Caps
from sandbox.clock import iso
from sandbox.control import Body, Here, gate_of
from sandbox.model import Json, Refused
from sandbox.world import World
from sandbox.x.gate import Gate
from sandbox.x.limits import Limit, Table

Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Seconds = Annotated[int, Field(ge=1, le=366 * 86_400)]
ThisGate = Annotated[Gate, Depends(gate_of)]
router = APIRouter(prefix="/sandbox", tags=["control"])


class OneLimit(Body):
    endpoint: str
    calls: Count
    seconds: Seconds = 900
    who: Literal["user", "app", "both"] = "both"


class NewCaps(Body):
    """Whatever is not named stays. `verified`: posts and replies together. `half_hour`: null for no such slice."""

    posts: Count | None = None
    replies: Count | None = None
    verified: Count | None = None
    half_hour: Count | None = None
    status: Literal[403, 429] | None = None


class NewLimits(Body):
    """One limit, or a list, or a switch, or several of them: `reset` first, then the rest."""

    reset: bool = False
    off: bool | None = None
    day_headers: bool | None = None
    account: NewCaps | None = None
    limits: list[OneLimit] = Field([], max_length=200)
    endpoint: str | None = None
    calls: Count | None = None
    seconds: Seconds = 900
    who: Literal["user", "app", "both"] = "both"

    def wanted(self) -> list[OneLimit]:
        if self.endpoint is None and self.calls is None:
            return self.limits
        if self.endpoint is None or self.calls is None:
            raise Refused("limit", "A limit needs both: endpoint and calls.")
        own = OneLimit(endpoint=self.endpoint, calls=self.calls, seconds=self.seconds, who=self.who)
        return [own, *self.limits]


@router.get("/limits")
async def limits(world: Here, gate: ThisGate) -> Json:
    return _told(world, gate)


@router.post("/limits")
async def set_limits(wanted: NewLimits, world: Here, gate: ThisGate) -> Json:
    """All of it or, when a name is wrong, nothing."""
    table = _table(wanted, Table() if wanted.reset else gate.limits.table, gate.names)
    caps = _caps(wanted, Caps() if wanted.reset else world.caps)
    if wanted.reset:
        gate.limits.reset()
    gate.limits.change(table)
    world.save(limits=table.fact, caps=asdict(caps))
    return _told(world, gate)


def _table(wanted: NewLimits, table: Table, names: frozenset[str]) -> Table:
    for one in wanted.wanted():
        if one.endpoint not in names:
            raise Refused(
                "limit", f"endpoint: there is no {one.endpoint[:80]!r}; known are {', '.join(sorted(names))}."
            )
        table = table.with_limit(one.endpoint, Limit(one.calls, one.seconds), one.who)
    off = table.off if wanted.off is None else wanted.off
    return replace(table, off=off, day_headers=table.day_headers if wanted.day_headers is None else wanted.day_headers)


def _caps(wanted: NewLimits, caps: Caps) -> Caps:
    named = wanted.account.model_dump(exclude_unset=True) if wanted.account else {}
    for name in named.keys() - {"half_hour"}:
        if named[name] is None:
            raise Refused("limit", f"account.{name}: null means nothing here.")
    return replace(caps, **named)


def _told(world: World, gate: Gate) -> Json:
    table = gate.limits.table
    return {
        "off": table.off,
        "day_headers": table.day_headers,
        "account": asdict(world.caps),
        "limits": {name: asdict(table.row(name)) for name in sorted(gate.names)},
        "windows": [
            {"endpoint": name, "who": who or "the app and all its people", "used": open_.used, "left": open_.left}
            | {"resets": iso(open_.ends_at * 1000)}
            for (who, name), open_ in gate.limits.windows.items()
        ],
    }
