"""Upload media in one request, and report their processing."""

from __future__ import annotations

import base64
import binascii

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from sandbox.draft_validation import MAX_PICTURE_BYTES
from sandbox.model import Json, Media
from sandbox.x.call import MAX_BODY, ApiResponse, Call, Endpoint
from sandbox.x.fields import parse_snowflake
from sandbox.x.problems import Problem, invalid, not_found, not_one_of, too_large

IMAGE_CATEGORIES = ("tweet_image", "dm_image", "tweet_gif", "dm_gif")
CATEGORIES = (*IMAGE_CATEGORIES, "tweet_video", "amplify_video", "dm_video", "subtitles")


async def upload(call: Call) -> ApiResponse:
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    category, data = await (_from_form(call) if kind == "multipart/form-data" else _from_json(call))
    ensure_known_category(category)
    if not data:
        raise invalid("$.media: is missing but it is required", "media")
    if len(data) > MAX_PICTURE_BYTES:
        raise invalid(f"The media is larger than {MAX_PICTURE_BYTES} bytes", "media")
    return finish_upload(call, "POST /2/media/upload", call.world.add_media(call.me, data))


def finish_upload(call: Call, endpoint: str, media: Media) -> ApiResponse:
    if call.faults.apply_to_media(endpoint, media):
        call.world.save(media)
    return _to_response(media, call.world.settings.media_seconds)


def _to_response(media: Media, seconds: int) -> ApiResponse:
    # X's OpenAPI description 2.166 requires `meta` without describing it.
    return ApiResponse({"data": _upload_body(media, seconds), "meta": {}})


async def _from_form(call: Call) -> tuple[str, bytes]:
    if int(call.request.headers.get("content-length") or MAX_BODY + 1) > MAX_BODY:
        raise too_large()
    try:
        async with call.request.form(max_files=2, max_fields=8, max_part_size=MAX_BODY) as form:
            media, category = form.get("media"), form.get("media_category")
            data = await media.read() if isinstance(media, UploadFile) else decode_base64(media)
            return str(category or ""), data
    except HTTPException as error:  # Starlette wraps the errors of its parser
        raise invalid(f"The multipart body can not be read: {error.detail}") from None


async def _from_json(call: Call) -> tuple[str, bytes]:
    body = await call.json()
    return str(body.get("media_category") or ""), decode_base64(body.get("media"))


def decode_base64(media: object) -> bytes:
    if not isinstance(media, str):
        return b""
    try:
        return base64.b64decode(media, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("$.media: is not valid base64", "media") from None


def ensure_known_category(category: str) -> None:
    if not category:
        raise invalid("$.media_category: is missing but it is required", "media_category")
    if category not in CATEGORIES:
        names = ", ".join(CATEGORIES)
        raise invalid(f"$.media_category: does not have a value in the enumeration [{names}]", "media_category")
    if category not in IMAGE_CATEGORIES:
        raise invalid(f"$.media_category: {category} is not supported by the sandbox", "media_category")


def _upload_body(media: Media, seconds: int) -> Json:
    body: Json = {
        "id": str(media.id),
        "media_key": media.key,
        "size": media.size,
        "expires_after_secs": seconds,
        "image": {"w": media.width, "h": media.height, "image_type": media.mime},
    }
    return body | ({"processing_info": _processing_info(media)} if media.processing else {})


def _processing_info(media: Media) -> Json:
    """Return the processing state. X's description 2.166 requires `type` without describing it."""
    percent = {"pending": 0, "in_progress": 50}.get(media.processing, 100)
    body: Json = {"type": media.mime, "state": media.processing, "progress_percent": percent}
    return body | ({"check_after_secs": media.check_after_secs} if percent < 100 else {})


async def status(call: Call) -> ApiResponse:
    """Return the processing state. Each call advances it by one step, so that tests need not wait."""
    if call.query.get("command", "STATUS") != "STATUS":
        raise not_one_of("command", call.query["command"], ("STATUS",))
    media = call.world.media.get(parse_snowflake("media_id", call.query.get("media_id", "")))
    if media is None or media.owner_id != call.me.id:
        raise Problem(404, not_found("media", "media_id", call.query["media_id"]) | {"status": 404})
    end = "failed" if media.will_fail else "succeeded"
    media.processing = {"pending": "in_progress", "in_progress": end}.get(media.processing, media.processing or end)
    call.world.save(media)
    return _to_response(media, call.world.settings.media_seconds)


MEDIA_SCOPES = frozenset(("media.write",))

ENDPOINTS = [
    Endpoint("POST /2/media/upload", upload, needs_person=True, scopes=MEDIA_SCOPES),
    Endpoint("GET /2/media/upload", status, frozenset(("media_id", "command")), needs_person=True, scopes=MEDIA_SCOPES),
]
