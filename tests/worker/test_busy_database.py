"""Others hold the database, or it is away: that costs no try, no second painting, and one line in the log."""

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

from core.database import is_busy, open_database, reading, transaction
from core.errors import GiveUp, Refused, TryLater
from core.line import Line
from core.models import State, creations, pictures
from core.settings import MoneySettings, WorkSettings, load
from core.storage import FolderStorage
from tests.support.painter import ScriptedPainter, sketch_service
from tests.support.rows import make_creation, read_creation
from tests.support.sandbox_x import SandboxX
from tests.support.servers import free_port, serving
from worker import patience
from worker.claims import Claim
from worker.gpu_client import GpuClient
from worker.jobs import _work
from worker.manners import Manners
from worker.painting import PaintStep

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def impatient(engine: Engine) -> Engine:
    """Waits for a lock a tenth of a second instead of ten."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=100"))
    return engine


@contextmanager
def locked(engine: Engine) -> Iterator[threading.Event]:
    """Another program writes, until the event is set or the block ends."""
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
    with locked(engine), pytest.raises(OperationalError) as caught, transaction(engine) as session:
        session.connection()
    return caught.value


# -- telling it apart


@on_sqlite
def test_a_lock_of_another_program_is_no_bug_and_a_wrong_statement_is(impatient: Engine) -> None:
    assert is_busy(busy_error(impatient))
    with pytest.raises(OperationalError) as caught, reading(impatient) as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    assert not is_busy(caught.value)
    assert not is_busy(ValueError("database is locked"))


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_on_postgresql_the_state_tells(engine: Engine) -> None:
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
    """A step that ends as told, and keeps how it was settled."""

    engine: Engine
    creation_id: int
    ends: Exception | None = None
    busy: list[Exception] = field(default_factory=list)
    settled: list[TryLater] = field(default_factory=list)

    def claim(self, creation_id: int) -> Claim | None:
        return Claim(self.engine, creation_id, State.QUEUED, "token", 60.0, 1)

    def do(self, claim: Claim) -> None:
        if self.ends:
            raise self.ends

    def postpone(self, claim: Claim, error: TryLater) -> None:
        if self.busy:
            raise self.busy.pop()
        self.settled.append(error)

    def end(self, claim: Claim, error: TryLater | Refused | GiveUp) -> None:
        raise AssertionError("not its end")

    def finished(self) -> None:
        pass


@on_sqlite
def test_a_busy_database_costs_no_try_and_our_own_bug_does(impatient: Engine) -> None:
    error = busy_error(impatient)
    step = Scripted(impatient, 1, error)
    _work(step, 1)
    (later,) = step.settled
    assert (later.code, later.counted) == ("database_busy", False)
    assert "UPDATE" not in str(later)
    step = Scripted(impatient, 1, ValueError("ours"))
    with pytest.raises(ValueError, match="ours"):
        _work(step, 1)
    assert [(each.code, each.counted) for each in step.settled] == [("unexpected", True)]


@on_sqlite
def test_how_it_ended_is_written_down_however_often_the_database_is_busy(impatient: Engine) -> None:
    error = busy_error(impatient)
    step = Scripted(impatient, 1, TryLater("gpu_busy", counted=False), busy=[error, error, error])
    with capture_logs() as logged:
        _work(step, 1)
    assert [each.code for each in step.settled] == ["gpu_busy"]
    assert len(logged) == 1


@on_sqlite
def test_where_nothing_can_be_claimed_nothing_is_lost_and_one_line_says_so(impatient: Engine, step: PaintStep) -> None:
    creation_id = make_creation(impatient, with_post=False)
    with locked(impatient), capture_logs() as logged:
        _work(step, creation_id)
    row = read_creation(impatient, creation_id)
    assert (row.state, row.attempts, row.claim) == (State.QUEUED, 0, None)
    assert len([line for line in logged if "busy" in line["event"]]) == 1


@on_sqlite
def test_what_was_painted_waits_for_the_database_and_is_not_painted_again(impatient: Engine, step: PaintStep) -> None:
    creation_id = make_creation(impatient, with_post=False)
    with sketch_service() as real, ExitStack() as stack:
        gate = Locking(impatient, GpuClient((real,), token="secret"), stack)
        _work(replace(step, gpu=gate), creation_id)  # type: ignore[arg-type]
    row = read_creation(impatient, creation_id)
    assert (row.state, row.attempts, gate.calls) == (State.PAINTED, 0, 1)
    with reading(impatient) as connection:
        assert len(connection.execute(select(pictures)).all()) == 1


@dataclass
class Locking:
    """A client while whose painting another program begins to write, for a second."""

    engine: Engine
    gpu: GpuClient
    stack: ExitStack
    calls: int = 0

    def paint(self, order: Any) -> Any:
        self.calls += 1
        painting = self.gpu.paint(order)
        threading.Timer(1.0, self.stack.enter_context(locked(self.engine)).set).start()
        return painting

    def publishable(self, painting: Any) -> Any:
        return self.gpu.publishable(painting)


@on_sqlite
def test_after_long_enough_the_sweep_has_to_see_to_it(impatient: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.0)
    error = busy_error(impatient)
    with capture_logs() as logged:
        _work(Scripted(impatient, 1, error, busy=[error] * 9), 1)
    assert "the sweep goes on" in logged[-1]["event"]


@pytest.fixture
def step(
    engine: Engine, x: SandboxX, storage: FolderStorage, line: Line, settings: WorkSettings
) -> Iterator[PaintStep]:
    with serving(ScriptedPainter()) as url:
        yield PaintStep(engine, GpuClient((url,)), x.client(), storage, line, settings, load(MoneySettings), Manners())
