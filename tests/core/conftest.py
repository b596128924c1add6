"""Fixtures of core's tests: databases without tables, and with tables made by the migrations."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.database import open_database
from core.migrate import migrate
from tests.support.databases import PostgresCopies, SqliteTemplate


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def empty_copies(postgres_url: str) -> PostgresCopies:
    return PostgresCopies(postgres_url, "empty", lambda _engine: None)


@pytest.fixture(scope="session")
def migrated_copies(postgres_url: str) -> PostgresCopies:
    return PostgresCopies(postgres_url, "migrated", migrate)


@pytest.fixture
def empty_database(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Yield a database without tables."""
    if database_kind == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
        yield engine
        engine.dispose()
    else:
        copies: PostgresCopies = request.getfixturevalue("empty_copies")
        with copies.open_copy() as engine:
            yield engine


@pytest.fixture
def migrated_database(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Yield an empty database whose tables were made by the migrations."""
    if database_kind == "sqlite":
        template: SqliteTemplate = request.getfixturevalue("migrated_template")
        with template.open_copy(tmp_path) as engine:
            yield engine
    else:
        copies: PostgresCopies = request.getfixturevalue("migrated_copies")
        with copies.open_copy() as engine:
            yield engine
