"""Generate images with the first GPU backend that works, and leave backends that failed alone for a while.

    for each backend, the preferred one first | open? skip | suspected: probe | call | beyond its limits: once more,
    clamped | parse

A request is never sent to two backends at once. A backend that is away costs the creation no attempt. One that fails
may have met a prompt that breaks it, so that counts. `refusals.py` decides whether a refusal counts. Another backend
may generate what one cannot, so `unpaintable` is final only if all say so. A request that exceeds the deadline raises
TryLater, and the creation is tried again on schedule: generating is safe to repeat.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import Refused, TryLater
from core.gpu_health import GpuCircuitBreaker, redact_url
from core.logs import get_logger
from core.settings import GpuSettings
from worker.gpu.embeddings import EmbedResult, TextEmbedding, encode_texts, parse_embeddings
from worker.gpu.errors import (
    DOWN,
    NO_EMBEDDINGS,
    REFUSED,
    UNCHECKED,
    GpuError,
    GpuResponse,
    error_from_response,
)
from worker.gpu.http import GpuCall
from worker.gpu.messages import (
    GeneratedImage,
    GenerateRequest,
    GenerateResult,
    clamp_to_limits,
    encode_request,
    parse_rejections,
    parse_result,
)
from worker.gpu.refusals import judge_refusal

__all__ = [
    "EmbedResult",
    "GenerateRequest",
    "GenerateResult",
    "GeneratedImage",
    "GpuClient",
    "TextEmbedding",
    "open_gpu",
]

log = get_logger(__name__)

# Modal responds after 150 s at the latest, if only to say that the call goes on.
FIRST_RESPONSE_SECONDS = 170.0
# A backend that gets less time than this would only seem slow.
MIN_SECONDS = 2.0
# A query of a search: whoever waits for it rather sees results by words.
EMBED_SECONDS = 10.0
# A service without a safety check was set up so: asking again costs an image each time.
UNCHECKED_PAUSE_SECONDS = 3600.0
NO_VERDICT = (
    "its pictures come without a safety verdict: set GPU_SAFETY=flag on the service, or GPU_UNCHECKED=publish here"
)


@dataclass(frozen=True)
class GpuClient:
    """The GPU backends of this instance. Connects in `generate` only.

    urls: base addresses, the preferred one first. token: sent to each; headers: sent to a backend in its place.
    timeout: seconds for all of it, over all backends. gpu_breaker: what all workers know of the backends.
    publishes_unchecked: images without a safety verdict are published, too (GPU_UNCHECKED).
    """

    urls: tuple[str, ...]
    token: str = field(default="", repr=False)
    timeout: float = 300.0
    gpu_breaker: GpuCircuitBreaker = field(default_factory=lambda: GpuCircuitBreaker(None))
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    publishes_unchecked: bool = False

    def select_publishable(self, result: GenerateResult) -> list[GeneratedImage]:
        """Return images that exist and that a safety check gave a verdict on, if this instance wants one.

        Raises TryLater("gpu_unchecked") if none has a verdict. The backend is then left alone for an hour, since more
        images of it would be useless, and the creation waits without losing an attempt.
        """
        images = [image for image in result.images if image.content is not None]
        if not result.has_unchecked:
            return images
        if self.publishes_unchecked:
            self.gpu_breaker.record_unchecked(result.url)
            return images
        log.warning("unchecked pictures are not published", backend=redact_url(result.url))
        if checked := [image for image in images if image.checked]:
            return checked
        error = GpuError(UNCHECKED, NO_VERDICT)
        self.gpu_breaker.record_failure(result.url, code=error.code, detail=error.detail, after=UNCHECKED_PAUSE_SECONDS)
        raise self._combine([error], {})

    def generate(self, request: GenerateRequest) -> GenerateResult:
        """Return the images of a request.

        Raises TryLater with a code of `errors.py`, or `gpu_resting` if all backends are left alone. Raises
        Refused("unpaintable") if every backend says that it can never fulfill the request.
        """
        deadline = time.monotonic() + self.timeout
        errors: list[GpuError] = []
        refusals: dict[str, Refused] = {}
        for number, url in enumerate(self.urls):
            if (errors and deadline - time.monotonic() < MIN_SECONDS) or self.gpu_breaker.retry_after(url) > 0:
                continue
            try:
                result = self._generate_at(url, request, deadline, others=len(self.urls) - number - 1)
            except GpuError as error:
                errors.append(self._record_failure(url, request, error, deadline))
                continue
            except Refused as refusal:
                refusals[url] = refusal
                self.gpu_breaker.record_success(url, str(request.creation_id))
                continue
            self.gpu_breaker.record_success(url, str(request.creation_id))
            return result
        raise self._combine(errors, refusals)

    def embed(self, texts: Sequence[str], *, timeout: float = EMBED_SECONDS) -> EmbedResult:
        """Return text embeddings, to compare with those of pictures, from the first backend that computes them.

        Raises GpuError, with the code `gpu_no_embeddings` if every backend that responds computes none. The circuit
        breaker learns nothing from it: generating does not depend on it.
        """
        deadline = time.monotonic() + timeout
        errors: list[GpuError] = []
        for url in self.urls:
            if self.gpu_breaker.retry_after(url) > 0 or (errors and deadline - time.monotonic() < MIN_SECONDS):
                continue
            left = max(MIN_SECONDS, deadline - time.monotonic())
            call = GpuCall(url, encode_texts(texts), self._headers(url), deadline, left, path="/v1/embed")
            try:
                return _parse_embed_response(call.send(), texts, url)
            except GpuError as error:
                errors.append(error)
        resting = GpuError(DOWN, "the backends are left alone for a while")
        raise next((error for error in errors if error.code != NO_EMBEDDINGS), errors[0] if errors else resting)

    def _generate_at(self, url: str, request: GenerateRequest, deadline: float, *, others: int) -> GenerateResult:
        """Generate at one backend. If others are left, it gets its share of the time to respond at all."""
        started = time.monotonic()
        sent = request
        call = self._prepare(url, request, deadline, others)
        if self.gpu_breaker.is_half_open(url):
            call.probe()
        response = call.send()
        clamped = clamp_to_limits(request, parse_rejections(response.content)) if response.status == 422 else None
        if clamped is not None:
            sent = clamped
            response = self._prepare(url, clamped, deadline, others).send()
        _ensure_accepted(response, request)
        result = parse_result(response.content, request, sent=sent, waited=time.monotonic() - started, url=url)
        _log_problems(result, request)
        return result

    def _prepare(self, url: str, request: GenerateRequest, deadline: float, others: int) -> GpuCall:
        left = deadline - time.monotonic()
        first_response = max(FIRST_RESPONSE_SECONDS, left / (others + 1)) if others else left
        return GpuCall(url, encode_request(request), self._headers(url), deadline, first_response)

    def _headers(self, url: str) -> dict[str, str]:
        common = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return dict(self.headers.get(url, common))

    def _record_failure(self, url: str, request: GenerateRequest, error: GpuError, deadline: float) -> GpuError:
        """Tell the other workers. Returns what the error means for the request."""
        request_id = str(request.creation_id)
        if error.refusal:
            error = judge_refusal(error, self._prepare(url, request, deadline, 0), request_id, self.gpu_breaker)
        elif error.only_this:
            self.gpu_breaker.record_success(url)
        elif error.suspect:
            self.gpu_breaker.record_suspect(url, request_id, code=error.code, detail=error.detail)
        else:
            self.gpu_breaker.record_failure(url, code=error.code, detail=error.detail, after=error.after)
        log.warning("GPU backend failed", backend=redact_url(url), reason=f"{error.code}: {error.detail}")
        return error

    def _combine(self, errors: list[GpuError], refusals: Mapping[str, Refused]) -> TryLater | Refused:
        """Return Refused if all backends refused; else the error that counts, or the preferred backend's."""
        if len(refusals) == len(self.urls):
            return next(iter(refusals.values()))
        # Backends that refused will refuse again: wait for the others.
        after = min(self.gpu_breaker.open_for(url) for url in self.urls if url not in refusals)
        error = next((error for error in errors if error.suspect), errors[0] if errors else None)
        if after > 0 and not refusals:
            self.gpu_breaker.open_all(after, error.code if error else "")
        if error is not None:
            return error.to_try_later(after=after)
        others = f"; the others cannot paint it ({next(iter(refusals.values()))})" if refusals else ""
        return TryLater("gpu_resting", f"the backend is left alone for a while{others}", after=after, counted=False)


