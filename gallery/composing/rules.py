"""Decides whether a member may have something painted now, by the same rules as on X. Pure: plain values in.

Each no is a sentence for whoever asks, and the status their browser gets.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.refusals import in_words
from core.settings import RuleSettings
from core.standing import Standing
from core.x.snowflakes import id_at


class NotNow(Exception):
    """This member gets no picture for this form. `field`: beside which field that is told; none: beside the button."""

    def __init__(self, code: str, words: str, *, status: int = 422, field: str = "form") -> None:
        super().__init__(code)
        self.code, self.words, self.status, self.field = code, words, status, field


@dataclass(frozen=True)
class Terms:
    """What holds at this moment."""

    rules: RuleSettings
    now: datetime
    budget_reached: bool = False


def check(person_id: int, standing: Standing, terms: Terms) -> None:
    """Raises NotNow where this member may not ask now. Opted out comes first: they can change that themselves."""
    rules = terms.rules
    if standing.opted_out:
        raise NotNow("opted_out", "You asked the bot to leave you alone, so nothing is painted for you.", status=403)
    if standing.banned:
        raise NotNow("banned", "The host does not paint for this account.", status=403)
    if _is_young(person_id, terms):
        raise NotNow("young_account", "Your account on X is too new for this gallery.", status=403)
    if rules.follow_gate and not standing.follows_bot:
        words = f"{in_words('follow_gate')} Follow it on X, then sign out here and in again."
        raise NotNow("follow_gate", words, status=403)
    if standing.asked >= rules.person_daily_limit:
        raise NotNow("quota", _quota_words(rules.person_daily_limit), status=429)
    if seconds := _too_quick(standing, terms):
        raise NotNow("cooldown", f"That was quick. The next one may be painted in {seconds} seconds.", status=429)
    if terms.budget_reached:
        words = "The house has spent what it can for now. Your words are kept here; try again tomorrow."
        raise NotNow("budget", words, status=429)


def left_today(standing: Standing, rules: RuleSettings) -> int:
    """How many more may be asked for."""
    return max(0, rules.person_daily_limit - standing.asked)


def _quota_words(limit: int) -> str:
    had = "one picture" if limit == 1 else f"{limit:,} pictures"
    return f"You asked for {had} within 24 hours, here and on X, which is as many as there are. Come back later."


def _is_young(person_id: int, terms: Terms) -> bool:
    """Ids of X tell when an account was made; those from before they did belong to old accounts."""
    days = terms.rules.account_min_days
    return days > 0 and person_id >= id_at(terms.now - timedelta(days=days))


def _too_quick(standing: Standing, terms: Terms) -> int:
    """Whole seconds until the next may be asked for; 0 where that is now."""
    if standing.last_asked_at is None:
        return 0
    since = abs((terms.now - standing.last_asked_at).total_seconds())
    left = terms.rules.person_cooldown_seconds - since
    return int(left) + 1 if left > 0 else 0
