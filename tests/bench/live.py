"""Measure live updates: what open feeds and waiting pages cost, and whether other pages get slower.

    python tests/bench/live.py [--listeners 1000] [--watching 300] [--waiting 100000] [--seconds 10] [--rounds 2]
        [--goals FILE]

Serves a gallery as the product does. `--listeners` streams of the feed and `--watching` streams of different waiting
creations are open in one process, while this process requests 50 pages a second. Pages alone and pages beside the
streams alternate, both with all creations waiting. Every second the first of the queue is published, so that all feeds
get a picture and watched creations move up. Prints the page times of both, their ratio and difference, the delay of new
pictures, and the CPU time of the server. The tables have no statistics (ANALYZE), as in the product.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import httpx
import psutil
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import open_database, read_connection, write_session
from core.migrate import migrate
from core.models import State, creations
from core.queue import open_queue
from gallery.views.pagination import Cursor
from tests.bench.gallery_callers import Measured, PageRequest, send_on_schedule
from tests.bench.gallery_rows import fill
from tests.bench.goals import Goal, save_goals
from tests.bench.live_listeners import Counts, Listeners, open_listeners
from tests.support.rows import make_creations
from tests.support.servers import free_port, process, wait_until

PUBLISHED = 500
PUBLISH_INTERVAL_SECONDS = 1.0
# Pages a second.
RATE = 50
# The first pages of a process take longer.
WARM_UP_SECONDS = 3
CHUNK = 20_000
# The goal for the difference of p99, in milliseconds.
MAX_DIFFERENCE = 50.0


@dataclass
class Site:
    """One served gallery."""

    url: str
    port: int
    engine: Engine
    server: psutil.Process
    waiting_ids: list[int]

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server has used so far."""
        times = self.server.cpu_times()
        return float(times.user + times.system)


