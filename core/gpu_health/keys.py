"""Redis keys of the circuit breaker, and how long they last."""

import hashlib

# Failures older than this are forgotten, and the backend is used as if it were healthy.
RETENTION_SECONDS = 3600
ALL_OPEN_KEY, OUTAGE_KEY, UNHEALTHY_KEY = "gpu-breaker:all-open", "gpu-breaker:outage", "gpu-breaker:unhealthy"
SUSPECTS_KEY, MAX_SUSPECTS = "gpu-breaker:suspects", 500
UNCHECKED_KEY, UNCHECKED_RETENTION_SECONDS = "gpu-breaker:unchecked", 24 * 3600


class BackendKeys:
    """Redis keys of one backend.

    Attributes:
        open: exists while the breaker is open, for the length of the pause.
        failures: hash of the last failure; exists until the backend works again.
        probe: exists while one request probes the backend.
        suspects: requests that failed since the last success.
        refusals: per request, the number of successes when it was last refused.
        successes: number of generated requests.
    """

    def __init__(self, url: str, *, name: str = "") -> None:
        self.name = name or hashlib.sha256(url.encode()).hexdigest()[:16]
        self.open = f"gpu-breaker:open:{self.name}"
        self.failures = f"gpu-breaker:failures:{self.name}"
        self.probe = f"gpu-breaker:probe:{self.name}"
        self.suspects = f"gpu-breaker:suspects:{self.name}"
        self.refusals = f"gpu-breaker:refusals:{self.name}"
        self.successes = f"gpu-breaker:successes:{self.name}"

    @classmethod
    def from_name(cls, name: str) -> "BackendKeys":
        """Return the keys of a backend whose hashed address is known."""
        return cls("", name=name)
