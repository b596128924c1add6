"""Cache the HTML of cards: most pages show cards that another page showed a moment ago.

The key holds everything that a card shows and that can change. A changed card has a new key, and the old one ages out.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from threading import Lock

from cachetools import LRUCache
from markupsafe import Markup

from gallery.translations import current_language
from gallery.views.creations import CreationView
from gallery.web.users import CurrentUser

# About 9,500 cards.
MAX_BYTES = 48 * 2**20
# What a card takes besides its HTML, measured over 4,800 cards.
KEY_BYTES = 1500

Key = tuple[object, ...]
RenderCard = Callable[..., Markup]


class CardCache:
    """Render each card once. Templates call it as `card_cache(card, creations, first, signed, current_user, liked)`."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._cards: LRUCache[Key, str] = LRUCache(max_bytes, getsizeof=lambda html: html.__sizeof__() + KEY_BYTES)
        self._lock = Lock()

    def __call__(  # noqa: PLR0917  # the order of the template macro
        self,
        render: RenderCard,
        creations: Iterable[CreationView],
        first: int,
        signed: bool,
        user: CurrentUser | None,
        liked: Collection[int],
    ) -> Markup:
        """Return the cards of `creations`. `first`: how many are visible at once; `liked`: ids that the user likes."""
        cards = [
            self._card(render, creation, position < first, signed, user, creation.id in liked)
            for position, creation in enumerate(creations)
        ]
        return Markup("".join(cards))  # noqa: S704  # the macro's own output

    def _card(  # noqa: PLR0917  # the order of the template macro
        self,
        render: RenderCard,
        creation: CreationView,
        first: bool,
        signed: bool,
        user: CurrentUser | None,
        liked: bool,
    ) -> str:
        key = (current_language(), first, signed, liked, *_view_of(user, creation), *_shown(creation))
        with self._lock:
            html = self._cards.get(key)
        if html is None:
            html = str(render(creation, first, signed, user, liked))
            with self._lock, suppress(ValueError):  # a card larger than the cache is not cached
                self._cards[key] = html
        return html


def _view_of(user: CurrentUser | None, creation: CreationView) -> Key:
    """Return what a card depends on the user for: hearts, and whether a sensitive picture is blurred."""
    if user is None:
        return None, False
    unblurred = not creation.sensitive or user.show_sensitive or user.owns(creation.person.id)
    return user.person is not None, unblurred


def _shown(creation: CreationView) -> Key:
    """Return what a card shows and what can change. The id stands for the rest, such as the seed."""
    person, parent, pictures = creation.person, creation.parent, creation.pictures
    return (
        creation.id,
        creation.prompt,
        creation.published_at,
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
