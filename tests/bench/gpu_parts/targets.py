"""Compare a report of an H200 with the targets. Parts that were not measured are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]


def judge(direct: list[Row], served: list[Row], *, vae: str) -> Iterator[dict[str, Any]]:
    """Yield rows of name, text, and whether the target is met."""
    turbo = [row for row in direct if _is(row, "sd-turbo", 512, 1) and vae == "tiny"]
    if turbo:
        yield _at_least("sd-turbo 512, 1 step, tiny VAE: images/s", _best(turbo), 320)
        if alone := [row["ms"] for row in turbo if row["batch"] == 1]:
            yield _at_most("sd-turbo 512, 1 step, tiny VAE: ms at batch 1", min(alone), 15)
    for preset in ("sdxl-lightning", "sdxl-turbo"):
        if rows := [row for row in direct if _is(row, preset, 1024, 4)]:
            yield _at_least(f"{preset} 1024, 4 steps: images/s", _best(rows), 10)
    for row in served:
        if row["callers"] == 16:
            yield _at_most(f"{row['preset']} {row['width']}, 16 callers: p95 in ms", row["p95_ms"], 2000)


def _is(row: Row, preset: str, side: int, steps: int) -> bool:
    return "failed" not in row and (row["preset"], row["width"], row["steps"]) == (preset, side, steps)


def _best(rows: list[Row]) -> float:
    return float(max(row["images_per_second"] for row in rows))


def _at_least(name: str, value: float, wanted: float) -> dict[str, Any]:
    return {"name": name, "text": f"{value:.1f}; wanted at least {wanted:g}", "good": value >= wanted}


def _at_most(name: str, value: float, wanted: float) -> dict[str, Any]:
    return {"name": name, "text": f"{value:.1f}; wanted at most {wanted:g}", "good": value <= wanted}
