"""The RQ jobs `paint` and `reply`: claim a creation, do the step, decide what an error means. Each takes an id.

A job can be started twice, late, or for a creation that is done: then there is nothing to claim, and it walks away.
RQ forks for every job, so every connection is made here, in the child, and closed with it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from core.database import is_busy, open_database
from core.errors import GiveUp, Refused, TryLater
from core.instance import instance_key
from core.line import Line
from core.logs import get_logger
from core.outage import DATABASE, DATABASE_WRITES, outages
from core.pace import Pace
from core.pace.toll import TollGate
from core.queue import open_queue
from core.storage import FolderStorage
from core.x import XClient, open_x
from worker.claims import Claim
from worker.gpu_client import open_gpu
from worker.manners import Manners, manners_of
from worker.media import Media
from worker.painting import PaintStep
from worker.patience import first_line, patiently
from worker.replying import ReplyStep
from worker.settings import Settings, read_settings

log = get_logger(__name__)


class Step(Protocol):
    """One step of a creation's way."""

    def claim(self, creation_id: int) -> Claim | None:
        """Take the creation, or None when it is not to be had."""

    def do(self, claim: Claim) -> None:
        """Do the work. May raise TryLater, Refused and GiveUp."""

    def postpone(self, claim: Claim, error: TryLater) -> None:
        """Give it back for another try, or end it after its last."""

    def end(self, claim: Claim, error: TryLater | Refused | GiveUp) -> None:
        """End it with its reason."""

    def finished(self) -> None:
        """Whatever became of it: call up who is next in line. May raise TryLater."""


def paint(creation_id: int) -> None:
    """RQ job: paint one creation."""
    settings = read_settings()
    engine = open_database(settings.database.url)
    with _ending_early_if_busy(creation_id):
        line, x = _line_and_x(settings, engine)
        gpu, manners = open_gpu(settings.gpu, line.painters), _manners(settings)
        media, storage = Media(settings.x.media_hosts, settings.x.media_origin), _storage(settings, engine)
        work, money, rules = settings.work, settings.money, settings.rules
        _work(PaintStep(engine, gpu, x, storage, line, work, money, manners, media, rules), creation_id)
    engine.dispose()


def reply(creation_id: int) -> None:
    """RQ job: answer the post of one creation."""
    settings = read_settings()
    engine = open_database(settings.database.url)
    with _ending_early_if_busy(creation_id):
        line, x = _line_and_x(settings, engine)
        step = ReplyStep(engine, x, _storage(settings, engine), line, settings.work, _manners(settings))
        _work(step, creation_id)
    engine.dispose()


@contextmanager
def _ending_early_if_busy(creation_id: int) -> Iterator[None]:
    """While the database is busy or away nothing can be noted: the job ends quietly, and the sweep goes on later."""
    try:
        yield
    except DBAPIError as error:
        if not is_busy(error):
            raise
        if not outages.ongoing(DATABASE, DATABASE_WRITES):  # which reports its own outage
            reason = first_line(error)
            log.warning("the database is busy or away; the sweep goes on", creation=creation_id, reason=reason)


def _work(step: Step, creation_id: int) -> None:
    with _ending_early_if_busy(creation_id):
        claim = step.claim(creation_id)
        if claim is None:
            log.debug("nothing to claim", creation=creation_id)
        else:
            _do(step, claim)
        try:
            step.finished()
        except TryLater as error:
            log.debug("nobody called up; the sweep will", reason=str(error))


def _do(step: Step, claim: Claim) -> None:
    """Do the step, and write down how it ended: however long others hold the database, while the claim is kept."""
    bug: Exception | None = None
    with claim.kept():
        settle: Callable[[], None] | None = None
        try:
            step.do(claim)
        except TryLater as error:
            settle = partial(step.postpone, claim, error)
        except (Refused, GiveUp) as error:
            settle = partial(step.end, claim, error)
        except Exception as error:
            busy = is_busy(error)
            later = TryLater("database_busy", first_line(error), counted=False) if busy else _unexpected(error)
            settle = partial(step.postpone, claim, later)
            # Our bug: the row does not wait for ever, and the job fails loudly and stays for a human.
            bug = None if busy else error
        if settle:
            patiently(settle)
    if bug:
        raise bug


def _unexpected(error: Exception) -> TryLater:
    return TryLater("unexpected", repr(error))


def _line_and_x(settings: Settings, engine: Engine) -> tuple[Line, XClient]:
    queue = open_queue(settings.queue.url)
    pace = Pace(queue, settings.pace)
    return Line(engine, queue, pace, settings.money), open_x(settings.x, TollGate(pace, engine, settings.money))


def _manners(settings: Settings) -> Manners:
    return manners_of(settings.x, settings.house.gallery_url)


def _storage(settings: Settings, engine: Engine) -> FolderStorage:
    return FolderStorage(settings.storage.folder, instance_key(engine))
