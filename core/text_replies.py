"""Decides whether a post is answered in words: once per person, reason and day, within the budget. Pure.

A refusal, a command or a question costs as much as a picture's reply. Spam gets none: what is over a quota, too quick
or too much for a conversation, and people who are banned or opted out (`core/refusals.SILENT`).
"""

from core.settings import RuleSettings
from core.standing import Standing

# Text replies that one person gets in 24 hours, whatever they are about.
MAX_PER_DAY = 10
# A question, to which the person's next post is the answer: asked each time.
QUESTIONS = frozenset({"photo_alone", "empty"})
# Said to end an opt-out, hence by somebody who is opted out.
START = "start"


def may_reply_in_words(code: str, standing: Standing, rules: RuleSettings, *, budget_reached: bool) -> bool:
    """Return whether a person may be told this now."""
    is_silenced = standing.banned or (standing.opted_out and code != START)
    if is_silenced or budget_reached or code not in rules.told or standing.told >= MAX_PER_DAY:
        return False
    return code in QUESTIONS or code not in standing.told_codes
