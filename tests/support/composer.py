"""Fixtures for tests that create on the site: signed-in members and the settings behind the composer."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import Engine, Table, select

from core.database import write_session
from core.models import Creation, creations
from core.settings import BudgetSettings, UsagePolicySettings, load
from core.storage import FolderStorage
from core.upload_store import UploadStore
from gallery.web.context import CreationConfig
from tests.support.gallery_data import GalleryData
from tests.support.site_client import SiteClient


@pytest.fixture
def shop(storage: FolderStorage) -> Callable[..., CreationConfig]:
    """Make a creation config; a test passes only what matters to it."""

    def make(
        dispatch: Callable[[], object] = lambda: None,
        budget: float | None = None,
        prompt_limit: int = 2000,
        **rules: Any,
    ) -> CreationConfig:
        money = load(BudgetSettings, daily_budget_usd=budget, monthly_budget_usd=None)
        return CreationConfig(
            UploadStore(storage.folder), dispatch, load(UsagePolicySettings, **rules), money, prompt_limit
        )

    return make


class Member:
    """A signed-in user with a client of the site."""

    def __init__(self, client: SiteClient, person_id: int, token: str) -> None:
        self.client, self.id, self.token = client, person_id, token

    def paint(self, path: str = "/paint", *, json: bool = False, **fields: Any) -> Response:
        """Send the composer's form."""
        headers = {"Accept": "application/json"} if json else {}
        data = {"token": self.token, "prompt": "a red fox", **fields}
        return self.client.post(path, data=data, headers=headers, follow_redirects=False)

    def rerun(self, creation_id: int, **fields: Any) -> Response:
        return self.paint(f"/c/{creation_id}/rerun", **fields)


@pytest.fixture
def member(
    site: Callable[..., SiteClient], gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> Callable[..., Member]:
    """Sign a user in: `member("bea", creation_config=...)`."""

    def make(username: str = "ada", **options: Any) -> Member:
        client = site(**options)
        person_id = gallery_data.person(username)
        return Member(client, person_id, sign_in(client, person_id))

    return make


@pytest.fixture
def ada(member: Callable[..., Member]) -> Member:
    return member()


@pytest.fixture
def rows(engine: Engine) -> Callable[[], list[Creation]]:
    """Read all creations, oldest first."""

    def read() -> list[Creation]:
        with write_session(engine) as session:
            return list(session.scalars(select(Creation).order_by(creations.c.id)))

    return read


def change(engine: Engine, table: Table, **values: Any) -> None:
    """Set columns of every row."""
    with write_session(engine) as session:
        session.execute(table.update().values(**values))
