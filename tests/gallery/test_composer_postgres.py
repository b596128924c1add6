"""Concurrent creations on PostgreSQL, whose writers do not wait for each other."""

import threading
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from core.clock import now
from core.database import read_connection
from core.models import creations
from core.settings import UsagePolicySettings, load
from core.storage import FolderStorage
from core.upload_store import UploadStore
from gallery.services.composer_policy import ComposerPolicy, Rejected
from gallery.services.create_creation import CreateCreation, GenerationParams, create_creation
from tests.support.gallery_data import GalleryData


@pytest.fixture
def engine(postgres_engine: Engine) -> Engine:
    return postgres_engine


@pytest.fixture
def create(engine: Engine, storage: FolderStorage) -> Any:
    policy = ComposerPolicy(load(UsagePolicySettings, user_daily_limit=3), now())
    uploads = UploadStore(storage.folder)
    return partial(create_creation, engine=engine, storage=storage, uploads=uploads, policy=policy)


def count_creations(engine: Engine) -> Any:
    with read_connection(engine) as connection:
        return connection.execute(select(func.count()).select_from(creations)).scalar_one()


def create_at_once(create: Any, requests: Any) -> Any:
    """Create all at the same moment. Return the ids, and the reason codes of rejected requests."""
    gate, results = threading.Barrier(len(requests)), []

    def run(request: pytest.FixtureRequest) -> None:
        gate.wait()
        try:
            results.append(create(request))
        except Rejected as error:
            results.append(error.code)

    threads = [threading.Thread(target=run, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_two_tabs_with_three_pictures_left_get_three(engine: Engine, create: Any, gallery_data: GalleryData) -> None:
    ada = gallery_data.person()
    results = create_at_once(create, [CreateCreation(ada, f"form:{n}", GenerationParams(f"fox {n}")) for n in range(5)])
    assert sorted(map(str, results))[-2:] == ["quota", "quota"]
    assert count_creations(engine) == 3


def test_one_form_sent_five_times_is_one_creation(engine: Engine, create: Any, gallery_data: GalleryData) -> None:
    ada = gallery_data.person()
    results = create_at_once(create, [CreateCreation(ada, "form:1", GenerationParams("a fox"))] * 5)
    assert len(set(results)) == 1
    assert count_creations(engine) == 1


def test_quotas_of_members_are_independent(engine: Engine, create: Any, gallery_data: GalleryData) -> None:
    ada, grace = gallery_data.person("ada"), gallery_data.person("grace")
    requests = [
        CreateCreation(person, f"form:{person}:{n}", GenerationParams("a fox"))
        for n in range(3)
        for person in (ada, grace)
    ]
    assert all(isinstance(result, int) for result in create_at_once(create, requests))
    assert count_creations(engine) == 6
