"""The picture of the day on the start page: well liked, the same all day, and nothing that is sensitive or hidden."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import creations
from gallery.queries.top import PICKED_FROM, TopFeed
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.pages import page_context
from tests.support.site_client import SiteClient


@pytest.fixture
def liked(gallery_data: GalleryData) -> Callable[..., int]:
    """Publish a creation with likes, now."""

    def make(likes: int = 1, **values: Any) -> int:
        return gallery_data.publish(likes=likes, published_at=now(), **values)

    return make


def test_pick_stays_the_same_all_day_and_changes_with_the_days(engine: Engine, liked: Callable[..., int]) -> None:
    favorites = [liked(likes=5) for _ in range(PICKED_FROM)]
    others = [liked() for _ in range(5)]
    days = [now().date() + timedelta(days=number) for number in range(30)]

    async def pick(day: date) -> int:
        return (await TopFeed(engine).daily_picks(day))[0].id

    picks = [asyncio.run(pick(day)) for day in days]
    assert picks == [asyncio.run(pick(day)) for day in days]
    assert set(picks) <= set(favorites) and not set(picks) & set(others)
    assert len(set(picks)) > 8


def test_start_page_offers_it_to_those_who_can_remix(
    site: Callable[..., SiteClient], client: SiteClient, engine: Engine, liked: Callable[..., int]
) -> None:
    pick = liked(prompt="a boat")
    liked(sensitive=True)
    able = site(settings=SETTINGS_WITH_SIGN_IN)
    page = able.get("/")
    assert page_context(page)["daily_pick"].id == pick
    assert f'href="/paint?remix={pick}"' in page.text
    assert "Remix this" not in client.get("/").text, "nobody can sign in"
    assert "Remix this" not in able.get("/?cursor=nonsense").text
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == pick).values(published_at=None, hidden_at=now()))
    assert page_context(able.get("/"))["daily_pick"] is None
