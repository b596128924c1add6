"""Decide what happens to a post, from plain values: no I/O.

The checks run in this order, and the first rejection counts: whose post it is, what it asks for (`bot.intent`),
whether the user may ask now, whether the prompt can be painted. An ignored post creates nothing and gets no reply.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.intent import AGAIN, DELETE, GENERATING_ACTIONS, HELP, REMIX, START, STOP, Intent
from core.prompt_filter import unsafe_category
from core.settings import UsagePolicySettings
from core.text_replies import may_send_text_reply
from core.usage import UserUsage
from core.x import Post

TALK = "talk"
SELF, REPOST, UNKNOWN_AUTHOR = "self", "repost", "unsigned"
TOO_MANY_WAITING = "too_many_waiting"
BOT_BIO = re.compile(r"\b(automated (account|by)|(bot|account) (run|operated|managed|made) by|bot by|bot of) ", re.I)


@dataclass(frozen=True)
class PolicyContext:
    """What holds for all posts of one poll. `now` is X's time; posts older than `max_age` get no picture."""

    bot_id: int
    rules: UsagePolicySettings
    now: datetime
    watched: frozenset[int] = frozenset()
    prompt_limit: int = 2000
    max_age: timedelta = timedelta(hours=48)
    budget_reached: bool = False
    bot_handle: str = "threadpaint"


@dataclass(frozen=True)
class Decision:
    """What to do with a post.

    code: `prompt`, a command, the reason code of a rejection, or why the post is ignored.
    store_post: write the post into the database.
    create_creation: create a creation, to be painted or rejected.
    reply_with_text: reply in words.
    intent: what the post asks for, also if it is rejected.
    """

    code: str
    store_post: bool = True
    create_creation: bool = False
    reply_with_text: bool = False
    intent: Intent | None = None

    @property
    def is_accepted(self) -> bool:
        """Return whether pictures will be painted."""
        return self.create_creation and self.code in GENERATING_ACTIONS

    @property
    def is_rejected(self) -> bool:
        """Return whether the creation is stored as rejected."""
        return self.create_creation and not self.is_accepted


def ignore_reason(post: Post, bot_id: int) -> str | None:
    """Return why a post is not even stored, or None: it is the bot's own, a repost, or has no known author."""
    if post.author.id == bot_id:
        return SELF
    if not post.author.id:  # X left the author out: it could be the bot
        return UNKNOWN_AUTHOR
    return REPOST if post.is_repost else None


def decide(post: Post, intent: Intent | None, usage: UserUsage, context: PolicyContext) -> Decision:
    """Decide about one post. `intent` is None if the post asks for nothing."""
    if (ignored := ignore_reason(post, context.bot_id)) is not None:
        return Decision(ignored, store_post=False)
    if intent is None:
        return Decision(TALK)
    if (ignored := _why_ignored(post, intent, usage, context)) is not None:
        return Decision(ignored, intent=intent)
    if intent.action in (STOP, START, DELETE, HELP):
        return _decide_command(post, intent, usage, context)
    code = _why_not_now(post, usage, context) or _why_not_generated(intent, context)
    return _accept_or_reject(code, post, intent, usage, context)


def decide_edit(post: Post, intent: Intent, usage: UserUsage, context: PolicyContext) -> Decision:
    """Decide about the edited text of a post that is queued already: whether it can be painted, or is `stop` now."""
    if intent.action == STOP:
        return Decision(STOP, intent=intent)
    if intent.action not in GENERATING_ACTIONS:
        return Decision(TALK)
    return _accept_or_reject(_why_not_generated(intent, context), post, intent, usage, context)


def cap_backfill(decisions: Sequence[Decision], limit: int) -> list[Decision]:
    """Keep only the newest `limit` accepted decisions after downtime; reject the others. `decisions`: oldest first."""
    excess = sum(decision.is_accepted for decision in decisions) - limit
    capped = []
    for decision in decisions:
        is_excess = decision.is_accepted and excess > 0
        excess -= is_excess
        capped.append(replace(decision, code=TOO_MANY_WAITING) if is_excess else decision)
    return capped


def update_usage(usage: UserUsage, post: Post, decision: Decision) -> UserUsage:
    """Return the user's usage after this decision, for their next post in the same poll."""
    if decision.code in (STOP, START):
        usage = replace(usage, opted_out=decision.code == STOP)
    if decision.reply_with_text:
        usage = replace(
            usage, text_replies=usage.text_replies + 1, text_reply_codes=usage.text_reply_codes | {decision.code}
        )
    if decision.is_accepted:
        usage = replace(usage, creations=usage.creations + 1, last_requested_at=post.created_at)
    return usage


