"""Purging one creation reads a few rows, however many there are, with and without statistics of the tables."""

import re
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.deletion import soft_delete_creations
from core.models import State
from core.queue import WorkQueue
from core.settings import BudgetSettings, PurgeSettings, load
from core.storage import FolderStorage
from tests.support.query_plans import analyze, explained_statements
from tests.support.rows import make_creation, make_creations
from tests.support.sandbox_x import SandboxX
from worker.lookup_quota import DailyQuota
from worker.post_recheck import PostRecheck
from worker.purge import Purger

ROWS = 3000
READS_ALL = re.compile(r"(?:SCAN|Seq Scan on) (post|creation|picture)\b")


@pytest.fixture
def purger(engine: Engine, storage: FolderStorage, queue: WorkQueue, x: SandboxX) -> Purger:
    settings = load(PurgeSettings)
    recheck = PostRecheck(engine, x.client(), DailyQuota(queue, settings, load(BudgetSettings)), settings)
    return Purger(engine, x.client(), storage, recheck, settings)


@pytest.mark.parametrize("analyzed", [False, True])
def test_purging_a_creation_reads_no_table_whole(engine: Engine, purger: Purger, analyzed: bool) -> None:
    values: dict[str, Any] = {"state": State.REPLIED, "next_attempt_at": None, "published_at": now()}
    make_creations(engine, ROWS, with_posts=True, with_pictures=True, **values)
    creation_id = make_creation(engine, pictures=1, **values)
    analyze(engine, on_sqlite=analyzed)
    with write_session(engine) as session:
        soft_delete_creations(session, [creation_id], "deleted")
    with explained_statements(engine) as plans:
        purger.run_once()
    assert plans
    for plan in plans:
        assert not READS_ALL.search(plan.steps), f"{plan.statement}\n{plan.steps}"
