"""Simulate the media upload of API 1.1, retired in June 2025: gone, with unusable ids, or working."""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import UploadFile

from sandbox.dependencies import DispatcherDep
from sandbox.draft_validation import MAX_ALT
from sandbox.model import Json, Media, RuleViolation, User
from sandbox.settings import OldMedia
from sandbox.x.dispatcher import CallDispatcher
from sandbox.x.problems import Problem

NEVER_MS = 1 << 62
GONE = (
    "<!DOCTYPE html><html><head><title>404</title></head><body><h1>Sorry, that page does not exist</h1></body></html>"
)

router = APIRouter()


@router.post("/1.1/media/upload.json")
async def upload(request: Request, dispatcher: DispatcherDep) -> Response:
    if dispatcher.old_media == "gone":
        return HTMLResponse(GONE, 404)
    try:
        owner = _require_person(request, dispatcher)
        media = dispatcher.world.add_media(owner, await _bytes(request))
    except Problem:
        return _error_response(401, 32, "Could not authenticate you.")
    except RuleViolation as refused:
        return _error_response(400, 324, refused.detail)
    if dispatcher.old_media == "unusable":
        media.usable_ms = NEVER_MS
        dispatcher.world.save(media)
    return JSONResponse(_upload_body(media, dispatcher.world.settings.media_seconds))


async def _bytes(request: Request) -> bytes:
    form = await request.form(max_files=1, max_fields=8)
    media = form.get("media")
    if isinstance(media, UploadFile):
        return await media.read()
    try:
        return base64.b64decode(str(form.get("media_data", "")), validate=True)
    except (binascii.Error, ValueError):
        raise RuleViolation("media-type", "media type unrecognized.") from None


@router.post("/1.1/media/metadata/create.json")
async def describe(request: Request, dispatcher: DispatcherDep) -> Response:
    """Set the alt text. Respond with 200 without a body, as tweepy expects."""
    if dispatcher.old_media == "gone":
        return HTMLResponse(GONE, 404)
    try:
        owner = _require_person(request, dispatcher)
    except Problem:
        return _error_response(401, 32, "Could not authenticate you.")
    try:
        media_id, text = _parse_alt_text(await request.json())
    except (ValueError, KeyError, TypeError):
        return _error_response(400, 38, "media_id or alt_text.text is missing or invalid.")
    media = dispatcher.world.media.get(media_id)
    if media is None or media.owner_id != owner.id or len(text) > MAX_ALT:
        return _error_response(400, 324, "The validation of media ids failed.")
    dispatcher.world.set_media_metadata(media, alt_text=text)
    return Response()


def _parse_alt_text(body: Json) -> tuple[int, str]:
    return int(body["media_id"]), str(body["alt_text"]["text"])


def _require_person(request: Request, dispatcher: CallDispatcher) -> User:
    caller = dispatcher.authenticate(request)
    if caller.person is None or caller.read_only:
        raise Problem(401, None)
    return caller.person


def _upload_body(media: Media, seconds: int) -> Json:
    return {
        "media_id": media.id,
        "media_id_string": str(media.id),
        "size": media.size,
        "expires_after_secs": seconds,
        "image": {"image_type": media.mime, "w": media.width, "h": media.height},
    }


def _error_response(status: int, code: int, message: str) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status)


class MediaMode(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mode: OldMedia


@router.get("/sandbox/old-media")
async def mode(dispatcher: DispatcherDep) -> Json:
    return {"mode": dispatcher.old_media}


@router.post("/sandbox/old-media")
async def switch(body: MediaMode, dispatcher: DispatcherDep) -> Json:
    """Set the mode until the process ends; SANDBOX_OLD_MEDIA sets it at the start."""
    dispatcher.old_media = body.mode
    return {"mode": dispatcher.old_media}
