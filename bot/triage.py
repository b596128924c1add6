"""Decide about the posts of one poll, oldest first: parse what each asks for, then apply the policy.

    new posts | load reply targets and usage | parse the intent | decide | update the usage for the next post

Several posts of one user in one poll count against each other, as if they had arrived one by one. Reads rows only.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from bot import policy, queries
from bot.intent import DELETE, Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.prompts import has_explicit_mention
from bot.policy import Decision, PolicyContext
from core.clock import now
from core.database import read_connection
from core.logs import get_logger
from core.usage import A_DAY, UserUsage, count_replies_by_conversation, load_usage
from core.x import Post

log = get_logger(__name__)

UNEXPECTED = "unexpected"
Decisions = list[tuple[Post, Decision]]


@dataclass
class Triage:
    """The rows around the posts of one poll. Create a new one for each poll.

    targets: creations by the id of the post that shows or requested them.
    silent: users whose words must not be painted. reply_counts: the bot's replies by conversation.
    """

    context: PolicyContext
    targets: Mapping[int, ReplyTarget]
    silent: frozenset[int]
    usage: dict[int, UserUsage]
    reply_counts: dict[int, int]

    def missing_post_ids(self, posts: Sequence[Post]) -> list[int]:
        """Return ids of posts that are to be painted but that X did not include: look them up."""
        missing: set[int] = set()
        for post in filter(self._is_worth_lookup, posts):
            with suppress(Exception):  # `decide_all` logs it
                intent = self._parse(post, {})
                missing |= {intent.source_post_id} if intent and intent.source_post_id else set()
        return sorted(missing)

    def decide_all(self, posts: Sequence[Post], looked_up: Mapping[int, Post]) -> Decisions:
        """Decide about each post. A bug that one post triggers becomes its reason code and stops no other post."""
        return [(post, self._decide(post, looked_up)) for post in posts]

    def decide_edit(self, post: Post) -> Decision:
        """Decide about the edited text of a post that is queued already."""
        try:
            intent = self._parse(post, {})
            # A post that refers to another one keeps the prompt from its first look-up.
            if intent is None or intent.source_post_id is not None:
                return Decision(policy.TALK)
            return policy.decide_edit(post, intent, self._usage_of(post), self.context)
        except Exception:
            log.exception("decision about an edit failed", post=post.id)
            return Decision(UNEXPECTED)

    def _decide(self, post: Post, looked_up: Mapping[int, Post]) -> Decision:
        try:
            intent = self._parse(post, looked_up)
            replies = self.reply_counts.get(post.conversation_id or 0, 0)
            usage = replace(self._usage_of(post), replies_in_conversation=replies)
            decision = policy.decide(post, intent, usage, self.context)
        except Exception:
            log.exception("decision about a post failed", post=post.id)
            return Decision(UNEXPECTED, create_creation=True)
        self._apply(post, decision)
        return decision

    def _apply(self, post: Post, decision: Decision) -> None:
        self.usage[post.author.id] = policy.update_usage(self._usage_of(post), post, decision)
        if decision.code == DELETE and decision.intent and decision.intent.target:
            deleted = decision.intent.target.creation_id
            self.targets = {
                post_id: target.redacted() if target.creation_id == deleted else target
                for post_id, target in self.targets.items()
            }
        if post.conversation_id and (decision.is_accepted or decision.reply_with_text):
            self.reply_counts[post.conversation_id] = self.reply_counts.get(post.conversation_id, 0) + 1

    def _usage_of(self, post: Post) -> UserUsage:
        return self.usage.get(post.author.id) or UserUsage()

    def _is_worth_lookup(self, post: Post) -> bool:
        """Return whether a paid look-up for this post makes sense."""
        usage = self._usage_of(post)
        is_recent = post.created_at >= self.context.now - self.context.max_age
        is_ignored = policy.ignore_reason(post, self.context.bot_id) is not None
        return is_recent and not (usage.opted_out or usage.banned or is_ignored)

    def _visible_target(self, post: Post) -> ReplyTarget | None:
        """Return the post's target, redacted if it is private and of another user."""
        target = self._target_of(post)
        if target and target.private and target.person_id != post.author.id:
            return target.redacted()
        return target

    def _target_of(self, post: Post) -> ReplyTarget | None:
        """Return the creation that a post replies to; for a quote that mentions the bot, the quoted one."""
        replied_to = self._find_target(post.in_reply_to_id, post.parent)
        recognized = post.with_mentions_resolved(self.context.bot_id, self.context.bot_handle)
        if replied_to is None and has_explicit_mention(recognized, self.context.bot_id):
            return self._find_target(post.quoted_id, post.quoted)
        return replied_to

    def _find_target(self, post_id: int | None, post: Post | None) -> ReplyTarget | None:
        """Find the creation by the id that was replied to, or by the root id if the post was edited."""
        return self.targets.get(post_id or 0) or self.targets.get(post.root_id if post else 0)

    def _parse(self, post: Post, looked_up: Mapping[int, Post]) -> Intent | None:
        context = PostContext(
            bot_id=self.context.bot_id,
            watched=self.context.watched,
            target=self._visible_target(post),
            looked_up=looked_up,
            bot_handle=self.context.bot_handle,
            silent=self.silent | {user_id for user_id, usage in self.usage.items() if usage.opted_out},
        )
        return parse_intent(post, context)


def load_triage(engine: Engine, posts: Sequence[Post], context: PolicyContext) -> Triage:
    """Load the rows around these posts."""
    since = now() - A_DAY
    other_authors = {other.author.id for post in posts for other in (post.parent, post.quoted) if other}
    with read_connection(engine) as connection:
        usage = load_usage(connection, {post.author.id for post in posts}, since)
        replies = count_replies_by_conversation(
            connection, {post.conversation_id for post in posts if post.conversation_id}, since
        )
    related = {post_id for post in posts for post_id in _related_post_ids(post)}
    return Triage(
        context,
        targets=queries.find_reply_targets(engine, related),
        silent=queries.find_opted_out_or_hidden(engine, other_authors),
        usage=usage,
        reply_counts=replies,
    )


def _related_post_ids(post: Post) -> set[int]:
    root_ids = {other.root_id for other in (post.parent, post.quoted) if other}
    return root_ids | {post_id for post_id in (post.in_reply_to_id, post.quoted_id) if post_id}
