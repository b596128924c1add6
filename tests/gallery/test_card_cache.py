"""A card is rendered once, and again if something that it shows has changed."""

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from fastapi.testclient import TestClient
from markupsafe import Markup
from sqlalchemy import Engine, update

from core.database import read_connection, write_session
from core.models import creations, people, pictures
from gallery.queries import creations as creation_queries
from gallery.views.creations import CreationView, UserView
from gallery.web.card_cache import CardCache
from gallery.web.text_cache import ENTRY_BYTES
from gallery.web.users import ANONYMOUS, CurrentUser
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match


def card_of(client: TestClient, creation_id: int) -> Any:
    """Return a card as the feed shows it."""
    return find_match(rf'<li class="card ratio-\d+" id="c{creation_id}".*?</li>', client.get("/").text, re.S)[0]


@pytest.mark.parametrize(
    ("table", "values", "words"),
    [
        (creations, {"likes": 41}, ">41 likes<"),
        (creations, {"comments": 12}, "12 comments"),
        (creations, {"remixes": 1}, "1 remix<"),
        (creations, {"prompt": "other words"}, "other words"),
        (creations, {"sensitive": True}, "Marked as sensitive"),
        (people, {"name": "Lovelace"}, "Lovelace"),
        (people, {"username": "countess"}, "/@countess"),
        (pictures, {"thumb_avif_key": "ab/cd.avif"}, "ab/cd.avif"),
        (pictures, {"thumb_avif_key": "ab/cd.avif", "wide_avif_key": "ef/01.avif", "wide_width": 96}, "ef/01.avif 96w"),
    ],
)
def test_card_shows_what_has_changed(
    client: TestClient, gallery_data: GalleryData, engine: Engine, table: Any, values: Any, words: Any
) -> None:
    creation_id = gallery_data.publish()
    gallery_data.publish()
    assert words not in card_of(client, creation_id)
    with write_session(engine) as session:
        session.execute(update(table).values(**values))
    assert words in card_of(client, creation_id)


def test_member_gets_no_anonymous_card(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    creation_id = gallery_data.publish()
    gallery_data.publish()
    assert "formaction" not in card_of(client, creation_id)
    sign_in(client, gallery_data.person("bob"))
    assert "formaction" in card_of(client, creation_id)


def test_unblurred_card_of_the_owner_is_not_shown_to_others(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    creation_id = gallery_data.publish(sensitive=True)
    gallery_data.publish(person_id=gallery_data.person("bob"))
    sign_in(client, gallery_data.person())
    assert "Marked as sensitive" not in card_of(client, creation_id)
    sign_in(client, gallery_data.person("bob"))
    assert "Marked as sensitive" in card_of(client, creation_id)


@pytest.fixture
def newest(gallery_data: GalleryData) -> Any:
    """Three creations, oldest first."""
    for _ in range(3):
        gallery_data.publish()
    with read_connection(gallery_data.engine) as connection:
        return creation_queries.list_newest(connection, limit=3).creations[::-1]


def test_card_is_rendered_once_and_least_recently_used_one_is_dropped(newest: Any) -> None:
    rendered = []
    cache = CardCache(max_bytes=2 * ("card 1".__sizeof__() + ENTRY_BYTES))

    def render(creation: CreationView, *_args: object) -> Markup:
        rendered.append(creation.id)
        return Markup(f"card {creation.id}")

    first, second, third = newest
    for creation in [first, first, second, third, third, first]:
        assert cache(render, [creation], 0, True, ANONYMOUS, ()) == f"card {creation.id}"
    assert rendered == [1, 2, 3, 1]
    cache(render, [first], 0, True, CurrentUser(UserView(1, "ada", "Ada")), ())
    assert rendered == [1, 2, 3, 1, 1]


def test_changed_card_is_rendered_again(newest: Any) -> None:
    creation, cache = newest[0], CardCache()
    for likes in (1, 2, 3, 9):
        creation.likes = likes
        assert cache(lambda creation, *_args: Markup(creation.likes), [creation], 0, True, None, ()) == str(likes)
    assert cache(lambda *_args: pytest.fail("rendered again"), [creation], 0, True, None, ()) == "9"


def test_card_larger_than_the_cache_is_rendered_and_not_cached(newest: Any) -> None:
    cache, render = CardCache(max_bytes=10), Mock(return_value=Markup("a card"))
    for _ in range(2):
        assert cache(render, [newest[0]], 0, True, None, ()) == "a card"
    assert render.call_count == 2
