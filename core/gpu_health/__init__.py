"""Circuit breaker of the GPU backends: leave a failing one alone for a while, then let one request probe it.

    closed ── failure ──> open: as long as the backend asked for, else 5 s, 15 s, 45 s ... 5 minutes
           ──> half-open: one request probes it ──> closed
    closed ── fails with three creations in a row ──> open

A request that fails with every backend counts against its creation and opens no breaker. A creation that a backend
failed with or refused is a suspect: the dispatcher probes with another one. A refusal counts against a suspect once the
backend generated another creation after refusing it. The state is in Redis, shared by all workers, and expires.

Workers that generate go on if the queue is down: they then know nothing and find out for themselves. Methods that only
read the state (`capacity`, `outage`, `unhealthy` ...) raise TryLater("queue_away").
"""

from core.gpu_health.breaker import PROBE_PAUSE, GpuCircuitBreaker, redact_url
from core.gpu_health.status import Outage, UnhealthyBackend

__all__ = ["PROBE_PAUSE", "GpuCircuitBreaker", "Outage", "UnhealthyBackend", "redact_url"]
