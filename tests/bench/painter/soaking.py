"""Lets a crowd live through a long day at one painter, and keeps count: answers, losses, wrong pictures, memory.

Knows callers, what may be asked (`asks.py`) and pictures painted alone; of the server only its address and its process.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.bench.painter.asks import Ask, Day
from tests.bench.painter.callers import Answer, Caller
from tests.bench.painter.likeness import Gallery

# Who is refused for want of room comes again so often, and then counts as lost.
_TRIES = 400
_SAMPLE_SECONDS = 0.25


@dataclass
class Tally:
    """What became of everything that was asked.

    `samples`: (requests over, bytes of the server's memory). `wrong`: pictures that are not the ones asked for.
    `unchecked`: pictures the safety check did not look at, or whose vector was asked for and did not come.
    """

    done: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    judged: int = 0
    wrong: int = 0
    unchecked: int = 0
    farthest: int = 0
    nearest_other: int = 255
    full: int = 0
    seconds: float = 0.0
    samples: list[tuple[int, int]] = field(default_factory=list)

    def memory(self, first: int, last: int) -> float:
        """The median of the server's memory in MiB while these requests were over; nan where none was seen."""
        seen = [rss for done, rss in self.samples if first <= done < last]
        return statistics.median(seen) / 2**20 if seen else float("nan")

    @property
    def good(self) -> bool:
        """Nobody lost, everybody answered rightly, and no picture that belongs to somebody else."""
        comparing = self.nearest_other > self.farthest
        right = not self.wrong and not self.unchecked and self.judged > 0 and comparing
        return not self.lost and not self.unexpected and right


async def soak(url: str, pid: int, day: Day, *, count: int, callers: int, token: str, seed: int = 0) -> Tally:
    """`count` things asked of the painter at `url` by so many callers at once; `pid` is whose memory is watched."""
    alone = await Gallery.painted_alone(url, [order.body for order in day.orders if _is_order(order)], token=token)
    tally, left, began = Tally(nearest_other=alone.nearest_pair()), day.asks(count, seed), time.monotonic()
    watch = asyncio.create_task(_watch(tally, psutil.Process(pid)))
    await asyncio.gather(*(_live(Caller(url, name=f"c{n}", token=token), left, alone, tally) for n in range(callers)))
    watch.cancel()
    tally.seconds = time.monotonic() - began
    return tally


def _is_order(ask: Ask) -> bool:
    return ask.judged and isinstance(ask.body, dict)


async def _watch(tally: Tally, process: psutil.Process) -> None:
    while True:
        tally.samples.append((tally.done, process.memory_info().rss))
        await asyncio.sleep(_SAMPLE_SECONDS)


async def _live(caller: Caller, left: Iterator[Ask], alone: Gallery, tally: Tally) -> None:
    chance = random.Random(repr(caller))
    for ask in left:
        try:
            await _do(caller, ask, alone, tally, chance)
        except (OSError, EOFError) as error:  # TimeoutError is an OSError
            tally.lost.append(f"{ask.kind}: {type(error).__name__}")
        tally.done += 1
    caller.close()


async def _do(caller: Caller, ask: Ask, alone: Gallery, tally: Tally, chance: random.Random) -> None:
    if ask.deed == "hang up":
        await caller.hang_up(ask.body, after=chance.random() * 0.1)
        tally.statuses[ask.deed] += 1
        return
    if ask.deed == "break off":
        await caller.hang_up(ask.body, after=chance.random() * 0.1, cut=chance.randrange(20, 350))
        tally.statuses[ask.deed] += 1
        return
    answer = await _until_there_is_room(caller, ask, tally, chance)
    tally.statuses[f"{ask.kind} {answer.status}"] += 1
    if answer.status not in ask.statuses:
        tally.unexpected.append(f"{ask.kind}: {answer.status}")
    elif ask.judged:
        _judge(ask, answer, alone, tally)


async def _until_there_is_room(caller: Caller, ask: Ask, tally: Tally, chance: random.Random) -> Answer:
    """Ask again after 429, sooner than the service says: a crowd that keeps coming is what is tried here."""
    for _ in range(_TRIES):
        answer = await caller.ask(ask.body, token=ask.token, claims=ask.claims)
        if answer.status != 429:
            return answer
        tally.full += 1
        if int(answer.headers.get("retry-after", "0")) < 1:
            tally.unexpected.append(f"{ask.kind}: 429 without Retry-After")
        await asyncio.sleep(0.05 + chance.random() * 0.2)
    raise TimeoutError


def _judge(ask: Ask, answer: Answer, alone: Gallery, tally: Tally) -> None:
    verdict = alone.judge(ask.body, answer.json())
    tally.judged += 1
    tally.wrong += not verdict.right
    tally.unchecked += not all(_is_checked(ask, picture) for picture in answer.json()["pictures"])
    tally.farthest = max(tally.farthest, verdict.own) if verdict.right else tally.farthest


def _is_checked(ask: Ask, picture: dict[str, Any]) -> bool:
    wants_vector = isinstance(ask.body, dict) and ask.body.get("embedding", False)
    return bool(picture["safety"]["checked"]) and bool(picture.get("embedding")) == wants_vector
