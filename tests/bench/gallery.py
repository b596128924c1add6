"""Measure the gallery's speed: pages per second and milliseconds at 8 callers, with 10,000 and 100,000 creations.

    python tests/bench/gallery.py [--rows 10000,100000] [--seconds 2] [--rounds 3] [--callers 8]

The same run measures a bare page beside each page: FastAPI and Jinja render the same bytes from as many values, without
a database (`gallery_bare.py`). All are served as in production, each by its own process; the callers are another
process. Pages alternate every `--seconds`, so that other work on the machine affects all alike; the result is the
median of the rounds. At the end the bench checks two targets: half of the bare page's rate, and p50 within 1.3 times.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import httpx

from core.database import open_database
from core.migrate import migrate
from gallery.views.pagination import Cursor
from tests.bench.gallery_callers import Measured, PageRequest, like_and_unlike, send_requests
from tests.bench.gallery_rows import Filled, fill
from tests.support.servers import free_port, process, wait_until

# The target of the bare page applies to these, not to forms and JSON.
PAGES = ("feed", "next page", "creation", "profile", "likes of a user")
MIN_SHARE = 0.5
MAX_GROWTH = 1.3
ADDRESSES = 4000
SAMPLE_SIZE = 31


@dataclass
class Demo:
    """One served gallery, with the requests to send to it."""

    url: str
    filled: Filled
    requests: dict[str, list[PageRequest]] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """Result of one kind of page, of one gallery or of the bare page."""

    rate: float
    p50: float
    p99: float
    failed: int


def main() -> int:
    options = _options()
    sizes = [int(size) for size in options.rows.split(",")]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        galleries = [stack.enter_context(_serve_site(Path(folder), size)) for size in sizes]
        pages = {kind: _median_page(galleries[-1], requests) for kind, requests in galleries[-1].requests.items()}
        bare = stack.enter_context(_bare(Path(folder) / "bare", pages))
        lines = _measure(galleries, bare, options)
    return _report(sizes, {kind: len(page.encode()) for kind, page in pages.items()}, lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,100000", help="creations of each gallery")
    parser.add_argument("--seconds", type=float, default=2, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callers", type=int, default=8)
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
    with process("-m", "gallery", environment=environment, log=data / "log"):
        demo = Demo(f"http://127.0.0.1:{port}", filled)
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
def _bare(folder: Path, pages: dict[str, str]) -> Iterator[str]:
    """Serve the same bytes from Jinja alone."""
    folder.mkdir()
    for kind, page in pages.items():
        suffix = "json" if page.startswith("{") else "html"
        (folder / f"{_name(kind)}.{suffix}").write_text(page, encoding="utf-8")
    port = free_port()
    script = str(Path(__file__).parent / "gallery_bare.py")
    with process(script, str(port), str(folder), environment={"PATH": ""}, log=folder / "log"):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/feed").status_code == 200, "the bare page is not ready")
        yield url


def _name(kind: str) -> str:
    return kind.replace(" ", "-")


def _measure(galleries: list[Demo], bare: str, options: argparse.Namespace) -> dict[tuple[str, str], Line]:
    """Measure each kind of page of each gallery, and the bare page, in turn."""
    measured: dict[tuple[str, str], list[Measured]] = {}
    for _ in range(options.rounds):
        for kind in galleries[0].requests:
            load = options.callers, options.seconds
            bare_request = [PageRequest(f"/{_name(kind)}")]
            measured.setdefault((kind, "bare"), []).append(asyncio.run(send_requests(bare, bare_request, *load)))
            for demo in galleries:
                at = kind, str(demo.filled.creations)
                measured.setdefault(at, []).append(asyncio.run(send_requests(demo.url, demo.requests[kind], *load)))
        for demo in galleries:
            at = "like or unlike", str(demo.filled.creations)
            likes = like_and_unlike(demo.url, demo.filled, *load)
            measured.setdefault(at, []).append(asyncio.run(likes))
    return {at: _line(rounds) for at, rounds in measured.items()}


def _line(rounds: list[Measured]) -> Line:
    median = statistics.median
    return Line(
        median(one.rate for one in rounds),
        median(one.percentile(50) for one in rounds),
        median(one.percentile(99) for one in rounds),
        sum(one.failed for one in rounds),
    )


def _report(sizes: list[int], bytes_of: dict[str, int], lines: dict[tuple[str, str], Line]) -> int:
    print(f"{'':18}{'kB':>6}  {'creations':>9}{'pages/s':>9}{'p50 ms':>8}{'p99 ms':>8}{'of bare':>9}{'growth':>8}")
    passed = True
    for kind in dict.fromkeys(kind for kind, _ in lines):
        smallest = lines[kind, str(sizes[0])]
        bare = lines.get((kind, "bare"))
        for which in ["bare"] * (bare is not None) + [str(size) for size in sizes]:
            line = lines[kind, which]
            share = line.rate / bare.rate if bare and which != "bare" else None
            growth = line.p50 / smallest.p50 if which not in ("bare", str(sizes[0])) else None
            ratios = f"{f'{share:.2f}' if share else '':>9}{f'{growth:.2f}' if growth else '':>8}"
            weight = f"{bytes_of[kind] / 1000:.1f}" if kind in bytes_of else ""
            print(f"{kind:18}{weight:>6}  {which:>9}{line.rate:9.0f}{line.p50:8.2f}{line.p99:8.1f}{ratios}", end="")
            print(f"  {line.failed} failed" if line.failed else "")
            passed = passed and not line.failed and (growth or 0) <= MAX_GROWTH
            passed = passed and (share is None or kind not in PAGES or share >= MIN_SHARE)
    print("at least half of the bare page's rate, p50 within 1.3 times:", "yes" if passed else "no")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
