"""Check the rules that hold for every post, from the API or from the page.

`posting_rules.py` has the rules for API clients only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from core.twittertext.length import weighted_length
from sandbox.clock import Clock
from sandbox.model import Draft, Media, RuleViolation, User
from sandbox.post_index import PostIndex
from sandbox.settings import SandboxSettings

MAX_PICTURES = 4
MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_ALT = 1000
MAX_TEXT = 25_000


class WorldView(Protocol):
    """The part of `World` that the checks read."""

    settings: SandboxSettings
    post_index: PostIndex
    media: dict[int, Media]
    people: dict[int, User]

    @property
    def clock(self) -> Clock: ...


Check = Callable[[WorldView, Draft], None]


def check(world: WorldView, draft: Draft) -> None:
    """Raise `RuleViolation` for the first rule that the draft breaks."""
    for rule in CHECKS:
        rule(world, draft)


def require_content(_world: WorldView, draft: Draft) -> None:
    if not draft.text and not draft.media_ids and draft.repost_of_id is None:
        raise RuleViolation("empty", "Your Tweet must have text or media.")


def require_storable_length(_world: WorldView, draft: Draft) -> None:
    if len(draft.text) > MAX_TEXT or weighted_length(draft.text) > MAX_TEXT:
        raise RuleViolation(
            "too-long", "Your Tweet text is too long. For additional information see https://docs.x.com."
        )


def require_reply_target(world: WorldView, draft: Draft) -> None:
    if draft.in_reply_to_id is not None and draft.in_reply_to_id not in world.post_index.posts:
        raise RuleViolation("reply-target", "You attempted to reply to a Tweet that is deleted or not visible to you.")


def require_quote_target(world: WorldView, draft: Draft) -> None:
    for other in (draft.quote_of_id, draft.repost_of_id):
        if other is not None and other not in world.post_index.posts:
            raise RuleViolation("quote-target", "You attempted to quote a Tweet that is deleted or not visible to you.")


def require_own_recent_media(world: WorldView, draft: Draft) -> None:
    oldest = world.clock.now_ms() - world.settings.media_seconds * 1000
    pictures = [world.media.get(media_id) for media_id in draft.media_ids]
    for picture in pictures:
        if picture is None or picture.owner_id != draft.author.id or picture.created_ms < oldest:
            raise RuleViolation("media-ids", "Your media IDs are invalid.")
        if not picture.usable(world.clock.now_ms()):
            raise RuleViolation("media-ids", "Your media IDs are invalid.")
    if len(pictures) > MAX_PICTURES or len(set(draft.media_ids)) != len(pictures):
        raise RuleViolation("media-ids", "Your media IDs are invalid.")


CHECKS: list[Check] = [
    require_content,
    require_storable_length,
    require_reply_target,
    require_quote_target,
    require_own_recent_media,
]
