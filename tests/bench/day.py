"""One day on X, faster: 2,120 mentions under X's own limits. Does our ledger agree with X's bill to the micro-dollar?

The sandbox's clock runs `--scale` times as fast as ours, so that its windows, days and prices keep their proportion.
A small part of the answers is lost on the line after X took them, as on any long day.

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
from tests.support.house import OPEN_HANDED, House, running_house

PEOPLE = 300
DAY = 24 * 3600.0
PAINTER_COSTS = {"GPU_USD_PER_HOUR": "1.98"}


def main() -> int:
    options = _options()
    given = {**OPEN_HANDED, **PAINTER_COSTS, **_linked(options.link_price)}
    with tempfile.TemporaryDirectory() as folder, running_house(Path(folder), **given) as house:
        if options.link_price is not None:
            house.control("money", prices={"summoned_link": options.link_price})
        while len(house.answers()) < 12:  # the samples of the first start
            time.sleep(0.2)
        began = _begin_day(house, options.scale)
        posts = _live_through(house, options, began)
        _wait(house, posts)
        return _report(house, posts, began)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=2120)
    parser.add_argument("--scale", type=float, default=150.0)
    parser.add_argument("--link-price", type=int, metavar="MICRO", help="replies link to the gallery, at this price")
    return parser.parse_args()


def _linked(price: int | None) -> dict[str, str]:
    if price is None:
        return {}
    dollars = json.dumps({"reply_with_link": price / 1_000_000})
    return {"REPLY_LINK": "gallery", "GALLERY_URL": "https://paint.example.com", "PRICES": dollars}


def _clock(house: House) -> datetime:
    return datetime.fromisoformat(house.http.get(f"{house.sandbox}/sandbox/clock").json()["now"])


def _begin_day(house: House, scale: float) -> datetime:
    """The next midnight of X, all limits X's own, one answer in fifty lost on the line."""
    house.control("limits", reset=True)
    house.control("faults", endpoint="POST /2/tweets", kind="drop", when="after", rate=0.02)
    here = _clock(house)
    midnight = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    house.control("clock", advance=(midnight - here).total_seconds() + 1)
    house.control("clock", scale=scale)
    return midnight


def _live_through(house: House, options: argparse.Namespace, began: datetime) -> list[str]:
    """People ask all day, few at night and many in the evening."""
    moments = _moments(options.mentions)
    posts: list[str] = []
    for number, prompt in enumerate(read_prompts(None, options.mentions)):
        while (_clock(house) - began).total_seconds() < moments[number]:
            time.sleep(0.05)
        posts.append(house.post(f"@threadpaint {prompt}", f"person_{number % PEOPLE}"))
    return posts


def _moments(mentions: int) -> list[float]:
    """Seconds of the day at which people ask: a wave with its top at 20:00, from one hour on to one before the end."""
    hours = [1 + n * 22 / 2200 for n in range(2201)]
    weights = [1.2 + math.cos((hour - 20) / 24 * 2 * math.pi) for hour in hours]
    total, so_far, moments = sum(weights), 0.0, []
    for hour, weight in zip(hours, weights, strict=True):
        so_far += weight
        while len(moments) < mentions * so_far / total:
            moments.append(hour * 3600)
    return moments[:mentions]


def _wait(house: House, posts: list[str], patience: float = 300.0) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and not set(posts) <= set(house.answers()):
        time.sleep(1)
    time.sleep(8)  # whatever comes twice comes late, and who does not know looks first


def _report(house: House, posts: list[str], began: datetime) -> int:
    state = house.state()
    lost = [post for post in posts if post not in state["answers"]]
    twice = sum(state["answers"].get(post, 0) > 1 for post in posts)
    bill = house.http.get(f"{house.sandbox}/sandbox/money").json()
    ours, items = _ledger(house.data / "threadpaint.db")
    took = (_clock(house) - began).total_seconds() / 3600
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
    """Micro-dollars that went to X, and count and micro-dollars per item, the painting too."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT item, sum(count), sum(micro_usd) FROM spending GROUP BY item").fetchall()
    items = {str(item): (int(count), int(micro)) for item, count, micro in rows}
    return sum(micro for item, (_, micro) in items.items() if not item.startswith("gpu")), items


if __name__ == "__main__":
    sys.exit(main())
