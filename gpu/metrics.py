"""Counts what the service did, as Prometheus text. Knows no HTTP server and no engine.

Used from the event loop only, so plain numbers are enough.
"""

from __future__ import annotations

from collections import Counter

from gpu.contract import PaintAnswer


class Metrics:
    """Counters since the start: answers by status, pictures, and seconds by stage."""

    def __init__(self) -> None:
        self._answers: Counter[int] = Counter()
        self._seconds: Counter[str] = Counter()
        self._pictures = 0

    def count(self, status: int) -> None:
        self._answers[status] += 1

    def count_pictures(self, answer: PaintAnswer) -> None:
        self._pictures += len(answer.pictures)
        for stage, seconds in answer.seconds.model_dump().items():
            self._seconds[stage] += seconds

    def text(self, *, waiting: int, batches: int, ready: bool) -> str:
        """All of it in Prometheus' text format, with the gauges given by the caller."""
        lines = [
            *_family("gpu_answers_total", "counter", {f'status="{s}"': n for s, n in self._answers.items()}),
            *_family("gpu_pictures_total", "counter", {"": self._pictures}),
            *_family("gpu_seconds_total", "counter", {f'stage="{s}"': n for s, n in self._seconds.items()}),
            *_family("gpu_batches_total", "counter", {"": batches}),
            *_family("gpu_queue", "gauge", {"": waiting}),
            *_family("gpu_ready", "gauge", {"": int(ready)}),
        ]
        return "\n".join(lines) + "\n"


def _family(name: str, kind: str, samples: dict[str, float]) -> list[str]:
    values = [f"{name}{{{label}}} {value:g}" if label else f"{name} {value:g}" for label, value in samples.items()]
    return [f"# TYPE {name} {kind}", *values]
