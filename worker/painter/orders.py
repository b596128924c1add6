"""What is ordered of the painter and what it answers, as types and as JSON. Knows no HTTP.

An answer comes from outside: everything in it is bounded and checked. What an older painter leaves out has a default,
but for the safety check: a picture without a verdict is not checked. Pictures with a senseless account of how they were
painted are pictures: what it says wrongly is left out and named.
"""

import base64
import binascii
import hashlib
import json
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.text import clean
from worker.painter.faults import FAILED, GARBAGE, Fault

DAY = 86_400.0
# How much longer a painter may say it worked than we waited: it is cheap to believe, and clocks differ.
SLACK_SECONDS = 10.0
# Eight of the dearest cards that one rents cost a seventh of this.
MOST_USD_PER_SECOND = 0.1
MOST_NAMES = 20
# What of an order may be left to the painter, by the field that it complains of.
LEFT_TO_THE_PAINTER = {"steps": "steps", "strength": "steps", "aspect_ratio": "aspect_ratio"}
CHOICES = ("steps", "aspect_ratio", "strength")
BOUNDS = re.compile(r"between (\d{1,4}) and (\d{1,4})$", re.ASCII)
MOST_REASONS, LONGEST_FIELD, MAX_REASON_LENGTH = 5, 60, 120
# Draws without a model; it has nothing to check.
SKETCH = "sketch"


@dataclass(frozen=True)
class Order:
    """What to paint: one picture per seed. None leaves a choice to the painter.

    aspect_ratio: like `16:9`. start: encoded picture to start from. person_id: who asked; painters are fair between
    people. creation_id: what tells orders apart when they fail. strength: how far to go from the start.
    """

    prompt: str
    seeds: tuple[int, ...]
    negative_prompt: str = ""
    aspect_ratio: str | None = None
    steps: int | None = None
    start: bytes | None = None
    person_id: int | None = None
    creation_id: int | None = None
    strength: float | None = None


@dataclass(frozen=True)
class Painted:
    """One picture as the service gave it: encoded bytes, not yet looked at; None where it was flagged and kept back, or
    did not come out (`error` says why).

    checked: a safety check gave a verdict on it. Without one it is not harmless, only unknown.
    """

    seed: int
    image: bytes | None
    flagged: bool
    checked: bool = False
    error: str = ""


