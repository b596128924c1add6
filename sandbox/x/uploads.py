"""Pictures through the API: upload in one piece, alt text. Checks the request's shape; the world looks at the bytes."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from sandbox.model import Json, Media
from sandbox.rules import MAX_ALT, MAX_PICTURE_BYTES
from sandbox.x.call import MAX_BODY, Answer, Call, Endpoint
from sandbox.x.problems import forbidden, invalid, too_large
from sandbox.x.writes import Snowflake, Words, refused_body

IMAGE_CATEGORIES = ("tweet_image", "dm_image", "tweet_gif", "dm_gif")
CATEGORIES = (*IMAGE_CATEGORIES, "tweet_video", "amplify_video", "dm_video", "subtitles")


async def upload(call: Call) -> Answer:
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    category, data = await (_from_form(call) if kind == "multipart/form-data" else _from_json(call))
    _known_category(category)
    if not data:
        raise invalid("$.media: is missing but it is required", "media")
    if len(data) > MAX_PICTURE_BYTES:
        raise invalid(f"The media is larger than {MAX_PICTURE_BYTES} bytes", "media")
    media = call.world.add_picture(call.me, data)
    return Answer({"data": _receipt(media, call.world.settings.media_seconds)})


async def _from_form(call: Call) -> tuple[str, bytes]:
    if int(call.request.headers.get("content-length") or MAX_BODY + 1) > MAX_BODY:
        raise too_large()
    try:
        async with call.request.form(max_files=2, max_fields=8, max_part_size=MAX_BODY) as form:
            media, category = form.get("media"), form.get("media_category")
            data = await media.read() if isinstance(media, UploadFile) else _unpacked(media)
            return str(category or ""), data
    except HTTPException as error:  # Starlette's dress for what its parser says inside an app
        raise invalid(f"The multipart body can not be read: {error.detail}") from None


async def _from_json(call: Call) -> tuple[str, bytes]:
    body = await call.json()
    return str(body.get("media_category") or ""), _unpacked(body.get("media"))


def _unpacked(media: Any) -> bytes:
    if not isinstance(media, str):
        return b""
    try:
        return base64.b64decode(media, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("$.media: is not valid base64", "media") from None


def _known_category(category: str) -> None:
    if not category:
        raise invalid("$.media_category: is missing but it is required", "media_category")
    if category not in CATEGORIES:
        names = ", ".join(CATEGORIES)
        raise invalid(f"$.media_category: does not have a value in the enumeration [{names}]", "media_category")
    if category not in IMAGE_CATEGORIES:
        raise invalid(f"$.media_category: this sandbox does not play {category}", "media_category")


def _receipt(media: Media, seconds: int) -> Json:
    return {
        "id": str(media.id),
        "media_key": media.key,
        "size": media.size,
        "expires_after_secs": seconds,
        "image": {"w": media.width, "h": media.height, "image_type": media.mime},
    }


# metadata


class AltText(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    text: Annotated[Words, Field(max_length=MAX_ALT)]


class Warnings(BaseModel):
    adult_content: bool = False
    graphic_violence: bool = False
    other: bool = False


class Metadata(BaseModel):
    """X knows more of it; the rest is accepted and not kept."""

    alt_text: AltText | None = None
    sensitive_media_warning: Warnings | None = None


class NewMetadata(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Snowflake
    metadata: Metadata = Metadata()


async def describe(call: Call) -> Answer:
    try:
        wanted = NewMetadata.model_validate(await call.json())
    except ValidationError as error:
        raise refused_body(error) from None
    media = call.world.media.get(int(wanted.id))
    if media is None:
        raise invalid("Your media IDs are invalid.", "id", wanted.id)
    if media.owner_id != call.me.id:
        raise forbidden("You are not permitted to perform this action.")
    alt, warning = wanted.metadata.alt_text, wanted.metadata.sensitive_media_warning
    sensitive = any(warning.model_dump().values()) if warning else None
    call.world.describe(media, alt_text=alt.text if alt else None, sensitive=sensitive)
    kept: Json = {"alt_text": {"text": media.alt_text}} if media.alt_text else {}
    if warning is not None:
        kept["sensitive_media_warning"] = warning.model_dump()
    return Answer({"data": {"id": wanted.id, "associated_metadata": kept}})


ENDPOINTS = [
    Endpoint("POST /2/media/upload", upload, needs_person=True),
    Endpoint("POST /2/media/metadata", describe, needs_person=True),
]
