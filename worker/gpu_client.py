"""Sends a prompt to the GPU service and gets pictures. Knows httpx and the service's contract; no row, no queue.

tenacity tries again within seconds where the connection was not made; everything that takes longer is TryLater, and
the creation's own schedule tries again. Painting is safe to repeat.
"""

import base64
import binascii
import json
import ssl
import time
from dataclasses import dataclass
from functools import cache
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from core.errors import Refused, TryLater
from core.settings import GpuSettings
from core.text import clean

# One picture of 1536 x 1536 as PNG is about 6 MB, four of them in base64 about 32 MB.
LONGEST_ANSWER = 64 * 1024 * 1024


@dataclass(frozen=True)
class Order:
    """What to paint: one picture per seed. Sizes in pixels; None leaves them to the painter, and so the steps.

    start: encoded picture to start from.
    """

    prompt: str
    seeds: tuple[int, ...]
    negative_prompt: str = ""
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    start: bytes | None = None


@dataclass(frozen=True)
class Painted:
    """One picture as the service gave it: encoded bytes, not yet looked at."""

    seed: int
    image: bytes
    flagged: bool


@dataclass(frozen=True)
class Painting:
    """The answer to an order: its pictures in the order of the seeds, and the GPU seconds they took."""

    model: str
    pictures: tuple[Painted, ...]
    seconds: float


@dataclass(frozen=True)
class _Reply:
    status: int
    retry_after: str
    content: bytes


class _Safety(BaseModel):
    flagged: bool = False


class _Picture(BaseModel):
    seed: int
    image: str
    safety: _Safety = _Safety()


class _Seconds(BaseModel):
    painting: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    model: str = Field(min_length=1, max_length=200)
    pictures: list[_Picture]
    seconds: _Seconds = _Seconds()


class GpuClient:
    """One GPU service. Use as a context manager or close it."""

    def __init__(self, base_url: str, *, token: str = "", timeout: float = 150.0) -> None:
        self._timeout = timeout
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Modal answers 303 with the address of the result when a start takes longer than its own limit.
        self._http = httpx.Client(
            base_url=base_url,
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=5.0),
            follow_redirects=True,
            verify=_certificates(),
            trust_env=False,
        )

    def __enter__(self) -> "GpuClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def paint(self, order: Order) -> Painting:
        """Paint an order.

        Raises TryLater (`gpu_down`, `gpu_busy`, `gpu_failed`, `gpu_garbage`, `gpu_unauthorized`) and
        Refused (`unpaintable`) when the service says that it cannot paint this, ever.
        """
        reply = self._send(_body(order))
        if reply.status != 200:
            raise _failure(reply)
        return _read(reply.content, order)

    def _send(self, body: dict[str, object]) -> _Reply:
        retrying = Retrying(
            retry=retry_if_exception_type((httpx.ConnectError, httpx.ConnectTimeout)),
            wait=wait_exponential_jitter(multiplier=0.2, max=1.0),
            stop=stop_after_attempt(3),
            reraise=True,
        )
        try:
            return retrying(self._read_bounded, json.dumps(body).encode())
        except httpx.TimeoutException as error:
            raise TryLater("gpu_down", f"no answer in time ({type(error).__name__})") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise TryLater("gpu_down", type(error).__name__) from error

    def _read_bounded(self, body: bytes) -> _Reply:
        """Post, and read no more than LONGEST_ANSWER of what comes back."""
        content, deadline = bytearray(), time.monotonic() + self._timeout
        headers = {"Content-Type": "application/json"}
        with self._http.stream("POST", "/v1/paint", content=body, headers=headers) as response:
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > LONGEST_ANSWER:
                    raise TryLater("gpu_garbage", "the answer does not end")
                if time.monotonic() > deadline:
                    raise TryLater("gpu_down", "no whole answer in time")
        return _Reply(response.status_code, response.headers.get("retry-after", ""), bytes(content))


@cache
def _certificates() -> ssl.SSLContext:
    """Loaded once per process and inherited by its forks: it takes longer than many a painting."""
    return ssl.create_default_context()


def open_gpu(settings: GpuSettings) -> GpuClient:
    """A client of the configured service. Connects on first use only."""
    return GpuClient(settings.url, token=settings.gpu_token.get_secret_value(), timeout=settings.gpu_timeout_seconds)


def _body(order: Order) -> dict[str, object]:
    body: dict[str, object] = {"prompt": order.prompt, "seeds": list(order.seeds)}
    if order.negative_prompt:
        body["negative_prompt"] = order.negative_prompt
    if order.width and order.height:
        body |= {"width": order.width, "height": order.height}
    if order.steps:
        body["steps"] = order.steps
    if order.start:
        body["init_image"] = base64.b64encode(order.start).decode()
    return body


def _failure(reply: _Reply) -> TryLater | Refused:
    match reply.status:
        case 422:
            return Refused("unpaintable", reply.content.decode("utf-8", "replace"))
        case 401 | 403:
            return TryLater("gpu_unauthorized", "GPU_TOKEN is not the service's token")
        case 429 | 503:
            return TryLater("gpu_busy", f"status {reply.status}", after=_seconds(reply.retry_after))
        case status if status >= 500 or status == 408:
            return TryLater("gpu_failed", f"status {status}")
        case status:
            return TryLater("gpu_garbage", f"unexpected status {status}")


def _seconds(retry_after: str) -> float:
    """Seconds of a Retry-After header; 0 where it is missing, a date or nonsense. At most an hour."""
    return (
        float(min(int(retry_after), 3600))
        if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10
        else 0.0
    )


def _read(content: bytes, order: Order) -> Painting:
    try:
        answer = _Answer.model_validate_json(content)
        pictures = tuple(
            Painted(picture.seed, base64.b64decode(picture.image, validate=True), picture.safety.flagged)
            for picture in answer.pictures
        )
        if [picture.seed for picture in pictures] != list(order.seeds):
            raise ValueError("the seeds are not those of the order")
    except (ValidationError, ValueError, binascii.Error) as error:
        reason = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
        raise TryLater("gpu_garbage", reason) from error
    return Painting(clean(answer.model), pictures, answer.seconds.painting)
