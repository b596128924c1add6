"""The purge refreshes the statistics of SQLite's query planner daily, whatever the size of the tables."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from core import database
from core.clock import now
from core.database import read_connection, update_statistics, write_session
from core.models import State
from core.queue import WorkQueue
from core.settings import BudgetSettings, PurgeSettings, load
from core.storage import FolderStorage
from tests.support.rows import make_creations
from tests.support.sandbox_x import SandboxX
from worker import purge
from worker.lookup_quota import DailyQuota
from worker.post_recheck import PostRecheck
from worker.purge import Purger


def counted_rows(engine: Engine) -> dict[str, int]:
    """Return how many rows of each table the statistics assume."""
    with read_connection(engine) as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'").all()
        rows = connection.exec_driver_sql("SELECT tbl, stat FROM sqlite_stat1").all() if tables else []
    return {row.tbl: int(row.stat.split()[0]) for row in rows}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_statistics_are_updated_daily(
    engine: Engine, storage: FolderStorage, queue: WorkQueue, x: SandboxX, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(PurgeSettings)
    recheck = PostRecheck(engine, x.client(), DailyQuota(queue, settings, load(BudgetSettings)), settings)
    purger = Purger(engine, x.client(), storage, recheck, settings)
    monkeypatch.setattr(database, "MIN_ANALYZED_ROWS", 500)
    make_creations(engine, 2000, state=State.REPLIED, next_attempt_at=None, published_at=now())
    assert counted_rows(engine) == {}
    purger.run_once()
    assert 1000 <= counted_rows(engine)["creation"] <= 4000  # an estimate
    with write_session(engine) as session:
        session.connection().exec_driver_sql("DELETE FROM sqlite_stat1")
    purger.run_once()
    assert counted_rows(engine) == {}
    monkeypatch.setattr(purge, "STATISTICS_INTERVAL", timedelta(0))
    purger.run_once()
    assert set(counted_rows(engine)) == {"creation"}  # there is one person


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_small_tables_have_no_statistics(engine: Engine) -> None:
    make_creations(engine, 100)
    update_statistics(engine)
    assert counted_rows(engine) == {}


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_postgres_needs_no_help(engine: Engine) -> None:
    update_statistics(engine)
