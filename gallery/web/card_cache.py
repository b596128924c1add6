"""Cache the HTML of cards. What a card shows and can change is compared each time."""

from collections.abc import Callable, Collection, Iterable

from markupsafe import Markup

from gallery.translations import current_language
from gallery.views.creations import CreationView
from gallery.web.text_cache import TextCache
from gallery.web.users import CurrentUser

# About 11,000 cards.
MAX_BYTES = 48 * 2**20

RenderCard = Callable[..., Markup]


class CardCache:
    """Render each card once. Templates call it as `card_cache(card, creations, first, signed, current_user, liked)`."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._cards = TextCache[str](max_bytes)

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
        key = (creation.id, current_language(), first, signed, liked, *_view_of(user, creation))
        return self._cards.get(key, _shown(creation), lambda: str(render(creation, first, signed, user, liked)))


def _view_of(user: CurrentUser | None, creation: CreationView) -> tuple[object, ...]:
    """Return what a card depends on the user for: hearts, and whether a sensitive picture is blurred."""
    if user is None:
        return None, False
    unblurred = not creation.sensitive or user.show_sensitive or user.owns(creation.person.id)
    return user.person is not None, unblurred


def _shown(creation: CreationView) -> tuple[object, ...]:
    """Return what a card shows and what can change. The id stands for the rest, such as the seed."""
    person, parent, pictures = creation.person, creation.parent, creation.pictures
    return (
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
