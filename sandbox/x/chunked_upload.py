"""Upload media in chunks: initialize, append, finalize."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from sandbox.draft_validation import MAX_PICTURE_BYTES
from sandbox.model import Upload
from sandbox.world import MAX_GIF_BYTES
from sandbox.x.call import MAX_BODY, ApiResponse, Call, Endpoint
from sandbox.x.fields import parse_snowflake
from sandbox.x.media_upload import MEDIA_SCOPES, decode_base64, ensure_known_category, finish_upload
from sandbox.x.problems import Problem, invalid, not_found
from sandbox.x.writes import validation_problem

MAX_SEGMENT = 999
FINALIZE = "POST /2/media/upload/:id/finalize"


class NewUpload(BaseModel):
    model_config = ConfigDict(extra="forbid")
    media_type: str = Field(max_length=100)
    total_bytes: int = Field(ge=1)
    media_category: str = ""
    additional_owners: list[str] = []
    shared: bool = False


async def initialize(call: Call) -> ApiResponse:
    try:
        body = NewUpload.model_validate(await call.json())
    except ValidationError as error:
        raise validation_problem(error) from None
    ensure_known_category(body.media_category)
    max_bytes = MAX_GIF_BYTES if body.media_type == "image/gif" else MAX_PICTURE_BYTES
    if body.total_bytes > max_bytes:
        raise invalid(f"$.total_bytes: larger than {max_bytes}", "total_bytes", str(body.total_bytes))
    world = call.world
    upload = Upload(world.ids.next(), call.me.id, body.media_type, body.total_bytes)
    world.uploads[upload.id] = upload
    data = {"id": str(upload.id), "media_key": upload.key, "expires_after_secs": world.settings.media_seconds}
    return ApiResponse({"data": data, "meta": {}})


class Chunk(BaseModel):
    model_config = ConfigDict(extra="ignore")
    segment_index: Annotated[int, Field(ge=0, le=MAX_SEGMENT)]


async def append(call: Call) -> ApiResponse:
    upload = _require_own_upload(call)
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    index, data = await (_from_form(call) if kind == "multipart/form-data" else _from_json(call))
    try:
        chunk = Chunk.model_validate({"segment_index": index})
    except ValidationError as error:
        raise validation_problem(error) from None
    if not data:
        raise invalid("$.media: is missing but it is required", "media")
    others = sum(len(part) for number, part in upload.chunks.items() if number != chunk.segment_index)
    if others + len(data) > upload.total_bytes:
        raise invalid("The segments are larger than the total_bytes that were announced", "media")
    upload.chunks[chunk.segment_index] = data
    ends = call.world.clock.now_ms() // 1000 + call.world.settings.media_seconds
    return ApiResponse({"data": {"expires_at": ends}, "meta": {}})


async def _from_form(call: Call) -> tuple[Any, bytes]:
    try:
        async with call.request.form(max_files=2, max_fields=8, max_part_size=MAX_BODY) as form:
            media, index = form.get("media"), form.get("segment_index")
            return index, await media.read() if isinstance(media, UploadFile) else decode_base64(media)
    except HTTPException as error:
        raise invalid(f"The multipart body can not be read: {error.detail}") from None


async def _from_json(call: Call) -> tuple[Any, bytes]:
    body = await call.json()
    return body.get("segment_index"), decode_base64(body.get("media"))


async def finalize(call: Call) -> ApiResponse:
    upload = _require_own_upload(call)
    data = b"".join(upload.chunks[index] for index in sorted(upload.chunks))
    if len(data) != upload.total_bytes or sorted(upload.chunks) != list(range(len(upload.chunks))):
        raise invalid(f"The segments hold {len(data)} of {upload.total_bytes} bytes", "total_bytes")
    media = call.world.add_media(call.me, data, media_id=upload.id)
    del call.world.uploads[upload.id]
    return finish_upload(call, FINALIZE, media)


def _require_own_upload(call: Call) -> Upload:
    upload = call.world.uploads.get(parse_snowflake("id", call.args["id"]))
    if upload is None or upload.owner_id != call.me.id:
        raise Problem(404, not_found("media", "id", call.args["id"]) | {"status": 404})
    return upload


ENDPOINTS = [
    Endpoint("POST /2/media/upload/initialize", initialize, needs_person=True, scopes=MEDIA_SCOPES),
    Endpoint("POST /2/media/upload/:id/append", append, needs_person=True, scopes=MEDIA_SCOPES),
    Endpoint(FINALIZE, finalize, needs_person=True, scopes=MEDIA_SCOPES),
]
