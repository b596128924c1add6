"""A busy or missing database costs no attempt, no second generation, and one log line."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from structlog.testing import capture_logs

from core.database import is_busy, open_database, read_connection, write_session
from core.errors import GiveUp, Refused, TryLater
from core.models import State, creations, pictures
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, load
from core.storage import FolderStorage
from tests.support.gpu_service import ScriptedService, sketch_service
from tests.support.rows import make_creation, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import free_port, on_shared_server
from worker import database_retry
from worker.gpu.client import GpuClient
from worker.jobs import run_step
from worker.leases import CreationLease
from worker.painting import PaintStep
from worker.reply_policy import ReplyPolicy

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def impatient(engine: Engine) -> Engine:
    """Return an engine that waits for a lock 0.1 s instead of 10 s."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=100"))
    return engine


@contextmanager
def locked(engine: Engine) -> Iterator[threading.Event]:
    """Hold the write lock until the event is set or the block ends."""
    foreign = sqlite3.connect(str(engine.url.database), isolation_level=None, check_same_thread=False)
    over, done = threading.Event(), threading.Event()
    foreign.execute("BEGIN IMMEDIATE")

    def hold() -> None:
        over.wait(60)
        foreign.execute("ROLLBACK")
        done.set()

    threading.Thread(target=hold, daemon=True).start()
    try:
        yield over
    finally:
        over.set()
        done.wait(60)
        foreign.close()


def busy_error(engine: Engine) -> DBAPIError:
    with locked(engine), pytest.raises(OperationalError) as caught, write_session(engine) as session:
        session.connection()
    return caught.value


# -- errors


@on_sqlite
def test_a_database_lock_is_busy_and_a_wrong_statement_is_a_bug(impatient: Engine) -> None:
    assert is_busy(busy_error(impatient))
    with pytest.raises(OperationalError) as caught, read_connection(impatient) as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    assert not is_busy(caught.value)
    assert not is_busy(ValueError("database is locked"))


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_postgresql_errors_are_classified_by_sqlstate(engine: Engine) -> None:
    creation_id = make_creation(engine)
    row = select(creations.c.id).where(creations.c.id == creation_id)
    with engine.connect() as holder, pytest.raises(DBAPIError) as caught, engine.connect() as other:
        holder.execute(row.with_for_update())
        other.execute(row.with_for_update(nowait=True))
    assert is_busy(caught.value)
    with pytest.raises(DBAPIError) as caught, engine.connect() as other:
        other.execute(text("SELECT nothing FROM nowhere"))
    assert not is_busy(caught.value)
    away = open_database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nowhere")
    with pytest.raises(DBAPIError) as caught, away.connect():
        pass
    assert is_busy(caught.value)


# -- a step


@dataclass
class Scripted:
    """A step that raises a given error, and records how it was settled."""

    engine: Engine
    creation_id: int
    ends: Exception | None = None
    busy: list[Exception] = field(default_factory=list)
    settled: list[TryLater] = field(default_factory=list)

    def acquire(self, creation_id: int) -> CreationLease | None:
        return CreationLease(self.engine, creation_id, State.QUEUED, "token", 60.0, 1)

    def run(self, lease: CreationLease) -> None:
        if self.ends:
            raise self.ends

    def retry_later(self, lease: CreationLease, error: TryLater) -> None:
        if self.busy:
            raise self.busy.pop()
        self.settled.append(error)

    def fail(self, lease: CreationLease, error: TryLater | Refused | GiveUp) -> None:
        raise AssertionError("not its end")

    def dispatch_next(self, creation_id: int) -> None:
        pass


@on_sqlite
def test_a_busy_database_costs_no_attempt_and_a_bug_does(impatient: Engine) -> None:
    error = busy_error(impatient)
    step = Scripted(impatient, 1, error)
    run_step(step, 1)
    (later,) = step.settled
    assert (later.code, later.counted) == ("database_busy", False)
    assert "UPDATE" not in str(later)
    step = Scripted(impatient, 1, ValueError("ours"))
    with pytest.raises(ValueError, match="ours"):
        run_step(step, 1)
    assert [(each.code, each.counted) for each in step.settled] == [("unexpected", True)]


@on_sqlite
def test_the_outcome_is_saved_however_often_the_database_is_busy(impatient: Engine) -> None:
    error = busy_error(impatient)
    step = Scripted(impatient, 1, TryLater("gpu_busy", counted=False), busy=[error, error, error])
    with capture_logs() as logged:
        run_step(step, 1)
    assert [each.code for each in step.settled] == ["gpu_busy"]
    assert len(logged) == 1


@on_sqlite
def test_a_job_without_a_lease_loses_nothing_and_logs_one_line(impatient: Engine, step: PaintStep) -> None:
    creation_id = make_creation(impatient, with_post=False)
    with locked(impatient), capture_logs() as logged:
        run_step(step, creation_id)
    row = read_creation(impatient, creation_id)
    assert (row.state, row.attempts, row.lease_token) == (State.QUEUED, 0, None)
    assert len([line for line in logged if "busy" in line["event"]]) == 1


@on_sqlite
def test_a_painted_creation_waits_for_the_database_and_is_painted_once(impatient: Engine, step: PaintStep) -> None:
    creation_id = make_creation(impatient, with_post=False)
    with sketch_service(small=True) as real, ExitStack() as stack:
        gate = Locking(impatient, GpuClient((real,), token="secret"), stack)
        run_step(replace(step, gpu=gate), creation_id)  # type: ignore[arg-type]
    row = read_creation(impatient, creation_id)
    assert (row.state, row.attempts, gate.calls) == (State.PAINTED, 0, 1)
    with read_connection(impatient) as connection:
        assert len(connection.execute(select(pictures)).all()) == 1


@dataclass
class Locking:
    """A GPU client that locks the database for a second after each call."""

    engine: Engine
    gpu: GpuClient
    stack: ExitStack
    calls: int = 0

    def generate(self, order: Any) -> Any:
        self.calls += 1
        painting = self.gpu.generate(order)
        threading.Timer(1.0, self.stack.enter_context(locked(self.engine)).set).start()
        return painting

    def select_publishable(self, painting: Any) -> Any:
        return self.gpu.select_publishable(painting)


@on_sqlite
def test_after_the_timeout_the_recovery_loop_takes_over(impatient: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_retry, "TIMEOUT_SECONDS", 0.0)
    error = busy_error(impatient)
    with capture_logs() as logged:
        run_step(Scripted(impatient, 1, error, busy=[error] * 9), 1)
    assert "recovery goes on" in logged[-1]["event"]


@pytest.fixture
def step(
    engine: Engine, x: SandboxX, storage: FolderStorage, dispatcher: Dispatcher, settings: JobSettings
) -> Iterator[PaintStep]:
    with on_shared_server(ScriptedService()) as url:
        yield PaintStep(
            engine, GpuClient((url,)), x.client(), storage, dispatcher, settings, load(BudgetSettings), ReplyPolicy()
        )
