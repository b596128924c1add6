"""Show and set the bill, the credits and the prices."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from sandbox.billing import PRICES
from sandbox.control.posts import Body
from sandbox.dependencies import DispatcherDep, WorldDep
from sandbox.model import Json, RuleViolation

Micro = Annotated[int, Field(ge=0, le=10**15)]
router = APIRouter(prefix="/sandbox", tags=["control"])


class PriceChanges(Body):
    """New prices and bounds. Omitted fields stay; null removes a bound. Later charges reduce the credits."""

    credits_micro: Micro | None = None
    spending_limit_micro: Micro | None = None
    monthly_post_reads: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    bill_includes: bool = False
    prices: dict[str, Micro] = Field({}, max_length=50)


@router.get("/money")
async def money(world: WorldDep, dispatcher: DispatcherDep, rows: bool = False) -> Json:
    return dispatcher.billing.summary() | ({"rows": world.store.charges()} if rows else {})


@router.post("/money")
async def set_prices(body: PriceChanges, world: WorldDep, dispatcher: DispatcherDep) -> Json:
    for item in body.prices.keys() - PRICES.keys():
        raise RuleViolation("price", f"prices: {item[:40]!a} is unknown; known are {', '.join(PRICES)}.")
    changes = body.model_dump(exclude_unset=True)
    if "credits_micro" in changes:
        changes["credits_from"] = dispatcher.billing.total_micro
    changes["prices"] = dispatcher.billing.price_list.prices | body.prices
    price_list = replace(dispatcher.billing.price_list, **changes)
    world.save(money=asdict(price_list))
    dispatcher.billing.price_list = price_list
    return dispatcher.billing.summary()