def _accept_or_reject(
    code: str | None, post: Post, intent: Intent, usage: UserUsage, context: PolicyContext
) -> Decision:
    if code is None:
        return Decision(intent.action, create_creation=True, intent=intent)
    reply_with_text = _may_reply_with_text(code, post, usage, context)
    return Decision(code, create_creation=True, reply_with_text=reply_with_text, intent=intent)


def _why_ignored(post: Post, intent: Intent, usage: UserUsage, context: PolicyContext) -> str | None:
    """Return why this user gets no answer at all. Users who opted out may still delete their pictures."""
    if usage.opted_out and intent.action not in (START, DELETE):
        return "opted_out"
    if usage.banned and intent.action not in (STOP, DELETE):
        return "banned"
    if _is_bot(post, context) and intent.action not in (STOP, DELETE):
        return "bot"
    return None


def _is_bot(post: Post, context: PolicyContext) -> bool:
    """Return whether the author is a bot: by X's "Automated" label, if the API has it (in 2026 it does not), or by bio.

    X asks bots to name their operator in the bio, but humans write similar bios. So the bio counts only in a reply to
    the bot, which is how two bots start an endless conversation.
    """
    replies_to_bot = post.in_reply_to_person_id == context.bot_id
    return bool(post.author.automated) or (replies_to_bot and BOT_BIO.search(post.author.description) is not None)


def _decide_command(post: Post, intent: Intent, usage: UserUsage, context: PolicyContext) -> Decision:
    """Execute stop, start and delete whatever their age; confirm them only if a text reply is allowed."""
    code = intent.action
    if intent.action == DELETE:
        code = _why_not_deleted(post, intent) or code
    reply_with_text = not _is_too_old(post, context) and _may_reply_with_text(code, post, usage, context)
    # A silent command needs no creation; a rejected one is stored like any rejection.
    create_creation = reply_with_text or code != intent.action
    return Decision(code, create_creation=create_creation, reply_with_text=reply_with_text, intent=intent)


def _why_not_deleted(post: Post, intent: Intent) -> str | None:
    if intent.target is None or intent.target.deleted:
        return "nothing_there"
    return None if intent.target.person_id == post.author.id else "not_yours"


def _may_reply_with_text(code: str, post: Post, usage: UserUsage, context: PolicyContext) -> bool:
    allowed = may_send_text_reply(code, usage, context.rules, budget_reached=context.budget_reached)
    return allowed and not _is_conversation_full(post, usage, context)


def _why_not_now(post: Post, usage: UserUsage, context: PolicyContext) -> str | None:
    """Return why this user may not ask at this time and place."""
    rules = context.rules
    if _is_too_old(post, context):
        return "too_old"
    joined_at = post.author.created_at
    if joined_at and post.created_at - joined_at < timedelta(days=rules.min_account_age_days):
        return "young_account"
    if rules.require_follow and post.author.follows_us is False:
        return "follow_gate"
    if _is_conversation_full(post, usage, context):
        return "conversation"
    if usage.creations >= rules.user_daily_limit:
        return "quota"
    return "cooldown" if _is_in_cooldown(post, usage, rules) else None


def _is_conversation_full(post: Post, usage: UserUsage, context: PolicyContext) -> bool:
    """Return whether the bot replied often enough in this conversation. Watched posts have no limit."""
    is_watched = not context.watched.isdisjoint((post.conversation_id, post.in_reply_to_id))
    return not is_watched and usage.replies_in_conversation >= context.rules.conversation_limit


def _is_too_old(post: Post, context: PolicyContext) -> bool:
    return post.created_at < context.now - context.max_age


def _is_in_cooldown(post: Post, usage: UserUsage, rules: UsagePolicySettings) -> bool:
    if usage.last_requested_at is None:
        return False
    # Posts may arrive out of order, so the difference may be negative.
    return abs(post.created_at - usage.last_requested_at) < timedelta(seconds=rules.user_cooldown_seconds)


def _why_not_generated(intent: Intent, context: PolicyContext) -> str | None:
    """Return why this prompt cannot be painted for any user."""
    negative = intent.options.negative or ""
    target = intent.target
    if intent.action in (AGAIN, REMIX) and (target is None or target.deleted or not target.prompt):
        return "nothing_there"
    if not intent.prompt:
        return "photo_alone" if intent.init_image_url else "empty"
    if max(len(intent.prompt), len(negative)) > context.prompt_limit:
        return "too_long"
    if unsafe_category(intent.prompt) or unsafe_category(negative):
        return "unsafe"
    return "budget" if context.budget_reached else None
