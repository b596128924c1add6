"""Upload the pictures of a creation to X, with alt text and warning, and remember what X has already.

One transaction per picture saves its media id, its alt text and what they cost, also if a call fails, so that another
attempt neither uploads nor pays again. X drops unused media after a day, so an old upload is repeated.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine, update
from sqlmodel import Session

from core.budget.ledger import PendingCosts, count_charges
from core.budget.prices import ALT_TEXT
from core.clock import now
from core.database import write_session
from core.errors import GiveUp, TryLater
from core.logs import get_logger
from core.models import pictures
from core.storage import Storage
from core.text import alt_text
from core.x import UploadedMedia, XClient
from worker.leases import CreationLease
from worker.queries import PictureUpload, ReplyTask, load_pictures
from worker.reply_policy import ReplyPolicy

log = get_logger(__name__)

MEDIA_ID_MAX_AGE = timedelta(hours=23)
# X does not know new media at once. Media that it does not know after this time never appears.
PROPAGATION_DELAY = timedelta(minutes=1)
ALT_TEXT_ATTEMPTS = 3
# The app's plan does not include alt texts: waiting does not help.
NO_ACCESS = "x_no_access"
NOT_UPLOADED: dict[str, object] = {"media_id": None, "uploaded_at": None, "alt_text_set_at": None}


@dataclass
class MediaUploader:
    """Uploads the pictures of one creation to X.

    unsaved: columns by picture id that the next transaction saves.
    """

    engine: Engine
    x: XClient
    storage: Storage
    policy: ReplyPolicy
    unsaved: dict[int, dict[str, object]] = field(default_factory=dict, init=False)

    def ensure_uploaded(self, task: ReplyTask, lease: CreationLease) -> list[str] | None:
        """Return media ids of all pictures, uploading those that are missing. The last transaction renews the lease.

        Returns None if the lease was lost. Raises TryLater and GiveUp.
        """
        media_ids = []
        with self._saved_at_end() as costs:
            for picture in load_pictures(self.engine, task.id):
                self._save(costs)
                media_ids.append(self._ensure_uploaded(task, picture, lease.attempts))
            return media_ids if lease.renew(self._transaction(costs)) else None

    def invalidate_stale(self, creation_id: int) -> None:
        """Drop media ids that X did not know although they had time to propagate. The next attempt uploads again."""
        stale = (pictures.c.creation_id == creation_id, pictures.c.uploaded_at < now() - PROPAGATION_DELAY)
        with write_session(self.engine) as session:
            session.execute(update(pictures).where(*stale).values(**NOT_UPLOADED))

    def _ensure_uploaded(self, task: ReplyTask, picture: PictureUpload, attempts: int) -> str:
        media_id, has_alt_text = picture.media_id, picture.alt_text_set_at is not None
        if media_id is None or picture.uploaded_at is None or picture.uploaded_at < now() - MEDIA_ID_MAX_AGE:
            media_id, has_alt_text = self._upload(picture), False
        elif task.failed_before_with("x_media"):
            self._check_status(picture, media_id)
        if not has_alt_text:
            self._set_metadata(task, picture, media_id, attempts)
        return media_id

    def _upload(self, picture: PictureUpload) -> str:
        image = self.storage.get(picture.key)
        if image is None:
            raise GiveUp("picture_lost", f"{picture.key} is not in the storage")
        media = self.x.upload_media(image, picture.mime)
        self._note(picture, media_id=media.media_id, uploaded_at=now(), alt_text_set_at=None)
        self._ensure_ready(picture, media)
        return media.media_id

    def _check_status(self, picture: PictureUpload, media_id: str) -> None:
        """Ask X how far it is. X may not answer for an image: then posting will show."""
        try:
            media = self.x.get_upload_status(media_id)
        except (TryLater, GiveUp) as error:
            log.info("X does not report the status of an upload", media=media_id, reason=str(error))
            return
        self._ensure_ready(picture, media)

    def _ensure_ready(self, picture: PictureUpload, media: UploadedMedia) -> None:
        """Raise TryLater until X has processed the media. Failed media is uploaded again by the next attempt."""
        if media.failed:
            self._note(picture, **NOT_UPLOADED)
            raise TryLater("x_media_failed", "X could not read the picture")
        if not media.ready:
            raise TryLater("x_media_processing", after=media.check_after)

    def _set_metadata(self, task: ReplyTask, picture: PictureUpload, media_id: str, attempts: int) -> None:
        """Set alt text and warning. A reply may go without alt text after some attempts, never without a warning."""
        text = alt_text(task.prompt, task.author) if self.policy.alt_text else ""
        if not text and not picture.flagged:
            return
        if attempts > ALT_TEXT_ATTEMPTS and not picture.flagged and self._is_alt_text_budget_spent(task):
            log.warning("no alt text: paid often enough for uploads that X dropped", creation=task.id)
            return
        try:
            self.x.ensure_replies_not_suspended()
            self.x.set_media_metadata(media_id, alt_text=text, sensitive=picture.flagged)
        except (TryLater, GiveUp) as error:
            may_work_later = isinstance(error, TryLater) and (not error.counted or attempts < ALT_TEXT_ATTEMPTS)
            if (may_work_later and error.code != NO_ACCESS) or picture.flagged:
                raise
            log.warning("no alt text", creation=task.id, reason=str(error))
            return
        self._note(picture, alt_text_set_at=now())

    def _is_alt_text_budget_spent(self, task: ReplyTask) -> bool:
        return count_charges(self.engine, task.id, ALT_TEXT) >= ALT_TEXT_ATTEMPTS * task.count

    def _note(self, picture: PictureUpload, **columns: object) -> None:
        self.unsaved.setdefault(picture.id, {}).update(columns)

    @contextmanager
    def _saved_at_end(self) -> Iterator[PendingCosts]:
        """Collect costs, and save what is unsaved at the end of the block, also after an error."""
        costs = PendingCosts(self.engine)
        with self.x.collect_costs(costs):
            try:
                yield costs
            finally:
                self._save(costs)

    def _save(self, costs: PendingCosts) -> None:
        if self.unsaved:
            with self._transaction(costs):
                pass

    @contextmanager
    def _transaction(self, costs: PendingCosts) -> Iterator[Session]:
        """Yield a write session that also saves what is unsaved and the costs."""
        with costs.transaction() as session:
            yield session
            for picture_id, columns in self.unsaved.items():
                session.execute(update(pictures).where(pictures.c.id == picture_id).values(**columns))
        self.unsaved.clear()
