"""Paints one creation.

    creation | still wanted? | start picture | gpu.paint | pay | what may hang | finish (WebP, thumbnail, provenance)
             | store | mark painted

Each step before "mark painted" can be repeated without harm: files are named by their content, and only who still
holds the claim may mark.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from core import imaging
from core.clock import now
from core.database import transaction
from core.errors import GiveUp, Refused, TryLater
from core.imaging import Copy, Provenance
from core.line import Line
from core.logs import get_logger
from core.models import Picture, State, creations, pictures
from core.money.ledger import Cost, write_costs
from core.money.prices import GPU, GPU_IDLE, gpu_costs
from core.queue import PAINT, REPLY
from core.settings import MoneySettings, RuleSettings, WorkSettings
from core.states import move
from core.storage import Storage
from core.styles import styled
from core.text import display_name
from core.visibility import hold, show
from core.x import XClient
from worker.claims import Claim, take
from worker.gpu_client import GpuClient, Order, Painted, Painting
from worker.manners import Manners
from worker.media import Media
from worker.patience import patiently
from worker.rows import creation_with_post
from worker.schedule import next_try
from worker.start_picture import StartPictures
from worker.stopping import may_be_handed_back
from worker.telling import tell_hung, tell_not_painted
from worker.text_replies import TextReplies

log = get_logger(__name__)

# A post seen on X so lately is taken to be there still.
SEEN_LATELY = timedelta(minutes=5)
LOST = ("gone", "protected", "suspended")


@dataclass(frozen=True)
class PaintStep:
    """How a creation goes from queued to painted."""

    engine: Engine
    gpu: GpuClient
    x: XClient
    storage: Storage
    line: Line
    settings: WorkSettings
    money: MoneySettings
    manners: Manners
    media: Media = field(default_factory=Media)
    rules: RuleSettings = field(default_factory=RuleSettings)

    def claim(self, creation_id: int) -> Claim | None:
        """Take a waiting creation, or None when somebody else has it or it is done."""
        return take(self.engine, creation_id, State.QUEUED, State.PAINTING, lease=self.settings.lease_seconds)

    def do(self, claim: Claim) -> None:
        """Paint it. Raises TryLater and Refused."""
        creation = creation_with_post(self.engine, claim.creation_id)
        self._is_it_still_wanted(creation)
        self.storage.check_room()
        start = StartPictures(self.engine, self.storage, self.media).bytes_for(creation)
        with may_be_handed_back():
            painting = self.gpu.paint(_order(creation, start))
        # It is paid for: whoever holds the database must not have it painted again.
        patiently(lambda: self._pay(claim, creation, painting))
        rows = [self._hang(creation, painting, n, painted) for n, painted in enumerate(self._may_hang(painting))]
        if patiently(lambda: self._mark_painted(claim, creation, painting, rows)):
            told = {"model": painting.model, "seconds": round(painting.seconds, 2), "ignored": list(painting.ignored)}
            log.info("painted", creation=claim.creation_id, **told)

    def postpone(self, claim: Claim, error: TryLater) -> None:
        """Back into the queue for another try, or failed when there were enough."""
        attempts = claim.attempts if error.counted else claim.attempts - 1
        if attempts >= self.settings.paint_attempts:
            self.end(claim, error)
            return
        due = next_try(error, attempts, self.settings, claim.now())
        if claim.move(State.QUEUED, claim=None, attempts=attempts, next_attempt_at=due, last_error=str(error)):
            log.warning("painting waits", creation=claim.creation_id, reason=str(error), attempts=attempts)

    def end(self, claim: Claim, error: TryLater | Refused | GiveUp) -> None:
        """Refused when the painter cannot paint it; failed when it could not be painted in all its attempts."""
        target = State.REFUSED if isinstance(error, Refused) else State.FAILED
        texts = TextReplies(self.engine, self.rules, self.money)
        budget_reached = texts.is_budget_reached()
        with transaction(self.engine) as session:
            ended: dict[str, Any] = {
                "code": error.code,
                "last_error": str(error),
                "claim": None,
                "next_attempt_at": None,
            }
            moved = move(session, claim.creation_id, State.PAINTING, target, held_by=claim.token, **ended)
            if moved:
                tell_not_painted(session, claim.creation_id, error.code)
                explain = texts.explain_refusal if target == State.REFUSED else texts.explain_failure
                explain(session, claim.creation_id, claim.now(), budget_reached=budget_reached)
        if moved:
            log.error("not painted", creation=claim.creation_id, state=target.value, reason=str(error))

    def finished(self) -> None:
        """Whoever is next in line may go: for an answer, and for a painting."""
        self.line.call_up(REPLY)
        self.line.call_up(PAINT)

    def _is_it_still_wanted(self, creation: Any) -> None:
        """Before it is paid for: not taken back, its author has not said stop, and the post is still there."""
        if creation.deleted_at:
            raise Refused("deleted")
        if creation.opted_out_at:
            raise Refused("opted_out")
        if creation.banned_at:
            raise Refused("banned")
        if creation.post_id is None:
            return  # wished for in the gallery: painted also where the post that it answers is gone
        if creation.gone_at:
            raise Refused("post_gone")
        if now() - creation.checked_at < SEEN_LATELY:
            return
        self.x.on_behalf(creation.id, creation.person_id)
        try:
            fate = self.x.posts([creation.post_id]).lost.get(creation.post_id)
        except (TryLater, GiveUp) as error:
            log.warning("painted without a look at the post", creation=creation.id, reason=str(error))
            return
        # X also tells of posts around it that are lost, and of what it does not want to show just now.
        if fate in LOST:
            raise Refused("post_gone", fate)

    def _may_hang(self, painting: Painting) -> list[Painted]:
        """Its pictures without those that the safety check held back. Raises Refused where none is left, and TryLater
        where none was checked."""
        kept = self.gpu.publishable(painting)
        if self.manners.flagged == "refuse":
            kept = [one for one in kept if not one.flagged]
        if not kept:
            raise Refused("flagged")
        return kept

    def _pay(self, claim: Claim, creation: Any, painting: Painting) -> None:
        """GPU seconds cost also where nothing comes of them. The same answer counts once, however often it is read."""
        painted, idle = gpu_costs(painting.gpu_seconds, painting.idle_seconds, painting.usd_per_second, self.money)
        key = painting.receipt
        costs = [Cost(f"gpu:{creation.id}:{key}", GPU, painted, creation.id, creation.person_id)]
        if idle:
            # Nobody asked for it: the house pays that its painter was ready.
            costs.append(Cost(f"gpu_idle:{key}", GPU_IDLE, idle))
        write_costs(self.engine, costs, at=claim.now())

    def _hang(self, creation: Any, painting: Painting, position: int, painted: Painted) -> Picture:
        """Finish one picture, keep its files, and make its row."""
        source = Provenance(
            creation.prompt, display_name(creation.name, creation.username), painting.model, painted.seed
        )
        finished = imaging.finish(painted.image or b"", source)
        return Picture(
            creation_id=creation.id,
            position=position,
            seed=painted.seed,
            width=finished.width,
            height=finished.height,
            mime=imaging.MIME,
            size=len(finished.image),
            key=self.storage.put(finished.image, imaging.EXTENSION),
            **self._keep("thumb", finished.thumb),
            **self._keep("wide", finished.wide),
            placeholder=finished.placeholder,
            flagged=painted.flagged,
        )

    def _keep(self, name: str, copy: Copy | None) -> dict[str, Any]:
        """Keep the files of a smaller copy; the values of its columns. Nothing where there is none."""
        if copy is None:
            return {}
        return {
            f"{name}_key": self.storage.put(copy.webp, imaging.EXTENSION),
            f"{name}_avif_key": self.storage.put(copy.avif, imaging.AVIF) if copy.avif else None,
            f"{name}_width": copy.width,
            f"{name}_height": copy.height,
        }

    def _mark_painted(self, claim: Claim, creation: Any, painting: Painting, rows: list[Picture]) -> bool:
        """From here on it is visible. Pictures and state change together; False when the claim was lost."""
        moment = claim.now()
        with transaction(self.engine) as session:
            hold(session, creations.c.id == claim.creation_id)
            moved = move(
                session,
                claim.creation_id,
                State.PAINTING,
                State.PAINTED,
                held_by=claim.token,
                claim=None,
                attempts=0,
                last_error=None,
                next_attempt_at=claim.now() if creation.to_post_id is not None else None,
                model=painting.model,
                painting_seconds=painting.seconds,
                painted_steps=painting.steps,
                guidance=painting.guidance,
                tokens_read=painting.truncated[0] if painting.truncated else None,
                tokens_in_all=painting.truncated[1] if painting.truncated else None,
                ignored=" ".join(painting.ignored) or None,
                painted_at=moment,
            )
            if moved:
                # Without their ids: where this is done again, they may be others' by then.
                session.execute(pictures.insert(), [row.model_dump(exclude={"id"}) for row in rows])
                # Taken back, or its author hidden, while it was painted: then it never comes into sight.
                if show(session, creations.c.id == claim.creation_id):
                    tell_hung(session, claim.creation_id)
        return moved


def _order(creation: Any, start: bytes | None) -> Order:
    seeds = tuple((creation.seed + n) % 2**32 for n in range(creation.count))
    return Order(
        styled(creation.prompt, creation.style),
        seeds,
        creation.negative_prompt,
        creation.aspect_ratio,
        creation.steps,
        start,
        creation.person_id,
        creation.id,
        creation.strength,
    )
