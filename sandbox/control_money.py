"""The control of money: the bill so far, how much credit is left, and what everything costs."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from sandbox.control import Body, Here, gate_of
from sandbox.model import Json, Refused
from sandbox.money import PRICES
from sandbox.x.gate import Gate

Micro = Annotated[int, Field(ge=0, le=10**15)]
ThisGate = Annotated[Gate, Depends(gate_of)]
router = APIRouter(prefix="/sandbox", tags=["control"])


class NewTerms(Body):
    """Whatever is not named stays; null takes a bound away. Credits count from now on."""

    credits_micro: Micro | None = None
    spending_limit_micro: Micro | None = None
    monthly_post_reads: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    bill_includes: bool = False
    prices: dict[str, Micro] = Field({}, max_length=50)


@router.get("/money")
async def money(world: Here, gate: ThisGate, rows: bool = False) -> Json:
    return gate.till.told() | ({"rows": world.store.charges()} if rows else {})


@router.post("/money")
async def set_terms(wanted: NewTerms, world: Here, gate: ThisGate) -> Json:
    for item in wanted.prices.keys() - PRICES.keys():
        raise Refused("price", f"prices: {item[:40]!a} is not sold; known are {', '.join(PRICES)}.")
    named = wanted.model_dump(exclude_unset=True)
    if "credits_micro" in named:
        named["credits_from"] = gate.till.total_micro
    named["prices"] = gate.till.terms.prices | wanted.prices
    terms = replace(gate.till.terms, **named)
    world.save(money=asdict(terms))
    gate.till.terms = terms
    return gate.till.told()
