"""Generate the pictures of one creation.

    load task | still wanted? | init image | call the GPU service | record its cost | drop flagged pictures
              | make WebP with provenance, and a thumbnail | store files | complete: rows and state

Every step before the last can be repeated without harm: files are named by their content. Only the job that still holds
the lease can complete.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine

from core import imaging
from core.budget.ledger import LedgerEntry, write_costs
from core.budget.prices import GPU, GPU_IDLE, gpu_costs
from core.clock import now
from core.database import write_session
from core.errors import GiveUp, Refused, TryLater
from core.imaging import Provenance
from core.logs import get_logger
from core.media_download import MediaDownloader
from core.models import Picture, State, creations, pictures
from core.publishing import lock_creations, publish
from core.queue import PAINT, REPLY
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, UsagePolicySettings
from core.storage import Storage
from core.styles import apply_style
from core.x import XClient
from worker.backoff import next_attempt_at
from worker.database_retry import retry_while_busy
from worker.gpu.client import GeneratedImage, GenerateRequest, GenerateResult, GpuClient
from worker.init_image import InitImages
from worker.leases import CreationLease, acquire
from worker.notifications import notify_failed, notify_published
from worker.queries import PaintTask, load_paint_task
from worker.reply_policy import ReplyPolicy
from worker.shutdown import requeue_on_stop
from worker.text_replies import TextReplies

log = get_logger(__name__)

# A post that was seen on X within this time is not checked again.
RECENTLY_CHECKED = timedelta(minutes=5)
UNAVAILABLE = ("deleted", "protected", "suspended")
SEEDS = 2**32
# The reply goes first. Until they are made, pages show WebP.
AVIF_DELAY = timedelta(seconds=5)


@dataclass(frozen=True)
class PaintStep:
    """Move a creation from `queued` to `painted`."""

    engine: Engine
    gpu: GpuClient
    x: XClient
    storage: Storage
    dispatcher: Dispatcher
    settings: JobSettings
    money: BudgetSettings
    policy: ReplyPolicy
    media: MediaDownloader = field(default_factory=MediaDownloader)
    rules: UsagePolicySettings = field(default_factory=UsagePolicySettings)

    def acquire(self, creation_id: int) -> CreationLease | None:
        """Lease a queued creation. Returns None if it is not due, done, or leased by another job."""
        return acquire(self.engine, creation_id, (State.QUEUED,), State.PAINTING, duration=self.settings.lease_seconds)

    def run(self, lease: CreationLease) -> None:
        """Generate its pictures and publish them. Raises TryLater and Refused."""
        task = load_paint_task(self.engine, lease.creation_id)
        self._ensure_still_wanted(task)
        self.storage.check_room()
        init_image = InitImages(self.engine, self.storage, self.media).load(task)
        with requeue_on_stop():
            result = self.gpu.generate(_build_request(task, init_image))
        # The GPU time is spent: a busy database must not cause a second generation.
        retry_while_busy(lambda: self._record_cost(lease, task, result))
        images = self._select_publishable(result)
        rows = [self._store_image(task, result, position, image) for position, image in enumerate(images)]
        if retry_while_busy(lambda: self._complete(lease, task, result, rows)):
            details = {"model": result.model, "seconds": round(result.seconds, 2), "ignored": list(result.ignored)}
            log.info("painted", creation=task.id, **details)

    def retry_later(self, lease: CreationLease, error: TryLater) -> None:
        """Queue it for another attempt, or fail it after the last one."""
        attempts = lease.attempts if error.counted else lease.attempts - 1
        if attempts >= self.settings.paint_attempts:
            self.fail(lease, error)
            return
        due = next_attempt_at(error, attempts, self.settings, lease.now())
        if lease.release(State.QUEUED, attempts=attempts, next_attempt_at=due, last_error=str(error)):
            log.warning("painting will be retried", creation=lease.creation_id, reason=str(error), attempts=attempts)

    def fail(self, lease: CreationLease, error: TryLater | Refused | GiveUp) -> None:
        """End it: `refused` if it must not or cannot be generated, `failed` after the last attempt."""
        target = State.REFUSED if isinstance(error, Refused) else State.FAILED
        texts = TextReplies(self.engine, self.rules, self.money)
        budget_reached = texts.is_budget_reached()
        explain = texts.explain_refusal if target == State.REFUSED else texts.explain_failure
        with write_session(self.engine) as session:
            moved = lease.release_in(
                session, target, reason_code=error.code, last_error=str(error), next_attempt_at=None
            )
            if moved:
                notify_failed(session, lease.creation_id, error.code)
                explain(session, lease.creation_id, lease.now(), budget_reached=budget_reached)
        if moved:
            log.error("not painted", creation=lease.creation_id, state=target.value, reason=str(error))

    def dispatch_next(self, creation_id: int) -> None:
        """Enqueue the next reply and paint jobs."""
        self.dispatcher.dispatch(REPLY)
        self.dispatcher.dispatch(PAINT, done=creation_id)

    def _ensure_still_wanted(self, task: PaintTask) -> None:
        """Raise Refused if the creation, its author or its post should get no picture any more: GPU time costs."""
        if task.deleted_at:
            raise Refused("deleted")
        if task.opted_out_at:
            raise Refused("opted_out")
        if task.banned_at:
            raise Refused("banned")
        if task.post_id is None:
            return  # made in the gallery: painted even if the post that it replies to is gone
        if task.deleted_on_x_at:
            raise Refused("post_gone")
        if task.last_checked_on_x_at and now() - task.last_checked_on_x_at < RECENTLY_CHECKED:
            return
        self._ensure_post_exists(task, task.post_id)

    def _ensure_post_exists(self, task: PaintTask, post_id: int) -> None:
        self.x.attribute_to(task.id, task.person_id)
        try:
            # The answer also covers posts around it, and posts that X only hides for now.
            status = self.x.get_posts([post_id]).unavailable.get(post_id)
        except (TryLater, GiveUp) as error:
            log.warning("painting without checking the post on X", creation=task.id, reason=str(error))
            return
        if status in UNAVAILABLE:
            raise Refused("post_gone", status)

    def _select_publishable(self, result: GenerateResult) -> list[GeneratedImage]:
        """Return its pictures without flagged ones. Raises Refused if none is left, TryLater if none was checked."""
        images = self.gpu.select_publishable(result)
        if self.policy.flagged_images == "refuse":
            images = [image for image in images if not image.flagged]
        if not images:
            raise Refused("flagged")
        return images

    def _record_cost(self, lease: CreationLease, task: PaintTask, result: GenerateResult) -> None:
        """Record GPU seconds, even if no picture comes of them. One response is charged once, however often read."""
        busy, idle = gpu_costs(result.gpu_seconds, result.idle_seconds, result.usd_per_second, self.money)
        digest = result.response_digest
        costs = [LedgerEntry(f"gpu:{task.id}:{digest}", GPU, busy, task.id, task.person_id)]
        if idle:
            # No user caused it: the instance pays for a service that was ready.
            costs.append(LedgerEntry(f"gpu_idle:{digest}", GPU_IDLE, idle))
        write_costs(self.engine, costs, at=lease.now())

    def _store_image(self, task: PaintTask, result: GenerateResult, position: int, image: GeneratedImage) -> Picture:
        """Store the files of one picture and return its row."""
        source = Provenance(task.prompt, task.author, result.model, image.seed)
        derived = imaging.make_derivatives(image.content or b"", source)
        full, thumb = derived.image, derived.thumb
        return Picture(
            creation_id=task.id,
            position=position,
            seed=image.seed,
            width=full.width,
            height=full.height,
            mime=imaging.MIME,
            size=len(full.data),
            key=self.storage.put(full.data, imaging.EXTENSION),
            thumb_key=self.storage.put(thumb.data, imaging.EXTENSION),
            thumb_width=thumb.width,
            thumb_height=thumb.height,
            avif_due_at=now() + AVIF_DELAY,
            placeholder=derived.placeholder,
            flagged=image.flagged,
        )

    def _complete(self, lease: CreationLease, task: PaintTask, result: GenerateResult, rows: list[Picture]) -> bool:
        """Insert the pictures, change the state and publish in one transaction. Returns False if the lease was lost."""
        values = _completed_values(lease, task, result)
        with write_session(self.engine) as session:
            lock_creations(session, creations.c.id == task.id)
            if not lease.release_in(session, State.PAINTED, **values):
                return False
            # Without ids: if this transaction is repeated, other rows may have them by then.
            session.execute(pictures.insert(), [row.model_dump(exclude={"id"}) for row in rows])
            # Stays hidden if it was deleted, or its author hidden, meanwhile.
            if publish(session, creations.c.id == task.id):
                notify_published(session, task.id)
        return True


def _completed_values(lease: CreationLease, task: PaintTask, result: GenerateResult) -> dict[str, object]:
    tokens_used, tokens_total = result.truncated or (None, None)
    return {
        "attempts": 0,
        "last_error": None,
        "next_attempt_at": lease.now() if task.target_post_id is not None else None,
        "model": result.model,
        "painting_seconds": result.seconds,
        "steps_used": result.steps,
        "guidance": result.guidance,
        "prompt_tokens_used": tokens_used,
        "prompt_tokens_total": tokens_total,
        "ignored_options": " ".join(result.ignored) or None,
        "painted_at": lease.now(),
    }


def _build_request(task: PaintTask, init_image: bytes | None) -> GenerateRequest:
    return GenerateRequest(
        prompt=apply_style(task.prompt, task.style),
        seeds=tuple((task.seed + number) % SEEDS for number in range(task.count)),
        negative_prompt=task.negative_prompt,
        aspect_ratio=task.aspect_ratio,
        steps=task.steps,
        init_image=init_image,
        creation_id=task.id,
        strength=task.strength,
    )