def open_gpu(settings: GpuSettings, gpu_breaker: GpuCircuitBreaker) -> GpuClient:
    """Return a client of the configured backends."""
    headers = {backend.url: backend.headers for backend in settings.backends}
    return GpuClient(
        settings.urls,
        timeout=settings.gpu_timeout_seconds,
        gpu_breaker=gpu_breaker,
        headers=headers,
        publishes_unchecked=settings.gpu_unchecked == "publish",
    )


def _parse_embed_response(response: GpuResponse, texts: Sequence[str], url: str) -> EmbedResult:
    """Return the embeddings. Raises GpuError if there are none."""
    if response.status in (404, 405, 501) and not response.is_markup:
        raise GpuError(NO_EMBEDDINGS, f"this backend computes no text embeddings (status {response.status})")
    if response.status == 422 and not response.is_markup:
        raise GpuError(REFUSED, _describe_rejections(response))
    if response.status != 200 or response.is_markup:
        raise error_from_response(response)
    return parse_embeddings(response.content, texts, url=url)


def _ensure_accepted(response: GpuResponse, request: GenerateRequest) -> None:
    """Raise Refused if the service can never fulfill the request, GpuError if the response holds no images."""
    if response.status == 422 and not response.is_markup:
        raise Refused("unpaintable", _describe_rejections(response))
    if response.status == 413 and request.init_image:
        raise Refused("unpaintable", "its init image is too large for the GPU service")
    if response.status != 200 or response.is_markup:
        raise error_from_response(response)


def _describe_rejections(response: GpuResponse) -> str:
    """Return `steps: must be between 1 and 8`: bounded, in the service's words."""
    reasons = [f"{field}: {reason}" for field, reason in parse_rejections(response.content)]
    return "; ".join(reasons) or f"status {response.status}"


def _log_problems(result: GenerateResult, request: GenerateRequest) -> None:
    backend = redact_url(result.url)
    if result.invalid_fields:
        log.warning("invalid metadata of a GPU backend", backend=backend, fields=list(result.invalid_fields))
    if failed := {str(image.seed): image.error for image in result.images if image.error}:
        log.warning("some pictures failed", backend=backend, creation=request.creation_id, seeds=failed)
