"""Keeps the HTML of cards that were drawn lately: most pages show cards that the page before showed, too.

A card is drawn anew as soon as anything that it shows has changed. Knows no template; `_labels.html` hands over the
macro that draws.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from gallery.shown import CreationShown

if TYPE_CHECKING:
    # Visitors are found through the house, which holds this.
    from gallery.signing.visitor import Visitor

# Bytes of all that is kept: about 9,500 cards, whose dashes and dots cost two bytes a letter.
MOST = 48 * 2**20
# What a card takes besides its text (measured over 4,800 cards: 5,170 bytes each, of which this counts 5,090).
BESIDES = 1500

Draw = Callable[..., Markup]


class Card(NamedTuple):
    """A card that was drawn. `told`: what it shows and what can change."""

    told: tuple[object, ...]
    html: str

    @property
    def size(self) -> int:
        """Bytes, or nearly so."""
        return self.html.__sizeof__() + BESIDES


class Kept:
    """`kept(card, creations, first, ...)` is each `card(creation, ...)`, drawn once."""

    def __init__(self, most: int = MOST) -> None:
        # The one that was looked at longest ago is first. A plain dict takes ever longer to find its first one.
        self._cards: OrderedDict[tuple[object, ...], Card] = OrderedDict()
        self._most, self._size = most, 0
        self._lock = Lock()

    def __call__(  # noqa: PLR0917  # as a template says it
        self,
        card: Draw,
        creations: Iterable[CreationShown],
        first: int,
        signed: bool,
        visitor: "Visitor | None",
        liked: Collection[int],
    ) -> Markup:
        """The cards one after the other; `first` of them are seen before anybody scrolls, `liked` are ids."""
        drawn = [
            self._one(card, creation, place < first, signed, visitor, creation.id in liked)
            for place, creation in enumerate(creations)
        ]
        return Markup("".join(drawn))  # noqa: S704  # cards, as the macro drew them

    def _one(  # noqa: PLR0917  # as `card` has it
        self, draw: Draw, creation: CreationShown, first: bool, signed: bool, visitor: "Visitor | None", liked: bool
    ) -> str:
        key = (creation.id, first, signed, liked, *_seen_by(visitor, creation))
        told = _told_by(creation)
        known = self._cards.get(key)
        if known is not None and known.told == told:
            with suppress(KeyError):
                self._cards.move_to_end(key)
            return known.html
        card = Card(told, str(draw(creation, first, signed, visitor, liked)))
        self._keep(key, card)
        return card.html

    def _keep(self, key: tuple[object, ...], card: Card) -> None:
        with self._lock:
            self._drop(self._cards.pop(key, None))
            self._cards[key] = card
            self._size += card.size
            while self._size > self._most and self._cards:
                self._drop(self._cards.popitem(last=False)[1])

    def _drop(self, card: Card | None) -> None:
        if card is not None:
            self._size -= card.size


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
