"""The page of a creation on PostgreSQL: remix tree, own hidden creations, reports."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select, update

from core.clock import now
from core.database import write_session
from core.models import creations, reports
from gallery.services import reports as report_service
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context


@pytest.fixture
def engine(postgres_engine: Engine) -> Engine:
    return postgres_engine


def test_remix_tree_on_postgres(client: TestClient, engine: Engine, gallery_data: GalleryData) -> None:
    root = gallery_data.publish()
    parent = gallery_data.publish(parent_id=root)
    gone = gallery_data.publish(parent_id=parent, published_at=None, hidden_at=now())
    own, sibling, below = (
        gallery_data.publish(parent_id=parent),
        gallery_data.publish(parent_id=parent),
        gallery_data.publish(parent_id=gone),
    )
    with write_session(engine) as session:
        for creation_id, count in ((root, 1), (parent, 2), (gone, 1)):
            session.execute(update(creations).where(creations.c.id == creation_id).values(remixes=count))
    found = page_context(client.get(f"/c/{own}"))["tree"]
    assert [one.id for one in found.ancestors] == [root, parent]
    assert [one.id for one in found.siblings] == [sibling]
    found = page_context(client.get(f"/c/{parent}"))["tree"]
    assert found.descendants == 3
    assert [(one.id, [child.id for child in one.children]) for one in found.children] == [
        (sibling, []),
        (own, []),
        (gone, [below]),
    ]
    assert [one.id for one in page_context(client.get(f"/c/{own}/remixes?of=siblings"))["page"].creations] == [
        sibling,
        own,
    ]


def test_hidden_creation_is_visible_to_its_author_only(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    creation_id = gallery_data.publish(hidden_at=now(), published_at=None)
    assert site().get(f"/c/{creation_id}").status_code == 404
    sign_in(client, gallery_data.person())
    picture = page_context(client.get(f"/c/{creation_id}"))["creation"].pictures[0]
    assert client.get(picture.url).status_code == 200
    assert site().get(picture.url).status_code == 404


def test_same_report_twenty_times_at_once_is_stored_once(engine: Engine, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish()
    write = partial(report_service.add_report, creation_id=creation_id, comment_id=None, person_id=None)
    with ThreadPoolExecutor(20) as pool:
        fresh = list(pool.map(lambda _: write(engine, "stranger", report_service.ReportDraft("spam")), range(20)))
    assert fresh.count(True) == 1
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(reports)).scalar_one() == 1
