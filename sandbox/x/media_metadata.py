"""Set alt text and content warnings of media."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.draft_validation import MAX_ALT
from sandbox.model import Json
from sandbox.x.call import ApiResponse, Call, Endpoint
from sandbox.x.problems import forbidden, invalid
from sandbox.x.writes import CleanText, Snowflake, validation_problem


class AltText(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    text: Annotated[CleanText, Field(max_length=MAX_ALT)]


class Warnings(BaseModel):
    adult_content: bool = False
    graphic_violence: bool = False
    other: bool = False


class Metadata(BaseModel):
    """The stored part of X's metadata; other fields are ignored."""

    alt_text: AltText | None = None
    sensitive_media_warning: Warnings | None = None


class NewMetadata(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Snowflake
    metadata: Metadata = Metadata()


async def describe(call: Call) -> ApiResponse:
    try:
        body = NewMetadata.model_validate(await call.json())
    except ValidationError as error:
        raise validation_problem(error) from None
    media = call.world.media.get(int(body.id))
    if media is None:
        raise invalid("Your media IDs are invalid.", "id", body.id)
    if media.owner_id != call.me.id:
        raise forbidden("You are not permitted to perform this action.")
    alt, warning = body.metadata.alt_text, body.metadata.sensitive_media_warning
    call.world.set_media_metadata(
        media, alt_text=alt.text if alt else None, warning=warning.model_dump() if warning else None
    )
    metadata: Json = {"alt_text": {"text": media.alt_text}} if media.alt_text else {}
    if warning is not None:
        metadata["sensitive_media_warning"] = warning.model_dump()
    return ApiResponse({"data": {"id": body.id, "associated_metadata": metadata}})


ENDPOINTS = [Endpoint("POST /2/media/metadata", describe, needs_person=True, scopes=frozenset(("media.write",)))]
