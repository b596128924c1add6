"""A creation takes few write transactions: on SQLite each one holds back all other writers."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event

from core.models import State
from core.queue import PAINT, REPLY, WorkQueue
from core.storage import FolderStorage
from tests.support.in_process_bot import InProcessBot
from tests.support.poller import creation_of
from tests.support.sandbox_x import SandboxX

MAX_PAINT_WRITES, MAX_REPLY_WRITES = 3, 3


@contextmanager
def counted_writes(engine: Engine) -> Iterator[list[Connection]]:
    """Yield a list to which each committed write transaction adds its connection."""
    writes: list[Connection] = []

    def note(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            writes.append(connection)

    event.listen(engine, "commit", note)
    try:
        yield writes
    finally:
        event.remove(engine, "commit", note)


def test_a_creation_takes_at_most_six_write_transactions(
    engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, gpu_url: str
) -> None:
    bot = InProcessBot(engine, x, queue, storage, gpu_url)
    bot.poll_once()
    bot.client().get_my_id()  # read and paid for once a day
    post_id = x.post("@threadpaint a fox")
    bot.advance_clock(bot.window)
    bot.poll_once()
    with counted_writes(engine) as paint_writes:
        bot.run_jobs(PAINT)
    with counted_writes(engine) as reply_writes:
        bot.run_jobs(REPLY)
    assert creation_of(engine, post_id).state == State.REPLIED
    assert (len(paint_writes), len(reply_writes)) == (MAX_PAINT_WRITES, MAX_REPLY_WRITES)


def test_a_job_with_nothing_to_lease_takes_one_transaction(
    engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, gpu_url: str
) -> None:
    bot = InProcessBot(engine, x, queue, storage, gpu_url)
    queue.enqueue(PAINT, [1])
    queue.enqueue(REPLY, [1])
    with counted_writes(engine) as writes:
        bot.run_jobs(PAINT)
        bot.run_jobs(REPLY)
    assert len(writes) == 2
