"""Build requests to a GPU service and parse its results.

A result comes from outside: every field is bounded and checked. A field that an older service leaves out has a default,
except the safety check: an image without a verdict counts as unchecked. Images with invalid metadata are still images:
the invalid fields are left out and named.
"""

import base64
import binascii
import hashlib
import json
import math
import re
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.text import clean
from worker.gpu.errors import FAILED, GARBAGE, GpuError

DAY = 86_400.0
# How many seconds longer a service may claim to have worked than we waited: clocks differ.
CLOCK_SLACK_SECONDS = 10.0
# Eight of the most expensive GPUs for rent cost a seventh of this.
MAX_USD_PER_SECOND = 0.1
MAX_SEEDS = 16
MAX_NAMES = 20
MAX_STEPS, MAX_GUIDANCE, MAX_TOKENS = 10_000, 1000, 1_000_000
MAX_REASONS, MAX_FIELD_LENGTH, MAX_REASON_LENGTH = 5, 60, 120
MAX_ERROR_BYTES = 65_536
# Parameters that may be left to the service, by the field that it rejects.
OPTIONAL_PARAMETERS = {"steps": "steps", "strength": "steps", "aspect_ratio": "aspect_ratio"}
LIMITS = re.compile(r"between (\d{1,4}) and (\d{1,4})$", re.ASCII)
# Draws without a model, so there is nothing to check.
SKETCH = "sketch"


@dataclass(frozen=True)
class GenerateRequest:
    """What to generate: one image per seed. None leaves a parameter to the service.

    aspect_ratio: like `16:9`. init_image: encoded image to start from. strength: how far to go from it, 0 to 1.
    creation_id: identifies requests that fail.
    """

    prompt: str
    seeds: tuple[int, ...]
    negative_prompt: str = ""
    aspect_ratio: str | None = None
    steps: int | None = None
    init_image: bytes | None = None
    creation_id: int | None = None
    strength: float | None = None


@dataclass(frozen=True)
class GeneratedImage:
    """One image as the service sent it.

    content: encoded bytes, not decoded yet; None if it was flagged and withheld, or failed (`error` says why).
    checked: a safety check gave a verdict. Without one the image is unknown, not harmless.
    """

    seed: int
    content: bytes | None
    flagged: bool
    checked: bool = False
    error: str = ""


@dataclass(frozen=True)
class GenerateResult:
    """The images in the order of the seeds, and how they were generated.

    seconds: wall time of generating. gpu_seconds: the request's share of the machine. idle_seconds: paid time before it
    that no request used, an estimate. usd_per_second: the machine's price; None if the service does not say.
    truncated: tokens of the prompt that were used, of all. ignored: request fields that were ignored.
    invalid_fields: parts of the response that were invalid. response_digest: identifies this response.
    url: base address of the backend.
    """

    model: str
    images: tuple[GeneratedImage, ...]
    seconds: float
    gpu_seconds: float = 0.0
    idle_seconds: float = 0.0
    usd_per_second: float | None = None
    steps: int | None = None
    guidance: float | None = None
    truncated: tuple[int, int] | None = None
    ignored: tuple[str, ...] = ()
    invalid_fields: tuple[str, ...] = ()
    response_digest: str = ""
    url: str = ""

    @property
    def has_unchecked(self) -> bool:
        """Return whether a model generated an image that no safety check gave a verdict on."""
        return self.model != SKETCH and any(image.content is not None and not image.checked for image in self.images)


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, protected_namespaces=())


class _Picture(_Message):
    seed: int
    image: str | None
    # Read by _read_verdict: an invalid verdict leaves the image unchecked, and the others are still read.
    safety: object = None
    error: object = None


class _Response(_Message):
    model: str = Field(min_length=1, max_length=200)
    pictures: list[_Picture] = Field(max_length=MAX_SEEDS)
    # How the images were generated, read by _Metadata.
    seconds: object = None
    cost: object = None
    steps: object = None
    guidance: object = None
    truncated: object = None
    ignored: object = None


class _Metadata:
    """Reads how images were generated. An invalid field counts as missing, and its name is remembered."""

    def __init__(self, response: _Response) -> None:
        self.invalid_fields: list[str] = []
        self._response = response

    def number(self, name: str, maximum: float) -> float | None:
        """Return a number from 0 to `maximum`. `name` is a field, or a nested one like `seconds.gpu`."""
        value: object = self._response
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= maximum:
            return float(value)
        self.invalid_fields.append(name)
        return None

    def integer(self, name: str, maximum: int) -> int | None:
        """Return a number without its fraction."""
        number = self.number(name, maximum)
        return None if number is None else int(number)

    def ignored(self) -> tuple[str, ...]:
        """Return the names of request fields that were ignored."""
        names = self._response.ignored or []
        if not isinstance(names, list) or len(names) > MAX_NAMES or not all(map(_is_field_name, names)):
            self.invalid_fields.append("ignored")
            return ()
        return tuple(names)

    def truncated(self) -> tuple[int, int] | None:
        """Return the tokens of the prompt that were used, and all of them, if it was too long."""
        used, total = self.integer("truncated.read", MAX_TOKENS), self.integer("truncated.of", MAX_TOKENS)
        return None if used is None or total is None else (used, total)


def encode_request(request: GenerateRequest) -> bytes:
    """Return the request as JSON."""
    body: dict[str, object] = {"prompt": request.prompt, "seeds": list(request.seeds)}
    if request.negative_prompt:
        body["negative_prompt"] = request.negative_prompt
    if request.aspect_ratio:
        body["aspect_ratio"] = request.aspect_ratio
    if request.steps:
        body["steps"] = request.steps
    if request.init_image:
        body["init_image"] = base64.b64encode(request.init_image).decode()
        if request.strength is not None:
            body["strength"] = request.strength
    return json.dumps(body).encode()


