"""Counts what the service did, as Prometheus text. Knows the contract and prometheus_client, no HTTP and no engine.

Each service has a registry of its own: two in one process, as in tests, do not count for each other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gpu.web.contract import PaintAnswer

# From a picture at once to a caller who has long hung up.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)

# What somebody else counts: its name, what it is, and how to read it.
Readings = Mapping[str, tuple[str, Callable[[], float]]]


class Metrics:
    """Counters and histograms since the start; `gauges` and `totals` are read whenever somebody asks for the text."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, *, gauges: Readings, totals: Readings) -> None:
        # Imported here, for it looks at its process, and importing a module of ours opens nothing.
        prometheus: Any = importlib.import_module("prometheus_client")
        prometheus.disable_created_metrics()  # half the lines, and nobody looks at them
        home = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=home)
        home.register(_Readings(gauges, totals))
        self._text: Callable[[], bytes] = lambda: prometheus.generate_latest(home)

        def counter(name: str, text: str, *labels: str) -> Any:
            return prometheus.Counter(name, text, labels, registry=home)

        self._answers = counter("gpu_answers", "Answers to orders.", "status")
        self._pictures = counter("gpu_pictures", "Pictures painted and answered.")
        self._flagged = counter("gpu_flagged", "Pictures that the safety check flagged.")
        self._failed = counter("gpu_failed_pictures", "Pictures that did not come out while others of their order did.")
        self._withheld = counter("gpu_withheld", "Flagged pictures that were kept back.")
        self._truncated = counter("gpu_truncated", "Orders with a prompt longer than the model reads.")
        self._seconds = counter("gpu_seconds", "Seconds of orders; those of gpu and idle are paid for.", "stage")
        self._stages = {
            stage: prometheus.Histogram(f"gpu_{stage}_seconds", text, buckets=_BUCKETS, registry=home)
            for stage, text in (("queued", "Waiting of an order."), ("painting", "Painting of an order's batch."))
        }

    def count(self, status: int) -> None:
        self._answers.labels(status).inc()

    def count_pictures(self, answer: PaintAnswer, *, withheld: int) -> None:
        failed = sum(picture.error is not None for picture in answer.pictures)
        self._pictures.inc(len(answer.pictures) - failed)
        self._failed.inc(failed)
        self._flagged.inc(sum(picture.safety.flagged for picture in answer.pictures))
        self._withheld.inc(withheld)
        self._truncated.inc(answer.truncated is not None)
        for stage, seconds in answer.seconds:
            self._seconds.labels(stage).inc(max(0.0, seconds))
            if stage in self._stages:
                self._stages[stage].observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return self._text()


class _Readings:
    """A collector of what the service does not count itself."""

    def __init__(self, gauges: Readings, totals: Readings) -> None:
        self._gauges, self._totals = gauges, totals

    def collect(self) -> Iterator[Any]:
        families: Any = importlib.import_module("prometheus_client.core")
        for name, (text, read) in self._gauges.items():
            yield families.GaugeMetricFamily(name, text, read())
        for name, (text, read) in self._totals.items():
            yield families.CounterMetricFamily(name, text, read())
