"""Build the response of POST /v1/paint.

The pictures' base64 goes straight into the JSON text: searching 11 MB of it for characters to escape would block the
event loop for 6 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gpu.api.contract import Cost, PaintResponse, Picture, Safety, Seconds, Truncated
from gpu.api.validation import ValidatedRequest
from gpu.batching.engine_thread import Outcome
from gpu.engine import Failure, GeneratedImage, ImageRequest, Result, SafetyResult

_NO_IMAGE = b'"image":null'


def build_response(
    validated: ValidatedRequest,
    outcome: Outcome,
    *,
    model: str,
    mime: str,
    encoding_seconds: float,
    cost: Cost | None,
) -> PaintResponse:
    """Return the response without the pictures' bytes."""
    request = validated.request
    rows = zip(request.images, outcome.results, outcome.safety_results, strict=True)
    return PaintResponse(
        model=model,
        pictures=[_picture(validated, *row, mime=mime) for row in rows],
        steps=validated.steps,
        guidance=request.key.guidance,
        truncated=_truncated(outcome.results),
        ignored=list(validated.ignored),
        seconds=Seconds(
            queued=outcome.queued,
            painting=outcome.painting,
            checking=outcome.checking,
            encoding=encoding_seconds,
            gpu=outcome.gpu,
            idle=outcome.idle,
        ),
        cost=cost,
        batch_size=outcome.batch_size,
    )


def to_json(response: PaintResponse, images: Sequence[bytes | None]) -> bytes:
    """Return the response as JSON with the base64 of its pictures, in their order. None stays null."""
    # No string of the response can contain the marker, because JSON escapes its quotes.
    first, *rest = response.model_dump_json().encode().split(_NO_IMAGE)
    parts = [first]
    for image, text in zip(images, rest, strict=True):
        parts += [_NO_IMAGE, text] if image is None else [b'"image":"', image, b'"', text]
    return b"".join(parts)


def _picture(
    validated: ValidatedRequest, image: ImageRequest, result: Result, safety: SafetyResult | None, *, mime: str
) -> Picture:
    key = validated.request.key
    vector = safety.embedding if safety and validated.wants_embedding else None
    width, height = (key.width, key.height) if isinstance(result, Failure) else result.image.size
    return Picture(
        seed=image.seed,
        image=None,
        mime=mime,
        width=width,
        height=height,
        safety=Safety(checked=True, flagged=safety.flagged, scores=dict(safety.scores)) if safety else Safety(),
        embedding=None if vector is None else to_floats(vector),
        error=result.reason if isinstance(result, Failure) else None,
    )


def to_floats(vector: NDArray[np.float32]) -> list[float]:
    """Return the numbers of an embedding as JSON shows them."""
    # Through text: the shortest decimal that is still this float32 is half as long as its double.
    return [float(str(number)) for number in vector]


def _truncated(results: Sequence[Result]) -> Truncated | None:
    """Return the first truncation: all pictures of a request have one prompt."""
    for result in results:
        if isinstance(result, GeneratedImage) and result.truncation:
            return Truncated(read=result.truncation.used, of=result.truncation.total)
    return None
