"""The HTTP contract in types: what a caller may ask to be painted, and what it gets back.

Knows shapes and bounds that hold for every engine. Knows no engine, no HTTP server and no picture format:
what one engine can paint is checked in `orders.py`, whether bytes are a picture in `encoding.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

MAX_PROMPT = 4000
MAX_START_BYTES = 10 * 1024 * 1024
# base64 grows by a third; the rest of a request is two prompts, which JSON may escape sixfold.
MAX_BODY_BYTES = MAX_START_BYTES * 4 // 3 + 128 * 1024
# A body of 13 MB can hold a million wrong fields, or one with a name of 13 MB: the answer stays short.
_MAX_ERRORS = 50
_MAX_NAME = 60

Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Unpaintable(Exception):
    """What was asked cannot be painted; `errors` holds (field, reason) pairs for the caller."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in errors))
        self.errors = errors


def one_random_seed() -> list[int]:
    return [secrets.randbelow(2**32)]


class PaintRequest(BaseModel):
    """One order: a prompt and 1 to 4 seeds, each seed one picture. Absent numbers are the engine's defaults."""

    # Strict: a number that came as text or a bool is a mistake of the caller, better told than guessed.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PROMPT)]
    negative_prompt: Annotated[str, StringConstraints(max_length=MAX_PROMPT)] = ""
    width: int | None = None
    height: int | None = None
    # In place of width and height: this shape, in about as many pixels as the model likes.
    aspect_ratio: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?:[1-9][0-9]?$")] | None = None
    steps: int | None = None
    guidance: float | None = None
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=4)] = Field(default_factory=one_random_seed)
    init_image: str | None = Field(default=None, description="base64 of a picture, up to 10 MB")
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    embedding: bool = Field(default=False, description="also give each picture's CLIP vector, where there is a check")


class Safety(BaseModel):
    """What the safety check says of a picture; where there is no check, nothing is flagged and there are no scores."""

    checked: bool = False
    flagged: bool = False
    scores: dict[str, float] = {}


class Picture(BaseModel):
    seed: int
    image: str | None = Field(
        description="base64; null if it was flagged and this service withholds such pictures, or if it failed (`error`)"
    )
    mime: str
    width: int
    height: int
    safety: Safety
    embedding: list[float] | None = None
    error: str | None = Field(
        default=None,
        description="why this picture did not come out while others of the order did: `not_a_number`, `memory`,"
        " `failed`, `unchecked`; else null",
    )


class Truncated(BaseModel):
    """The prompt was longer than the model reads: tokens read, of all there were."""

    read: int
    of: int


class Seconds(BaseModel):
    queued: float
    painting: float = Field(description="of the batch, as a clock shows it")
    checking: float
    encoding: float
    gpu: float = Field(description="this order's share of the time its batch held the device")
    idle: float = Field(description="paid time before it that is nobody's: start, pauses, the end to come")


class Cost(BaseModel):
    """The rented machine that painted, and what a second of it costs."""

    card: str
    usd_per_second: float


class PaintAnswer(BaseModel):
    """The pictures in the order of the seeds, who painted them, and how long each stage took."""

    model: str
    pictures: list[Picture]
    steps: int | None = Field(description="null where the engine knows no steps")
    guidance: float
    truncated: Truncated | None = None
    ignored: list[str] = Field(default=[], description="fields that nothing comes of here")
    seconds: Seconds
    cost: Cost | None = Field(default=None, description="null on a machine of one's own")
    batch_size: int = Field(description="pictures painted together, those of other callers included")


def read_request(body: bytes | bytearray) -> PaintRequest:
    """Parse a JSON body; raises Unpaintable with the field and the reason, never with the caller's text."""
    try:
        return PaintRequest.model_validate_json(body)
    except ValidationError as error:
        raise Unpaintable(*_reasons(error)) from None


def _reasons(error: ValidationError) -> Iterable[tuple[str, str]]:
    if error.error_count() > _MAX_ERRORS:
        yield "body", f"has {error.error_count()} mistakes"
        return
    for part in error.errors(include_input=False, include_url=False, include_context=False):
        yield ".".join(str(step)[:_MAX_NAME] for step in part["loc"]) or "body", part["msg"]