def parse_result(
    content: bytes, request: GenerateRequest, *, sent: GenerateRequest, waited: float, url: str = ""
) -> GenerateResult:
    """Return the result of a request. Raises GpuError if the response is invalid, or if every image failed.

    sent: the form of the request that the service accepted. waited: seconds that the call took.
    """
    response, images = _parse_images(content, request)
    if images and all(image.error for image in images):
        raise GpuError(FAILED, f"no picture came out: {images[0].error}", suspect=True)
    metadata = _Metadata(response)
    seconds = metadata.number("seconds.painting", DAY) or 0.0
    gpu_seconds, max_seconds = metadata.number("seconds.gpu", DAY), waited + CLOCK_SLACK_SECONDS
    ignored = (*metadata.ignored(), *_left_to_service(request, sent))
    if any(image.error for image in images):
        ignored = (*ignored, "seeds")
    return GenerateResult(
        model=clean(response.model),
        images=images,
        seconds=min(seconds, max_seconds),
        # A request cannot use more of the machine than the time it took.
        gpu_seconds=min(seconds if gpu_seconds is None else gpu_seconds, max_seconds),
        # Idle time of earlier days is no cost of today.
        idle_seconds=min(metadata.number("seconds.idle", 31 * DAY) or 0.0, DAY),
        usd_per_second=metadata.number("cost.usd_per_second", MAX_USD_PER_SECOND),
        steps=metadata.integer("steps", MAX_STEPS) or (None if "steps" in ignored else sent.steps),
        guidance=metadata.number("guidance", MAX_GUIDANCE),
        truncated=metadata.truncated(),
        ignored=tuple(dict.fromkeys(ignored)),
        invalid_fields=tuple(metadata.invalid_fields),
        response_digest=hashlib.sha256(content).hexdigest()[:16],
        url=url,
    )


def _parse_images(content: bytes, request: GenerateRequest) -> tuple[_Response, tuple[GeneratedImage, ...]]:
    try:
        response = _Response.model_validate_json(content)
        images = tuple(_parse_image(picture) for picture in response.pictures)
        if [image.seed for image in images] != list(request.seeds):
            raise ValueError("the seeds are not those of the request")
    except (ValidationError, ValueError, binascii.Error) as error:
        reason = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
        raise GpuError(GARBAGE, reason, suspect=True) from error
    return response, images


def _left_to_service(request: GenerateRequest, sent: GenerateRequest) -> tuple[str, ...]:
    """Return the names of parameters that the request sets and that were left to the service."""
    pairs = (
        ("steps", request.steps, sent.steps),
        ("aspect_ratio", request.aspect_ratio, sent.aspect_ratio),
        ("strength", request.strength, sent.strength),
    )
    return tuple(name for name, wanted, used in pairs if wanted is not None and used is None)


def _is_field_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z_]{1,60}", value) is not None


def _parse_image(picture: _Picture) -> GeneratedImage:
    """Return one image. A missing one was withheld, unless the service says that it failed."""
    if picture.image is None:
        error = _shorten(picture.error, MAX_REASON_LENGTH) if picture.error else ""
        return GeneratedImage(picture.seed, None, flagged=not error, error=error)
    flagged, checked = _read_verdict(picture.safety)
    return GeneratedImage(picture.seed, base64.b64decode(picture.image, validate=True), flagged, checked)


def _read_verdict(safety: object) -> tuple[bool, bool]:
    """Return whether an image was flagged, and whether it was checked: by a bool beside at least one finite score."""
    if not isinstance(safety, dict):
        return False, False
    flagged, scores = safety.get("flagged"), safety.get("scores")
    measured = isinstance(scores, dict) and bool(scores) and all(map(_is_score, scores.values()))
    return flagged is True, isinstance(flagged, bool) and measured


def _is_score(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def parse_rejections(content: bytes) -> list[tuple[str, str]]:
    """Return field and reason of each rejected parameter. Empty if the body does not follow our contract."""
    try:
        errors = json.loads(content[:MAX_ERROR_BYTES])["errors"]
        return [
            (_shorten(error["field"], MAX_FIELD_LENGTH), _shorten(error["reason"], MAX_REASON_LENGTH))
            for error in errors
        ][:MAX_REASONS]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def clamp_to_limits(request: GenerateRequest, rejections: list[tuple[str, str]]) -> GenerateRequest | None:
    """Return the request as this service can fulfill it, or None if it rejects anything but optional parameters.

    Steps become the nearest number that it allows. Any other rejected parameter is left to the service.
    """
    clamped = request
    for field, reason in rejections:
        name = "strength" if field == "strength" and request.strength is not None else OPTIONAL_PARAMETERS.get(field)
        limits = LIMITS.search(reason) if field == "steps" else None
        if name == "steps" and request.steps is not None:
            steps = min(max(request.steps, int(limits[1])), int(limits[2])) if limits else None
            clamped = replace(clamped, steps=steps)
        elif name == "aspect_ratio" and request.aspect_ratio is not None:
            clamped = replace(clamped, aspect_ratio=None)
        elif name == "strength":
            clamped = replace(clamped, strength=None)
        else:
            return None
    return clamped if clamped != request else None


def _shorten(value: object, limit: int) -> str:
    return " ".join(clean(str(value)).split())[:limit]
