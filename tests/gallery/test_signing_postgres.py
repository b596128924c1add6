"""Signing in, being signed in and leaving, on a real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gallery.signing import logins as signing
from gallery.signing.arriving import let_in
from gallery.signing.x import Somebody
from tests.gallery.test_signing import door, form_token, rows, sign_in_as, who_is_in  # noqa: F401  # a fixture, too

from core.models import ledger, logins, people  # isort: skip


@pytest.fixture
def engine(postgres_engine):
    return postgres_engine


def test_in_around_and_out(door, x, engine):  # noqa: F811
    client = door()
    sign_in_as(client, x)
    assert who_is_in(client) == "ada"
    assert client.get("/me/settings").status_code == 200
    assert "x_client" not in client.get("/me/data.json").text
    client.post("/sign-out", data={"token": form_token(client)})
    assert who_is_in(client) is None
    assert rows(engine, logins) == []


def test_who_leaves_is_gone(door, x, engine):  # noqa: F811
    client = door()
    sign_in_as(client, x)
    assert client.post("/me/settings/delete", data={"handle": "ada", "token": form_token(client)}).status_code == 200
    (left,) = rows(engine, people)
    assert (left.name, left.username) == ("somebody", str(left.id))


def test_one_person_who_signs_in_in_many_browsers_at_once_is_one_row(engine):
    who = Somebody(5, "ada", "Ada", protected=False)

    def come(_):
        return let_in(engine, who, browser="b", tokens="t", price=10, instead_of=None)

    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(come, range(12)))
    assert len({each.value for each in begun}) == 12
    assert len(rows(engine, people)) == len(rows(engine, ledger)) == 1
    assert len(rows(engine, logins)) == 12
    assert signing.end_all(engine, 5) == ["t"] * 12
