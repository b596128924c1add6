"""One prompt painted twice, with times: what a host looks at after a deployment. Knows the contract, and no Modal."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Paint = Callable[[str], tuple[int, str]]


class TrialFailed(Exception):
    """The painter did not paint; the text says what it answered."""


def try_out(paint: Paint, say: Callable[[str], None], *, prompt: str, seed: int, out: Path) -> Path:
    """Paint a prompt from a cold start and warm, say what each took, and write the picture beside `out`.

    `paint` takes the JSON of an order and gives (HTTP status, JSON of the answer). Raises TrialFailed.
    """
    order = json.dumps({"prompt": prompt, "seeds": [seed]})
    for start in ("cold", "warm"):
        began = time.perf_counter()
        status, text = paint(order)
        took = time.perf_counter() - began
        if status != 200:
            raise TrialFailed(f"{status}: {text[:500]}")
        answer = json.loads(text)
        say(f"{start}  {took:.2f} s in all; {_stages(answer)}")
    return _written(answer["pictures"][0], out)


def _stages(answer: dict[str, Any]) -> str:
    seconds, cost = answer["seconds"], answer["cost"]
    words = ", ".join(f"{name} {seconds[name]:.2f} s" for name in ("queued", "painting", "checking", "encoding"))
    if not cost:
        return words
    gpu, idle = (seconds[name] * cost["usd_per_second"] for name in ("gpu", "idle"))
    return f"{words}; ${gpu:.5f} on {cost['card']}, ${idle:.4f} for its start, pauses and end"


def _written(picture: dict[str, Any], out: Path) -> Path:
    if picture["image"] is None:
        raise TrialFailed("the safety check kept the picture back")
    path = out.with_suffix("." + picture["mime"].rpartition("/")[2])
    path.write_bytes(base64.b64decode(picture["image"]))
    return path
