"""The bill: what X charges for each thing, in micro-dollars, and when it stops serving. Knows no HTTP.

What is not documented and decided here: things in `includes` are free unless switched on; the cycle of the spending
limit is the calendar month; X calls its once-per-day charge a soft guarantee, here it is kept to the letter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sandbox.clock import Clock, iso
from sandbox.model import Json
from sandbox.store import Store

# x-platform 2.2. An upload is not on X's list and costs nothing here.
PRICES: dict[str, int] = {
    "post_read": 5_000,
    "own_read": 1_000,
    "user_read": 10_000,
    "post": 15_000,
    "post_with_url": 200_000,
    "reply": 10_000,
    # X's pages except a summoned reply from the price of links. No bill has shown it; 200_000 plays the contrary.
    "summoned_link": 10_000,
    "delete": 10_000,
    "hide": 5_000,
    "alt_text": 5_000,
}
READS = frozenset(("post_read", "own_read", "user_read"))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be charged. `what` names it: "post 17", "user 4"; one read of it per day costs."""

    item: str
    what: str


@dataclass(frozen=True, slots=True)
class Terms:
    """`credits_from`: the bill's sum when the credits were set; they shrink by what came after. None: endless."""

    credits_micro: int | None = None
    credits_from: int = 0
    spending_limit_micro: int | None = None
    monthly_post_reads: int | None = 3_000_000
    bill_includes: bool = False
    prices: dict[str, int] = field(default_factory=dict)


class Till:
    """Each charge is a row on disk before the answer leaves; the sums live in memory."""

    def __init__(self, store: Store, clock: Clock, terms: Json) -> None:
        self._store, self._clock = store, clock
        self.terms = Terms(**terms)
        self.total_micro = 0
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.sums: dict[str, Counter[str]] = defaultdict(Counter)
        self.post_reads: Counter[str] = Counter()
        self._read_on, self._read = "", set[str]()
        self._last = 0
        for row in store.charges():
            self._add(row)

    def charge(self, items: Iterable[Item], *, endpoint: str, by: str | None) -> None:
        now = self._clock.now_ms()
        fresh = self._fresh(items, day_of(now))
        rows = [
            {
                "id": self._last + place,
                "at": iso(now),
                "day": day_of(now),
                "item": one.item,
                "what": one.what,
                "micro": self.price(one.item),
                "endpoint": endpoint,
                "by": by,
            }
            for place, one in enumerate(fresh, 1)
        ]
        if rows:
            self._store.put_charges(rows)
        for row in rows:
            self._add(row)

    def _fresh(self, items: Iterable[Item], day: str) -> list[Item]:
        """Writes, each; and what was not read yet today, at the price of its first read."""
        read = self._read if day == self._read_on else set()
        fresh: dict[object, Item] = {}
        for one in items:
            if one.item not in READS:
                fresh[len(fresh)] = one
            elif one.what not in read:
                fresh.setdefault(one.what, one)
        return list(fresh.values())

    def _add(self, row: dict[str, Any]) -> None:
        day, item = row["day"], row["item"]
        self._last = row["id"]
        self.total_micro += row["micro"]
        self.counts[day][item] += 1
        self.sums[day][item] += row["micro"]
        if item in READS:
            self._remember(day, row["what"])

    def _remember(self, day: str, what: str) -> None:
        if day != self._read_on:
            self._read_on, self._read = day, set()
        self._read.add(what)
        self.post_reads[day] += what.startswith("post ")

    def price(self, item: str) -> int:
        return self.terms.prices.get(item, PRICES[item])

    # when X stops serving

    @property
    def credits_micro(self) -> int | None:
        if self.terms.credits_micro is None:
            return None
        return self.terms.credits_micro - (self.total_micro - self.terms.credits_from)

    def closed(self, *, reads_posts: bool) -> Literal["credits", "cap"] | None:
        month = day_of(self._clock.now_ms())[:7]
        left, limit, cap = self.credits_micro, self.terms.spending_limit_micro, self.terms.monthly_post_reads
        if left is not None and left <= 0:
            return "credits"
        if limit is not None and self.spent_in(month) >= limit:
            return "credits"
        return "cap" if reads_posts and cap is not None and self.post_reads_in(month) >= cap else None

    def spent_in(self, month: str) -> int:
        return sum(sums.total() for day, sums in self.sums.items() if day.startswith(month))

    def post_reads_in(self, month: str) -> int:
        return sum(count for day, count in self.post_reads.items() if day.startswith(month))

    # looking at it

    def told(self) -> Json:
        by_day = {day: self._lines([day]) for day in self.sums}
        terms = {name: value for name, value in asdict(self.terms).items() if name != "credits_from"}
        terms |= {"credits_micro": self.credits_micro, "prices": {item: self.price(item) for item in PRICES}}
        return {"total_micro": self.total_micro, "by_item": self._lines(self.sums), "by_day": by_day, **terms}

    def _lines(self, days: Iterable[str]) -> Json:
        lines: Json = {}
        for day in days:
            for item, micro in self.sums[day].items():
                line = lines.setdefault(item, {"count": 0, "micro": 0})
                line["count"] += self.counts[day][item]
                line["micro"] += micro
        return lines


def day_of(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"
