"""The feeds and the activity strip on PostgreSQL."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from core.clock import now
from core.database import write_session
from core.models import State, follows
from gallery.queries import activity
from gallery.queries.following_feed import list_followed, suggest_users
from gallery.views.pagination import PAGE_SIZE, parse_cursor
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context


@pytest.fixture
def engine(postgres_engine: Engine) -> Engine:
    return postgres_engine


@pytest.mark.parametrize("window", ["week", "all"])
def test_top_pages_by_cursor(client: TestClient, gallery_data: GalleryData, window: Any) -> None:
    moment = now()
    for number in range(PAGE_SIZE + 5):
        gallery_data.publish(prompt=str(number), pictures=0, likes=3, published_at=moment)
    first = page_context(client.get("/top", params={"of": window}))["page"]
    second = page_context(client.get("/top", params={"of": window, "cursor": first.older}))["page"]
    seen = [creation.prompt for creation in (*first.creations, *second.creations)]
    assert seen == [str(number) for number in reversed(range(PAGE_SIZE + 5))]


def test_following_pages_by_cursor_at_equal_times(engine: Engine, gallery_data: GalleryData) -> None:
    me, moment = gallery_data.person("me"), now()
    for number in range(9):
        person = gallery_data.person(f"p{number}", id=7000 + number)
        gallery_data.publish(prompt=str(number), pictures=0, person_id=person, published_at=moment)
        with write_session(engine) as session:
            session.execute(insert(follows).values(follower_id=me, followed_id=person, at=moment))
    gallery_data.publish(prompt="by another")
    with engine.connect() as connection:
        first = list_followed(connection, me, limit=5)
        after = parse_cursor({"cursor": first.older or ""})
        second = list_followed(connection, me, limit=5, after=after)
        assert [one.prompt for one in (*first.creations, *second.creations)] == [str(n) for n in reversed(range(9))]
        assert [one.username for one in suggest_users(connection, me)] == ["ada"]


def test_activity_is_the_same(engine: Engine, gallery_data: GalleryData) -> None:
    painted = gallery_data.creation(prompt="being painted", state=State.PAINTING, next_attempt_at=now())
    for number in range(6):
        gallery_data.creation(prompt=str(number), next_attempt_at=now())
    published = gallery_data.publish()
    with engine.connect() as connection:
        current = activity.current_activity(connection)
        assert (current.creations[0].id, len(current.creations), current.more) == (painted, activity.MAX_ACTIVE, 3)
        assert [one for _moment, one in activity.recently_published(connection)] == [published]
        (progress,) = activity.load_progress(connection, {painted})
        assert progress.is_pending
