"""The gallery's speed: pages a second and milliseconds at 8 callers, with 10,000 and 100,000 creations in SQLite.

    python tests/bench/gallery.py [--rows 10000,100000] [--seconds 2] [--rounds 3] [--callers 8]

Beside each page the same run asks a bare one: the same bytes put together by FastAPI and Jinja from as many values,
with nothing to look up (`gallery_bare.py`). All are served as the product is, each by one process of its own; the
callers are another process. What is asked alternates every `--seconds`, so that whatever else the machine does hits
all alike; told is the median of the rounds. Says at the end whether what we promise holds: half of the bare page's
rate, p50 within 1.3 times.
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
from core.schema import migrate
from gallery.keyset import After
from tests.bench.gallery_callers import Asked, Measured, ask_for, like_and_unlike
from tests.bench.gallery_rows import Filled, fill
from tests.support.servers import free_port, process, wait_until

# What is told of the bare page counts for these; forms and JSON are another matter.
PAGES = ("wall", "next page", "creation", "person", "likes of a person")
HALF = 0.5
GROWTH = 1.3
ADDRESSES = 4000
LOOKED_AT = 31


@dataclass
class House:
    """One served gallery, with what is asked of it."""

    url: str
    filled: Filled
    asked: dict[str, list[Asked]] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """What one kind of page gave: of one house, or of the bare page."""

    rate: float
    p50: float
    p99: float
    failed: int


def main() -> int:
    options = _options()
    sizes = [int(size) for size in options.rows.split(",")]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        houses = [stack.enter_context(_house(Path(folder), size)) for size in sizes]
        pages = {kind: _ordinary(houses[-1], asked) for kind, asked in houses[-1].asked.items()}
        bare = stack.enter_context(_bare(Path(folder) / "bare", pages))
        lines = _measure(houses, bare, options)
    return _tell(sizes, {kind: len(page.encode()) for kind, page in pages.items()}, lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,100000", help="creations of each gallery")
    parser.add_argument("--seconds", type=float, default=2, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callers", type=int, default=8)
    return parser.parse_args()


@contextmanager
def _house(folder: Path, size: int) -> Iterator[House]:
    """Fill a database and serve it as the product does."""
    data = folder / str(size)
    engine = open_database(f"sqlite:///{data / 'threadpaint.db'}")
    migrate(engine)
    filled = fill(engine, size)
    engine.dispose()
    port = free_port()
    environment = {"PATH": "", "DATA_DIR": str(data), "GALLERY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    with process("-m", "gallery", environment=environment, log=data / "log"):
        house = House(f"http://127.0.0.1:{port}", filled)
        wait_until(lambda: httpx.get(f"{house.url}/favicon.ico").status_code, f"see {data}/log", within=60)
        house.asked = _questions(filled)
        yield house


def _questions(filled: Filled) -> dict[str, list[Asked]]:
    """The addresses that are asked for, by kind: spread over all that hangs, the known ones more often."""
    chance = random.Random(1)
    ids = [chance.randrange(1, filled.creations + 1) for _ in range(ADDRESSES)]
    after = [After(filled.moment(number), number) for number in ids]
    ranks = [int(filled.people * chance.random() ** 3) for _ in range(ADDRESSES)]
    member = {"Cookie": f"login={filled.logins[0]}"}
    return {
        "wall": [Asked("/")],
        "wall of a member": [Asked("/", member)],
        "next page": [Asked(f"/?cursor={cursor}") for cursor in after],
        "creation": [Asked(f"/c/{number}") for number in ids],
        "person": [Asked(f"/@{filled.handle(rank)}") for rank in ranks],
        "likes of a person": [Asked(f"/@{filled.handle(rank)}/likes") for rank in ranks],
        "api": [Asked(f"/api/creations?cursor={cursor}") for cursor in after],
    }


def _ordinary(house: House, asked: list[Asked]) -> str:
    """A page of this kind, of middling length: of many, since near the end of a wall pages have few cards."""
    pages = [httpx.get(house.url + one.path, headers=one.headers) for one in asked[:LOOKED_AT]]
    assert all(page.status_code == 200 for page in pages), [page.status_code for page in pages]
    return sorted((page.text for page in pages), key=len)[len(pages) // 2]


@contextmanager
def _bare(folder: Path, pages: dict[str, str]) -> Iterator[str]:
    """The same bytes from Jinja alone."""
    folder.mkdir()
    for kind, page in pages.items():
        (folder / f"{_name(kind)}.html").write_text(page, encoding="utf-8")
    port = free_port()
    script = str(Path(__file__).parent / "gallery_bare.py")
    with process(script, str(port), str(folder), environment={"PATH": ""}, log=folder / "log"):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/wall").status_code == 200, "the bare page does not come")
        yield url


def _name(kind: str) -> str:
    return kind.replace(" ", "-")


def _measure(houses: list[House], bare: str, options: argparse.Namespace) -> dict[tuple[str, str], Line]:
    """Every kind of page, of every house and bare, in turns."""
    found: dict[tuple[str, str], list[Measured]] = {}
    for _ in range(options.rounds):
        for kind in houses[0].asked:
            pace = options.callers, options.seconds
            of_bare = [Asked(f"/{_name(kind)}")]
            found.setdefault((kind, "bare"), []).append(asyncio.run(ask_for(bare, of_bare, *pace)))
            for house in houses:
                at = kind, str(house.filled.creations)
                found.setdefault(at, []).append(asyncio.run(ask_for(house.url, house.asked[kind], *pace)))
        for house in houses:
            at = "like or unlike", str(house.filled.creations)
            liking = like_and_unlike(house.url, house.filled, *pace)
            found.setdefault(at, []).append(asyncio.run(liking))
    return {at: _line(rounds) for at, rounds in found.items()}


def _line(rounds: list[Measured]) -> Line:
    middle = statistics.median
    return Line(
        middle(one.rate for one in rounds),
        middle(one.percentile(50) for one in rounds),
        middle(one.percentile(99) for one in rounds),
        sum(one.failed for one in rounds),
    )


def _tell(sizes: list[int], bytes_of: dict[str, int], lines: dict[tuple[str, str], Line]) -> int:
    print(f"{'':18}{'kB':>6}  {'creations':>9}{'pages/s':>9}{'p50 ms':>8}{'p99 ms':>8}{'of bare':>9}{'growth':>8}")
    kept = True
    for kind in dict.fromkeys(kind for kind, _ in lines):
        smallest = lines[kind, str(sizes[0])]
        bare = lines.get((kind, "bare"))
        for which in ["bare"] * (bare is not None) + [str(size) for size in sizes]:
            line = lines[kind, which]
            share = line.rate / bare.rate if bare and which != "bare" else None
            growth = line.p50 / smallest.p50 if which not in ("bare", str(sizes[0])) else None
            told = f"{f'{share:.2f}' if share else '':>9}{f'{growth:.2f}' if growth else '':>8}"
            weight = f"{bytes_of[kind] / 1000:.1f}" if kind in bytes_of else ""
            print(f"{kind:18}{weight:>6}  {which:>9}{line.rate:9.0f}{line.p50:8.2f}{line.p99:8.1f}{told}", end="")
            print(f"  {line.failed} failed" if line.failed else "")
            kept = kept and not line.failed and (growth or 0) <= GROWTH
            kept = kept and (share is None or kind not in PAGES or share >= HALF)
    print("at least half of the bare page's rate, p50 within 1.3 times:", "yes" if kept else "no")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
