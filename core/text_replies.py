"""Decide whether a post gets a text reply: once per user, reason and day, within the budget. Pure functions.

A text reply costs as much as a reply with a picture. Spam gets none, nor do users who are banned or opted out
(`reason_codes.SILENT_BY_DEFAULT`).
"""

from core.settings import UsagePolicySettings
from core.usage import UserUsage

# Text replies per user in 24 hours, for all reasons together.
MAX_PER_DAY = 10
# Questions by the bot, asked each time: the user's next post is the answer.
QUESTIONS = frozenset({"photo_alone", "empty"})
# The command that ends an opt-out: it gets a reply although its user is opted out.
START = "start"


def may_send_text_reply(code: str, usage: UserUsage, policy: UsagePolicySettings, *, budget_reached: bool) -> bool:
    """Return whether a user may get a text reply for this reason now."""
    is_silenced = usage.banned or (usage.opted_out and code != START)
    if is_silenced or budget_reached or code not in policy.text_reply_codes or usage.text_replies >= MAX_PER_DAY:
        return False
    return code in QUESTIONS or code not in usage.text_reply_codes
