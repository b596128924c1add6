"""What is said about a picture: alt text, warnings. Checks the request's shape; the world keeps it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.model import Json
from sandbox.rules import MAX_ALT
from sandbox.x.call import Answer, Call, Endpoint
from sandbox.x.problems import forbidden, invalid
from sandbox.x.writes import Snowflake, Words, refused_body


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
    call.world.describe(media, alt_text=alt.text if alt else None, warning=warning.model_dump() if warning else None)
    kept: Json = {"alt_text": {"text": media.alt_text}} if media.alt_text else {}
    if warning is not None:
        kept["sensitive_media_warning"] = warning.model_dump()
    return Answer({"data": {"id": wanted.id, "associated_metadata": kept}})


ENDPOINTS = [Endpoint("POST /2/media/metadata", describe, needs_person=True, scopes=frozenset(("media.write",)))]
