"""Decide whether a member may create now, by the same rules as on X. Pure functions of plain values."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.settings import UsagePolicySettings
from core.usage import UserUsage
from core.x.snowflakes import snowflake_from_time
from gallery.translations import format_number, gettext, ngettext


class Rejected(Exception):
    """A creation that is not allowed, with the message for the member.

    Attributes:
        field: the form field of the message; `form` stands beside the button.
        status: of the response.
    """

    def __init__(self, code: str, message: str, *, status: int = 422, field: str = "form") -> None:
        super().__init__(code)
        self.code, self.message, self.status, self.field = code, message, status, field

    @property
    def errors(self) -> dict[str, str]:
        """Return the message by its field."""
        return {self.field: self.message}


@dataclass(frozen=True)
class ComposerPolicy:
    """The rules at this moment, and whether the budget is used up."""

    rules: UsagePolicySettings
    now: datetime
    budget_reached: bool = False


def ensure_may_create(person_id: int, usage: UserUsage, policy: ComposerPolicy) -> None:
    """Raise Rejected if the member may not create now. Opting out comes first: members can change that themselves."""
    rules = policy.rules
    if usage.opted_out:
        raise Rejected("opted_out", gettext("You opted out of the bot, so it paints nothing for you."), status=403)
    if usage.banned:
        raise Rejected("banned", gettext("The operator has banned this account."), status=403)
    if _is_account_too_young(person_id, policy):
        raise Rejected("young_account", gettext("Your account on X is too new for this gallery."), status=403)
    if rules.require_follow and not usage.follows_bot:
        message = gettext("The bot paints for people who follow it. Follow it on X, then sign out here and in again.")
        raise Rejected("follow_gate", message, status=403)
    if usage.creations >= rules.user_daily_limit:
        raise Rejected("quota", _quota_message(rules.user_daily_limit), status=429)
    if seconds := _cooldown_left(usage, policy):
        raise Rejected("cooldown", gettext("Too fast. Try again in %(num)s seconds.", num=seconds), status=429)
    if policy.budget_reached:
        raise Rejected(
            "budget", gettext("We've hit today's budget. Your text is safe; try again tomorrow."), status=429
        )


def remaining_today(usage: UserUsage, rules: UsagePolicySettings) -> int:
    """Return how many more pictures the member may create within 24 hours."""
    return max(0, rules.user_daily_limit - usage.creations)


def _quota_message(limit: int) -> str:
    return ngettext(
        "You've used today's picture, here and on X. More tomorrow.",
        "You've used today's %(num)s pictures, here and on X. More tomorrow.",
        limit,
        num=format_number(limit),
    )


def _is_account_too_young(person_id: int, policy: ComposerPolicy) -> bool:
    """An id of X tells when the account was created; ids from before that scheme belong to old accounts."""
    days = policy.rules.min_account_age_days
    return days > 0 and person_id >= snowflake_from_time(policy.now - timedelta(days=days))


def _cooldown_left(usage: UserUsage, policy: ComposerPolicy) -> int:
    """Return the whole seconds until the member may create again; 0 if now."""
    if usage.last_requested_at is None:
        return 0
    elapsed = abs((policy.now - usage.last_requested_at).total_seconds())
    left = policy.rules.user_cooldown_seconds - elapsed
    return int(left) + 1 if left > 0 else 0
