"""Edit posts by X's rules: five times, within an hour."""

from dataclasses import replace

from sandbox import draft_validation
from sandbox.model import Draft, Post, RuleViolation
from sandbox.world import World

MAX_EDITS = 5
EDIT_MS = 3_600_000


def is_editable(post: Post) -> bool:
    """Return whether X lets the author edit it: not a repost, nor a reply to another user."""
    return post.repost_of_id is None and post.in_reply_to_user_id in (None, post.author_id)


def remaining_edits(post: Post) -> int:
    return MAX_EDITS + 1 - len(post.edit_history)


def edit(world: World, post: Post, text: str) -> Post:
    """Create the new version, a post with its own id. Raise `RuleViolation` if it cannot be edited."""
    newest = world.post_index.posts[post.edit_history[-1]]
    _ensure_editable(world, newest)
    draft = _draft(world, newest, text)
    draft_validation.require_content(world, draft)
    draft_validation.require_storable_length(world, draft)
    return world.supersede(newest, draft)


def _ensure_editable(world: World, post: Post) -> None:
    if not is_editable(post):
        raise RuleViolation("edit", "Replies to other users and reposts cannot be edited.")
    if remaining_edits(post) < 1:
        raise RuleViolation("edit", f"The post was already edited {MAX_EDITS} times.")
    if world.clock.now_ms() > world.original_created_ms(post) + EDIT_MS:
        raise RuleViolation("edit", "The post is older than one hour.")


def _draft(world: World, post: Post, text: str) -> Draft:
    empty = Draft(world.people[post.author_id], text)
    return replace(
        empty,
        in_reply_to_id=post.in_reply_to_id,
        quote_of_id=post.quote_of_id,
        media_ids=post.media_ids,
        reply_settings=post.reply_settings,
        made_with_ai=post.made_with_ai,
        paid_partnership=post.paid_partnership,
    )
