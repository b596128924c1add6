"""The upload of the old API (1.1), retired in June 2025: gone, answering with useless ids, or working as it did."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import UploadFile

from sandbox.control import gate_of
from sandbox.model import Json, Media, Person, Refused
from sandbox.rules import MAX_ALT
from sandbox.settings import OldMedia
from sandbox.x.gate import Gate
from sandbox.x.problems import Problem

NEVER_MS = 1 << 62
GONE = (
    "<!DOCTYPE html><html><head><title>404</title></head><body><h1>Sorry, that page does not exist</h1></body></html>"
)

router = APIRouter()
Door = Annotated[Gate, Depends(gate_of)]


@router.post("/1.1/media/upload.json")
async def upload(request: Request, gate: Door) -> Response:
    if gate.old_media == "gone":
        return HTMLResponse(GONE, 404)
    try:
        owner = _owner(request, gate)
        media = gate.world.add_picture(owner, await _bytes(request))
    except Problem:
        return _refused(401, 32, "Could not authenticate you.")
    except Refused as refused:
        return _refused(400, 324, refused.detail)
    if gate.old_media == "unusable":
        media.usable_ms = NEVER_MS
        gate.world.save(media)
    return JSONResponse(_receipt(media, gate.world.settings.media_seconds))


async def _bytes(request: Request) -> bytes:
    form = await request.form(max_files=1, max_fields=8)
    media = form.get("media")
    if isinstance(media, UploadFile):
        return await media.read()
    try:
        return base64.b64decode(str(form.get("media_data", "")), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("media-type", "media type unrecognized.") from None


@router.post("/1.1/media/metadata/create.json")
async def describe(request: Request, gate: Door) -> Response:
    """200 without a body, as tweepy knows it."""
    if gate.old_media == "gone":
        return HTMLResponse(GONE, 404)
    try:
        owner = _owner(request, gate)
    except Problem:
        return _refused(401, 32, "Could not authenticate you.")
    try:
        media_id, text = _described(await request.json())
    except (ValueError, KeyError, TypeError):
        return _refused(400, 38, "media_id or alt_text.text is missing or not readable.")
    media = gate.world.media.get(media_id)
    if media is None or media.owner_id != owner.id or len(text) > MAX_ALT:
        return _refused(400, 324, "The validation of media ids failed.")
    gate.world.describe(media, alt_text=text)
    return Response()


def _described(body: Json) -> tuple[int, str]:
    return int(body["media_id"]), str(body["alt_text"]["text"])


def _owner(request: Request, gate: Gate) -> Person:
    caller = gate.who(request)
    if caller.person is None or caller.read_only:
        raise Problem(401, None)
    return caller.person


def _receipt(media: Media, seconds: int) -> Json:
    return {
        "media_id": media.id,
        "media_id_string": str(media.id),
        "size": media.size,
        "expires_after_secs": seconds,
        "image": {"image_type": media.mime, "w": media.width, "h": media.height},
    }


def _refused(status: int, code: int, message: str) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status)


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mode: OldMedia


@router.get("/sandbox/old-media")
async def mode(gate: Door) -> Json:
    return {"mode": gate.old_media}


@router.post("/sandbox/old-media")
async def switch(wanted: Wish, gate: Door) -> Json:
    """Until the process ends; SANDBOX_OLD_MEDIA is how it begins."""
    gate.old_media = wanted.mode
    return {"mode": gate.old_media}
