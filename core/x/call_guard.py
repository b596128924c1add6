"""Check rate limit and budget before each X call, and record its cost in the ledger.

The doctor and tests of the client use the base `CallGuard`. All else uses `MeteredCallGuard`: Redis and the database.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Engine

from core.budget import prices
from core.budget.budget import reading_allowance
from core.budget.ledger import LedgerEntry, PendingCosts, write_costs
from core.clock import now
from core.clock_check import record_skew
from core.errors import CallsSuspended, Suspended, TryLater
from core.logs import get_logger
from core.settings import BudgetSettings
from core.x.call_stats import CallStats
from core.x.rate_limit import BLOCKING_CODES, RateLimitHeaders, XRateLimiter

log = get_logger(__name__)

# Replies per day by account type (help.x.com, 2026-05).
VERIFIED_REPLY_CAP, UNVERIFIED_REPLY_CAP = 2400, 200


@dataclass(frozen=True)
class BillableItem:
    """One thing that X charges for.

    Attributes:
        item: name in the price list (`core/budget/prices.py`).
        key: unique name; the ledger counts the same key once.
        person_id: the user who caused it, if it is not the guard's.
    """

    item: str
    key: str
    person_id: int | None = None


class CallGuard:
    """Hooks that the client of X runs around each call. This base allows every call and records nothing."""

    def acquire(self, call: str) -> None:
        """Count a call. Raises TryLater or CallsSuspended if it may not go now."""

    def ensure_not_suspended(self, call: str) -> None:
        """Raise Suspended if X has suspended this call and no probe is due. Counts nothing."""

    def update_from_response(
        self,
        call: str,
        headers: RateLimitHeaders,
        refusal: str = "",
        pause: float | None = None,
        *,
        lifts_block: bool = True,
    ) -> None:
        """Record what a response says about the rate limit. Arguments as for `XRateLimiter`."""

    def record_result(self, call: str, code: str = "", detail: str = "") -> None:
        """Record how a call ended. `code` names a failure; it is empty for a success or the refusal of one post."""

    def release(self, call: str) -> None:
        """Take back a counted call that certainly had no effect on X."""

    def record_costs(self, items: Iterable[BillableItem], at: datetime) -> None:
        """Record what X charges. `at` is X's time."""

    def collect_costs(self, pending: PendingCosts) -> Self:
        """Return a guard that adds costs to `pending` and does not write them."""
        return self

    def remember_account(self, keys: str, account_id: int, *, verified: bool) -> None:
        """Remember which account has these keys. X allows verified accounts more replies."""

    def account_id(self, keys: str) -> int | None:
        """Return the account of these keys, if X reported it within a day."""
        return None

    def record_clock_skew(self, skew: timedelta) -> None:
        """Record how far this machine's clock is ahead of X's."""

    def attribute_to(self, creation_id: int, person_id: int) -> Self:
        """Return a guard that records costs for this creation and its author."""
        return self


@dataclass(frozen=True)
class MeteredCallGuard(CallGuard):
    """Guard with the shared rate limiter, the budget and the ledger."""

    rate_limiter: XRateLimiter
    engine: Engine
    money: BudgetSettings
    creation_id: int | None = None
    person_id: int | None = None
    pending: PendingCosts | None = None

    def acquire(self, call: str) -> None:
        """Count a call. Reads need budget; the dispatcher checked the budget of writes (`core/scheduling`)."""
        if call.startswith("GET "):
            self._ensure_budget()
        try:
            self.rate_limiter.acquire(call)
        except TryLater as error:
            # Without Redis nothing is counted. Reads go on at the poller's interval; writes wait.
            if error.code != "queue_away" or not call.startswith("GET "):
                raise

    def ensure_not_suspended(self, call: str) -> None:
        """Raise Suspended if X has suspended this call. A full window does not count: it may open in the meantime."""
        window = self.rate_limiter.peek(call)
        if window.blocked_reason in BLOCKING_CODES and not window.remaining:
            raise Suspended(window.blocked_reason, f"X has suspended {call}", after=window.resets_in)

    def update_from_response(
        self,
        call: str,
        headers: RateLimitHeaders,
        refusal: str = "",
        pause: float | None = None,
        *,
        lifts_block: bool = True,
    ) -> None:
        """Update the shared rate limit."""
        try:
            self.rate_limiter.update_from_response(call, headers, refusal, pause, lifts_block=lifts_block)
        except TryLater as error:
            log.debug("rate limit not updated", call=call, reason=str(error))

    def record_result(self, call: str, code: str = "", detail: str = "") -> None:
        """Record the result for the operator (`core/x/call_stats.py`)."""
        stats = CallStats(self.rate_limiter.queue)
        with suppress(TryLater):
            if code:
                stats.record_failure(call, code=code, detail=detail)
            else:
                stats.record_success(call)

    def release(self, call: str) -> None:
        """Take back a counted reply. Otherwise an outage would use up the daily cap."""
        try:
            self.rate_limiter.release(call)
        except TryLater as error:
            log.debug("call not released", call=call, reason=str(error))

    def record_costs(self, items: Iterable[BillableItem], at: datetime) -> None:
        """Write one ledger row per new key, at once or with the pending costs."""
        price_list = prices.price_list(self.money.x_prices)
        costs = [
            LedgerEntry(
                billable.key,
                billable.item,
                price_list[billable.item],
                self.creation_id,
                billable.person_id or self.person_id,
            )
            for billable in items
        ]
        if self.pending is None:
            write_costs(self.engine, costs, at=at)
        else:
            self.pending.add(costs, at=at)

    def collect_costs(self, pending: PendingCosts) -> Self:
        """Return a copy that adds costs to `pending`."""
        return replace(self, pending=pending)

    def remember_account(self, keys: str, account_id: int, *, verified: bool) -> None:
        """Remember the id, and the daily reply cap of its account type."""
        try:
            cap = VERIFIED_REPLY_CAP if verified else UNVERIFIED_REPLY_CAP
            self.rate_limiter.remember_account(keys, account_id, cap)
        except TryLater as error:
            log.debug("account not remembered", reason=str(error))

    def account_id(self, keys: str) -> int | None:
        """Return the remembered id; None if there is none or Redis is down."""
        try:
            return self.rate_limiter.account_id(keys)
        except TryLater:
            return None

    def record_clock_skew(self, skew: timedelta) -> None:
        """Tell the other processes of this machine, which then exit (`core/clock_check.py`)."""
        try:
            record_skew(self.rate_limiter.queue, skew)
        except TryLater as error:
            log.warning("clock skew not recorded", reason=str(error))

    def attribute_to(self, creation_id: int, person_id: int) -> Self:
        """Return a copy that records costs for this creation and its author."""
        return replace(self, creation_id=creation_id, person_id=person_id)

    def _ensure_budget(self) -> None:
        allowance = reading_allowance(self.engine, self.money, now())
        if allowance.micro_usd == 0:
            raise CallsSuspended("budget", "the budget is used up", after=min(allowance.resets_in, 900.0))
