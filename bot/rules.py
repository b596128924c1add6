"""Decides what becomes of a post, from plain values. Asks nobody, writes nothing.

In this order: whose post it is, what it asks for (`bot.intent`), whether this person may ask, whether this can be
painted. The first no counts. Silent noes leave no creation: nobody is told, nothing waits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.intent import AGAIN, DELETE, GENERATING_ACTIONS, HELP, REMIX, START, STOP, Intent
from core.settings import RuleSettings
from core.standing import Standing
from core.text_replies import may_reply_in_words
from core.unsafe import why_unsafe
from core.x import Post

TALK = "talk"
SELF, REPOST, UNSIGNED = "self", "repost", "unsigned"
TOO_MANY_WAITING = "too_many_waiting"
BIO_OF_A_BOT = re.compile(
    r"\b(automated (account|by)|(bot|account) (run|operated|managed|made) by|bot by|bot of) ", re.I
)


@dataclass(frozen=True)
class Terms:
    """What holds for all posts of one look. `now` is X's time."""

    bot_id: int
    rules: RuleSettings
    now: datetime
    watched: frozenset[int] = frozenset()
    prompt_limit: int = 2000
    oldest: timedelta = timedelta(hours=48)
    budget_reached: bool = False
    bot_handle: str = "threadpaint"


@dataclass(frozen=True)
class Verdict:
    """What to do with a post. `code`: `prompt`, a command, the code of a refusal, or why it is no matter of ours.

    kept: whether the post is written down at all.
    asked: whether it becomes a creation, painted or refused.
    told: whether it is answered in words.
    wish: what it asks for, also where that is refused.
    """

    code: str
    kept: bool = True
    asked: bool = False
    told: bool = False
    wish: Intent | None = None

    @property
    def painted(self) -> bool:
        """Whether it is on its way to a picture."""
        return self.asked and self.code in GENERATING_ACTIONS

    @property
    def refused(self) -> bool:
        """Whether the creation ends before it begins."""
        return self.asked and not self.painted


def whose(post: Post, bot_id: int) -> Verdict | None:
    """The verdict on what nobody asked: our own posts, and reposts of somebody's."""
    if post.author.id == bot_id:
        return Verdict(SELF, kept=False)
    if not post.author.id:  # X did not say who: it could be us
        return Verdict(UNSIGNED, kept=False)
    if post.is_repost:
        return Verdict(REPOST, kept=False)
    return None


def decide(post: Post, wish: Intent | None, standing: Standing, terms: Terms) -> Verdict:
    """The verdict on one post. `wish`: what it asks for, None where it asks for nothing."""
    if (early := whose(post, terms.bot_id)) is not None:
        return early
    if wish is None:
        return Verdict(TALK)
    if (silent := _why_silent(post, wish, standing, terms)) is not None:
        return Verdict(silent, wish=wish)
    if wish.action in (STOP, START, DELETE, HELP):
        return _command(post, wish, standing, terms)
    code = _why_not_now(post, standing, terms) or _why_not_this(wish, terms)
    if code is None:
        return Verdict(wish.action, asked=True, wish=wish)
    return Verdict(code, asked=True, told=_may_tell(code, post, standing, terms), wish=wish)


def decide_edit(post: Post, wish: Intent, standing: Standing, terms: Terms) -> Verdict:
    """The verdict on the new words of a post that waits to be painted: only whether they can be.
    Whoever makes a `stop` of it is left alone."""
    if wish.action == STOP:
        return Verdict(STOP, wish=wish)
    if wish.action not in GENERATING_ACTIONS:
        return Verdict(TALK)
    code = _why_not_this(wish, terms)
    if code is None:
        return Verdict(wish.action, asked=True, wish=wish)
    return Verdict(code, asked=True, told=_may_tell(code, post, standing, terms), wish=wish)


def cap(verdicts: Sequence[Verdict], limit: int) -> list[Verdict]:
    """The same, oldest first, with no more than `limit` paintings: the newest. For the first look after an absence."""
    spare = sum(verdict.painted for verdict in verdicts) - limit
    capped = []
    for verdict in verdicts:
        spared = verdict.painted and spare > 0
        spare -= spared
        capped.append(replace(verdict, code=TOO_MANY_WAITING) if spared else verdict)
    return capped


