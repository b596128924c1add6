"""Pictures in several pieces: initialize, append, finalize. Knows the pieces; `uploads` knows whole pictures."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from sandbox.model import Upload
from sandbox.rules import MAX_PICTURE_BYTES
from sandbox.world import MAX_GIF_BYTES
from sandbox.x.call import MAX_BODY, Answer, Call, Endpoint
from sandbox.x.fields import snowflake
from sandbox.x.problems import Problem, invalid, not_found
from sandbox.x.uploads import MEDIA_SCOPES, known_category, taken, unpacked
from sandbox.x.writes import refused_body

MAX_SEGMENT = 999
FINALIZE = "POST /2/media/upload/:id/finalize"


class NewUpload(BaseModel):
    model_config = ConfigDict(extra="forbid")
    media_type: str = Field(max_length=100)
    total_bytes: int = Field(ge=1)
    media_category: str = ""
    additional_owners: list[str] = []
    shared: bool = False


async def initialize(call: Call) -> Answer:
    try:
        wanted = NewUpload.model_validate(await call.json())
    except ValidationError as error:
        raise refused_body(error) from None
    known_category(wanted.media_category)
    largest = MAX_GIF_BYTES if wanted.media_type == "image/gif" else MAX_PICTURE_BYTES
    if wanted.total_bytes > largest:
        raise invalid(f"$.total_bytes: larger than {largest}", "total_bytes", str(wanted.total_bytes))
    world = call.world
    upload = Upload(world.ids.next(), call.me.id, wanted.media_type, wanted.total_bytes)
    world.uploads[upload.id] = upload
    body = {"id": str(upload.id), "media_key": upload.key, "expires_after_secs": world.settings.media_seconds}
    return Answer({"data": body, "meta": {}})


class Piece(BaseModel):
    model_config = ConfigDict(extra="ignore")
    segment_index: Annotated[int, Field(ge=0, le=MAX_SEGMENT)]


async def append(call: Call) -> Answer:
    upload = _open(call)
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    index, data = await (_from_form(call) if kind == "multipart/form-data" else _from_json(call))
    try:
        piece = Piece.model_validate({"segment_index": index})
    except ValidationError as error:
        raise refused_body(error) from None
    if not data:
        raise invalid("$.media: is missing but it is required", "media")
    others = sum(len(part) for number, part in upload.pieces.items() if number != piece.segment_index)
    if others + len(data) > upload.total_bytes:
        raise invalid("The segments are larger than the total_bytes that were announced", "media")
    upload.pieces[piece.segment_index] = data
    ends = call.world.clock.now_ms() // 1000 + call.world.settings.media_seconds
    return Answer({"data": {"expires_at": ends}, "meta": {}})


async def _from_form(call: Call) -> tuple[Any, bytes]:
    try:
        async with call.request.form(max_files=2, max_fields=8, max_part_size=MAX_BODY) as form:
            media, index = form.get("media"), form.get("segment_index")
            return index, await media.read() if isinstance(media, UploadFile) else unpacked(media)
    except HTTPException as error:
        raise invalid(f"The multipart body can not be read: {error.detail}") from None


async def _from_json(call: Call) -> tuple[Any, bytes]:
    body = await call.json()
    return body.get("segment_index"), unpacked(body.get("media"))


async def finalize(call: Call) -> Answer:
    upload = _open(call)
    data = b"".join(upload.pieces[index] for index in sorted(upload.pieces))
    if len(data) != upload.total_bytes or sorted(upload.pieces) != list(range(len(upload.pieces))):
        raise invalid(f"The segments hold {len(data)} of {upload.total_bytes} bytes", "total_bytes")
    media = call.world.add_picture(call.me, data, media_id=upload.id)
    del call.world.uploads[upload.id]
    return taken(call, FINALIZE, media)


def _open(call: Call) -> Upload:
    upload = call.world.uploads.get(snowflake("id", call.args["id"]))
    if upload is None or upload.owner_id != call.me.id:
        raise Problem(404, not_found("media", "id", call.args["id"]) | {"status": 404})
    return upload


ENDPOINTS = [
    Endpoint("POST /2/media/upload/initialize", initialize, needs_person=True, scopes=MEDIA_SCOPES),
    Endpoint("POST /2/media/upload/:id/append", append, needs_person=True, scopes=MEDIA_SCOPES),
    Endpoint(FINALIZE, finalize, needs_person=True, scopes=MEDIA_SCOPES),
]
