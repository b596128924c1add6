"""What a post can be at all, also on the page: pure checks on a draft, one after the other. Knows no HTTP.

What X refuses to programs beyond that stands in `manners.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sandbox import texts
from sandbox.clock import Clock
from sandbox.index import Shelf
from sandbox.model import Draft, Media, Person, Refused
from sandbox.settings import Settings

MAX_PICTURES = 4
MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_ALT = 1000
MAX_TEXT = 25_000


class Known(Protocol):
    """What the rules look at. A world is one; the rules need not know it."""

    settings: Settings
    shelf: Shelf
    media: dict[int, Media]
    people: dict[int, Person]

    @property
    def clock(self) -> Clock: ...


Check = Callable[[Known, Draft], None]


def check(known: Known, draft: Draft) -> None:
    """Raises the first refusal."""
    for one in CHECKS:
        one(known, draft)


def says_something(_known: Known, draft: Draft) -> None:
    if not draft.text and not draft.media_ids and draft.repost_of_id is None:
        raise Refused("empty", "Your Tweet must have text or media.")


def is_not_endless(_known: Known, draft: Draft) -> None:
    if len(draft.text) > MAX_TEXT or texts.weight_of_words(draft.text) > MAX_TEXT:
        raise Refused("too-long", "Your Tweet text is too long. For additional information see https://docs.x.com.")


def answers_what_exists(known: Known, draft: Draft) -> None:
    if draft.in_reply_to_id is not None and draft.in_reply_to_id not in known.shelf.posts:
        raise Refused("reply-target", "You attempted to reply to a Tweet that is deleted or not visible to you.")


def quotes_what_exists(known: Known, draft: Draft) -> None:
    for other in (draft.quote_of_id, draft.repost_of_id):
        if other is not None and other not in known.shelf.posts:
            raise Refused("quote-target", "You attempted to quote a Tweet that is deleted or not visible to you.")


def hangs_own_fresh_pictures(known: Known, draft: Draft) -> None:
    oldest = known.clock.now_ms() - known.settings.media_seconds * 1000
    pictures = [known.media.get(media_id) for media_id in draft.media_ids]
    for picture in pictures:
        if picture is None or picture.owner_id != draft.author.id or picture.created_ms < oldest:
            raise Refused("media-ids", "Your media IDs are invalid.")
        if not picture.usable(known.clock.now_ms()):
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
