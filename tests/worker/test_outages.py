"""Whatever is away, the worker writes one line per process when it begins and one when it is over."""

import json
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from core.database import open_database
from core.outage import DATABASE, outages
from core.queue import open_queue
from core.schema import migrate
from tests.support.children import child_environment
from tests.support.postgres import running_postgres
from tests.support.sandbox_x import KEYS
from tests.support.servers import process, wait_until
from worker import jobs
from worker.settings import read_settings

pytestmark = pytest.mark.processes

WORKERS = 2
PROCESSES = WORKERS + 1  # and the sweeper


def environment(folder: Path, **settings: str) -> dict[str, str]:
    keys = {name.upper(): value for name, value in KEYS.items()}
    common = {"DATA_DIR": str(folder), "WORKERS": str(WORKERS), "X_API_URL": "http://127.0.0.1:1", "LOG_JSON": "true"}
    return child_environment(**common, **keys, **settings)


def lines(log: Path) -> list[dict[str, object]]:
    """The log's lines; each is JSON, tracebacks included."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def events(log: Path, event: str) -> list[dict[str, object]]:
    return [line for line in lines(log) if line["event"] == event]


def children(running: subprocess.Popen[bytes]) -> int:
    return sum(child.status() != psutil.STATUS_ZOMBIE for child in psutil.Process(running.pid).children())


def test_a_queue_that_is_away_at_the_start_is_one_line_and_one_per_process_at_its_end(tmp_path: Path) -> None:
    migrate(open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}"))
    given = environment(tmp_path)
    log = tmp_path / "log"
    with ExitStack() as running:
        worker = running.enter_context(process("-m", "worker", environment=given, log=log))
        # The parent looks at the clock before it forks, so its children know of the outage already.
        wait_until(lambda: children(worker) == PROCESSES, "the processes did not start")
        time.sleep(4)  # RQ would have written hundreds of lines by now
        assert [line["event"] for line in lines(log)] == ["outage: the queue"]
        running.enter_context(process("-m", "core", "queue-server", environment=given, log=tmp_path / "queue.log"))
        queue = open_queue(f"unix://{tmp_path / 'queue.sock'}?db=0")
        wait_until((tmp_path / "queue.sock").exists, "no queue")
        wait_until(lambda: queue.count_workers() == WORKERS, "they do not work again")
        wait_until(lambda: len(events(log, "outage over: the queue")) == PROCESSES, "the end is not reported")
        assert children(worker) == PROCESSES
        assert len(lines(log)) == 1 + PROCESSES, log.read_text()


def test_a_queue_that_goes_away_under_workers_is_one_line_per_process_and_a_stop_is_heard(tmp_path: Path) -> None:
    migrate(open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}"))
    given = environment(tmp_path)
    log = tmp_path / "log"
    with ExitStack() as running:
        with process("-m", "core", "queue-server", environment=given, log=tmp_path / "queue.log"):
            wait_until((tmp_path / "queue.sock").exists, "no queue")
            worker = running.enter_context(process("-m", "worker", environment=given, log=log))
            queue = open_queue(f"unix://{tmp_path / 'queue.sock'}?db=0")
            wait_until(lambda: queue.count_workers() == WORKERS, "they do not work")
        wait_until(lambda: len(events(log, "outage: the queue")) == PROCESSES, "not reported")
        time.sleep(4)
        assert len(lines(log)) == PROCESSES, log.read_text()
        worker.terminate()
        assert worker.wait(8) == 0


def test_a_database_that_is_away_is_one_line_of_the_sweep(tmp_path: Path, queue_server: str) -> None:
    log = tmp_path / "log"
    with ExitStack() as running:
        with running_postgres() as url:
            migrate(open_database(url))
            given = environment(tmp_path, DATABASE_URL=url, REDIS_URL=queue_server, SWEEP_SECONDS="0.2")
            worker = running.enter_context(process("-m", "worker", environment=given, log=log))
            wait_until(lambda: children(worker) == PROCESSES, "the pool did not start")
            time.sleep(1)
        wait_until(lambda: log.exists() and events(log, "outage: the database"), "not reported")
        time.sleep(4)  # some twenty sweeps
        assert len(lines(log)) == 1, log.read_text()


def test_a_job_whose_database_is_away_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(Path("nowhere"), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").items():
        monkeypatch.setenv(name, value)
    read_settings.cache_clear()
    try:
        for job in (jobs.paint, jobs.reply):
            job(17)  # it raises nothing, so RQ writes no traceback
        assert outages.ongoing(DATABASE)
    finally:
        read_settings.cache_clear()
        outages.over(DATABASE)
