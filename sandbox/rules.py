"""What may be posted: pure checks on a draft, one after the other. Knows no HTTP; further rules of X join the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox import texts
from sandbox.model import Draft, Refused

if TYPE_CHECKING:
    from sandbox.world import World

MAX_PICTURES = 4
MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_ALT = 1000
MAX_TEXT = 25_000

Check = Callable[["World", Draft], None]


def check(world: World, draft: Draft) -> None:
    """Raises the first refusal. Summon rule, duplicates, reply_settings and daily caps belong here, too."""
    for one in CHECKS:
        one(world, draft)


def says_something(_world: World, draft: Draft) -> None:
    if not draft.text and not draft.media_ids and draft.repost_of_id is None:
        raise Refused("empty", "Your Tweet must have text or media.")


def is_not_endless(_world: World, draft: Draft) -> None:
    if len(draft.text) > MAX_TEXT or texts.weight_of_words(draft.text) > MAX_TEXT:
        raise Refused("too-long", "Your Tweet text is too long. For additional information see https://docs.x.com.")


def answers_what_exists(world: World, draft: Draft) -> None:
    if draft.in_reply_to_id is not None and draft.in_reply_to_id not in world.shelf.posts:
        raise Refused("reply-target", "You attempted to reply to a Tweet that is deleted or not visible to you.")


def quotes_what_exists(world: World, draft: Draft) -> None:
    for other in (draft.quote_of_id, draft.repost_of_id):
        if other is not None and other not in world.shelf.posts:
            raise Refused("quote-target", "You attempted to quote a Tweet that is deleted or not visible to you.")


def hangs_own_fresh_pictures(world: World, draft: Draft) -> None:
    oldest = world.clock.now_ms() - world.settings.media_seconds * 1000
    pictures = [world.media.get(media_id) for media_id in draft.media_ids]
    for picture in pictures:
        if picture is None or picture.owner_id != draft.author.id or picture.created_ms < oldest:
            raise Refused("media-ids", "Your media IDs are invalid.")
    if len(pictures) > MAX_PICTURES or len(set(draft.media_ids)) != len(pictures):
        raise Refused("media-ids", "Your media IDs are invalid.")


CHECKS: list[Check] = [
    says_something,
    is_not_endless,
    answers_what_exists,
    quotes_what_exists,
    hangs_own_fresh_pictures,
]
