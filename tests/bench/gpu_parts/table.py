"""Write the results as Markdown and JSON, again after each part, so that no result is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_DIRECT = (
    "preset",
    "size",
    "steps",
    "batch",
    "ms/image",
    "images/s",
    "peak GiB",
    "TFLOP/image",
    "of the limit",
    "$/1,000",
)
_SERVED = (
    "preset",
    "size",
    "steps",
    "callers",
    "p50 ms",
    "p95 ms",
    "queued ms",
    "images/s",
    "batch",
    "refused",
    "lost",
)
_SMALL = ("what", "figure", "")


@dataclass
class Report:
    """Results of one run, saved as `out`.md and `out`.json if `out` is set."""

    title: str
    out: Path | None = None
    device: str = ""
    direct: list[dict[str, Any]] = field(default_factory=list)
    served: list[dict[str, Any]] = field(default_factory=list)
    small: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def save(self) -> None:
        if self.out is None:
            return
        values = {name: value for name, value in vars(self).items() if name != "out"}
        self.out.with_suffix(".json").write_text(json.dumps(values, indent=1) + "\n")
        self.out.with_suffix(".md").write_text(self.page())

    def page(self) -> str:
        """Return the whole report in Markdown."""
        parts = [f"# {self.title}", self.device]
        if self.small:
            parts.append(_table(_SMALL, [_small_row(row) for row in self.small]))
        if self.direct:
            parts += ["## In the process", _table(_DIRECT, [_direct_row(row) for row in self.direct])]
        if self.served:
            parts += ["## Over HTTP", _table(_SERVED, [_served_row(row) for row in self.served])]
        if self.failed:
            parts += ["## Not measured", "\n".join(f"- {line}" for line in self.failed)]
        return "\n\n".join(part for part in parts if part) + "\n"


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _small_row(row: dict[str, Any]) -> list[str]:
    return [row["name"], row["text"], {None: "", True: "ok", False: "MISSED"}[row["good"]]]


def _direct_row(row: dict[str, Any]) -> list[str]:
    named = [row["preset"], _size(row), f"{row['steps']}", _batch(row)]
    if "failed" in row:
        return [*named, row["failed"], *[""] * (len(_DIRECT) - 5)]
    return [
        *named,
        f"{row['ms']:.1f}",
        f"{row['images_per_second']:.1f}",
        _some(row["peak_gib"], "{:.1f}"),
        _some(row["tflop"], "{:.2f}"),
        _some(row["of_limit"], "{:.0%}"),
        _some(row["usd_per_image"] and row["usd_per_image"] * 1000, "{:.4f}"),
    ]


def _served_row(row: dict[str, Any]) -> list[str]:
    return [
        row["preset"],
        _size(row),
        f"{row['steps']}",
        f"{row['callers']}",
        f"{row['p50_ms']:.0f}",
        f"{row['p95_ms']:.0f}",
        f"{row['queued_ms']:.0f}",
        f"{row['images_per_second']:.1f}",
        f"{row['batch']:.1f}",
        f"{row['refused']}",
        f"{row['lost']}",
    ]


def _batch(row: dict[str, Any]) -> str:
    together = row.get("together", row["batch"])
    return f"{row['batch']}" if together == row["batch"] else f"{row['batch']} ({together} at once)"


def _size(row: dict[str, Any]) -> str:
    return f"{row['width']}x{row['height']}"


def _some(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
