"""Measure a busy day: N mentions at once, while L clients have the live feed open and others browse.

    python tests/bench/crowd.py [--mentions 500] [--listeners 50] [--walkers 4] [--window 10]

Starts its own demo. First the walkers browse the idle demo, as a baseline; then all mentions are posted. Prints the
number of replies, the events of each open feed and their delay, and the page times as a ratio to the idle demo. X's
write limits are on, in windows of `--window` seconds.
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

from gallery.views.pagination import EPOCH, decode_cursor
from tests.bench.prompts import read_prompts
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, running_demo

PEOPLE = 60
POSTERS = 8
QUIET_SECONDS = 10
TIMEOUT_SECONDS = 900
# Pause between two pages of a walker.
PAUSE_SECONDS = 0.05


@dataclass
class Listener:
    """One open feed: the creations that it received, and their delay in seconds since publication."""

    published_ids: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    async def listen(self, http: httpx.AsyncClient, url: str) -> None:
        """Read events until cancelled. Reconnect after errors, as browsers do."""
        last = ""
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            with suppress(httpx.HTTPError):
                async with http.stream("GET", f"{url}/live", headers=headers, timeout=None) as stream:
                    async for line in stream.aiter_lines():
                        last = self._read(line, last)
            await asyncio.sleep(1)

    def _read(self, line: str, last: str) -> str:
        if line.startswith("id: "):
            cursor = decode_cursor(line[4:])
            if cursor is not None:
                self.late.append(time.time() - (cursor.published_at - EPOCH).total_seconds())
            return line[4:]
        if line.startswith("data: ") and "id" in (event := json.loads(line[6:])):
            self.published_ids.append(event["id"])
        return last


@dataclass
class Walk:
    """Seconds of each page, and the statuses or errors of failed ones."""

    took: list[float] = field(default_factory=list)
    failed: list[int | str] = field(default_factory=list)

    async def go(self, http: httpx.AsyncClient, url: str) -> None:
        """Request the feed, the top feed and a creation until cancelled."""
        chance = random.Random(1)
        while True:
            for path in ("/", "/top?period=all", f"/c/{chance.randrange(1, 13)}", "/"):
                await self._get(http, url + path)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _get(self, http: httpx.AsyncClient, address: str) -> None:
        started = time.perf_counter()
        try:
            answer = await http.get(address)
            if answer.status_code not in (200, 404):
                self.failed.append(answer.status_code)
        except httpx.HTTPError as error:
            self.failed.append(type(error).__name__)
        self.took.append(time.perf_counter() - started)

    def percentile(self, percent: int) -> float:
        """Return a percentile in milliseconds."""
        return 1000 * statistics.quantiles(self.took, n=100)[percent - 1]


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), **NO_LIMITS_AND_BUDGETS) as demo:
        demo.post_samples()
        demo.shorten_windows(options.window)
        return asyncio.run(_run(demo, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=500)
    parser.add_argument("--listeners", type=int, default=50)
    parser.add_argument("--walkers", type=int, default=4)
    parser.add_argument("--window", type=int, default=10, help="seconds in which X allows 100 replies")
    return parser.parse_args()


async def _run(demo: Demo, options: argparse.Namespace) -> int:
    limits = httpx.Limits(max_connections=options.listeners + options.walkers + POSTERS + 4)
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as http, asyncio.TaskGroup() as group:
        feeds = [Listener() for _ in range(options.listeners)]
        listening = [group.create_task(feed.listen(http, demo.gallery)) for feed in feeds]
        quiet = await _walk_while(group, http, demo, options.walkers, asyncio.sleep(QUIET_SECONDS))
        started = time.perf_counter()
        posting = _post_all(http, demo, options.mentions)
        busy = await _walk_while(group, http, demo, options.walkers, posting)
        took = time.perf_counter() - started
        await asyncio.sleep(5)
        for task in listening:
            task.cancel()
    return _report(demo, options.mentions, feeds, quiet, busy, took)


async def _walk_while(
    group: asyncio.TaskGroup, http: httpx.AsyncClient, demo: Demo, walkers: int, activity: Awaitable[None]
) -> Walk:
    """Let walkers browse during an activity."""
    walk = Walk()
    walking = [group.create_task(walk.go(http, demo.gallery)) for _ in range(walkers)]
    await activity
    for task in walking:
        task.cancel()
    return walk


async def _post_all(http: httpx.AsyncClient, demo: Demo, count: int) -> None:
    """Post all, and wait until all have replies."""
    before, places = set(await _answered(http, demo)), asyncio.Semaphore(POSTERS)

    async def post(number: int, prompt: str) -> str:
        body = {"author": f"person_{number % PEOPLE}", "text": f"@threadpaint {prompt}"}
        async with places:
            answer = await http.post(f"{demo.sandbox}/sandbox/posts", json=body)
        return str(answer.raise_for_status().json()["id"])

    posts = set(await asyncio.gather(*[post(n, prompt) for n, prompt in enumerate(read_prompts(None, count))]))
    with suppress(TimeoutError):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for answers in _poll_answers(http, demo):
                if posts <= set(answers) - before:
                    return


async def _poll_answers(http: httpx.AsyncClient, demo: Demo) -> AsyncIterator[dict[str, int]]:
    """Poll rarely, because polling costs time on the measured machine."""
    while True:
        yield await _answered(http, demo)
        await asyncio.sleep(1)


async def _answered(http: httpx.AsyncClient, demo: Demo) -> dict[str, int]:
    return dict((await http.get(f"{demo.sandbox}/sandbox/state")).raise_for_status().json()["answers"])


def _report(demo: Demo, count: int, feeds: list[Listener], quiet: Walk, busy: Walk, took: float) -> int:
    state, counts = demo.state(), [len(set(feed.published_ids)) for feed in feeds]
    answered = len(demo.answers()) - 12
    late = sorted(second for feed in feeds for second in feed.late)
    print(f"mentions       {count}: answered {answered}, twice {state['duplicates']}, in {took:.0f} s")
    print(
        f"open feeds     {len(feeds)}: got {min(counts)} to {max(counts)} pictures each, none twice: ",
        end="",
    )
    print("yes" if all(len(feed.published_ids) == len(set(feed.published_ids)) for feed in feeds) else "no")
    print(f"delay          p50 {statistics.median(late):.1f} s   p99 {late[int(len(late) * 0.99) - 1]:.1f} s")
    for name, walk in (("quiet", quiet), ("busy", busy)):
        print(
            f"pages, {name:7} {len(walk.took)}: p50 {walk.percentile(50):.0f} ms   p99 {walk.percentile(99):.0f} ms   ",
            end="",
        )
        print(f"failed: {len(walk.failed)} {sorted(set(map(str, walk.failed)))}")
    p50, p99 = (busy.percentile(percent) / quiet.percentile(percent) for percent in (50, 99))
    print(f"busy / quiet   p50 {p50:.1f}   p99 {p99:.1f}")
    return 0 if answered == count and not state["duplicates"] and not busy.failed else 1


if __name__ == "__main__":
    sys.exit(main())
