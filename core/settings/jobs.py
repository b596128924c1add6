"""Settings of the jobs: leases and retries, calls to X, the purge of deleted data."""

import math
from typing import Self

from pydantic import Field, model_validator

from core.settings.base import Settings


class JobSettings(Settings):
    """How long a lease on a creation lasts, and how often a failed step is retried."""

    lease_seconds: float = Field(default=45.0, ge=1, le=600)
    paint_attempts: int = Field(default=8, ge=1, le=50)
    reply_attempts: int = Field(default=24, ge=1, le=50)
    retry_seconds: float = Field(default=5.0, gt=0, le=600, description="delay before the first retry; it triples")
    retry_max_seconds: float = Field(default=600.0, gt=0, le=86400)
    stop_grace_seconds: float = Field(
        default=8.0, ge=0, le=3600, description="a stopping worker lets a generation finish for this long"
    )
    recovery_interval_seconds: float = Field(default=1.0, ge=0.2, le=60)
    reply_lookup_delay_seconds: float = Field(
        default=35.0, ge=0, le=600, description="delay before looking on X for a reply of unknown outcome"
    )
    x_timeout_seconds: float = 10.0

    @model_validator(mode="after")
    def _ensure_call_ends_before_its_lease(self) -> Self:
        """Raise ValueError if a post could still be in flight when another worker takes the lease over.

        The timeout counts once for connecting and once for the response, and half a lease may be over before the call.
        """
        min_seconds = 4 * self.x_timeout_seconds
        if self.lease_seconds < min_seconds:
            raise ValueError(
                "LEASE_SECONDS must be at least four times X_TIMEOUT_SECONDS, "
                f"e.g. LEASE_SECONDS={math.ceil(min_seconds)}"
            )
        return self


class RateLimitSettings(Settings):
    """How fast X is called."""

    x_rate_limit_reserve: int = Field(
        default=0, ge=0, le=1000, description="calls per window left to other programs of the account"
    )
    x_blocked_retry_seconds: float = Field(
        default=60.0, gt=0, le=3600, description="delay before the first call after X blocked all; it doubles"
    )
    x_blocked_retry_max_seconds: float = Field(default=900.0, gt=0, le=86400)
    x_replies_per_day: int | None = Field(
        default=None, ge=1, description="the account's cap; empty: 200, or 2,400 for a verified account"
    )


class PurgeSettings(Settings):
    """How data that users delete, here or on X, is purged."""

    purge_interval_seconds: float = Field(default=60.0, ge=0.2, le=3600)
    post_recheck_hours: float = Field(default=20.0, gt=0, le=168, description="how often each post is looked up on X")
    post_recheck_daily_usd: float = Field(default=1.0, ge=0, description="cap of what look-ups cost a day: 200 posts")
    post_recheck_max_age_days: float = Field(default=3650.0, gt=0, description="older posts are not looked up")
