"""Simulate one day on X, faster: 2,120 mentions under X's own limits. Compare our ledger with X's bill.

The sandbox's clock runs `--scale` times as fast as ours, so its windows, days and prices keep their proportion. A small
part of the responses is lost after X acted, as on any long day.

    python tests/bench/day.py [--mentions 2120] [--scale 150] [--link-price MICRO]
"""

import argparse
import json
import math
import sqlite3
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.bench.prompts import read_prompts
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, running_demo

PEOPLE = 300
DAY = 24 * 3600.0
GPU_COSTS = {"GPU_USD_PER_HOUR": "1.98"}


def main() -> int:
    options = _options()
    settings = {**NO_LIMITS_AND_BUDGETS, **GPU_COSTS, **_link_settings(options.link_price)}
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), **settings) as demo:
        if options.link_price is not None:
            demo.control("money", prices={"summoned_link": options.link_price})
        demo.post_samples()
        started = _start_day(demo, options.scale)
        posts = _post_all_day(demo, options, started)
        _wait(demo, posts)
        return _report(demo, posts, started)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=2120)
    parser.add_argument("--scale", type=float, default=150.0)
    parser.add_argument("--link-price", type=int, metavar="MICRO", help="replies link to the gallery, at this price")
    return parser.parse_args()


def _link_settings(price: int | None) -> dict[str, str]:
    if price is None:
        return {}
    dollars = json.dumps({"reply_with_link": price / 1_000_000})
    return {"REPLY_LINK": "gallery", "GALLERY_URL": "https://paint.example.com", "X_PRICES": dollars}


def _clock(demo: Demo) -> datetime:
    return datetime.fromisoformat(demo.http.get(f"{demo.sandbox}/sandbox/clock").json()["now"])


def _start_day(demo: Demo, scale: float) -> datetime:
    """Advance to the next midnight of X, with X's own limits. One response in fifty is lost."""
    demo.control("limits", reset=True)
    demo.control("faults", endpoint="POST /2/tweets", kind="drop", when="after", rate=0.02)
    here = _clock(demo)
    midnight = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    demo.control("clock", advance=(midnight - here).total_seconds() + 1)
    demo.control("clock", scale=scale)
    return midnight


def _post_all_day(demo: Demo, options: argparse.Namespace, started: datetime) -> list[str]:
    """Post all day: few prompts at night, many in the evening."""
    moments = _moments(options.mentions)
    posts: list[str] = []
    for number, prompt in enumerate(read_prompts(None, options.mentions)):
        while (_clock(demo) - started).total_seconds() < moments[number]:
            time.sleep(0.05)
        posts.append(demo.post(f"@threadpaint {prompt}", f"person_{number % PEOPLE}"))
    return posts


def _moments(mentions: int) -> list[float]:
    """Return seconds of the day for posts, most around 20:00, none in the first and last hour."""
    hours = [1 + n * 22 / 2200 for n in range(2201)]
    weights = [1.2 + math.cos((hour - 20) / 24 * 2 * math.pi) for hour in hours]
    total, so_far = sum(weights), 0.0
    moments: list[float] = []
    for hour, weight in zip(hours, weights, strict=True):
        so_far += weight
        while len(moments) < mentions * so_far / total:
            moments.append(hour * 3600)
    return moments[:mentions]


def _wait(demo: Demo, posts: list[str], timeout: float = 300.0) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and not set(posts) <= set(demo.answers()):
        time.sleep(1)
    time.sleep(8)  # a second reply would come late


def _report(demo: Demo, posts: list[str], started: datetime) -> int:
    state = demo.state()
    lost = [post for post in posts if post not in state["answers"]]
    twice = sum(state["answers"].get(post, 0) > 1 for post in posts)
    bill = demo.http.get(f"{demo.sandbox}/sandbox/money").json()
    ours, items = _ledger(demo.data / "threadpaint.db")
    took = (_clock(demo) - started).total_seconds() / 3600
    print(f"mentions     {len(posts)} in {took:.1f} hours of X   lost {len(lost)}   answered twice {twice}")
    print(f"429s         {sum(each.get('429', 0) for each in state['calls'].values())}")
    print(f"X's bill     {bill['total_micro']:>12,} micro-dollars = ${bill['total_micro'] / 1e6:.2f}")
    print(f"our ledger   {ours:>12,} micro-dollars   difference {ours - bill['total_micro']:,}")
    for item, (count, micro) in sorted(items.items()):
        print(f"  {item:<12} {count:>7,} x   ${micro / 1e6:.3f}")
    print(f"  by X's own items: {bill['by_item']}")
    print(f"each answered mention cost ${bill['total_micro'] / 1e6 / max(1, len(posts) - len(lost)):.4f}")
    return 0 if ours == bill["total_micro"] and not lost and not twice else 1


def _ledger(database: Path) -> tuple[int, dict[str, tuple[int, int]]]:
    """Return the micro-dollars for X, and count and micro-dollars per item, GPU time included."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT item, sum(count), sum(micro_usd) FROM daily_spend GROUP BY item").fetchall()
    items = {str(item): (int(count), int(micro)) for item, count, micro in rows}
    return sum(micro for item, (_, micro) in items.items() if not item.startswith("gpu")), items


if __name__ == "__main__":
    sys.exit(main())
