"""Paints one creation.

    creation | gpu.paint | finish (WebP, thumbnail, provenance) | store | mark painted | ask for the reply

Each step before "mark painted" can be repeated without harm: files are named by their content, and only who still
holds the claim may mark. Knows nothing of X.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from core.clock import now
from core.database import transaction
from core.errors import GiveUp, Refused, TryLater
from core.logs import get_logger
from core.models import Picture, State
from core.queue import REPLY, WorkQueue
from core.settings import WorkSettings
from core.states import move
from core.storage import Storage
from worker import imaging
from worker.claims import Claim, take
from worker.gpu_client import GpuClient, Order, Painted, Painting
from worker.imaging import Provenance
from worker.rows import creation_with_author
from worker.schedule import next_try

log = get_logger(__name__)


@dataclass(frozen=True)
class PaintStep:
    """How a creation goes from queued to painted."""

    engine: Engine
    gpu: GpuClient
    storage: Storage
    queue: WorkQueue
    settings: WorkSettings

    def claim(self, creation_id: int) -> Claim | None:
        """Take a waiting creation, or None when somebody else has it or it is done."""
        return take(self.engine, creation_id, State.QUEUED, State.PAINTING, lease=self.settings.lease_seconds)

    def do(self, claim: Claim) -> None:
        """Paint it. Raises TryLater and Refused."""
        creation = creation_with_author(self.engine, claim.creation_id)
        painting = self.gpu.paint(_order(creation))
        if any(picture.flagged for picture in painting.pictures):
            raise Refused("flagged")
        rows = [self._hang(creation, painting, n, painted) for n, painted in enumerate(painting.pictures)]
        if self._mark_painted(claim, painting, rows, answers_a_post=creation.post_id is not None):
            log.info("painted", creation=claim.creation_id, model=painting.model, seconds=round(painting.seconds, 2))
            self._ask_for_reply(claim.creation_id, creation.post_id)

    def postpone(self, claim: Claim, error: TryLater) -> None:
        """Back into the queue for another try, or failed when there were enough."""
        attempts = claim.attempts if error.counted else claim.attempts - 1
        if attempts >= self.settings.paint_attempts:
            self.end(claim, error)
            return
        due = next_try(error, attempts, self.settings, now())
        if claim.move(State.QUEUED, claim=None, attempts=attempts, next_attempt_at=due, last_error=str(error)):
            log.warning("painting waits", creation=claim.creation_id, reason=str(error), attempts=attempts)

    def end(self, claim: Claim, error: TryLater | Refused | GiveUp) -> None:
        """Refused when the painter cannot paint it; failed when it could not be painted in all its attempts."""
        target = State.REFUSED if isinstance(error, Refused) else State.FAILED
        if claim.move(target, code=error.code, last_error=str(error), claim=None, next_attempt_at=None):
            log.error("not painted", creation=claim.creation_id, state=target.value, reason=str(error))

    def _hang(self, creation: Any, painting: Painting, position: int, painted: Painted) -> Picture:
        """Finish one picture, keep its files, and make its row."""
        source = Provenance(creation.prompt, creation.name, painting.model, painted.seed)
        finished = imaging.finish(painted.image, source)
        return Picture(
            creation_id=creation.id,
            position=position,
            seed=painted.seed,
            width=finished.width,
            height=finished.height,
            mime=imaging.MIME,
            size=len(finished.image),
            key=self.storage.put(finished.image, imaging.EXTENSION),
            thumb_key=self.storage.put(finished.thumb, imaging.EXTENSION),
            thumb_width=finished.thumb_width,
            thumb_height=finished.thumb_height,
            placeholder=finished.placeholder,
        )

    def _mark_painted(self, claim: Claim, painting: Painting, rows: list[Picture], *, answers_a_post: bool) -> bool:
        """From here on it is visible. Pictures and state change together; False when the claim was lost."""
        moment = now()
        with transaction(self.engine) as session:
            moved = move(
                session,
                claim.creation_id,
                State.PAINTING,
                State.PAINTED,
                held_by=claim.token,
                claim=None,
                attempts=0,
                last_error=None,
                next_attempt_at=moment if answers_a_post else None,
                model=painting.model,
                painting_seconds=painting.seconds,
                painted_at=moment,
                shown_at=moment,
            )
            if moved:
                session.add_all(rows)
        return moved

    def _ask_for_reply(self, creation_id: int, post_id: int | None) -> None:
        if post_id is None:
            return
        try:
            self.queue.put(REPLY, [creation_id])
        except TryLater as error:
            log.warning("queue is away; the sweep will enqueue", creation=creation_id, reason=str(error))


def _order(creation: Any) -> Order:
    seeds = tuple((creation.seed + n) % 2**32 for n in range(creation.count))
    return Order(creation.prompt, seeds, creation.negative_prompt, creation.width, creation.height)
