"""Check X's rules for posts that come from the API.

They follow reports of developers. X's response bodies for a text that is too long, for a second cashtag and for media
that is in use are not known. How long a text counts as a duplicate is not documented: we take a day, and compare only
the text, so that the same reply under two posts is a duplicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from core.twittertext.length import MAX_POST_LENGTH, weighted_length
from sandbox import daily_caps, text_parser, visibility
from sandbox.clock import min_id_at
from sandbox.daily_caps import Caps
from sandbox.draft_validation import MAX_TEXT, WorldView
from sandbox.model import Draft, Post, RuleViolation, User
from sandbox.post_index import ids_between

NOT_VISIBLE = "You attempted to reply to a Tweet that is deleted or not visible to you."
NOT_MENTIONED_OLD = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged "
    "by the author of the post you are replying to."
)
NOT_MENTIONED_NEW = "You can only reply to or quote posts where you are mentioned or are the author."


@dataclass(frozen=True, slots=True)
class PostingRules:
    """The rules that X changes or does not document. `strict_explicit`: only typed mentions count."""

    summon: Literal["on", "off"] = "on"
    wording: Literal["old", "new"] = "new"
    strict_explicit: bool = False
    duplicate_seconds: int = 86_400


class RuleContext(WorldView, Protocol):
    @property
    def posting_rules(self) -> PostingRules: ...

    @property
    def caps(self) -> Caps: ...


def check(world: RuleContext, draft: Draft) -> None:
    """Raise `RuleViolation` for the first rule that the draft breaks."""
    for rule in CHECKS:
        rule(world, draft)


def require_length(_world: RuleContext, draft: Draft) -> None:
    max_length = MAX_TEXT if draft.author.verified else MAX_POST_LENGTH
    if weighted_length(draft.text) > max_length:
        raise RuleViolation(
            "too-long", "Your Tweet text is too long. For additional information see https://docs.x.com."
        )


def require_one_cashtag(_world: RuleContext, draft: Draft) -> None:
    if sum(piece.kind == "cashtag" for piece in text_parser.parse_pieces(draft.text)) > 1:
        raise RuleViolation("cashtags", "Your Tweet contains more than one cashtag.")


def require_visible_target(world: RuleContext, draft: Draft) -> None:
    """Reject replies and quotes of posts that the author of the draft cannot see."""
    for target in _targets(world, draft):
        if visibility.hidden_reason(world.people[target.author_id], draft.author) is not None:
            raise RuleViolation("reply-target", NOT_VISIBLE)


def require_reply_allowed(world: RuleContext, draft: Draft) -> None:
    """Check the reply settings of the target and of the first post of the conversation."""
    target = world.post_index.posts.get(draft.in_reply_to_id or 0)
    if target is None:
        return
    for post in (target, world.post_index.posts.get(target.conversation_id)):
        if post is not None and not _allows_reply(world.people[post.author_id], post, draft.author):
            raise RuleViolation("reply-settings", "The original Tweet author restricted who can reply to this Tweet.")


def _allows_reply(author: User, post: Post, caller: User) -> bool:
    """Return whether the settings of `post` let the caller reply. There are no subscribers in the sandbox."""
    if post.reply_settings == "everyone" or author.id == caller.id or caller.id in post.mentioned_ids():
        return True
    if post.reply_settings == "following":
        return caller.id in author.follows
    return post.reply_settings == "verified" and caller.verified


def require_mention(world: RuleContext, draft: Draft) -> None:
    rules = world.posting_rules
    if rules.summon == "off":
        return
    for target in _targets(world, draft):
        if not is_mentioned(world, target, draft.author, strict=rules.strict_explicit):
            raise RuleViolation("not-summoned", NOT_MENTIONED_OLD if rules.wording == "old" else NOT_MENTIONED_NEW)


def is_mentioned(world: WorldView, post: Post, person: User, *, strict: bool) -> bool:
    """Return whether the post is the person's own, mentions them, or quotes them."""
    quoted = world.post_index.posts.get(post.quote_of_id or 0)
    if post.author_id == person.id or (quoted is not None and quoted.author_id == person.id):
        return True
    return _is_typed_mention(post, person) if strict else person.id in post.mentioned_ids()


def _is_typed_mention(post: Post, person: User) -> bool:
    """Return whether a typed mention names the person. Text and note have the same leading mentions."""
    mentions = [*post.entities.get("mentions", []), *(post.note or {}).get("entities", {}).get("mentions", [])]
    return any(int(mention["id"]) == person.id and mention["start"] >= post.display[0] for mention in mentions)


def require_unused_media(world: RuleContext, draft: Draft) -> None:
    pictures = [world.media[media_id] for media_id in draft.media_ids]
    alone = len(pictures) < 2 or all(picture.mime != "image/gif" for picture in pictures)
    if not alone or any(picture.post_id is not None for picture in pictures):
        raise RuleViolation("media-ids", "Your media IDs are invalid.")


def require_no_duplicate(world: RuleContext, draft: Draft) -> None:
    """Compare the text alone, without media. Deleted posts do not count."""
    if not (draft.text and world.posting_rules.duplicate_seconds):
        return
    after = min_id_at(world.clock.now_ms() - world.posting_rules.duplicate_seconds * 1000)
    recent = ids_between(world.post_index.by_author[draft.author.id], after=after)
    if any(world.post_index.posts[i].said == draft.text for i in recent):
        raise RuleViolation("duplicate", "You are not allowed to create a Tweet with duplicate content.")


def require_daily_cap(world: RuleContext, draft: Draft) -> None:
    reply = draft.in_reply_to_id is not None
    if daily_caps.is_over_cap(world.caps, world.post_index, draft.author, reply=reply, now_ms=world.clock.now_ms()):
        raise RuleViolation("daily-cap", "User is over daily status update limit.")


def _targets(world: WorldView, draft: Draft) -> list[Post]:
    target_ids = (draft.in_reply_to_id, draft.quote_of_id)
    return [world.post_index.posts[i] for i in target_ids if i is not None]


CHECKS = (
    require_length,
    require_one_cashtag,
    require_visible_target,
    require_reply_allowed,
    require_mention,
    require_unused_media,
    require_no_duplicate,
    require_daily_cap,
)
