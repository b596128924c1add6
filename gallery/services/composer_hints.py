"""Describe beside the composer's button what is left today, how long it takes and what it costs.

Each is an estimate in words, left out if unknown.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from core.budget.prices import GPU
from core.clock import now
from core.models import daily_spend
from core.scheduling.eta import Eta
from core.settings import UsagePolicySettings
from core.usage import A_DAY, UserUsage, load_usage
from gallery.services.composer_policy import remaining_today
from gallery.translations import format_number, gettext, ngettext
from gallery.views.formatting import describe_duration

# The GPU cost of one creation is an average over this time.
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class ComposerHints:
    """The hints, each in words or empty."""

    quota: str
    wait: str = ""
    cost: str = ""

    @property
    def summary(self) -> str:
        """Return quota, wait and cost in one line."""
        return " · ".join(words for words in (self.quota, self.wait, self.cost) if words)


def load_hints(connection: Connection, person_id: int, rules: UsagePolicySettings) -> ComposerHints:
    """Return all hints but the wait, which the ETA cache knows."""
    usage = load_usage(connection, [person_id], now() - A_DAY)[person_id]
    return ComposerHints(describe_quota(usage, rules), cost=_describe_gpu_cost(connection))


def load_quota_hint(connection: Connection, person_id: int, rules: UsagePolicySettings) -> ComposerHints:
    """Return only the quota, for the small composer."""
    usage = load_usage(connection, [person_id], now() - A_DAY)[person_id]
    return ComposerHints(describe_quota(usage, rules))


def describe_quota(usage: UserUsage, rules: UsagePolicySettings) -> str:
    """Return `7 of 10 pictures left today`."""
    return ngettext(
        "%(left)s of %(num)s picture left today",
        "%(left)s of %(num)s pictures left today",
        rules.user_daily_limit,
        left=format_number(remaining_today(usage, rules)),
        num=format_number(rules.user_daily_limit),
    )


def describe_wait(eta: Eta | None) -> str:
    """Return `ready in a few seconds`, or why it has to wait."""
    if eta is None:
        return ""
    if eta.reason:
        return gettext("has to wait: %(reason)s", reason=gettext(eta.reason))
    duration = describe_duration(eta)
    return gettext("ready in %(duration)s", duration=duration) if duration else ""


def format_dollars(micro_usd: float) -> str:
    """Return `$0.0004`: two significant digits, however small the amount is."""
    if micro_usd < 1:
        return gettext("less than $0.000001")
    digits = 2 if micro_usd >= 1_000_000 else max(2, 7 - len(str(round(micro_usd))) + 1 - (micro_usd >= 1e5))
    return f"${micro_usd / 1_000_000:.{min(6, digits)}f}"


def _describe_gpu_cost(connection: Connection) -> str:
    """Return what one creation has cost the operator on average."""
    since = f"{now() - RECENT:%Y-%m-%d}"
    stmt = select(func.sum(daily_spend.c.micro_usd), func.sum(daily_spend.c.count))
    micro_usd, count = connection.execute(stmt.where(daily_spend.c.day >= since, daily_spend.c.item == GPU)).one()
    if not count or not micro_usd:
        return ""
    return gettext("costs the operator about %(price)s", price=format_dollars(micro_usd / count))
