"""Measure how well the bot uses X's rate limit in a burst: X allows 100 replies per window, and far more are due.

Prints per case: replies per window (a window starts with its first reply, as X counts), the used share of the allowed
replies, refused calls per 1,000, lost and doubled replies. For fairness it prints how long fifty users with one prompt
each waited beside one user with 300.

    python tests/bench/pace.py [--posts 500] [--seconds 30] [--cases burst fair drops]

Each case runs in its own demo, on free ports and in a temporary folder.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.bench.prompts import read_prompts
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, running_demo

PEOPLE = 50
CALLS = 100
CREATE_POST = "POST /2/tweets"
MIN_USED = 0.97
MAX_REFUSED = 1 / 1000


@dataclass(frozen=True)
class Outcome:
    """Seconds from post to reply by post, times of the replies, and the sandbox's counts."""

    waits: dict[str, float]
    moments: list[float]
    lost: int
    twice: int
    calls: int
    refused: int
    drops: int


def main() -> int:
    options = _options()
    cases: dict[str, Callable[[argparse.Namespace], bool]] = {"burst": _burst, "fair": _fair, "drops": _drops}
    results = [cases[name](options) for name in options.cases]
    return 0 if all(results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=30, help="length of X's window")
    parser.add_argument("--cases", nargs="+", default=["burst", "fair", "drops"], choices=["burst", "fair", "drops"])
    return parser.parse_args()


def _burst(options: argparse.Namespace) -> bool:
    asks = [(f"person_{n % PEOPLE}", prompt) for n, prompt in enumerate(read_prompts(None, options.posts))]
    outcome, _ = _run(options, asks)
    return _report(f"burst: {options.posts} posts by {PEOPLE} users", outcome, options, used=MIN_USED)


def _drops(options: argparse.Namespace) -> bool:
    asks = [(f"person_{n % PEOPLE}", prompt) for n, prompt in enumerate(read_prompts(None, options.posts))]
    outcome, _ = _run(options, asks, drops=0.2)
    name = f"the same, and a fifth of the responses is lost after X acted ({outcome.drops} times)"
    return _report(name, outcome, options, used=0.0) and outcome.drops > options.posts * 0.1


def _fair(options: argparse.Namespace) -> bool:
    prompts = read_prompts(None, 300 + PEOPLE)
    asks = [("greedy", prompt) for prompt in prompts[:300]]
    asks += [(f"person_{n}", prompt) for n, prompt in enumerate(prompts[300:])]
    outcome, posts = _run(options, asks)
    waits = [outcome.waits.get(post, float("inf")) for post in posts]
    crowd, greedy = sorted(waits[300:]), sorted(waits[:300])
    good = _report("fairness: 300 posts by one user, then one each by 50", outcome, options, used=0.0)
    print(f"  the fifty waited   p50 {statistics.median(crowd):.1f} s, longest {crowd[-1]:.1f} s")
    print(f"  the one waited     p50 {statistics.median(greedy):.1f} s, longest {greedy[-1]:.1f} s")
    # All fifty fit into the first window beside the work that was dispatched before.
    fair = crowd[-1] < options.seconds * 2
    return good and fair


def _run(options: argparse.Namespace, asks: list[tuple[str, str]], drops: float = 0.0) -> tuple[Outcome, list[str]]:
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), **NO_LIMITS_AND_BUDGETS) as demo:
        demo.post_samples()
        demo.shorten_windows(options.seconds)
        if drops:
            demo.control("faults", endpoint=CREATE_POST, kind="drop", when="after", rate=drops)
        before = demo.state()
        with ThreadPoolExecutor(8) as pool:
            posts = list(pool.map(lambda ask: demo.post(f"@threadpaint {ask[1]}", ask[0]), asks))
        _wait(demo, posts, timeout=60 + (len(posts) // CALLS + 2) * options.seconds * 2)
        time.sleep(3)  # a second reply would come late
        return _outcome(demo, posts, before), posts


def _wait(demo: Demo, posts: list[str], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and not set(posts) <= set(demo.answers()):
        time.sleep(1)


def _outcome(demo: Demo, posts: list[str], before: dict) -> Outcome:  # type: ignore[type-arg]
    state = demo.state()
    waits: dict[str, float] = {}
    moments: list[float] = []
    for post in posts:
        asked = demo.http.get(f"{demo.sandbox}/sandbox/posts/{post}").json()
        replies = demo.http.get(f"{demo.sandbox}/sandbox/posts/{post}/replies").json()["data"]
        moments += [_moment(reply) for reply in replies]
        if replies:
            waits[post] = _moment(replies[0]) - _moment(asked)
    counts = {name: dict(statuses) for name, statuses in state["calls"].items()}
    calls = sum(sum(each.values()) for each in counts.values())
    refused = sum(each.get("429", 0) for each in counts.values())
    faults = demo.http.get(f"{demo.sandbox}/sandbox/faults").json()
    drops = sum(int(fault.get("fired", 0)) for fault in faults.get("data", []))
    twice = sum(state["answers"].get(post, 0) > 1 for post in posts)
    return Outcome(waits, sorted(moments), len(posts) - len(waits), twice, calls, refused, drops)


def _moment(post: dict) -> float:  # type: ignore[type-arg]
    return datetime.fromisoformat(post["created_at"]).timestamp()


def _windows(moments: list[float], seconds: int) -> list[int]:
    """Return the replies per window. X's windows start at the whole second of their first call."""
    counts: list[int] = []
    ends = 0.0
    for moment in moments:
        if moment >= ends:
            counts.append(0)
            ends = int(moment) + seconds
        counts[-1] += 1
    return counts


def _report(name: str, outcome: Outcome, options: argparse.Namespace, *, used: float) -> bool:
    windows = _windows(outcome.moments, options.seconds)
    full = [count / CALLS for count in windows[:-1]]
    worst = min(full, default=1.0)
    rate = outcome.refused / max(1, outcome.calls)
    waits = sorted(outcome.waits.values()) or [float("nan")]
    print(name)
    print(f"  replies per window {windows} of {CALLS} in {options.seconds} s; least used of a full one {worst:.0%}")
    print(f"  refused by X (429) {outcome.refused} of {outcome.calls} calls = {rate * 1000:.2f} per 1,000")
    print(f"  lost {outcome.lost}   twice {outcome.twice}")
    print(f"  post to reply      p50 {statistics.median(waits):.1f} s, longest {waits[-1]:.1f} s", flush=True)
    return worst >= used and rate <= MAX_REFUSED and outcome.lost == 0 and outcome.twice == 0


if __name__ == "__main__":
    sys.exit(main())
