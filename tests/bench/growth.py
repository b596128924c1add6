"""Measure what may grow with the tables: dispatching among many waiting creations, purging one of many, all pages.

    TMPDIR=/dev/shm python tests/bench/growth.py [--waiting 100,100000] [--rows 10000,1000000] [--rounds 3]
        [--goals FILE]

Prints CPU milliseconds and the growth from the first size to the last: at most 1.3 is the goal, 1.5 for dispatching.
Dispatching and purging are the median of rounds in this process; pages are the CPU of the web process
(`growth_pages.py`). It uses SQLite as the product does and an embedded queue server. Filling a million rows takes
minutes and 2.5 GB.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from sqlalchemy import Engine

from core.clock import now
from core.database import open_database, write_session
from core.deletion import soft_delete_creations
from core.logs import configure_logs
from core.migrate import migrate
from core.models import State
from core.queue import PAINT, REPLY, WorkQueue, open_queue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, PurgeSettings, RateLimitSettings, XSettings, load
from core.storage import FolderStorage
from core.x import open_x
from core.x.rate_limit import XRateLimiter
from tests.bench.gallery_rows import Filled, fill
from tests.bench.goals import Goal, save_goals
from tests.bench.growth_pages import measure_pages, serve_gallery
from tests.support.rows import make_creation, make_creations
from tests.support.sandbox_x import KEYS
from tests.support.servers import process, wait_until
from worker.lookup_quota import DailyQuota
from worker.post_recheck import PostRecheck
from worker.purge import Purger

CHUNK = 50_000
# A dispatch takes a millisecond or two, most of it in caches that the filling has emptied.
DISPATCH_ROUNDS, WARM_UP_ROUNDS = 40, 10
MAX_GROWTH, MAX_DISPATCH_GROWTH = 1.3, 1.5
Measurement = Callable[[Engine, WorkQueue, Path], float]


def main() -> None:
    """Print one line per measurement."""
    options = _options()
    configure_logs(level="warning", as_json=False, process="bench")
    with _queue_server() as queue, tempfile.TemporaryDirectory() as folder:
        for name, measure, state in (
            ("dispatch to paint", _dispatch_paint, State.QUEUED),
            ("dispatch to reply", _dispatch_reply, State.PAINTED),
        ):
            figures = _dispatch_among(measure, queue, state, options.waiting)
            _report(name, options.waiting, figures, options, MAX_DISPATCH_GROWTH)
        folders = [Path(folder) / str(size) for size in options.rows]
        filled = [_fill_gallery(each, size) for each, size in zip(folders, options.rows, strict=True)]
        figures = [_purge_among(each, queue, options.rounds) for each in folders]
        _report("purge a creation", options.rows, figures, options)
        _print_pages(folders, filled, options)


def _report(
    name: str,
    sizes: Sequence[int],
    figures: Sequence[float],
    options: argparse.Namespace,
    limit: float = MAX_GROWTH,
) -> None:
    """Print the figures, and save how they grow beside the goal."""
    what = f"{name}: CPU at {sizes[-1]:,} against {sizes[0]:,}"
    goal = Goal(what, figures[-1] / figures[0], limit, beside=f"{figures[0]:.2f} ms")
    save_goals(options.goals, [goal])
    parts = [f"{figure:7.2f} ms at {size:,}" for size, figure in zip(sizes, figures, strict=True)]
    print(f"{name:36} {', '.join(parts)}   growth {figures[-1] / figures[0]:.2f}", flush=True)


def _print_pages(folders: Sequence[Path], filled: Sequence[Filled], options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        galleries = [stack.enter_context(serve_gallery(*each)) for each in zip(folders, filled, strict=True)]
        for kind, figures in measure_pages(galleries, options.rounds):
            _report(kind, options.rows, [figure.first for figure in figures], options)
            _report(f"{kind} (again)", options.rows, [figure.again for figure in figures], options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=_sizes, default=[100, 100_000])
    parser.add_argument("--rows", type=_sizes, default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--goals", type=Path, help="add the figures that have goals to this file")
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _dispatch_among(measure: Measurement, queue: WorkQueue, state: State, sizes: Sequence[int]) -> list[float]:
    """Return the median for each number of waiting creations. They take turns, and the first rounds warm up."""
    with tempfile.TemporaryDirectory() as folder:
        engines = [_fill_waiting(Path(folder) / str(size), state, size) for size in sizes]
        rounds = [[measure(engine, queue, Path(folder)) for engine in engines] for _ in range(DISPATCH_ROUNDS)]
        for engine in engines:
            engine.dispose()
    return [statistics.median(figures[WARM_UP_ROUNDS:]) for figures in zip(*rounds, strict=True)]


def _fill_waiting(folder: Path, state: State, size: int) -> Engine:
    engine = open_database(f"sqlite:///{folder}/threadpaint.db")
    migrate(engine)
    for first in range(0, size, CHUNK):
        make_creations(engine, min(CHUNK, size - first), state=state)
    return engine


def _fill_gallery(folder: Path, size: int) -> Filled:
    engine = open_database(f"sqlite:///{folder}/threadpaint.db")
    migrate(engine)
    filled = fill(engine, size)
    engine.dispose()
    return filled


def _purge_among(folder: Path, queue: WorkQueue, rounds: int) -> float:
    return _median(_purge, open_database(f"sqlite:///{folder}/threadpaint.db"), queue, folder, rounds)


def _median(measure: Measurement, engine: Engine, queue: WorkQueue, folder: Path, rounds: int) -> float:
    figures = [measure(engine, queue, folder) for _ in range(rounds + 1)][1:]
    engine.dispose()
    return statistics.median(figures)


def _dispatch_paint(engine: Engine, queue: WorkQueue, _folder: Path) -> float:
    return _dispatch(engine, queue, PAINT)


def _dispatch_reply(engine: Engine, queue: WorkQueue, _folder: Path) -> float:
    return _dispatch(engine, queue, REPLY)


def _dispatch(engine: Engine, queue: WorkQueue, step: str) -> float:
    queue.connection.flushdb()
    money = load(BudgetSettings, daily_budget_usd=None, monthly_budget_usd=None)
    dispatcher = Dispatcher(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), money)
    started = time.process_time()
    dispatched = dispatcher.dispatch(step)
    spent = time.process_time() - started
    assert dispatched > 0, "nothing was dispatched"
    return spent * 1000


def _purge(engine: Engine, queue: WorkQueue, folder: Path) -> float:
    settings = load(PurgeSettings)
    x = open_x(load(XSettings, x_api_url="http://127.0.0.1:1", **KEYS))
    recheck = PostRecheck(engine, x, DailyQuota(queue, settings, load(BudgetSettings)), settings)
    purger = Purger(engine, x, FolderStorage(folder / "pictures"), recheck, settings)
    creation_id = make_creation(engine, pictures=1, state=State.REPLIED, next_attempt_at=None, published_at=now())
    with write_session(engine) as session:
        soft_delete_creations(session, [creation_id], "deleted")
    started = time.process_time()
    purger._purge_deleted(lambda: True)
    return (time.process_time() - started) * 1000


@contextmanager
def _queue_server() -> Iterator[WorkQueue]:
    with (
        tempfile.TemporaryDirectory() as folder,
        process("-m", "core", "queue-server", environment={"DATA_DIR": folder, "REDIS_URL": ""}),
    ):
        socket = Path(folder) / "queue.sock"
        wait_until(socket.exists, "the queue server did not start")
        yield open_queue(f"unix://{socket}?db=0")


if __name__ == "__main__":
    main()
