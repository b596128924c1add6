"""Keeps the HTML of cards that were drawn lately: most pages show cards that the page before showed, too.

A card is drawn anew as soon as anything that it shows has changed: that is part of what it is kept under. Knows no
template; `_labels.html` hands over the macro that draws.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from markupsafe import Markup

from gallery.shown import CreationShown

if TYPE_CHECKING:
    # Visitors are found through the house, which holds this.
    from gallery.signing.visitor import Visitor

# About 1.7 kB each.
MOST = 5000

Draw = Callable[..., Markup]


class Kept:
    """`kept(card, creation, first, signed, visitor, liked)` is `card(creation, ...)`, drawn once."""

    def __init__(self, most: int = MOST) -> None:
        # The one that was looked at longest ago is first. A plain dict takes ever longer to find its first one.
        self._cards: OrderedDict[tuple[object, ...], Markup] = OrderedDict()
        self._most = most

    def __call__(  # noqa: PLR0917  # as a template says it
        self, card: Draw, creation: CreationShown, first: bool, signed: bool, visitor: "Visitor | None", liked: bool
    ) -> Markup:
        """The card, from memory where it is there."""
        key = (first, signed, *_seen_by(visitor, creation), liked, *_told_by(creation))
        known = self._cards.get(key)
        if known is None:
            known = self._cards[key] = card(creation, first, signed, visitor, liked)
            if len(self._cards) > self._most:
                # Another thread may have taken it.
                with suppress(KeyError):
                    self._cards.popitem(last=False)
        else:
            with suppress(KeyError):
                self._cards.move_to_end(key)
        return known


def _seen_by(visitor: "Visitor | None", creation: CreationShown) -> tuple[object, ...]:
    """Hearts are for pages that know who looks, buttons for members; who may see what is veiled."""
    if visitor is None:
        return None, False
    bare = not creation.sensitive or visitor.shows_sensitive or visitor.owns(creation.person.id)
    return visitor.person is not None, bare


def _told_by(creation: CreationShown) -> tuple[object, ...]:
    """What a card shows and what can change. How it was painted cannot: its id stands for that."""
    person, parent, pictures = creation.person, creation.parent, creation.pictures
    return (
        creation.id,
        creation.prompt,
        creation.shown_at,
        creation.sensitive,
        creation.likes,
        creation.comments,
        creation.remixes,
        person.username,
        person.name,
        parent and (parent.id, parent.person.username),
        len(pictures),
        pictures[0] if pictures else None,
    )
