"""Somebody at the composer, and the house's rules behind it: fixtures of the tests that paint. Knows no test."""

import pytest
from sqlalchemy import select

from core.database import transaction
from core.models import Creation, creations
from core.settings import MoneySettings, RuleSettings, load
from core.uploads import Uploads
from gallery.workshop import Workshop


@pytest.fixture
def shop(storage):
    """Makes a workshop; what matters is given."""

    def make(call_up=lambda: None, budget=None, prompt_limit=2000, **rules):
        money = load(MoneySettings, budget_day_usd=budget, budget_month_usd=None)
        return Workshop(Uploads(storage.folder), call_up, load(RuleSettings, **rules), money, prompt_limit)

    return make


class Member:
    """Somebody at the composer."""

    def __init__(self, client, person_id, token):
        self.client, self.id, self.token = client, person_id, token

    def paint(self, path="/paint", *, json=False, **typed):
        headers = {"Accept": "application/json"} if json else {}
        data = {"token": self.token, "prompt": "a red fox", **typed}
        return self.client.post(path, data=data, headers=headers, follow_redirects=False)

    def again(self, creation_id, **typed):
        return self.paint(f"/c/{creation_id}/again", **typed)


@pytest.fixture
def member(site, wall, sign_in):
    """Signs somebody in; what matters of the site is given."""

    def make(username="ada", **wired):
        client = site(**wired)
        person_id = wall.person(username)
        return Member(client, person_id, sign_in(client, person_id))

    return make


@pytest.fixture
def ada(member):
    return member()


@pytest.fixture
def rows(engine):
    """All creations, oldest first."""

    def read():
        with transaction(engine) as session:
            return list(session.scalars(select(Creation).order_by(creations.c.id)))

    return read


def change(engine, table, **values):
    with transaction(engine) as session:
        session.execute(table.update().values(**values))
