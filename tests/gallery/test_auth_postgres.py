"""Sign-in, sessions and account deletion on PostgreSQL."""

# ruff: noqa: F811 fixtures are imported
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gallery.auth.sign_in import sign_in_user
from gallery.auth.x_oauth import XUser
from gallery.web import sessions as signing
from tests.gallery.test_auth import auth_site, current_person, form_token, rows, sign_in_as  # noqa: F401  # fixtures
from tests.support.sandbox_x import SandboxX

from core.models import ledger, login_sessions, people  # isort: skip


@pytest.fixture
def engine(postgres_engine: Engine) -> Engine:
    return postgres_engine


def test_sign_in_use_and_sign_out(auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine) -> None:
    client = auth_site()
    sign_in_as(client, x)
    assert current_person(client) == "ada"
    assert client.get("/me/settings").status_code == 200
    assert "x_client" not in client.get("/me/data.json").text
    client.post("/sign-out", data={"token": form_token(client)})
    assert current_person(client) is None
    assert rows(engine, login_sessions) == []


def test_deleted_account_is_erased(auth_site: Callable[..., TestClient], x: SandboxX, engine: Engine) -> None:
    client = auth_site()
    sign_in_as(client, x)
    assert client.post("/me/settings/delete", data={"handle": "ada", "token": form_token(client)}).status_code == 200
    (left,) = rows(engine, people)
    assert (left.name, left.username) == ("somebody", str(left.id))


def test_concurrent_sign_ins_of_one_user_make_one_row(engine: Engine) -> None:
    who = XUser(5, "ada", "Ada", protected=False)

    def press_allow(_: Any) -> Any:
        return sign_in_user(engine, who, browser="b", tokens="t", price=10, replaces=None)

    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(press_allow, range(12)))
    assert len({each.value for each in begun}) == 12
    assert len(rows(engine, people)) == len(rows(engine, ledger)) == 1
    assert len(rows(engine, login_sessions)) == 12
    assert signing.revoke_all(engine, 5) == ["t"] * 12