@dataclass
class Result:
    """All rounds: page times, and what the streams received and cost."""

    alone: list[Measured] = field(default_factory=list)
    beside: list[Measured] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    quiet_share: float = 0.0
    publishing_share: float = 0.0
    microseconds: float = 0.0
    megabytes: float = 0.0


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, _serve_site(Path(folder), options.waiting) as site:
        result = Result()
        _request_pages(site, WARM_UP_SECONDS)
        for _ in range(options.rounds):
            with _publishing(site):
                result.alone.append(_request_pages(site, options.seconds))
            with open_listeners(site.port, _queries(site, options)) as listeners:
                _measure_cpu(site, listeners, options, result)
                with _publishing(site):
                    result.beside.append(_request_pages(site, options.seconds))
                result.counts.append(listeners.take_counts())
    return _report(options, result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=1_000, help="open feeds")
    parser.add_argument("--watching", type=int, default=300, help="open pages of waiting creations")
    parser.add_argument("--waiting", type=int, default=100_000, help="creations in the queue")
    parser.add_argument("--seconds", type=int, default=10, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--goals", type=Path, help="add the figure that has a goal to this file")
    return parser.parse_args()


@contextmanager
def _serve_site(folder: Path, waiting: int) -> Iterator[Site]:
    """Fill a database, and serve it with its queue."""
    engine = open_database(f"sqlite:///{folder / 'threadpaint.db'}")
    waiting_ids = _fill(engine, waiting)
    port = free_port()
    environment = {"DATA_DIR": str(folder), "GALLERY_PORT": str(port), "LOG_LEVEL": "WARNING", "REDIS_URL": ""}
    with (
        process("-m", "core", "queue-server", environment=environment),
        process("-m", "gallery", environment=environment, log=folder / "log") as server,
    ):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/favicon.ico").status_code, f"see {folder}/log", within=60)
        # Otherwise there are no estimates: no worker is running.
        open_queue(f"unix://{folder / 'queue.sock'}?db=0").connection.sadd("rq:workers", "rq:worker:one")
        yield Site(url, port, engine, psutil.Process(server.pid), waiting_ids)


def _fill(engine: Engine, waiting: int) -> list[int]:
    migrate(engine)
    fill(engine, PUBLISHED)
    for first in range(0, waiting, CHUNK):
        make_creations(engine, min(CHUNK, waiting - first), with_pictures=True)
    with write_session(engine) as session:
        session.connection().exec_driver_sql("DELETE FROM sqlite_stat1")
    engine.dispose()
    stmt = select(creations.c.id).where(creations.c.state == State.QUEUED.value)
    with read_connection(engine) as connection:
        return list(connection.execute(stmt.order_by(creations.c.queue_rank, creations.c.id)).scalars())


def _queries(site: Site, options: argparse.Namespace) -> list[str]:
    """Return the queries of the streams. Half of the watched creations are near the head of the queue."""
    near, far = options.watching // 2, options.watching - options.watching // 2
    # The first ones are published during the measurement.
    queue = site.waiting_ids[min(100, options.waiting // 10) :]
    watched = [*queue[:near], *queue[near :: max(1, (len(queue) - near) // max(1, far))][:far]]
    return [f"?since={Cursor(now(), 1)}"] * options.listeners + [f"?creation={one}" for one in watched]


@contextmanager
def _publishing(site: Site) -> Iterator[list[int]]:
    """Publish the first creation of the queue every second. Yields the ids that were published."""
    stopped, published = threading.Event(), list[int]()

    def publish() -> None:
        while not stopped.wait(PUBLISH_INTERVAL_SECONDS):
            published.append(site.waiting_ids.pop(0))
            done = {"state": State.PAINTED.value, "painted_at": now(), "published_at": now(), "next_attempt_at": None}
            with write_session(site.engine) as session:
                session.execute(update(creations).where(creations.c.id == published[-1]).values(**done))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield published
    finally:
        stopped.set()
        thread.join()


def _request_pages(site: Site, seconds: int) -> Measured:
    pages = ["/", "/", "/top?period=all", *(f"/c/{number}" for number in range(1, 40))]
    return asyncio.run(send_on_schedule(site.url, [PageRequest(path) for path in pages], RATE, seconds))


def _measure_cpu(site: Site, listeners: Listeners, options: argparse.Namespace, result: Result) -> None:
    """Measure the server without other requests: with nothing new, then with a picture every second."""
    result.quiet_share = _cpu_share(site, options.seconds)
    listeners.take_counts()
    with _publishing(site) as published:
        result.publishing_share = _cpu_share(site, options.seconds)
    time.sleep(2)
    spent = (result.publishing_share - result.quiet_share) * options.seconds
    received = listeners.take_counts().published
    result.microseconds = 1e6 * spent / max(1, received)
    result.megabytes = site.server.memory_info().rss / 2**20
    missing = len(published) * options.listeners - received
    if missing:
        print(f"{missing} pictures did not arrive")


def _cpu_share(site: Site, seconds: float) -> float:
    """Return the share of a core that the server uses."""
    before = site.cpu_seconds()
    time.sleep(seconds)
    return (site.cpu_seconds() - before) / seconds


def _report(options: argparse.Namespace, result: Result) -> int:
    alone, beside = _merge(result.alone), _merge(result.beside)
    streams = f"{options.listeners:,} feeds, {options.watching:,} waiting pages"
    print(f"{options.waiting:,} waiting{'':16}{'pages':>7}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}")
    for name, measured in (("alone", alone), (streams, beside)):
        worst = 1000 * max(measured.took)
        print(f"{name:30} {len(measured.took):>6}", end="")
        print(f"{measured.percentile(50):8.1f}{measured.percentile(99):8.1f}{worst:8.1f}  {measured.failed} failed")
    ratios = [beside.percentile(percent) / alone.percentile(percent) for percent in (50, 99)]
    difference = beside.percentile(99) - alone.percentile(99)
    print(f"beside / alone   p50 {ratios[0]:.2f}   p99 {ratios[1]:.2f}   p99 difference {difference:.1f} ms")
    late = [second for counts in result.counts for second in counts.late]
    open_streams = min(counts.open_streams for counts in result.counts)
    print(
        f"streams          {open_streams:,} open, new picture after {Counts(0, 0, 0, late).describe_delay()}, ", end=""
    )
    print(f"{sum(counts.progress for counts in result.counts):,} progress events")
    print(f"server           nothing new: {100 * result.quiet_share:.1f} % of a core, ", end="")
    print(f"a picture a second: {100 * result.publishing_share:.1f} %, ", end="")
    print(f"{result.microseconds:.0f} us for each feed and picture, {result.megabytes:.0f} MB")
    what = f"page p99 beside {streams}, {options.waiting:,} waiting: more than alone"
    goal = Goal(what, difference, MAX_DIFFERENCE, " ms", beside=f"alone {alone.percentile(99):.0f} ms")
    save_goals(options.goals, [goal])
    passed = goal.is_met and not beside.failed and open_streams == options.listeners + options.watching
    print(f"p99 at most {MAX_DIFFERENCE:.0f} ms more:", "yes" if passed else "no")
    return 0 if passed else 1


def _merge(rounds: list[Measured]) -> Measured:
    return Measured([second for one in rounds for second in one.took], sum(one.failed for one in rounds), 1.0)


if __name__ == "__main__":
    sys.exit(main())
