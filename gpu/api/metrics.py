"""Count what the service does, as Prometheus text.

Each service has its own registry, so that two in one process (as in tests) do not mix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fastapi import Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gpu.api.contract import PaintResponse, Seconds

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# In seconds, from an immediate picture to a caller who has closed the connection.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)

# Values that other parts count: name, description, and how to read it.
Readings = Mapping[str, tuple[str, Callable[[], float]]]


class Metrics:
    """Counters and histograms since the start. `gauges` and `totals` are read when the text is generated."""

    def __init__(self, *, gauges: Readings, totals: Readings) -> None:
        # Half the lines, and no dashboard uses them.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_ReadingsCollector(gauges, totals))

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._answers = counter("gpu_answers", "Responses to requests.", "status")
        self._pictures = counter("gpu_pictures", "Pictures generated and returned.")
        self._flagged = counter("gpu_flagged", "Pictures that the safety check flagged.")
        self._failed = counter("gpu_failed_pictures", "Pictures that failed while others of their request did not.")
        self._dropped = counter("gpu_withheld", "Flagged pictures that were not returned.")
        self._truncated = counter("gpu_truncated", "Requests with a prompt longer than the model reads.")
        seconds = counter("gpu_seconds", "Seconds of requests; those of gpu and idle are paid for.", "stage")
        # Looked up once: a request has six of them.
        self._seconds = {stage: seconds.labels(stage) for stage in Seconds.model_fields}
        self._stages = {
            stage: Histogram(f"gpu_{stage}_seconds", text, buckets=BUCKETS, registry=registry)
            for stage, text in (("queued", "Waiting of a request."), ("painting", "Generation of a request's batch."))
        }

    def count(self, status: int) -> None:
        self._answers.labels(str(status)).inc()

    def count_pictures(self, response: PaintResponse, *, dropped: int) -> None:
        failed = sum(picture.error is not None for picture in response.pictures)
        self._pictures.inc(len(response.pictures) - failed)
        self._failed.inc(failed)
        self._flagged.inc(sum(picture.safety.flagged for picture in response.pictures))
        self._dropped.inc(dropped)
        self._truncated.inc(response.truncated is not None)
        for stage, seconds in response.seconds:
            self._seconds[stage].inc(max(0.0, seconds))
            if stage in self._stages:
                self._stages[stage].observe(seconds)

    async def page(self) -> Response:
        """GET /metrics."""
        return Response(generate_latest(self._registry), media_type=MEDIA_TYPE)


class _ReadingsCollector:
    """Reads the values that other parts count."""

    def __init__(self, gauges: Readings, totals: Readings) -> None:
        self._gauges, self._totals = gauges, totals

    def collect(self) -> Iterator[Metric]:
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(name, text, read())
        for name, (text, read) in self._totals.items():
            yield CounterMetricFamily(name, text, read())
