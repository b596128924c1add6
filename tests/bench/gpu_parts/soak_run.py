"""Send mixed requests of many callers, and count responses, losses, wrong pictures and memory."""

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

from tests.bench.gpu_parts.callers import Caller, Response
from tests.bench.gpu_parts.comparison import ReferencePictures
from tests.bench.gpu_parts.workload import WorkItem, Workload

# Attempts after 429 before a request counts as lost.
_MAX_ATTEMPTS = 400
_SAMPLE_SECONDS = 0.25


@dataclass
class Tally:
    """Results of a soak test.

    samples: (finished requests, bytes of the server's memory). wrong: pictures of another request.
    unchecked: pictures without a safety check, or without a requested embedding.
    """

    done: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    compared: int = 0
    wrong: int = 0
    unchecked: int = 0
    farthest: int = 0
    nearest_other: int = 255
    full: int = 0
    seconds: float = 0.0
    samples: list[tuple[int, int]] = field(default_factory=list)

    def memory(self, first: int, last: int) -> float:
        """Return the median memory of the server in MiB between these counts of requests; nan without samples."""
        samples = [rss for done, rss in self.samples if first <= done < last]
        return statistics.median(samples) / 2**20 if samples else float("nan")

    @property
    def good(self) -> bool:
        """Return whether no response was lost, all statuses were right, and no picture was wrong."""
        is_conclusive = self.nearest_other > self.farthest
        right = not self.wrong and not self.unchecked and self.compared > 0 and is_conclusive
        return not self.lost and not self.unexpected and right


async def soak(url: str, pid: int, workload: Workload, *, count: int, callers: int, token: str, seed: int = 0) -> Tally:
    """Send `count` requests to the service from so many callers, and sample the memory of process `pid`."""
    bodies = [item.body for item in workload.valid if item.compared and isinstance(item.body, dict)]
    references = await ReferencePictures.generate(url, bodies, token=token)
    tally, items = Tally(nearest_other=references.nearest_pair()), workload.items(count, seed)
    started = time.monotonic()
    watch = asyncio.create_task(_sample_memory(tally, psutil.Process(pid)))
    await asyncio.gather(*(_run_caller(Caller(url, token=token), items, references, tally) for _ in range(callers)))
    watch.cancel()
    tally.seconds = time.monotonic() - started
    return tally


async def _sample_memory(tally: Tally, process: psutil.Process) -> None:
    while True:
        tally.samples.append((tally.done, process.memory_info().rss))
        await asyncio.sleep(_SAMPLE_SECONDS)


async def _run_caller(caller: Caller, items: Iterator[WorkItem], references: ReferencePictures, tally: Tally) -> None:
    chance = random.Random(repr(caller))
    for item in items:
        try:
            await _send(caller, item, references, tally, chance)
        except (OSError, EOFError) as error:  # TimeoutError is an OSError
            tally.lost.append(f"{item.kind}: {type(error).__name__}")
        tally.done += 1
    caller.close()


async def _send(
    caller: Caller, item: WorkItem, references: ReferencePictures, tally: Tally, chance: random.Random
) -> None:
    if item.action == "disconnect":
        await caller.disconnect(item.body, after=chance.random() * 0.1)
        tally.statuses[item.action] += 1
        return
    if item.action == "cut off":
        await caller.disconnect(item.body, after=chance.random() * 0.1, cut=chance.randrange(20, 350))
        tally.statuses[item.action] += 1
        return
    response = await _send_until_accepted(caller, item, tally, chance)
    tally.statuses[f"{item.kind} {response.status}"] += 1
    if response.status not in item.statuses:
        tally.unexpected.append(f"{item.kind}: {response.status}")
    elif item.compared:
        _compare(item, response, references, tally)


async def _send_until_accepted(caller: Caller, item: WorkItem, tally: Tally, chance: random.Random) -> Response:
    """Send again after 429, sooner than the service asks for, to keep it overloaded."""
    for _ in range(_MAX_ATTEMPTS):
        response = await caller.send(item.body, token=item.token, claims=item.claims)
        if response.status != 429:
            return response
        tally.full += 1
        if int(response.headers.get("retry-after", "0")) < 1:
            tally.unexpected.append(f"{item.kind}: 429 without Retry-After")
        await asyncio.sleep(0.05 + chance.random() * 0.2)
    raise TimeoutError


def _compare(item: WorkItem, response: Response, references: ReferencePictures, tally: Tally) -> None:
    comparison = references.compare(item.body, response.json())
    tally.compared += 1
    tally.wrong += not comparison.right
    tally.unchecked += not all(_is_checked(item, picture) for picture in response.json()["pictures"])
    tally.farthest = max(tally.farthest, comparison.own) if comparison.right else tally.farthest


def _is_checked(item: WorkItem, picture: dict[str, Any]) -> bool:
    wants_embedding = isinstance(item.body, dict) and item.body.get("embedding", False)
    return bool(picture["safety"]["checked"]) and bool(picture.get("embedding")) == wants_embedding
