"""Define a mixed workload: valid requests of each kind, invalid ones, wrong tokens, disconnects and hostile images.

Each item has the statuses that are right for it.
"""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

Action = Literal["send", "disconnect", "cut off"]
_SMALL = {"width": 64, "height": 64, "steps": 1}
_MAX_FILE_SIZE = 400_000


@dataclass(frozen=True)
class WorkItem:
    """One request of a caller.

    statuses: the right ones; after a 429 a valid request is sent again. compared: compare its pictures with references.
    token: instead of the right one. claims: the Content-Length, instead of the real one.
    """

    kind: str
    body: dict[str, Any] | bytes
    statuses: tuple[int, ...] = (200,)
    compared: bool = False
    action: Action = "send"
    token: str | None = None
    claims: int | None = None


def reference_items() -> list[WorkItem]:
    """Return requests to compare with references: sizes, steps, seeds, negative prompts, init images, embeddings."""
    texts = [
        WorkItem("text", {"prompt": prompt, "seeds": [seed], **_SMALL}, compared=True)
        for prompt in ("a red fox", "two boats at dawn", "snow on a roof")
        for seed in (1, 2, 3)
    ]
    wide: dict[str, Any] = {"width": 96, "height": 64, "steps": 2}
    others: dict[str, dict[str, Any]] = {
        "size": {"prompt": "a long bridge", "seeds": [4], **wide},
        "shape": {"prompt": "a tower", "seeds": [5], "aspect_ratio": "2:3", "steps": 1},
        "seeds": {"prompt": "a glass of tea", "seeds": [1, 2, 3, 4], **_SMALL},
        "negative": {"prompt": "an owl", "negative_prompt": "blurred", "guidance": 2.0, "seeds": [6], **_SMALL},
        "embedding": {"prompt": "a kite", "seeds": [7], "embedding": True, **_SMALL},
        "image": {
            "prompt": "a lake",
            "seeds": [8],
            "init_image": _init_image("teal"),
            "strength": 0.5,
            **_SMALL,
            "steps": 4,
        },
        "images": {"prompt": "a lake", "seeds": [8, 9], "init_image": _init_image("tan"), "strength": 0.5, **wide},
    }
    return [*texts, *(WorkItem(kind, body, compared=True) for kind, body in others.items())]


def invalid_items() -> list[WorkItem]:
    """Return invalid requests: 422 each, 413 for a body too large, 401 for a wrong token."""
    good = {"prompt": "a mistake", "seeds": [1], **_SMALL}
    wrong: list[dict[str, Any] | bytes] = [
        {},
        {"prompt": " "},
        good | {"prompt": "x" * 5000},
        good | {"steps": 0},
        good | {"steps": 10**9},
        good | {"width": 65},
        good | {"width": 10**12},
        good | {"seeds": []},
        good | {"seeds": [1] * 5},
        good | {"seeds": [-1]},
        good | {"seeds": [2**64]},
        good | {"guidance": "much"},
        good | {"strength": 0.5},
        good | {"color": "red"},
        good | {"aspect_ratio": "1:1"},
        good | {"init_image": "not base64!"},
        good | {"init_image": base64.b64encode(b"no picture").decode(), "strength": 1.0},
        good | {"init_image": _init_image("red"), "strength": 0.1},
    ]
    wrong += [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"prompt": "x", "guidance": NaN}',
        b'{"prompt": "\\ud800"}',
    ]
    return [
        *(WorkItem("invalid", body, (422,)) for body in wrong),
        WorkItem("huge", b"", (413,), claims=10**9),
        *(WorkItem("wrong token", good, (401,), token=word) for word in ("", "guess", "Bearer")),
    ]


def hostile_items(material: Path | None) -> list[WorkItem]:
    """Return requests with foreign init images, broken and valid: each is used or rejected with a reason."""
    if material is None:
        return []
    files = sorted(file for folder in material.glob("img-*") for file in folder.rglob("*") if _is_small(file))
    request = {"prompt": "a start", "seeds": [1], **_SMALL, "strength": 1.0}
    return [
        WorkItem("hostile", request | {"init_image": base64.b64encode(file.read_bytes()).decode()}, (200, 422))
        for file in files
    ]


def _is_small(file: Path) -> bool:
    return file.is_file() and 0 < file.stat().st_size <= _MAX_FILE_SIZE


@dataclass(frozen=True)
class Workload:
    """Items to choose from."""

    valid: Sequence[WorkItem]
    wrong: Sequence[WorkItem]
    hostile: Sequence[WorkItem]

    def items(self, count: int, seed: int = 0) -> Iterator[WorkItem]:
        """Yield `count` items at random, about 70 % valid. The same seed yields the same items."""
        chance = random.Random(seed)
        for _ in range(count):
            roll = chance.random()
            if roll < 0.15:
                yield chance.choice(self.wrong)
            elif roll < 0.20 and self.hostile:
                yield chance.choice(self.hostile)
            elif roll < 0.27:
                yield _interrupted(chance.choice(self.valid), "disconnect")
            elif roll < 0.30:
                yield _interrupted(chance.choice(self.valid), "cut off")
            else:
                yield chance.choice(self.valid)


def create_workload(material: Path | None) -> Workload:
    return Workload(reference_items(), invalid_items(), hostile_items(material))


def _interrupted(request: WorkItem, action: Action) -> WorkItem:
    """Return the request of a caller that disconnects before the response, or within the request."""
    return WorkItem(action, request.body, (), action=action)


def _init_image(color: str) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60), color).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
