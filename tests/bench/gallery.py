"""Measure the gallery's speed: pages per second and milliseconds at 8 callers, with 10,000 and 100,000 creations.

    python tests/bench/gallery.py [--rows 10000,100000] [--seconds 2] [--rounds 3] [--callers 8] [--goals FILE]

The same run measures a bare page beside each page: FastAPI and Jinja render the same bytes from as many values, without
a database (`gallery_bare.py`); beside the API, ready dicts through the framework's JSON response. All are served as in
production, each by its own process; the callers are another process. Pages alternate every `--seconds`, so that other
work on the machine affects all alike; the result is the median of the rounds. At the end the bench checks its goals:
the share of the bare page's rate, and p50 within 1.3 times from the smallest number of rows to the largest.
"""

import argparse
import asyncio
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import httpx
import psutil

from core.database import open_database
from core.migrate import migrate
from gallery.views.pagination import Cursor
from tests.bench.gallery_callers import Measured, PageRequest, like_and_unlike, send_requests
from tests.bench.gallery_rows import Filled, fill
from tests.bench.goals import Goal, render_table, save_goals
from tests.support.servers import free_port, process, wait_until

# The least share of the bare page. The goal compares CPU: on a quiet machine the rates have the same ratio, because one
# process serves the pages, and on a busy one they do not.
MIN_SHARES = {
    "feed": 0.7,
    "feed of a member": 0.35,
    "next page": 0.35,
    "creation": 0.35,
    "profile": 0.35,
    "likes of a user": 0.35,
}
MAX_GROWTH = 1.3
MAX_API_CPU_MS = 2.0
CLOCK_STEP_SECONDS = 0.01
ADDRESSES = 4000
SAMPLE_SIZE = 31


@dataclass
class Demo:
    """One server, of a gallery or of bare pages, with the requests to send to it."""

    url: str
    pid: int
    filled: Filled
    requests: dict[str, list[PageRequest]] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """Result of one kind of page, of one gallery or of the bare page. `cpu`: milliseconds of the server per page."""

    rate: float
    p50: float
    p99: float
    cpu: float
    failed: int


