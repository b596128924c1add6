"""The work: how long a claim lasts, how often things are tried, how carefully X is called."""

import math
from typing import Self

from pydantic import Field, model_validator

from core.settings.base import Settings


class WorkSettings(Settings):
    """How long a claim on a creation lasts, and how often a failed step is tried again."""

    lease_seconds: float = Field(default=45.0, ge=1, le=600)
    paint_attempts: int = Field(default=8, ge=1, le=50)
    reply_attempts: int = Field(default=24, ge=1, le=50)
    retry_seconds: float = Field(default=5.0, gt=0, le=600, description="pause after the first failed try; it triples")
    retry_longest_seconds: float = Field(default=600.0, gt=0, le=86400)
    stop_grace_seconds: float = Field(
        default=8.0, ge=0, le=3600, description="a worker that stops lets a picture finish for so long"
    )
    sweep_seconds: float = Field(default=1.0, ge=0.2, le=60)
    settle_seconds: float = Field(default=35.0, ge=0, le=600, description="wait before looking on X for a lost answer")
    x_timeout_seconds: float = 10.0

    @model_validator(mode="after")
    def a_call_ends_before_its_lease(self) -> Self:
        """A post still under way after its lease could meet the worker that took the lease over.

        The timeout counts once for connecting and once for the answer, and half a lease may be gone before the call.
        """
        least = 4 * self.x_timeout_seconds
        if self.lease_seconds < least:
            raise ValueError(
                f"LEASE_SECONDS must be at least four times X_TIMEOUT_SECONDS, e.g. LEASE_SECONDS={math.ceil(least)}"
            )
        return self


class PaceSettings(Settings):
    """How carefully X is called."""

    pace_spare: int = Field(default=0, ge=0, le=1000, description="calls of each window left to other programs")
    probe_seconds: float = Field(default=60.0, gt=0, le=3600, description="first pause when X wants money; it doubles")
    probe_longest_seconds: float = Field(default=900.0, gt=0, le=86400)
    x_replies_per_day: int | None = Field(
        default=None, ge=1, description="the account's cap; empty: 200, or 2,400 for a verified account"
    )


class KeepSettings(Settings):
    """How what people take back on X is taken back here."""

    keep_seconds: float = Field(default=60.0, ge=0.2, le=3600, description="pause between two looks for what must go")
    recheck_hours: float = Field(default=20.0, gt=0, le=168, description="how often each post is looked up on X")
    recheck_day_usd: float = Field(default=1.0, ge=0, description="most that looking up may cost a day; 200 posts")
    recheck_days: float = Field(default=3650.0, gt=0, description="posts older than this are not looked up any more")
