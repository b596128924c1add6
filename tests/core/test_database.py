"""Transactions, times, ids and migrations, on both databases."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from core.database import open_database, read_connection, write_session
from core.errors import SettingsError
from core.migrate import check, migrate, require_current
from core.models import Person, creations, people
from tests.support.rows import make_creation, make_person, read_creation


def test_an_error_rolls_back_the_transaction(engine: Engine) -> None:
    with pytest.raises(RuntimeError), write_session(engine) as session:
        session.add(Person(id=1, username="ada", handle="ada", name="Ada"))
        session.flush()
        raise RuntimeError("power cut")
    with read_connection(engine) as connection:
        assert connection.execute(select(people.c.id)).all() == []


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_no_statement_is_prepared_on_the_server(engine: Engine) -> None:
    with read_connection(engine) as connection:
        for _ in range(20):
            connection.execute(select(people.c.id).where(people.c.id == 17)).all()
        assert connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one() == 0


def test_concurrent_writers_lose_no_update(engine: Engine) -> None:
    creation_id = make_creation(engine)

    def count_up() -> None:
        for _ in range(50):
            with write_session(engine) as session:
                statement = select(creations.c.attempts).where(creations.c.id == creation_id)
                if engine.dialect.name == "postgresql":
                    statement = statement.with_for_update()
                attempts = session.execute(statement).scalar_one()
                session.execute(creations.update().where(creations.c.id == creation_id).values(attempts=attempts + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_creation(engine, creation_id).attempts == 200


def test_times_are_stored_in_utc(engine: Engine) -> None:
    noon_in_tokyo = datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=9)))
    person_id = make_person(engine, first_seen_at=noon_in_tokyo)
    with read_connection(engine) as connection:
        moment = connection.execute(select(people.c.first_seen_at).where(people.c.id == person_id)).scalar_one()
    assert moment == datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(0)


def test_ids_of_19_digits_are_stored(engine: Engine) -> None:
    assert make_person(engine, id=9_199_999_999_999_999_999) == 9_199_999_999_999_999_999


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_migrations_create_exactly_the_tables_of_the_models(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    if kind == "postgres":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    with pytest.raises(SettingsError, match="threadpaint migrate"):
        require_current(engine)
    migrate(engine)
    migrate(engine)
    check(engine)
    require_current(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["foo", "postgresql://h:port/x", "nosuch://h/x", "sqlite+nosuch://"])
def test_an_invalid_database_url_is_a_one_line_error(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is wrong") as caught:
        open_database(url)
    assert "\n" not in str(caught.value)


def test_options_in_database_url_are_preserved(postgres_url: str) -> None:
    engine = open_database(f"{postgres_url}&options=-cstatement_timeout%3D7000")
    with write_session(engine) as session:
        ask = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
        assert tuple(session.execute(text(ask)).one()) == ("7s", "10s")
    engine.dispose()
