"""The RQ jobs. `paint` and `reply` lease a creation, run the step, and decide what an error means. Each takes an id.

A job can be started twice, late, or for a creation that is done: then it gets no lease and returns. A worker process
runs one job after the other: it opens database, queue and storage once, and connects to X anew in each job, because X
may have closed an idle connection, and a reply that was lost with it would have to be looked up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from core.database import is_busy, open_database
from core.errors import GiveUp, Refused, TryLater
from core.instance import instance_key
from core.logs import get_logger
from core.media_download import MediaDownloader
from core.outage import DATABASE, DATABASE_WRITES, outages
from core.queue import open_queue
from core.scheduling import Dispatcher
from core.storage import FolderStorage
from core.x import XClient, open_x
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import XRateLimiter
from worker.avif_copies import AvifCopies
from worker.database_retry import first_line, retry_while_busy
from worker.gpu.client import open_gpu
from worker.leases import CreationLease
from worker.painting import PaintStep
from worker.reply_policy import ReplyPolicy
from worker.replying import ReplyStep
from worker.settings import WorkerSettings, read_settings

log = get_logger(__name__)


class Step(Protocol):
    """One step of a creation's way."""

    def acquire(self, creation_id: int) -> CreationLease | None:
        """Lease the creation, or return None if it is not due."""

    def run(self, lease: CreationLease) -> None:
        """Do the work. May raise TryLater, Refused and GiveUp."""

    def retry_later(self, lease: CreationLease, error: TryLater) -> None:
        """Release it for another attempt, or fail it after the last one."""

    def fail(self, lease: CreationLease, error: TryLater | Refused | GiveUp) -> None:
        """End it with the error's code."""

    def dispatch_next(self, creation_id: int) -> None:
        """Enqueue the next jobs at the end of this creation's job. May raise TryLater."""


@dataclass(frozen=True)
class _Resources:
    """What the jobs of a process share."""

    settings: WorkerSettings
    engine: Engine
    dispatcher: Dispatcher
    storage: FolderStorage
    policy: ReplyPolicy

    def open_x(self) -> XClient:
        """Return a client of X for one job."""
        guard = MeteredCallGuard(self.dispatcher.rate_limiter, self.engine, self.settings.money)
        return open_x(self.settings.x, guard)


def paint(creation_id: int) -> None:
    """RQ job: generate the pictures of one creation."""
    _run_job(_paint_step, creation_id)


def reply(creation_id: int) -> None:
    """RQ job: reply to the post of one creation."""
    _run_job(_reply_step, creation_id)


def make_avif_copies(creation_id: int) -> None:
    """RQ job: make the AVIF copies of the pictures of one creation."""
    with _end_quietly_if_busy(creation_id):
        resources = _resources()
        AvifCopies(resources.engine, resources.storage, resources.settings.work.lease_seconds).make(creation_id)


def _run_job(make_step: Callable[[_Resources], Step], creation_id: int) -> None:
    with _end_quietly_if_busy(creation_id):
        run_step(make_step(_resources()), creation_id)


@cache
def _resources() -> _Resources:
    settings = read_settings()
    engine, queue = _engine(settings.database.url), open_queue(settings.queue.url)
    return _Resources(
        settings,
        engine,
        Dispatcher(engine, queue, XRateLimiter(queue, settings.rate_limit), settings.money),
        FolderStorage(settings.storage.folder, instance_key(engine)),
        ReplyPolicy.from_settings(settings.x, settings.app.gallery_url),
    )


@cache
def _engine(url: str) -> Engine:
    """Return the process's engine, also if the first job finds the database away."""
    return open_database(url)


def _paint_step(resources: _Resources) -> PaintStep:
    settings = resources.settings
    return PaintStep(
        resources.engine,
        open_gpu(settings.gpu, resources.dispatcher.gpu_breaker),
        resources.open_x(),
        resources.storage,
        resources.dispatcher,
        settings.work,
        settings.money,
        resources.policy,
        MediaDownloader(settings.x.media_hosts, settings.x.media_origin),
        settings.rules,
    )


def _reply_step(resources: _Resources) -> ReplyStep:
    return ReplyStep(
        resources.engine,
        resources.open_x(),
        resources.storage,
        resources.dispatcher,
        resources.settings.work,
        resources.policy,
    )


@contextmanager
def _end_quietly_if_busy(creation_id: int) -> Iterator[None]:
    """End the job quietly while the database is busy or away: nothing can be saved, and the recovery loop goes on."""
    try:
        yield
    except DBAPIError as error:
        if not is_busy(error):
            raise
        if not outages.is_ongoing(DATABASE, DATABASE_WRITES):  # the database reports its own outage
            reason = first_line(error)
            log.warning("the database is busy or away; recovery goes on", creation=creation_id, reason=reason)


def run_step(step: Step, creation_id: int) -> None:
    """Run a step for one creation, then dispatch the next jobs."""
    with _end_quietly_if_busy(creation_id):
        lease = step.acquire(creation_id)
        if lease is None:
            log.info("nothing to lease", creation=creation_id)
        else:
            _run_leased(step, lease)
        try:
            step.dispatch_next(creation_id)
        except TryLater as error:
            log.debug("dispatch skipped, recovery will do it", reason=str(error))


def _run_leased(step: Step, lease: CreationLease) -> None:
    """Run the step and save its outcome, however long others hold the database, while the lease is renewed.

    An unexpected exception schedules another attempt too, and is raised again: the RQ job fails visibly.
    """
    bug: Exception | None = None
    with lease.keep_alive():
        settle: Callable[[], None] | None = None
        try:
            step.run(lease)
        except TryLater as error:
            settle = partial(step.retry_later, lease, error)
        except (Refused, GiveUp) as error:
            settle = partial(step.fail, lease, error)
        except Exception as error:
            bug = None if is_busy(error) else error
            settle = partial(step.retry_later, lease, _to_try_later(error))
        if settle:
            retry_while_busy(settle)
    if bug:
        raise bug


def _to_try_later(error: Exception) -> TryLater:
    if is_busy(error):
        return TryLater("database_busy", first_line(error), counted=False)
    return TryLater("unexpected", repr(error))
