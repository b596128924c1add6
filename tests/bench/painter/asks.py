"""What a long day brings: orders of every kind, mistakes, strangers, callers who hang up, and hostile pictures.

Knows the contract from the outside: what is asked, and which statuses are right answers to it. Knows no server.
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

Deed = Literal["ask", "hang up", "break off"]
_SMALL = {"width": 64, "height": 64, "steps": 1}
_LARGEST_FILE = 400_000


@dataclass(frozen=True)
class Ask:
    """One thing a caller does. `statuses`: what is right; 429 is, too, for an order, and then it is asked again.

    `judged`: the pictures are compared with those painted alone. `token` in place of the right one.
    """

    kind: str
    body: dict[str, Any] | bytes
    statuses: tuple[int, ...] = (200,)
    judged: bool = False
    deed: Deed = "ask"
    token: str | None = None
    claims: int | None = None


def judged_orders() -> list[Ask]:
    """Orders whose pictures are known: texts, sizes, steps, several seeds, negative prompts, starts, embeddings."""
    texts = [
        Ask("text", {"prompt": prompt, "seeds": [seed], **_SMALL}, judged=True)
        for prompt in ("a red fox", "two boats at dawn", "snow on a roof")
        for seed in (1, 2, 3)
    ]
    wide = {"width": 96, "height": 64, "steps": 2}
    others = {
        "size": {"prompt": "a long bridge", "seeds": [4], **wide},
        "shape": {"prompt": "a tower", "seeds": [5], "aspect_ratio": "2:3", "steps": 1},
        "seeds": {"prompt": "a glass of tea", "seeds": [1, 2, 3, 4], **_SMALL},
        "negative": {"prompt": "an owl", "negative_prompt": "blurred", "guidance": 2.0, "seeds": [6], **_SMALL},
        "embedding": {"prompt": "a kite", "seeds": [7], "embedding": True, **_SMALL},
        "image": {
            "prompt": "a lake",
            "seeds": [8],
            "init_image": _start("teal"),
            "strength": 0.5,
            **_SMALL,
            "steps": 4,
        },
        "images": {"prompt": "a lake", "seeds": [8, 9], "init_image": _start("tan"), "strength": 0.5, **wide},
    }
    return [*texts, *(Ask(kind, body, judged=True) for kind, body in others.items())]


def mistakes() -> list[Ask]:
    """What must be told to the caller: 422 each, 413 for a body too large, 401 for a stranger."""
    good = {"prompt": "a mistake", "seeds": [1], **_SMALL}
    wrong: list[dict[str, Any]] = [
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
        good | {"colour": "red"},
        good | {"aspect_ratio": "1:1"},
        good | {"init_image": "not base64!"},
        good | {"init_image": base64.b64encode(b"no picture").decode(), "strength": 1.0},
        good | {"init_image": _start("red"), "strength": 0.1},
    ]
    raw = [b"", b"{", b"[]", b"\xff\xfe", b"[" * 20_000, b'{"prompt": "x", "guidance": NaN}', b'{"prompt": "\\ud800"}']
    return [
        *(Ask("mistake", body, (422,)) for body in (*wrong, *raw)),
        Ask("huge", b"", (413,), claims=10**9),
        *(Ask("stranger", good, (401,), token=word) for word in ("", "guess", "Bearer")),
    ]


def hostile_pictures(material: Path | None) -> list[Ask]:
    """Start images nobody of us made, broken and whole: painted or refused with words, nothing else."""
    if material is None:
        return []
    files = sorted(file for folder in material.glob("img-*") for file in folder.rglob("*") if _is_small(file))
    order = {"prompt": "a start", "seeds": [1], **_SMALL, "strength": 1.0}
    return [
        Ask("hostile", order | {"init_image": base64.b64encode(file.read_bytes()).decode()}, (200, 422))
        for file in files
    ]


def _is_small(file: Path) -> bool:
    return file.is_file() and 0 < file.stat().st_size <= _LARGEST_FILE


@dataclass(frozen=True)
class Day:
    """All there is to choose from."""

    orders: Sequence[Ask]
    wrong: Sequence[Ask]
    hostile: Sequence[Ask]

    def asks(self, count: int, seed: int = 0) -> Iterator[Ask]:
        """So many, mixed: of ten some seven are orders, and the same every time for the same seed."""
        chance = random.Random(seed)
        for _ in range(count):
            dice = chance.random()
            if dice < 0.15:
                yield chance.choice(self.wrong)
            elif dice < 0.20 and self.hostile:
                yield chance.choice(self.hostile)
            elif dice < 0.27:
                yield _gone(chance.choice(self.orders), "hang up")
            elif dice < 0.30:
                yield _gone(chance.choice(self.orders), "break off")
            else:
                yield chance.choice(self.orders)


def a_day(material: Path | None) -> Day:
    return Day(judged_orders(), mistakes(), hostile_pictures(material))


def _gone(order: Ask, deed: Deed) -> Ask:
    """The same order by somebody who does not wait for it, or does not even say it to the end."""
    return Ask(deed, order.body, (), deed=deed)


def _start(colour: str) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
