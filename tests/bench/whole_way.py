"""Measure the whole way under load: N prompts of 50 users as fast as they can be posted, into a running demo.

Prints replied, lost and doubled posts, seconds from post to reply, the time of a creation compared with a bare RQ job
that does nothing, measured in the same run, its CPU time by process, and how many jobs found nothing to do.

    python tests/bench/whole_way.py [--count 200] [--prompts FILE] [--sandbox URL --gallery URL] [--goals FILE]

Without addresses it starts its own demo, on free ports and in a temporary folder. X's write limits are on, in windows
of `--window` seconds instead of 900, so that they apply without making the run last for hours.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import httpx

from tests.bench.demo_costs import DemoCosts, describe_costs, measure_costs
from tests.bench.goals import Goal, save_goals
from tests.bench.noop import NoopJob, measure_noop_job
from tests.bench.prompts import read_prompts
from tests.support import demo as demos

PEOPLE = 50
CONNECTIONS = 16
TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class Demo:
    """Addresses of a running demo, and the demo itself if this run started it."""

    sandbox: str
    gallery: str
    own: demos.Demo | None = None

    def costs(self) -> DemoCosts | None:
        """Return what it has spent, if that can be measured."""
        return measure_costs(self.own) if self.own else None


@dataclass(frozen=True)
class Outcome:
    """Seconds from post to reply of the answered posts, and counts of the others."""

    waits: list[float]
    lost: int
    twice: int
    posting: float
    whole: float
    painting: float
    costs: DemoCosts | None


def main() -> int:
    options = _options()
    prompts = read_prompts(options.prompts, options.count)
    with _demo(options) as demo:
        noop = measure_noop_job()
        deadline_seconds = TIMEOUT_SECONDS + options.window * (1 + options.count / 100)
        outcome = asyncio.run(_run(demo, prompts, deadline_seconds))
    _print(outcome, len(prompts), noop)
    save_goals(options.goals, _goals(outcome, len(prompts), noop))
    return 1 if outcome.lost or outcome.twice else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--prompts", type=Path, help="one prompt a line, or a TSV with a column Prompt")
    # Longer windows would be what is measured: 100 replies in 10 seconds are 100 ms each.
    parser.add_argument("--window", type=int, default=3, help="seconds in which X allows 100 replies and 500 uploads")
    parser.add_argument("--sandbox", help="address of a running demo's sandbox")
    parser.add_argument("--gallery", help="address of the same demo's gallery")
    parser.add_argument("--goals", type=Path, help="add the figures that have goals to this file")
    return parser.parse_args()


@contextmanager
def _demo(options: argparse.Namespace) -> Iterator[Demo]:
    if options.sandbox and options.gallery:
        yield Demo(options.sandbox, options.gallery)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        demos.running_demo(Path(folder), **demos.NO_LIMITS_AND_BUDGETS) as demo,
    ):
        demo.post_samples()
        demo.shorten_windows(options.window)
        yield Demo(demo.sandbox, demo.gallery, demo)


async def _run(demo: Demo, prompts: list[str], deadline_seconds: float) -> Outcome:
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=httpx.Limits(max_connections=CONNECTIONS)) as http:
        earlier = demo.costs()
        started = time.perf_counter()
        posts = await asyncio.gather(*[_post(http, demo, n, prompt) for n, prompt in enumerate(prompts)])
        posting = time.perf_counter() - started
        counts = await _wait(http, demo, [post["id"] for post in posts], deadline_seconds)
        whole = time.perf_counter() - started
        costs = demo.costs()
        await asyncio.sleep(2)  # a second reply would come late
        counts = await _answers(http, demo)
        replied = await asyncio.gather(*[_replied_at(http, demo, post["id"]) for post in posts])
        painting = await _painting_seconds(http, demo, {post["id"] for post in posts})
    waits = [(done - _moment(post)).total_seconds() for post, done in zip(posts, replied, strict=True) if done]
    twice = sum(counts.get(post["id"], 0) > 1 for post in posts)
    spent = costs.since(earlier) if costs and earlier else None
    return Outcome(waits, len(posts) - len(waits), twice, posting, whole, painting, spent)


async def _post(http: httpx.AsyncClient, demo: Demo, number: int, prompt: str) -> dict[str, Any]:
    body = {"author": f"person_{number % PEOPLE}", "text": f"@threadpaint {prompt}"}
    answer = await http.post(f"{demo.sandbox}/sandbox/posts", json=body)
    return dict(answer.raise_for_status().json())


async def _wait(http: httpx.AsyncClient, demo: Demo, posts: list[str], deadline_seconds: float) -> dict[str, int]:
    deadline = time.perf_counter() + deadline_seconds
    while time.perf_counter() < deadline:
        counts = await _answers(http, demo)
        if all(post in counts for post in posts):
            return counts
        await asyncio.sleep(0.5)  # rarely: polling costs time on the measured machine
    return {}


async def _answers(http: httpx.AsyncClient, demo: Demo) -> dict[str, int]:
    return dict((await http.get(f"{demo.sandbox}/sandbox/state")).raise_for_status().json()["answers"])


async def _replied_at(http: httpx.AsyncClient, demo: Demo, post: str) -> datetime | None:
    replies = (await http.get(f"{demo.sandbox}/sandbox/posts/{post}/replies")).raise_for_status().json()["data"]
    return _moment(replies[0]) if replies else None


async def _painting_seconds(http: httpx.AsyncClient, demo: Demo, posts: set[str]) -> float:
    """Return the mean seconds of the GPU service for one creation."""
    total, cursor = 0.0, None
    while True:
        params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get(f"{demo.gallery}/api/creations", params=params)).raise_for_status().json()
        total += sum(item["painting_seconds"] or 0 for item in page["items"] if item["post_id"] in posts)
        if not (cursor := page["next"]):
            return total / len(posts)


def _moment(post: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(post["created_at"])


def _goals(outcome: Outcome, count: int, noop: NoopJob) -> Iterator[Goal]:
    yield Goal("posts lost or answered twice", outcome.lost + outcome.twice, 0)
    beside = f"bare no-op job {1000 * noop.seconds:.1f} ms"
    yield Goal("a creation, in bare RQ no-op jobs", outcome.whole / count / noop.seconds, 30, beside=beside)
    if costs := outcome.costs:
        cpu = costs.milliseconds_beside_gpu(count)
        yield Goal(
            "CPU of a creation beside the GPU service", cpu, 120, " ms", beside=f"no-op {1000 * noop.cpu:.1f} ms"
        )
        yield Goal("jobs that find nothing to do", 100 * costs.empty_share, 2, " %", beside=f"{costs.jobs} jobs")


def _print(outcome: Outcome, count: int, noop: NoopJob) -> None:
    waits = sorted(outcome.waits)
    p95 = waits[int(len(waits) * 0.95) - 1] if waits else float("nan")
    p50 = statistics.median(waits) if waits else float("nan")
    way = outcome.whole / count
    print(f"posts                {count} by {PEOPLE} users in {outcome.posting:.1f} s")
    print(
        f"answered             {len(outcome.waits)} of {count}   lost {outcome.lost}   answered twice {outcome.twice}"
    )
    print(f"post to reply        p50 {p50:.1f} s   p95 {p95:.1f} s")
    print(f"whole way            {1 / way:.1f} creations/s, {way * 1000:.0f} ms each (all workers together)")
    print(f"  of which painting  {outcome.painting * 1000:.0f} ms in the GPU service")
    milliseconds = f"{noop.seconds * 1000:.1f} ms each (same number of workers), {noop.cpu * 1000:.1f} ms of CPU"
    print(f"bare RQ no-op job    {milliseconds}")
    print(f"ratio                a creation takes as long as {way / noop.seconds:.0f} bare jobs (it is 2 jobs)")
    for line in describe_costs(outcome.costs, count, noop.cpu) if outcome.costs else ():
        print(line)


if __name__ == "__main__":
    sys.exit(main())
