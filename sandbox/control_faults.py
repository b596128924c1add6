"""The control API of what goes wrong: faults, and the vocabulary X speaks today. Knows names; the gate plays them."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox import texts
from sandbox.control import gate_of
from sandbox.model import Json, Refused
from sandbox.x.faults import Fault, Standing
from sandbox.x.gate import Gate
from sandbox.x.vocabulary import Mode

router = APIRouter(prefix="/sandbox", tags=["control"])
Door = Annotated[Gate, Depends(gate_of)]


class Many(BaseModel):
    model_config = ConfigDict(extra="forbid")
    faults: list[Fault] = Field(max_length=100)


@router.post("/faults")
async def add(body: dict[str, Any], gate: Door) -> Response:
    """One fault, or several under `faults`: all of them stand, or none."""
    wanted = _read(body)
    before = set(gate.faults.standing)
    try:
        added = [gate.faults.add(fault) for fault in wanted]
    except ValueError as reason:
        for number in set(gate.faults.standing) - before:
            del gate.faults.standing[number]
        raise Refused("fault", str(reason)) from None
    told = [_told(one) for one in added]
    return _said({"data": told} if "faults" in body else told[0], 201)


def _read(body: dict[str, Any]) -> list[Fault]:
    try:
        return Many.model_validate(body).faults if "faults" in body else [Fault.model_validate(body)]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise Refused("fault", texts.scrub(f"{where}: {first['msg']}".removeprefix(": "))[:300]) from None


@router.get("/faults")
async def faults(gate: Door) -> Response:
    return _said({"data": [_told(one) for one in gate.faults.standing.values()]})


@router.delete("/faults")
async def clear(gate: Door) -> Json:
    count = len(gate.faults.standing)
    gate.faults.clear()
    return {"data": {"deleted": count}}


@router.delete("/faults/{number}")
async def remove(number: int, gate: Door) -> Json:
    if gate.faults.standing.pop(number, None) is None:
        raise Refused("no-fault", f"There is no fault {number}.")
    return {"data": {"deleted": 1}}


def _told(one: Standing) -> Json:
    """`seen`: calls since it was set; `fired`: how many of them went wrong (of a reading fault: posts it hid)."""
    return {"id": one.id, **one.fault.model_dump(exclude_unset=True), "seen": one.seen, "fired": one.fired}


def _said(body: Json, status: int = 200) -> Response:
    """Escaped: a fault's body may hold what no UTF-8 can."""
    return Response(json.dumps(body), status, media_type="application/json")


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    vocabulary: Mode


@router.get("/vocabulary")
async def vocabulary(gate: Door) -> Json:
    return {"vocabulary": gate.vocabulary}


@router.post("/vocabulary")
async def speak(wanted: Words, gate: Door) -> Json:
    """Until the process ends; SANDBOX_VOCABULARY is how it begins."""
    gate.vocabulary = wanted.vocabulary
    return {"vocabulary": gate.vocabulary}