@dataclass(frozen=True)
class Painting:
    """The answer to an order: its pictures in the order of the seeds, how they were painted, and what that took.

    seconds: of painting, as a clock shows it. gpu_seconds: the order's share of the machine. idle_seconds: paid time
    before it that is nobody's, an estimate. usd_per_second: the machine's price, None where the painter tells none.
    truncated: tokens of the prompt that were read, of all there are. ignored: fields of the order that were not heeded.
    senseless: parts of the answer that could not be believed. receipt: tells this answer from all others. url: the
    base address of the painter.
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
    senseless: tuple[str, ...] = ()
    receipt: str = ""
    url: str = ""

    @property
    def is_unchecked(self) -> bool:
        """Whether a model painted a picture that no safety check gave a verdict on."""
        return self.model != SKETCH and any(one.image is not None and not one.checked for one in self.pictures)


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, protected_namespaces=())


class _Picture(_Part):
    seed: int
    image: str | None
    # Read by _verdict: what is no verdict leaves the picture unchecked, and the others are read.
    safety: Any = None
    error: Any = None


class _Answer(_Part):
    model: str = Field(min_length=1, max_length=200)
    pictures: list[_Picture] = Field(max_length=16)
    # What it says of how it painted, read by _Account.
    seconds: Any = None
    cost: Any = None
    steps: Any = None
    guidance: Any = None
    truncated: Any = None
    ignored: Any = None


class _Account:
    """Reads what an answer says of how it was painted; what makes no sense is as if not said, and its name is kept."""

    def __init__(self, answer: _Answer) -> None:
        self.senseless: list[str] = []
        self._answer = answer

    def number(self, name: str, most: float) -> float | None:
        """`name` is a field, or one of its own like `seconds.gpu`."""
        value: Any = self._answer
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
        if value is None:
            return None
        is_one = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_one or not 0 <= value <= most:
            self.senseless.append(name)
            return None
        return float(value)

    def whole(self, name: str, most: int) -> int | None:
        number = self.number(name, most)
        return None if number is None else int(number)

    def ignored(self) -> tuple[str, ...]:
        names = self._answer.ignored or []
        if not isinstance(names, list) or len(names) > MOST_NAMES or not all(map(_is_name, names)):
            self.senseless.append("ignored")
            return ()
        return tuple(names)

    def truncated(self) -> tuple[int, int] | None:
        read, of = self.whole("truncated.read", 1_000_000), self.whole("truncated.of", 1_000_000)
        return None if read is None or of is None else (read, of)


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
        if order.strength is not None:
            body["strength"] = order.strength
    return json.dumps(body).encode()


def read_painting(content: bytes, order: Order, *, asked: Order, within: float, url: str = "") -> Painting:
    """The painter's answer to an order, of which it was asked `asked`, `within` so many seconds. Raises Fault for what
    is no answer, and if no picture came out."""
    try:
        answer = _Answer.model_validate_json(content)
        pictures = tuple(_painted(picture) for picture in answer.pictures)
        if [picture.seed for picture in pictures] != list(order.seeds):
            raise ValueError("the seeds are not those of the order")
    except (ValidationError, ValueError, binascii.Error) as error:
        reason = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
        raise Fault(GARBAGE, reason, doubtful=True) from error
    if pictures and all(picture.error for picture in pictures):
        raise Fault(FAILED, f"no picture came out: {pictures[0].error}", doubtful=True)
    account = _Account(answer)
    painting = account.number("seconds.painting", DAY) or 0.0
    gpu, most = account.number("seconds.gpu", DAY), within + SLACK_SECONDS
    ignored = account.ignored()
    left_out = tuple(name for name in CHOICES if _differ(name, order, asked))
    failed = ("seeds",) if any(picture.error for picture in pictures) else ()
    return Painting(
        model=clean(answer.model),
        pictures=pictures,
        seconds=min(painting, most),
        # Nobody had more of the machine than there was time.
        gpu_seconds=min(painting if gpu is None else gpu, most),
        # What it idled longer ago is no cost of today.
        idle_seconds=min(account.number("seconds.idle", 31 * DAY) or 0.0, DAY),
        usd_per_second=account.number("cost.usd_per_second", MOST_USD_PER_SECOND),
        steps=account.whole("steps", 10_000) or (None if "steps" in ignored else asked.steps),
        guidance=account.number("guidance", 1000),
        truncated=account.truncated(),
        ignored=tuple(dict.fromkeys(ignored + left_out + failed)),
        senseless=tuple(account.senseless),
        receipt=hashlib.sha256(content).hexdigest()[:16],
        url=url,
    )


def _differ(name: str, order: Order, asked: Order) -> bool:
    """Whether a choice of the order was left to the painter."""
    return getattr(order, name) is not None and getattr(asked, name) is None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z_]{1,60}", value) is not None


def _painted(picture: _Picture) -> Painted:
    """A picture that is not there was kept back, unless it is said to have failed."""
    if picture.image is None:
        error = _short(picture.error, MAX_REASON_LENGTH) if picture.error else ""
        return Painted(picture.seed, None, flagged=not error, error=error)
    flagged, checked = _verdict(picture.safety)
    return Painted(picture.seed, base64.b64decode(picture.image, validate=True), flagged, checked)


def _verdict(safety: object) -> tuple[bool, bool]:
    """Whether a picture was flagged, and whether it was checked: by a bool beside at least one finite score."""
    if not isinstance(safety, dict):
        return False, False
    flagged, scores = safety.get("flagged"), safety.get("scores")
    measured = isinstance(scores, dict) and bool(scores) and all(map(_is_score, scores.values()))
    return flagged is True, isinstance(flagged, bool) and measured


def _is_score(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def reasons_of(content: bytes) -> list[tuple[str, str]]:
    """Field and reason of each thing that the painter cannot paint; nothing where it does not say so in its words."""
    try:
        errors = json.loads(content[:65_536])["errors"]
        return [(_short(each["field"], LONGEST_FIELD), _short(each["reason"], MAX_REASON_LENGTH)) for each in errors][
            :MOST_REASONS
        ]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def within(order: Order, reasons: list[tuple[str, str]]) -> Order | None:
    """The order as this painter can paint it: the nearest number of steps that it allows, its own shape where it knows
    no other. None where it complains of anything that is not its choice."""
    changes: dict[str, Any] = {}
    for field, reason in reasons:
        own_strength = field == "strength" and order.strength is not None
        name = "strength" if own_strength else LEFT_TO_THE_PAINTER.get(field)
        if name is None or getattr(order, name) is None:
            return None
        bounds = BOUNDS.search(reason) if field == "steps" else None
        changes[name] = min(max(order.steps or 0, int(bounds[1])), int(bounds[2])) if bounds else None
    return replace(order, **changes) if changes else None


def _short(value: object, limit: int) -> str:
    return " ".join(clean(str(value)).split())[:limit]
