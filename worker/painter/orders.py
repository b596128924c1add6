"""What is ordered of the painter and what it answers, as types and as JSON. Knows no HTTP.

An answer comes from outside: everything in it is bounded and checked. What an older painter leaves out has a default.
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.text import clean
from worker.painter.faults import GARBAGE, Fault

DAY = 86_400.0
# What of an order may be left to the painter, by the field that it complains of.
LEFT_TO_THE_PAINTER = {"steps": "steps", "strength": "steps", "aspect_ratio": "aspect_ratio"}
BOUNDS = re.compile(r"between (\d{1,4}) and (\d{1,4})$", re.ASCII)
MOST_REASONS, LONGEST_FIELD, LONGEST_REASON = 5, 60, 120


@dataclass(frozen=True)
class Order:
    """What to paint: one picture per seed. None leaves a choice to the painter.

    aspect_ratio: like `16:9`. start: encoded picture to start from. person_id: who asked; painters are fair between
    people. creation_id: what tells orders apart when they fail.
    """

    prompt: str
    seeds: tuple[int, ...]
    negative_prompt: str = ""
    aspect_ratio: str | None = None
    steps: int | None = None
    start: bytes | None = None
    person_id: int | None = None
    creation_id: int | None = None


@dataclass(frozen=True)
class Painted:
    """One picture as the service gave it: encoded bytes, not yet looked at; None where it was flagged and kept back."""

    seed: int
    image: bytes | None
    flagged: bool


@dataclass(frozen=True)
class Painting:
    """The answer to an order: its pictures in the order of the seeds, how they were painted, and what that took.

    seconds: of painting, as a clock shows it. gpu_seconds: the order's share of the machine. idle_seconds: paid time
    before it that is nobody's, an estimate. usd_per_second: the machine's price, None where the painter tells none.
    truncated: tokens of the prompt that were read, of all there are. receipt: tells this answer from all others.
    """

    model: str
    pictures: tuple[Painted, ...]
    seconds: float
    gpu_seconds: float = 0.0
    idle_seconds: float = 0.0
    usd_per_second: float | None = None
    steps: int | None = None
    guidance: float | None = None
    truncated: tuple[int, int] | None = None
    ignored: tuple[str, ...] = ()
    receipt: str = ""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, protected_namespaces=())


class _Safety(_Part):
    flagged: bool = False


class _Picture(_Part):
    seed: int
    image: str | None
    safety: _Safety = _Safety()


class _Seconds(_Part):
    painting: Annotated[float, Field(ge=0, le=DAY)] = 0.0
    gpu: Annotated[float, Field(ge=0, le=DAY)] | None = None
    idle: Annotated[float, Field(ge=0, le=31 * DAY)] = 0.0


class _Truncated(_Part):
    read: Annotated[int, Field(ge=0, le=1_000_000)]
    of: Annotated[int, Field(ge=0, le=1_000_000)]


class _Cost(_Part):
    # A dollar a second is more than any machine costs that one rents for this.
    usd_per_second: Annotated[float, Field(ge=0, le=1)]


class _Answer(_Part):
    model: str = Field(min_length=1, max_length=200)
    pictures: list[_Picture] = Field(max_length=16)
    seconds: _Seconds = _Seconds()
    steps: Annotated[int, Field(ge=0, le=10_000)] | None = None
    guidance: Annotated[float, Field(ge=0, le=1000)] | None = None
    truncated: _Truncated | None = None
    ignored: list[Annotated[str, Field(max_length=60)]] = Field(default=[], max_length=20)
    cost: _Cost | None = None


def body_of(order: Order) -> bytes:
    """The order as JSON."""
    body: dict[str, object] = {"prompt": order.prompt, "seeds": list(order.seeds)}
    if order.negative_prompt:
        body["negative_prompt"] = order.negative_prompt
    if order.aspect_ratio:
        body["aspect_ratio"] = order.aspect_ratio
    if order.steps:
        body["steps"] = order.steps
    if order.start:
        body["init_image"] = base64.b64encode(order.start).decode()
    return json.dumps(body).encode()


def read_painting(content: bytes, order: Order) -> Painting:
    """The painter's answer to this order. Raises Fault for what is none."""
    try:
        answer = _Answer.model_validate_json(content)
        pictures = tuple(_painted(picture) for picture in answer.pictures)
        if [picture.seed for picture in pictures] != list(order.seeds):
            raise ValueError("the seeds are not those of the order")
    except (ValidationError, ValueError, binascii.Error) as error:
        reason = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
        raise Fault(GARBAGE, reason, doubtful=True) from error
    return Painting(
        model=clean(answer.model),
        pictures=pictures,
        seconds=answer.seconds.painting,
        gpu_seconds=answer.seconds.painting if answer.seconds.gpu is None else answer.seconds.gpu,
        idle_seconds=answer.seconds.idle,
        usd_per_second=answer.cost.usd_per_second if answer.cost else None,
        steps=answer.steps,
        guidance=answer.guidance,
        truncated=(answer.truncated.read, answer.truncated.of) if answer.truncated else None,
        ignored=tuple(clean(field) for field in answer.ignored),
        receipt=hashlib.sha256(content).hexdigest()[:16],
    )


def _painted(picture: _Picture) -> Painted:
    """A picture that is not there was kept back, whatever else is said of it."""
    if picture.image is None:
        return Painted(picture.seed, None, flagged=True)
    return Painted(picture.seed, base64.b64decode(picture.image, validate=True), picture.safety.flagged)


def reasons_of(content: bytes) -> list[tuple[str, str]]:
    """Field and reason of each thing that the painter cannot paint; nothing where it does not say so in its words."""
    try:
        errors = json.loads(content[:65_536])["errors"]
        return [(_short(each["field"], LONGEST_FIELD), _short(each["reason"], LONGEST_REASON)) for each in errors][
            :MOST_REASONS
        ]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def within(order: Order, reasons: list[tuple[str, str]]) -> Order | None:
    """The order as this painter can paint it: the nearest number of steps that it allows, its own shape where it knows
    no other. None where it complains of anything that is not its choice."""
    changes: dict[str, Any] = {}
    for field, reason in reasons:
        name = LEFT_TO_THE_PAINTER.get(field)
        if name is None or getattr(order, name) is None:
            return None
        bounds = BOUNDS.search(reason) if field == "steps" else None
        changes[name] = min(max(order.steps or 0, int(bounds[1])), int(bounds[2])) if bounds else None
    return replace(order, **changes) if changes else None


def _short(value: object, limit: int) -> str:
    return " ".join(clean(str(value)).split())[:limit]