def main() -> int:
    options = _options()
    sizes = [int(size) for size in options.rows.split(",")]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        galleries = [stack.enter_context(_serve_site(Path(folder), size)) for size in sizes]
        pages = {kind: _median_page(galleries[-1], requests) for kind, requests in galleries[-1].requests.items()}
        bare = stack.enter_context(_bare(Path(folder) / "bare", pages, galleries[-1].filled))
        lines = _measure(galleries, bare, options)
    _print(sizes, {kind: len(page.encode()) for kind, page in pages.items()}, lines)
    goals = [*_goals(sizes, lines)]
    save_goals(options.goals, goals)
    print(render_table(goals))
    failed = sum(line.failed for line in lines.values())
    return 0 if not failed and all(goal.is_met for goal in goals) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,100000", help="creations of each gallery")
    parser.add_argument("--seconds", type=float, default=2, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--goals", type=Path, help="add the figures that have goals to this file")
    return parser.parse_args()


@contextmanager
def _serve_site(folder: Path, size: int) -> Iterator[Demo]:
    """Fill a database and serve it as the product does."""
    data = folder / str(size)
    engine = open_database(f"sqlite:///{data / 'threadpaint.db'}")
    migrate(engine)
    filled = fill(engine, size)
    engine.dispose()
    port = free_port()
    environment = {"PATH": "", "DATA_DIR": str(data), "GALLERY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    with process("-m", "gallery", environment=environment, log=data / "log") as server:
        demo = Demo(f"http://127.0.0.1:{port}", server.pid, filled)
        wait_until(lambda: httpx.get(f"{demo.url}/favicon.ico").status_code, f"see {data}/log", within=60)
        demo.requests = _requests(filled)
        yield demo


def _requests(filled: Filled) -> dict[str, list[PageRequest]]:
    """Return requests by kind of page, spread over all creations and users, popular users more often."""
    chance = random.Random(1)
    ids = [chance.randrange(1, filled.creations + 1) for _ in range(ADDRESSES)]
    after = [Cursor(filled.moment(number), number) for number in ids]
    ranks = [int(filled.people * chance.random() ** 3) for _ in range(ADDRESSES)]
    member = {"Cookie": f"login={filled.logins[0]}"}
    return {
        "feed": [PageRequest("/")],
        "feed of a member": [PageRequest("/", member)],
        "next page": [PageRequest(f"/?cursor={cursor}") for cursor in after],
        "creation": [PageRequest(f"/c/{number}") for number in ids],
        "profile": [PageRequest(f"/@{filled.handle(rank)}") for rank in ranks],
        "likes of a user": [PageRequest(f"/@{filled.handle(rank)}/likes") for rank in ranks],
        "api": [PageRequest(f"/api/creations?cursor={cursor}") for cursor in after],
    }


def _median_page(demo: Demo, requests: list[PageRequest]) -> str:
    """Return a page of median length of this kind: the last pages of a feed have few cards."""
    with httpx.Client(base_url=demo.url) as http:
        pages = [http.get(one.path, headers=one.headers) for one in requests[:SAMPLE_SIZE]]
    assert all(page.status_code == 200 for page in pages), [page.status_code for page in pages]
    return sorted((page.text for page in pages), key=len)[len(pages) // 2]


@contextmanager
def _bare(folder: Path, pages: dict[str, str], filled: Filled) -> Iterator[Demo]:
    """Serve the same bytes from Jinja alone."""
    folder.mkdir()
    for kind, page in pages.items():
        suffix = "json" if page.startswith("{") else "html"
        (folder / f"{_name(kind)}.{suffix}").write_text(page, encoding="utf-8")
    port = free_port()
    script = str(Path(__file__).parent / "gallery_bare.py")
    with process(script, str(port), str(folder), environment={"PATH": ""}, log=folder / "log") as server:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/feed").status_code == 200, "the bare page is not ready")
        yield Demo(url, server.pid, filled, {kind: [PageRequest(f"/{_name(kind)}")] for kind in pages})


def _name(kind: str) -> str:
    return kind.replace(" ", "-")


def _measure(galleries: list[Demo], bare: Demo, options: argparse.Namespace) -> dict[tuple[str, str], Line]:
    """Measure each kind of page of each gallery, and the bare page, in turn."""
    measured: dict[tuple[str, str], list[tuple[Measured, float]]] = {}
    servers = {"bare": bare} | {str(demo.filled.creations): demo for demo in galleries}
    load = options.callers, options.seconds
    for _ in range(options.rounds):
        for kind in bare.requests:
            for name, server in servers.items():
                calls = send_requests(server.url, server.requests[kind], *load)
                measured.setdefault((kind, name), []).append(_with_cpu(server, calls))
        for demo in galleries:
            likes = like_and_unlike(demo.url, demo.filled, *load)
            at = "like or unlike", str(demo.filled.creations)
            measured.setdefault(at, []).append(_with_cpu(demo, likes))
    return {at: _line(rounds) for at, rounds in measured.items()}


def _with_cpu(server: Demo, calls: Coroutine[None, None, Measured]) -> tuple[Measured, float]:
    """Make the calls. Return what they measured, and the milliseconds of CPU of the server for one."""
    process = psutil.Process(server.pid)
    before = sum(process.cpu_times()[:2])
    measured = asyncio.run(calls)
    # The kernel counts in steps of 10 ms: in a short measurement it may count none.
    seconds = max(CLOCK_STEP_SECONDS, sum(process.cpu_times()[:2]) - before)
    return measured, 1000 * seconds / max(1, len(measured.took))


def _line(rounds: list[tuple[Measured, float]]) -> Line:
    median = statistics.median
    return Line(
        median(one.rate for one, _ in rounds),
        median(one.percentile(50) for one, _ in rounds),
        median(one.percentile(99) for one, _ in rounds),
        median(cpu for _, cpu in rounds),
        sum(one.failed for one, _ in rounds),
    )


def _print(sizes: list[int], bytes_of: dict[str, int], lines: dict[tuple[str, str], Line]) -> None:
    header = ("kB", "creations", "pages/s", "p50 ms", "p99 ms", "CPU ms", "rate/bare", "bare CPU", "growth")
    print(f"{'':18}" + "".join(f"{title:>10}" for title in header))
    for (kind, which), line in lines.items():
        bare, smallest = lines.get((kind, "bare"), line), lines[kind, str(sizes[0])]
        weight = f"{bytes_of[kind] / 1000:.1f}" if kind in bytes_of else ""
        figures = f"{line.rate:10.0f}{line.p50:10.2f}{line.p99:10.1f}{line.cpu:10.2f}"
        pairs = (line.rate, bare.rate), (bare.cpu, line.cpu), (line.p50, smallest.p50)
        ratios = "".join(f"{_ratio(*pair):10.2f}" for pair in pairs)
        print(f"{kind:18}{weight:>10}{which:>10}{figures}{ratios}" + (f"  {line.failed} failed" if line.failed else ""))


def _ratio(one: float, other: float) -> float:
    """Return one / other; NaN if a measurement was too short for a single response."""
    return one / other if other else math.nan


def _goals(sizes: list[int], lines: dict[tuple[str, str], Line]) -> Iterator[Goal]:
    """Yield the figures that have goals: of the smallest gallery, and how they grow to the largest."""
    smallest, largest = str(sizes[0]), str(sizes[-1])
    for kind, share in MIN_SHARES.items():
        bare, line = lines[kind, "bare"], lines[kind, smallest]
        beside = f"rates {_ratio(line.rate, bare.rate):.2f}; bare page {bare.cpu:.2f} ms"
        yield Goal(f"{kind}: CPU of a bare page as a share", bare.cpu / line.cpu, share, is_minimum=True, beside=beside)
    api, bare_api = lines["api", smallest], lines["api", "bare"]
    yield Goal("API, 30 creations: CPU", api.cpu, MAX_API_CPU_MS, " ms", beside=f"bare JSON {bare_api.cpu:.2f} ms")
    for kind in dict.fromkeys(kind for kind, _ in lines) if len(sizes) > 1 else ():
        growth = _ratio(lines[kind, largest].p50, lines[kind, smallest].p50)
        yield Goal(f"{kind}: p50 at {sizes[-1]:,} creations against {sizes[0]:,}", growth, MAX_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
