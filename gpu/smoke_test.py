"""Generate one prompt twice and report the times, to check a deployment."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path

from gpu.api.contract import PaintRequest, PaintResponse, Picture

# Takes the JSON of a request, returns (HTTP status, JSON of the response).
Paint = Callable[[str], tuple[int, str]]


class SmokeTestFailed(Exception):
    """The service returned no picture; the text has its answer."""


def run_smoke_test(paint: Paint, report: Callable[[str], None], *, prompt: str, seed: int, out: Path) -> Path:
    """Generate from a cold start and warm, report the times, and write the picture to `out` with its suffix.

    Return its path. Raises SmokeTestFailed.
    """
    request = PaintRequest(prompt=prompt, seeds=[seed]).model_dump_json(exclude_unset=True)
    for start in ("cold", "warm"):
        started = time.perf_counter()
        status, text = paint(request)
        seconds = time.perf_counter() - started
        if status != 200:
            raise SmokeTestFailed(f"{status}: {text[:500]}")
        response = PaintResponse.model_validate_json(text)
        report(f"{start}  {seconds:.2f} s in total; {_stages(response)}")
    return _write(response.pictures[0], out)


def _stages(response: PaintResponse) -> str:
    seconds, cost = response.seconds, response.cost
    stages = {
        "queued": seconds.queued,
        "painting": seconds.painting,
        "checking": seconds.checking,
        "encoding": seconds.encoding,
    }
    text = ", ".join(f"{name} {value:.2f} s" for name, value in stages.items())
    if not cost:
        return text
    gpu, idle = seconds.gpu * cost.usd_per_second, seconds.idle * cost.usd_per_second
    return f"{text}; ${gpu:.5f} on {cost.card}, ${idle:.4f} for start, pauses and scaledown"


def _write(picture: Picture, out: Path) -> Path:
    if picture.image is None:
        raise SmokeTestFailed("the safety check flagged the picture, and the service drops those")
    path = out.with_suffix("." + picture.mime.rpartition("/")[2])
    path.write_bytes(base64.b64decode(picture.image))
    return path
