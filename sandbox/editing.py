"""Edits of posts: who may still edit what, and the new version. Knows the world; knows no HTTP."""

from dataclasses import replace

from sandbox import rules
from sandbox.model import Draft, Post, Refused
from sandbox.world import World

MAX_EDITS = 5
EDIT_MS = 3_600_000


def is_open(post: Post) -> bool:
    """Replies to other people, and reposts, can not be edited at all."""
    return post.repost_of_id is None and post.in_reply_to_user_id in (None, post.author_id)


def edits_left(post: Post) -> int:
    return MAX_EDITS + 1 - len(post.edit_history)


def edit(world: World, post: Post, text: str) -> Post:
    """A post of its own with a new id; the versions before it are found by their ids only. Refused says why not."""
    newest = world.shelf.posts[post.edit_history[-1]]
    _check(world, newest)
    draft = _draft(world, newest, text)
    rules.says_something(world, draft)
    rules.is_not_endless(world, draft)
    return world.supersede(newest, draft)


def _check(world: World, post: Post) -> None:
    if not is_open(post):
        raise Refused("edit", "A reply to somebody else, or a repost, can not be edited.")
    if edits_left(post) < 1:
        raise Refused("edit", f"The post was edited {MAX_EDITS} times already.")
    if world.clock.now_ms() > world.first_ms(post) + EDIT_MS:
        raise Refused("edit", "The post is older than an hour.")


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
