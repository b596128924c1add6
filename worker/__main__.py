"""`python -m worker` paints and replies until stopped; `--burst` ends when the queue is empty."""

import sys
import threading
from functools import partial
from typing import Annotated

import typer

import worker.jobs  # noqa: F401  # imported before the fork: a job then starts in milliseconds
from core.clock_check import check_clock, machine
from core.database import open_database
from core.errors import ClockWrong, SettingsError, TryLater
from core.instance import require_storage
from core.line import Line
from core.logs import configure_logs, get_logger
from core.outage import STORAGE, outages
from core.pace import Pace
from core.pace.toll import TollGate
from core.private_files import keep_private
from core.queue import QUEUES, open_queue
from core.reply_gate import close_if_stale
from core.schema import wait_until_current
from core.settings import warn_of_misspelt_settings
from core.storage import FolderStorage
from core.uploads import Uploads
from core.x import open_x
from worker.allowance import Allowance
from worker.alone import Alone
from worker.keeping import Keeping
from worker.lookups import Lookups
from worker.orphans import OrphanFiles
from worker.pool import MUST_NOT_WORK, Pool
from worker.settings import Settings, read_settings
from worker.sweeps import Sweep
from worker.text_replies import TextReplies
from worker.wait_notices import WaitNotices
from worker.warmup import warm_up

log = get_logger(__name__)
cli = typer.Typer(add_completion=False, help="Does: paints and replies, and sweeps up what rests too long.")


@cli.command()
def main(burst: Annotated[bool, typer.Option("--burst", help="End when the queue is empty.")] = False) -> None:
    """Work on the queue. WORKERS says how many jobs at a time."""
    try:
        settings = read_settings()
        keep_private(settings.house.data_dir)
        configure_logs(level=settings.house.log_level, as_json=settings.house.log_json, process="worker")
        warn_of_misspelt_settings()
        engine = open_database(settings.database.url)
        wait_until_current(engine, settings.database.database_wait_seconds)
        instance = require_storage(engine, settings.storage.folder)
        close_if_stale(engine)
        check_clock(engine, open_queue(settings.queue.url))
        engine.dispose()
    except SettingsError as error:
        sys.exit(f"worker: {error}")
    warm_up()
    connection = open_queue(settings.queue.url).connection
    pool = Pool(
        QUEUES,
        connection=connection,
        num_workers=settings.queue.workers,
        stop_grace=settings.work.stop_grace_seconds,
        sweep=lambda stopped: _sweep(settings, instance, stopped),
        may_work=partial(_sees_the_pictures, FolderStorage(settings.storage.folder, instance)),
    )
    pool.start(burst=burst, logging_level="WARNING")
    if pool.must_not_work:
        sys.exit(f"worker: the clock of {machine()} is wrong, see above")


def _sees_the_pictures(storage: FolderStorage) -> bool:
    """Whether jobs make sense here. While the folder is not there, other machines do them."""
    try:
        storage.check()
    except TryLater:
        return False
    outages.works(STORAGE)
    return True


def _sweep(settings: Settings, instance: str, stopped: threading.Event) -> None:
    """Runs in the sweeper's process: connections are made here, after the fork."""
    # X is slow, and a sweep must not be late. Ended in the middle of a step, it goes on at the next start.
    threading.Thread(target=_keep, args=(settings, instance, stopped), name="keeping", daemon=True).start()
    engine, queue = open_database(settings.database.url), open_queue(settings.queue.url)
    pace = Pace(queue, settings.pace)
    line, texts = Line(engine, queue, pace, settings.money), TextReplies(engine, settings.rules, settings.money)
    notices = WaitNotices(line, texts)
    threading.Thread(target=notices.keep_running, args=(stopped,), name="notices", daemon=True).start()
    try:
        Sweep(engine, line, settings.work, texts).keep_running(stopped)
    except ClockWrong as error:
        log.error("this machine does not work any more", reason=str(error))
        sys.exit(MUST_NOT_WORK)


def _keep(settings: Settings, instance: str, stopped: threading.Event) -> None:
    """Runs beside the sweep, with connections of its own."""
    engine, queue = open_database(settings.database.url), open_queue(settings.queue.url)
    pace = Pace(queue, settings.pace)
    toll = TollGate(pace, engine, settings.money)
    allowance = Allowance(queue, settings.keep, settings.money)
    lookups = Lookups(engine, open_x(settings.x, toll), allowance, settings.keep)
    storage = FolderStorage(settings.storage.folder, instance)
    uploads = Uploads(settings.storage.folder)
    orphans = OrphanFiles(engine, storage)
    keeping = Keeping(engine, open_x(settings.x, toll), storage, lookups, settings.keep, uploads, orphans)
    keeping.keep_running(stopped, Alone(queue.connection, "keeping", lease=settings.work.lease_seconds))


if __name__ == "__main__":
    cli()
