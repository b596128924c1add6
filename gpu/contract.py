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
    steps: int | None = None
    guidance: float | None = None
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=4)] = Field(default_factory=one_random_seed)
    init_image: str | None = Field(default=None, description="base64 of a PNG, JPEG, WebP or GIF, up to 10 MB")
    strength: Annotated[float, Field(gt=0, le=1)] | None = None


class Safety(BaseModel):
    """What the model's own safety check says of a picture; no check means not flagged and no scores."""

    flagged: bool = False
    scores: dict[str, float] = {}


class Picture(BaseModel):
    seed: int
    image: str = Field(description="base64")
    mime: str
    width: int
    height: int
    safety: Safety


class Seconds(BaseModel):
    queued: float
    painting: float
    encoding: float


class PaintAnswer(BaseModel):
    """The pictures in the order of the seeds, who painted them, and how long each stage took."""

    model: str
    pictures: list[Picture]
    seconds: Seconds
    batch_size: int = Field(description="pictures painted together, those of other callers included")


def read_request(body: bytes) -> PaintRequest:
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
