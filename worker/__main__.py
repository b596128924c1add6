"""Run the worker: `python -m worker` runs until stopped, `--burst` exits when the queue is empty."""

import gc
import sys
import threading
from functools import partial
from typing import Annotated

import typer

import worker.jobs  # noqa: F401  # before the workers fork: they share these modules
from core import imaging
from core.clock_check import check_clock, machine_name
from core.database import open_database
from core.errors import ClockWrong, SettingsError, TryLater
from core.instance import require_storage
from core.logs import configure_logs, get_logger
from core.migrate import wait_until_current
from core.outage import STORAGE, outages
from core.private_files import keep_private
from core.queue import QUEUES, open_queue
from core.reply_gate import close_if_stale
from core.scheduling import Dispatcher
from core.settings import warn_about_unknown_settings
from core.storage import FolderStorage
from core.upload_store import UploadStore
from core.x import open_x
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import XRateLimiter
from worker.gpu import http
from worker.lookup_quota import DailyQuota
from worker.orphan_files import OrphanFiles
from worker.pool import EXIT_WRONG_CLOCK, Pool
from worker.pool_worker import WorkerLimits
from worker.post_recheck import PostRecheck
from worker.purge import Purger
from worker.recovery import RecoveryLoop
from worker.redis_lock import LeaseLock
from worker.settings import WorkerSettings, read_settings
from worker.text_replies import TextReplies
from worker.wait_notices import WaitNotices

log = get_logger(__name__)
cli = typer.Typer(add_completion=False, help="Run paint and reply jobs, and recover stuck work.")


@cli.command()
def main(burst: Annotated[bool, typer.Option("--burst", help="Exit when the queue is empty.")] = False) -> None:
    """Run jobs from the queue. WORKER_CONCURRENCY sets how many run at a time."""
    try:
        settings = read_settings()
        instance = _prepare(settings)
    except SettingsError as error:
        sys.exit(f"worker: {error}")
    _warm_up()
    pool = Pool(
        QUEUES,
        connection=open_queue(settings.queue.url).connection,
        num_workers=settings.queue.worker_concurrency,
        limits=WorkerLimits(
            settings.work.stop_grace_seconds, settings.queue.worker_max_jobs, settings.queue.worker_max_memory_mb
        ),
        recover=partial(_recover, settings, instance),
        can_work=partial(_is_storage_available, FolderStorage(settings.storage.folder, instance)),
    )
    pool.start(burst=burst, logging_level="WARNING")
    if pool.has_wrong_clock:
        sys.exit(f"worker: the clock of {machine_name()} is wrong, see above")


def _prepare(settings: WorkerSettings) -> str:
    """Check database, storage and clock. Returns the instance's key. Raises SettingsError."""
    keep_private(settings.app.data_dir)
    configure_logs(level=settings.app.log_level, as_json=settings.app.log_json, process="worker")
    warn_about_unknown_settings()
    engine = open_database(settings.database.url)
    wait_until_current(engine, settings.database.database_wait_seconds)
    instance = require_storage(engine, settings.storage.folder)
    close_if_stale(engine)
    check_clock(engine, open_queue(settings.queue.url))
    engine.dispose()
    return instance


def _warm_up() -> None:
    """Load modules, certificates and the WebP encoder once, before the workers fork.

    Nothing stays open: a connection must not be shared by forks.
    """
    imaging.warm_up()
    http.warm_up()
    # Freeze what is loaded: the garbage collector of a worker would touch, and so copy, these pages.
    gc.collect()
    gc.freeze()


def _is_storage_available(storage: FolderStorage) -> bool:
    """Return whether jobs can run here. While the folder is missing, other machines run them."""
    try:
        storage.check()
    except TryLater:
        return False
    outages.record_success(STORAGE)
    return True


def _recover(settings: WorkerSettings, instance: str, stopped: threading.Event) -> None:
    """Run the recovery loop in its own process, with connections opened after the fork."""
    # In a thread: X is slow, and recovery must not be late. If it is killed, it goes on at the next start.
    threading.Thread(target=_purge, args=(settings, instance, stopped), name="purge", daemon=True).start()
    engine, queue = open_database(settings.database.url), open_queue(settings.queue.url)
    dispatcher = Dispatcher(engine, queue, XRateLimiter(queue, settings.rate_limit), settings.money)
    texts = TextReplies(engine, settings.rules, settings.money)
    notices = WaitNotices(dispatcher, texts)
    threading.Thread(target=notices.run_forever, args=(stopped,), name="notices", daemon=True).start()
    try:
        RecoveryLoop(engine, dispatcher, settings.work, texts).run_forever(stopped)
    except ClockWrong as error:
        log.error("this machine stops working", reason=str(error))
        sys.exit(EXIT_WRONG_CLOCK)


def _purge(settings: WorkerSettings, instance: str, stopped: threading.Event) -> None:
    """Run beside the recovery loop, with connections of its own."""
    engine, queue = open_database(settings.database.url), open_queue(settings.queue.url)
    guard = MeteredCallGuard(XRateLimiter(queue, settings.rate_limit), engine, settings.money)
    quota = DailyQuota(queue, settings.purge, settings.money)
    recheck = PostRecheck(engine, open_x(settings.x, guard), quota, settings.purge)
    storage = FolderStorage(settings.storage.folder, instance)
    uploads = UploadStore(settings.storage.folder)
    orphans = OrphanFiles(engine, storage)
    purger = Purger(engine, open_x(settings.x, guard), storage, recheck, settings.purge, uploads, orphans)
    purger.run_forever(stopped, LeaseLock(queue.connection, "purge", duration=settings.work.lease_seconds))


if __name__ == "__main__":
    cli()
