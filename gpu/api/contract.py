"""The HTTP contract as types: requests and responses of POST /v1/paint and POST /v1/embed.

Its bounds hold for every engine. `validation.py` checks what one engine supports, `init_image.py` whether bytes are an
image.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

MAX_PROMPT_LENGTH = 4000
# A page of queries, or all creations of a batch job's portion.
MAX_TEXTS = 64
MAX_INIT_IMAGE_BYTES = 10 * 1024 * 1024
# base64 grows by a third. The rest of a request is two prompts, which JSON may escape sixfold.
MAX_BODY_BYTES = MAX_INIT_IMAGE_BYTES * 4 // 3 + 128 * 1024
# A body of 13 MB can hold a million wrong fields, or one with a name of 13 MB. The response stays short.
MAX_ERRORS = 50
MAX_FIELD_NAME_LENGTH = 60

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PROMPT_LENGTH)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]


class InvalidRequest(Exception):
    """The request cannot be generated; `errors` holds (field, reason) pairs for the caller."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in errors))
        self.errors = errors


def random_seeds() -> list[int]:
    return [secrets.randbelow(2**32)]


class PaintRequest(BaseModel):
    """A prompt and 1 to 4 seeds, each seed one picture. Absent numbers are the engine's defaults."""

    # Strict: a number sent as text or a bool is a mistake of the caller. An error is better than a guess.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    prompt: Text
    negative_prompt: Annotated[str, StringConstraints(max_length=MAX_PROMPT_LENGTH)] = ""
    width: int | None = None
    height: int | None = None
    # Instead of width and height: this ratio, with about as many pixels as the model's own size.
    aspect_ratio: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?:[1-9][0-9]?$")] | None = None
    steps: int | None = None
    guidance: float | None = None
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=4)] = Field(default_factory=random_seeds)
    init_image: str | None = Field(default=None, description="base64 of a picture, up to 10 MB")
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    embedding: bool = Field(default=False, description="also return each picture's CLIP vector, if there is a check")


class Safety(BaseModel):
    """The result of the safety check. Without a check nothing is flagged and there are no scores."""

    checked: bool = False
    flagged: bool = False
    scores: dict[str, float] = {}


class Picture(BaseModel):
    """One picture, or the reason why it failed."""

    seed: int
    image: str | None = Field(
        description="base64; null if it was flagged and this service drops such pictures, or if it failed (`error`)"
    )
    mime: str
    width: int
    height: int
    safety: Safety
    embedding: list[float] | None = None
    error: str | None = Field(
        default=None,
        description="why this picture failed while others of the request did not: `not_a_number`, `memory`,"
        " `failed`, `unchecked`; else null",
    )


class Truncated(BaseModel):
    """Tokens that the model read, of all tokens of a prompt that was too long."""

    read: int
    of: int


class Seconds(BaseModel):
    """The time of each stage."""

    queued: float
    painting: float = Field(description="wall-clock time of the batch")
    checking: float
    encoding: float
    gpu: float = Field(description="this request's share of the time for which its batch used the device")
    idle: float = Field(description="paid time before it that no request used: start, pauses, scaledown")


class Cost(BaseModel):
    """The rented GPU, and its price."""

    card: str
    usd_per_second: float


class PaintResponse(BaseModel):
    """The pictures in the order of the seeds, the parameters used, and the time of each stage."""

    model: str
    pictures: list[Picture]
    steps: int | None = Field(description="null if the engine has no steps")
    guidance: float
    truncated: Truncated | None = None
    ignored: list[str] = Field(default=[], description="fields of the request that had no effect")
    seconds: Seconds
    cost: Cost | None = Field(default=None, description="null on a machine that is not rented")
    batch_size: int = Field(description="pictures generated together, those of other callers included")


class EmbedRequest(BaseModel):
    """Texts to embed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]


class TextEmbedding(BaseModel):
    """The unit vector of one text, in the space of the pictures' embeddings."""

    embedding: list[float]
    truncated: Truncated | None = Field(default=None, description="tokens read, of all, if the text was too long")


class EmbedResponse(BaseModel):
    """One embedding for each text, in their order."""

    model: str
    embeddings: list[TextEmbedding]


Body = TypeVar("Body", bound=BaseModel)


def parse_request(body: bytes | bytearray, model: type[Body]) -> Body:
    """Parse a JSON body. Raises InvalidRequest with fields and reasons, never with the caller's text."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidRequest(*_reasons(error)) from None


def _reasons(error: ValidationError) -> Iterable[tuple[str, str]]:
    if error.error_count() > MAX_ERRORS:
        yield "body", f"has {error.error_count()} mistakes"
        return
    for part in error.errors(include_input=False, include_url=False, include_context=False):
        yield ".".join(str(step)[:MAX_FIELD_NAME_LENGTH] for step in part["loc"]) or "body", part["msg"]