def after(standing: Standing, post: Post, verdict: Verdict) -> Standing:
    """How the person stands once this verdict is written down. The next post of the same look is judged by it."""
    if verdict.code in (STOP, START):
        standing = replace(standing, opted_out=verdict.code == STOP)
    if verdict.told:
        codes = standing.told_codes | {verdict.code}
        standing = replace(standing, told=standing.told + 1, told_codes=codes)
    if verdict.painted:
        standing = replace(standing, asked=standing.asked + 1, last_asked_at=post.created_at)
    return standing


def _why_silent(post: Post, wish: Intent, standing: Standing, terms: Terms) -> str | None:
    """Who is not heard at all. Taking back is: who said stop may still have a picture deleted."""
    if standing.opted_out and wish.action not in (START, DELETE):
        return "opted_out"
    if standing.banned and wish.action not in (STOP, DELETE):
        return "banned"
    if _is_bot(post, terms) and wish.action not in (STOP, DELETE):
        return "bot"
    return None


def _is_bot(post: Post, terms: Terms) -> bool:
    """X's label "Automated", where X tells it. (Its API of 2026 does not.)

    X wants bots to say in their bio that they are bots, and whose. Many people say something like it, too: it counts
    only where the account answers the bot, which is how two bots begin to talk without an end.
    """
    answers_us = post.in_reply_to_person_id == terms.bot_id
    return bool(post.author.automated) or (answers_us and BIO_OF_A_BOT.search(post.author.description) is not None)


def _command(post: Post, wish: Intent, standing: Standing, terms: Terms) -> Verdict:
    """Stop, start and delete are done however old they are; they are told only where words are allowed."""
    code = wish.action
    if wish.action == DELETE:
        code = _why_not_deleted(post, wish) or code
    told = not _is_too_old(post, terms) and _may_tell(code, post, standing, terms)
    # Without words there is nothing to write down but the post; a refusal is, like any other.
    return Verdict(code, asked=told or code != wish.action, told=told, wish=wish)


def _why_not_deleted(post: Post, wish: Intent) -> str | None:
    if wish.target is None or wish.target.deleted:
        return "nothing_there"
    return None if wish.target.person_id == post.author.id else "not_yours"


def _may_tell(code: str, post: Post, standing: Standing, terms: Terms) -> bool:
    allowed = may_reply_in_words(code, standing, terms.rules, budget_reached=terms.budget_reached)
    return allowed and not _is_crowded(post, standing, terms)


def _why_not_now(post: Post, standing: Standing, terms: Terms) -> str | None:
    """Why this person may not ask at this time and place."""
    rules = terms.rules
    if _is_too_old(post, terms):
        return "too_old"
    born = post.author.created_at
    if born and post.created_at - born < timedelta(days=rules.account_min_days):
        return "young_account"
    if rules.follow_gate and post.author.follows_us is False:
        return "follow_gate"
    if _is_crowded(post, standing, terms):
        return "conversation"
    if standing.asked >= rules.person_daily_limit:
        return "quota"
    return "cooldown" if _is_quick(post, standing, rules) else None


def _is_crowded(post: Post, standing: Standing, terms: Terms) -> bool:
    """Whether we spoke often enough there. Under a watched post everybody asks: that is what it is for."""
    is_watched = not terms.watched.isdisjoint((post.conversation_id, post.in_reply_to_id))
    return not is_watched and standing.in_conversation >= terms.rules.conversation_limit


def _is_too_old(post: Post, terms: Terms) -> bool:
    return post.created_at < terms.now - terms.oldest


def _is_quick(post: Post, standing: Standing, rules: RuleSettings) -> bool:
    """Posts may come in another order than they were made."""
    if standing.last_asked_at is None:
        return False
    return abs(post.created_at - standing.last_asked_at) < timedelta(seconds=rules.person_cooldown_seconds)


def _why_not_this(wish: Intent, terms: Terms) -> str | None:
    """Why this cannot be painted, whoever asks."""
    negative = wish.options.negative or ""
    if wish.action in (AGAIN, REMIX) and (wish.target is None or wish.target.deleted or not wish.target.prompt):
        return "nothing_there"
    if not wish.prompt:
        return "photo_alone" if wish.init_image_url else "empty"
    if max(len(wish.prompt), len(negative)) > terms.prompt_limit:
        return "too_long"
    if why_unsafe(wish.prompt) or why_unsafe(negative):
        return "unsafe"
    return "budget" if terms.budget_reached else None
