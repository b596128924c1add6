"""Puts the answer together: what was painted, how sure the check was, what it took. Knows the contract, no HTTP.

The pictures' bytes go straight into the text: going over 11 MB of base64 in search of what JSON must escape would hold
up everybody on the event loop for 6 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gpu.batching.engine_thread import Outcome
from gpu.engine import Failure, Painting, Piece, Verdict
from gpu.web.contract import Cost, PaintAnswer, Picture, Safety, Seconds, Truncated
from gpu.web.orders import Plan

_NO_IMAGE = b'"image":null'
_NO_PICTURES = b'"pictures":[]'


def answer_to(
    planned: Plan, outcome: Outcome, *, model: str, mime: str, encoding: float, cost: Cost | None
) -> PaintAnswer:
    """The answer but for the pictures' bytes; `encoding` is the seconds that took."""
    order = planned.order
    painted = zip(order.pieces, outcome.paintings, outcome.verdicts, strict=True)
    return PaintAnswer(
        model=model,
        pictures=[_picture(planned, *one, mime=mime) for one in painted],
        steps=planned.steps,
        guidance=order.key.guidance,
        truncated=_truncated(outcome.paintings),
        ignored=list(planned.ignored),
        seconds=Seconds(
            queued=outcome.queued,
            painting=outcome.painting,
            checking=outcome.checking,
            encoding=encoding,
            gpu=outcome.gpu,
            idle=outcome.idle,
        ),
        cost=cost,
        batch_size=outcome.batch_size,
    )


def as_json(answer: PaintAnswer, images: Sequence[bytes | None]) -> bytes:
    """The answer with the base64 of its pictures, in their order; None stays null."""
    pictures = b",".join(_with_image(*one) for one in zip(answer.pictures, images, strict=True))
    # Neither text can stand in a string of the answer: there its quotes would be escaped.
    whole = answer.model_copy(update={"pictures": []}).model_dump_json().encode()
    before, after = whole.split(_NO_PICTURES)
    return b"".join((before, _NO_PICTURES[:-1], pictures, b"]", after))


def _with_image(picture: Picture, image: bytes | None) -> bytes:
    text = picture.model_dump_json().encode()
    if image is None:
        return text
    before, after = text.split(_NO_IMAGE)
    return b"".join((before, b'"image":"', image, b'"', after))


def _picture(planned: Plan, piece: Piece, result: Painting | Failure, verdict: Verdict | None, *, mime: str) -> Picture:
    key, vector = planned.order.key, verdict.embedding if verdict and planned.embedding else None
    width, height = (key.width, key.height) if isinstance(result, Failure) else result.image.size
    return Picture(
        seed=piece.seed,
        image=None,
        mime=mime,
        width=width,
        height=height,
        safety=Safety(checked=True, flagged=verdict.flagged, scores=dict(verdict.scores)) if verdict else Safety(),
        embedding=None if vector is None else _numbers(vector),
        error=result.reason if isinstance(result, Failure) else None,
    )


def _numbers(vector: NDArray[np.float32]) -> list[float]:
    # By way of their text: the shortest that is still this float32, half as long as its double.
    return [float(str(number)) for number in vector]


def _truncated(results: Sequence[Painting | Failure]) -> Truncated | None:
    """All pictures of an order have one prompt: the first that says so speaks for all."""
    for result in results:
        if isinstance(result, Painting) and result.truncated:
            return Truncated(read=result.truncated.read, of=result.truncated.of)
    return None
