"""Open event streams as browsers do, in a process of their own, and count what arrives."""

import asyncio
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from gallery.views.pagination import EPOCH, decode_cursor

# At once. More would be refused while the server is busy with the first pages.
MAX_CONNECTING = 50
STREAMS_PER_ADDRESS = 50
CONNECT_TIMEOUT_SECONDS = 120
END_OF_EVENT = b"\n\n"


@dataclass(frozen=True)
class Counts:
    """Events since the previous counts. `late`: seconds between the publication of a picture and its arrival."""

    open_streams: int
    published: int
    progress: int
    late: list[float]

    def describe_delay(self) -> str:
        """Return the median and the 99th percentile of the delay."""
        if len(self.late) < 2:
            return "none"
        return f"p50 {statistics.median(self.late):.2f} s, p99 {statistics.quantiles(self.late, n=100)[98]:.2f} s"


@dataclass
class Streams:
    """The streams of this process."""

    port: int
    open_streams: int = 0
    published: int = 0
    progress: int = 0
    late: list[float] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def listen(self, number: int, query: str, turn: asyncio.Semaphore) -> None:
        """Read one stream until it ends."""
        reader = await self._open(number, query, turn)
        self.open_streams += 1
        try:
            while True:
                self._count(await reader.readuntil(END_OF_EVENT))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.open_streams -= 1

    async def _open(self, number: int, query: str, turn: asyncio.Semaphore) -> asyncio.StreamReader:
        address = f"10.1.{number // STREAMS_PER_ADDRESS // 250}.{1 + number // STREAMS_PER_ADDRESS % 250}"
        head = f"GET /live{query} HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: {address}\r\n\r\n"
        async with turn:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(head.encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer[:20]:
                raise RuntimeError(f"stream {number}: {answer[:40]!r}")
            await reader.readuntil(b"event: ")
        self.writers.append(writer)  # one that is forgotten closes its connection
        return reader

    def _count(self, event: bytes) -> None:
        self.progress += b"event: creation" in event
        if b"event: published" in event:
            self.published += 1
            cursor = decode_cursor(event.partition(b"id: ")[2].partition(b"\n")[0].decode())
            if cursor is not None:
                self.late.append(time.time() - (cursor.published_at - EPOCH).total_seconds())

    def take_counts(self) -> Counts:
        """Return the counts, and begin anew."""
        counts = Counts(self.open_streams, self.published, self.progress, self.late)
        self.published, self.progress, self.late = 0, 0, []
        return counts


class Listeners:
    """Controls the process with the streams."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def take_counts(self) -> Counts:
        """Return the counts since the previous call."""
        self._pipe.send("counts")
        counts: Counts = self._pipe.recv()
        return counts


@contextmanager
def open_listeners(port: int, queries: list[str]) -> Iterator[Listeners]:
    """Open one stream per query, all at the same time, and close them afterwards."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_run, args=(port, queries, theirs))
    process.start()
    try:
        if not ours.poll(CONNECT_TIMEOUT_SECONDS):
            raise RuntimeError("not all streams could be opened")
        ours.recv()
        yield Listeners(ours)
    finally:
        process.terminate()
        process.join()


def _run(port: int, queries: list[str], pipe: Connection) -> None:
    # Browsers run on other machines: here they must not take the CPU from the pages that are measured.
    os.nice(10)
    asyncio.run(_listen_to_all(port, queries, pipe))


async def _listen_to_all(port: int, queries: list[str], pipe: Connection) -> None:
    streams, turn = Streams(port), asyncio.Semaphore(MAX_CONNECTING)
    tasks = [asyncio.create_task(streams.listen(number, query, turn)) for number, query in enumerate(queries)]
    while streams.open_streams < len(queries):
        if failed := next((task for task in tasks if task.done() and task.exception()), None):
            failed.result()
        await asyncio.sleep(0.1)
    pipe.send("open")
    while True:
        await asyncio.to_thread(pipe.recv)
        pipe.send(streams.take_counts())
