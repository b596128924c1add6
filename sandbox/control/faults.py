"""Add, list and delete faults, and choose the field names of the API."""

from __future__ import annotations

import json

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox import text_parser
from sandbox.dependencies import DispatcherDep
from sandbox.model import Json, RuleViolation
from sandbox.x.faults import ActiveFault, Fault
from sandbox.x.field_names import Mode

router = APIRouter(prefix="/sandbox", tags=["control"])


class FaultList(BaseModel):
    model_config = ConfigDict(extra="forbid")
    faults: list[Fault] = Field(max_length=100)


@router.post("/faults")
async def add(body: Json, dispatcher: DispatcherDep) -> Response:
    """Add one fault, or several under `faults`: all of them or none."""
    definitions = _parse_faults(body)
    ids_before = set(dispatcher.faults.active)
    try:
        added = [dispatcher.faults.add(fault) for fault in definitions]
    except ValueError as reason:
        for fault_id in set(dispatcher.faults.active) - ids_before:
            del dispatcher.faults.active[fault_id]
        raise RuleViolation("fault", str(reason)) from None
    bodies = [_fault_json(fault) for fault in added]
    return _ascii_json({"data": bodies} if "faults" in body else bodies[0], 201)


def _parse_faults(body: Json) -> list[Fault]:
    try:
        return FaultList.model_validate(body).faults if "faults" in body else [Fault.model_validate(body)]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise RuleViolation("fault", text_parser.scrub(f"{where}: {first['msg']}".removeprefix(": "))[:300]) from None


@router.get("/faults")
async def faults(dispatcher: DispatcherDep) -> Response:
    return _ascii_json({"data": [_fault_json(item) for item in dispatcher.faults.active.values()]})


@router.delete("/faults")
async def clear(dispatcher: DispatcherDep) -> Json:
    count = len(dispatcher.faults.active)
    dispatcher.faults.clear()
    return {"data": {"deleted": count}}


@router.delete("/faults/{number}")
async def remove(number: int, dispatcher: DispatcherDep) -> Json:
    if dispatcher.faults.active.pop(number, None) is None:
        raise RuleViolation("no-fault", f"No fault has the id {number}.")
    return {"data": {"deleted": 1}}


def _fault_json(item: ActiveFault) -> Json:
    """Return a fault. `seen`: calls since it was added; `fired`: how many of them failed, or how many posts it hid."""
    return {"id": item.id, **item.fault.model_dump(exclude_unset=True), "seen": item.seen, "fired": item.fired}


def _ascii_json(body: Json, status: int = 200) -> Response:
    """Respond in ASCII: a fault's body may have lone surrogates, which UTF-8 cannot encode."""
    return Response(json.dumps(body), status, media_type="application/json")


class VocabularyChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    vocabulary: Mode


@router.get("/vocabulary")
async def vocabulary(dispatcher: DispatcherDep) -> Json:
    return {"vocabulary": dispatcher.vocabulary}


@router.post("/vocabulary")
async def set_vocabulary(body: VocabularyChange, dispatcher: DispatcherDep) -> Json:
    """Set the field names until the process ends; SANDBOX_VOCABULARY sets them at the start."""
    dispatcher.vocabulary = body.vocabulary
    return {"vocabulary": dispatcher.vocabulary}
