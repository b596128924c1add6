"""The RQ jobs `paint` and `reply`: claim a creation, do the step, decide what an error means. Each takes an id.

A job can be started twice, late, or for a creation that is done: then there is nothing to claim, and it walks away.
RQ forks for every job, so every connection is made here, in the child, and closed with it.
"""

from typing import Protocol

from core.database import open_database
from core.errors import GiveUp, Refused, TryLater
from core.logs import get_logger
from core.queue import open_queue
from core.storage import FolderStorage
from core.x import open_x
from worker.claims import Claim
from worker.gpu_client import open_gpu
from worker.painting import PaintStep
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


def paint(creation_id: int) -> None:
    """RQ job: paint one creation."""
    settings = read_settings()
    engine = open_database(settings.database.url)
    with open_gpu(settings.gpu) as gpu:
        _work(PaintStep(engine, gpu, _storage(settings), open_queue(settings.queue.url), settings.work), creation_id)
    engine.dispose()


def reply(creation_id: int) -> None:
    """RQ job: answer the post of one creation."""
    settings = read_settings()
    engine = open_database(settings.database.url)
    _work(ReplyStep(engine, open_x(settings.x), _storage(settings), settings.work), creation_id)
    engine.dispose()


def _work(step: Step, creation_id: int) -> None:
    claim = step.claim(creation_id)
    if claim is None:
        log.debug("nothing to claim", creation=creation_id)
        return
    try:
        with claim.kept():
            step.do(claim)
    except TryLater as error:
        step.postpone(claim, error)
    except (Refused, GiveUp) as error:
        step.end(claim, error)
    except Exception as error:
        # Our bug: the row does not wait for ever, and the job fails loudly and stays for a human.
        step.postpone(claim, TryLater("unexpected", repr(error)))
        raise


def _storage(settings: Settings) -> FolderStorage:
    return FolderStorage(settings.storage.folder)
