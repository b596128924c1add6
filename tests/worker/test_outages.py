"""During an outage, each worker process logs one line at its start and one at its end."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from core.database import open_database
from core.migrate import migrate
from core.outage import DATABASE, outages
from core.queue import WorkQueue, open_queue
from tests.support.child_processes import child_environment
from tests.support.forked_process import ForkedProcess, forked_process
from tests.support.postgres import running_postgres
from tests.support.sandbox_x import KEYS
from tests.support.servers import wait_until
from worker import jobs
from worker.settings import read_settings

pytestmark = pytest.mark.processes

QUICK_WORKER = "tests.support.quick_worker"
WORKERS = 2
PROCESSES = WORKERS + 1  # and the recovery process


def environment(folder: Path, **settings: str) -> dict[str, str]:
    keys = {name.upper(): value for name, value in KEYS.items()}
    common = {
        "DATA_DIR": str(folder),
        "WORKER_CONCURRENCY": str(WORKERS),
        "X_API_URL": "http://127.0.0.1:1",
        "LOG_JSON": "true",
    }
    return child_environment(**common, **keys, **settings)


def lines(log: Path) -> list[dict[str, object]]:
    """Return the log's lines. Each is JSON, tracebacks included."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def events(log: Path, event: str) -> list[dict[str, object]]:
    return [line for line in lines(log) if line["event"] == event]


def children(running: ForkedProcess) -> int:
    return sum(child.status() != psutil.STATUS_ZOMBIE for child in psutil.Process(running.pid).children())


@pytest.mark.usefixtures("migrated_engine")
def test_a_queue_away_at_the_start_is_logged_once_and_its_end_per_process(tmp_path: Path) -> None:
    given = environment(tmp_path)
    log = tmp_path / "log"
    with ExitStack() as running:
        worker = running.enter_context(forked_process(QUICK_WORKER, environment=given, log=log))
        # The parent checks the clock before it forks, so its children know of the outage.
        wait_until(lambda: children(worker) == PROCESSES, "the processes did not start")
        time.sleep(1)  # RQ would have written hundreds of lines by now
        assert [line["event"] for line in lines(log)] == ["outage: the queue"]
        running.enter_context(forked_process("core", "queue-server", environment=given, log=tmp_path / "queue.log"))
        queue = open_queue(f"unix://{tmp_path / 'queue.sock'}?db=0")
        wait_until((tmp_path / "queue.sock").exists, "no queue")
        wait_until(lambda: queue.count_workers() == WORKERS, "they do not work again")
        wait_until(lambda: len(events(log, "outage over: the queue")) == PROCESSES, "the end is not reported")
        assert children(worker) == PROCESSES
        assert len(lines(log)) == 1 + PROCESSES, log.read_text()


@pytest.mark.usefixtures("migrated_engine")
def test_a_queue_that_goes_away_is_logged_once_per_process_and_a_stop_works(tmp_path: Path) -> None:
    given = environment(tmp_path)
    log = tmp_path / "log"
    with ExitStack() as running:
        with forked_process("core", "queue-server", environment=given, log=tmp_path / "queue.log"):
            wait_until((tmp_path / "queue.sock").exists, "no queue")
            worker = running.enter_context(forked_process(QUICK_WORKER, environment=given, log=log))
            queue = open_queue(f"unix://{tmp_path / 'queue.sock'}?db=0")
            wait_until(lambda: queue.count_workers() == WORKERS, "they do not work")
        wait_until(lambda: len(events(log, "outage: the queue")) == PROCESSES, "not reported")
        time.sleep(2)  # RQ waits for one second, then each process retries ten times
        assert len(lines(log)) == PROCESSES, log.read_text()
        worker.terminate()
        assert worker.wait(8) == 0


def test_a_database_that_is_away_is_logged_once(tmp_path: Path, queue: WorkQueue, queue_server: str) -> None:
    log = tmp_path / "log"
    with ExitStack() as running:
        with running_postgres() as url:
            migrate(open_database(url))
            given = environment(tmp_path, DATABASE_URL=url, REDIS_URL=queue_server, RECOVERY_INTERVAL_SECONDS="0.2")
            worker = running.enter_context(forked_process(QUICK_WORKER, environment=given, log=log))
            wait_until(lambda: children(worker) == PROCESSES, "the pool did not start")
            wait_until(lambda: queue.count_workers() == WORKERS, "they do not work")
        wait_until(lambda: log.exists() and events(log, "outage: the database"), "not reported")
        time.sleep(2)  # some ten runs of the recovery loop
        assert len(lines(log)) == 1, log.read_text()


def test_a_job_whose_database_is_away_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(Path("nowhere"), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").items():
        monkeypatch.setenv(name, value)
    read_settings.cache_clear()
    try:
        for job in (jobs.paint, jobs.reply):
            job(17)  # raises nothing, so RQ logs no traceback
        assert outages.is_ongoing(DATABASE)
    finally:
        read_settings.cache_clear()
        outages.end(DATABASE)
