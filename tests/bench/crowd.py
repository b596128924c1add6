"""The busiest day as visitors feel it: N mentions at once, while L people have the wall open and others walk about.

    python tests/bench/crowd.py [--mentions 500] [--listeners 50] [--walkers 4] [--window 10]

Starts a demo of its own. First the walkers have the quiet house for themselves, which is the floor; then all mentions
are posted. Says how many were answered, what each open wall was told and how late, and how long pages took, as a ratio
to the quiet house. X's limits on writing are on, in windows of `--window` seconds.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import httpx

from gallery.keyset import EPOCH, read_cursor
from tests.bench.prompts import read_prompts
from tests.support.house import OPEN_HANDED, House, running_house

PEOPLE = 60
POSTERS = 8
QUIET_SECONDS = 10
PATIENCE = 900
# Somebody looks at a page before they go on.
REST = 0.05


@dataclass
class Listener:
    """One open wall: which pictures it was told of, and how many seconds after they were hung."""

    told: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    async def listen(self, http: httpx.AsyncClient, url: str) -> None:
        """Until cancelled; a broken line is taken up again, as browsers do."""
        last = ""
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            with suppress(httpx.HTTPError):
                async with http.stream("GET", f"{url}/live", headers=headers, timeout=None) as stream:
                    async for line in stream.aiter_lines():
                        last = self._hear(line, last)
            await asyncio.sleep(1)

    def _hear(self, line: str, last: str) -> str:
        if line.startswith("id: "):
            hung = read_cursor(line[4:])
            if hung is not None:
                self.late.append(time.time() - (hung.shown_at - EPOCH).total_seconds())
            return line[4:]
        if line.startswith("data: ") and "id" in (facts := json.loads(line[6:])):
            self.told.append(facts["id"])
        return last


@dataclass
class Walk:
    """What walkers met: seconds of each page, and what was no page."""

    took: list[float] = field(default_factory=list)
    failed: list[int | str] = field(default_factory=list)

    async def go(self, http: httpx.AsyncClient, url: str) -> None:
        """The wall, its next page, a creation, over and over, until cancelled."""
        chance = random.Random(1)
        while True:
            for path in ("/", "/top?of=all", f"/c/{chance.randrange(1, 13)}", "/"):
                await self._look(http, url + path)
                await asyncio.sleep(REST)

    async def _look(self, http: httpx.AsyncClient, address: str) -> None:
        began = time.perf_counter()
        try:
            answer = await http.get(address)
            if answer.status_code not in (200, 404):
                self.failed.append(answer.status_code)
        except httpx.HTTPError as error:
            self.failed.append(type(error).__name__)
        self.took.append(time.perf_counter() - began)

    def percentile(self, percent: int) -> float:
        """Milliseconds."""
        return 1000 * statistics.quantiles(self.took, n=100)[percent - 1]


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, running_house(Path(folder), **OPEN_HANDED) as house:
        while len(house.answers()) < 12:  # the samples of the first start
            time.sleep(0.2)
        house.shorten_windows(options.window)
        return asyncio.run(_run(house, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=500)
    parser.add_argument("--listeners", type=int, default=50)
    parser.add_argument("--walkers", type=int, default=4)
    parser.add_argument("--window", type=int, default=10, help="seconds in which X takes 100 answers")
    return parser.parse_args()


async def _run(house: House, options: argparse.Namespace) -> int:
    limits = httpx.Limits(max_connections=options.listeners + options.walkers + POSTERS + 4)
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as http, asyncio.TaskGroup() as group:
        walls = [Listener() for _ in range(options.listeners)]
        listening = [group.create_task(wall.listen(http, house.gallery)) for wall in walls]
        quiet = await _walked(group, http, house, options.walkers, asyncio.sleep(QUIET_SECONDS))
        began = time.perf_counter()
        storm = _storm(http, house, options.mentions)
        busy = await _walked(group, http, house, options.walkers, storm)
        took = time.perf_counter() - began
        await asyncio.sleep(5)
        for task in listening:
            task.cancel()
    return _tell(house, options.mentions, walls, quiet, busy, took)


async def _walked(
    group: asyncio.TaskGroup, http: httpx.AsyncClient, house: House, walkers: int, while_: Awaitable[None]
) -> Walk:
    """What walkers met while something went on."""
    walk = Walk()
    walking = [group.create_task(walk.go(http, house.gallery)) for _ in range(walkers)]
    await while_
    for task in walking:
        task.cancel()
    return walk


async def _storm(http: httpx.AsyncClient, house: House, count: int) -> None:
    """Post all, and wait until all are answered."""
    before, places = set(await _answered(http, house)), asyncio.Semaphore(POSTERS)

    async def post(number: int, prompt: str) -> str:
        body = {"author": f"person_{number % PEOPLE}", "text": f"@threadpaint {prompt}"}
        async with places:
            answer = await http.post(f"{house.sandbox}/sandbox/posts", json=body)
        return str(answer.raise_for_status().json()["id"])

    posts = set(await asyncio.gather(*[post(n, prompt) for n, prompt in enumerate(read_prompts(None, count))]))
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            async for answers in _looking(http, house):
                if posts <= set(answers) - before:
                    return


async def _looking(http: httpx.AsyncClient, house: House) -> AsyncIterator[dict[str, int]]:
    """Seldom: looking costs the machine that is measured."""
    while True:
        yield await _answered(http, house)
        await asyncio.sleep(1)


async def _answered(http: httpx.AsyncClient, house: House) -> dict[str, int]:
    return dict((await http.get(f"{house.sandbox}/sandbox/state")).raise_for_status().json()["answers"])


def _tell(house: House, count: int, walls: list[Listener], quiet: Walk, busy: Walk, took: float) -> int:
    state, told = house.state(), [len(set(wall.told)) for wall in walls]
    answered = len(house.answers()) - 12
    late = sorted(second for wall in walls for second in wall.late)
    print(f"mentions       {count}: answered {answered}, twice {state['duplicates']}, in {took:.0f} s")
    print(f"open walls     {len(walls)}: told of {min(told)} to {max(told)} pictures each, none twice: ", end="")
    print("yes" if all(len(wall.told) == len(set(wall.told)) for wall in walls) else "no")
    print(f"told after     p50 {statistics.median(late):.1f} s   p99 {late[int(len(late) * 0.99) - 1]:.1f} s")
    for name, walk in (("quiet", quiet), ("busy", busy)):
        print(
            f"pages, {name:7} {len(walk.took)}: p50 {walk.percentile(50):.0f} ms   p99 {walk.percentile(99):.0f} ms   ",
            end="",
        )
        print(f"no page: {len(walk.failed)} {sorted(set(map(str, walk.failed)))}")
    p50, p99 = (busy.percentile(percent) / quiet.percentile(percent) for percent in (50, 99))
    print(f"busy / quiet   p50 {p50:.1f}   p99 {p99:.1f}")
    return 0 if answered == count and not state["duplicates"] and not busy.failed else 1


if __name__ == "__main__":
    sys.exit(main())
