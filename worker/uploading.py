"""Brings the pictures of a creation to X: upload, alt text, warning. Remembers what is there already.

A picture's copy on X is written down as soon as it is there, so that another try neither uploads nor pays again. X
forgets an unused copy after a day: an old one is renewed. Knows nothing of answers.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, update

from core.clock import now
from core.database import transaction
from core.errors import GiveUp, TryLater
from core.logs import get_logger
from core.models import pictures
from core.money.ledger import times_paid
from core.money.prices import ALT_TEXT
from core.storage import Storage
from core.text import alt_text, display_name
from core.x import Copy, XClient
from worker.manners import Manners
from worker.rows import pictures_of

log = get_logger(__name__)

FRESH = timedelta(hours=23)
# X does not know a copy right after it took it; still unknown after this long, it never will.
SETTLES_WITHIN = timedelta(minutes=1)
TRIES_FOR_ALT_TEXT = 3
# The app's plan holds no alt texts: no waiting brings them.
NO_ACCESS = "x_no_access"


@dataclass(frozen=True)
class Uploader:
    """Copies of pictures on X."""

    engine: Engine
    x: XClient
    storage: Storage
    manners: Manners

    def bring(self, creation: Any, attempts: int) -> list[str]:
        """Media ids of all pictures of a creation, uploaded where they were not. Raises TryLater and GiveUp."""
        return [self._bring(creation, picture, attempts) for picture in pictures_of(self.engine, creation.id)]

    def doubt(self, creation_id: int) -> None:
        """X did not know a copy. One that had its time is forgotten, so that the next try brings a new one."""
        old = (pictures.c.creation_id == creation_id, pictures.c.uploaded_at < now() - SETTLES_WITHIN)
        with transaction(self.engine) as session:
            session.execute(update(pictures).where(*old).values(media_id=None, uploaded_at=None, described_at=None))

    def _bring(self, creation: Any, picture: Any, attempts: int) -> str:
        media_id, described = picture.media_id, picture.described_at is not None
        if media_id is None or picture.uploaded_at < now() - FRESH:
            media_id, described = self._upload(picture), False
        elif (creation.last_error or "").startswith("x_media"):
            self._look(picture, media_id)
        if not described:
            self._describe(creation, picture, media_id, attempts)
        return str(media_id)

    def _upload(self, picture: Any) -> str:
        image = self.storage.get(picture.key)
        if image is None:
            raise GiveUp("picture_lost", f"{picture.key} is not in the storage")
        copy = self.x.upload(image, picture.mime)
        self._note(picture, media_id=copy.media_id, uploaded_at=now(), described_at=None)
        self._check(picture, copy)
        return copy.media_id

    def _look(self, picture: Any, media_id: str) -> None:
        """X may have nothing to tell of a photo: then the answer will show."""
        try:
            copy = self.x.look_at_copy(media_id)
        except (TryLater, GiveUp) as error:
            log.info("X does not say how far it is with a picture", media=media_id, reason=str(error))
            return
        self._check(picture, copy)

    def _check(self, picture: Any, copy: Copy) -> None:
        """Raises TryLater until X is done with a copy; one it failed on is forgotten, and brought again."""
        if copy.failed:
            self._note(picture, media_id=None, uploaded_at=None, described_at=None)
            raise TryLater("x_media_failed", "X could not read the picture")
        if not copy.ready:
            raise TryLater("x_media_processing", after=copy.check_after)

    def _describe(self, creation: Any, picture: Any, media_id: str, attempts: int) -> None:
        """Alt text and warning. After a few tries an answer without alt text is better than none; never without
        a warning that is due."""
        words = (
            alt_text(creation.prompt, display_name(creation.name, creation.username)) if self.manners.alt_text else ""
        )
        if not words and not picture.flagged:
            return
        if attempts > TRIES_FOR_ALT_TEXT and not picture.flagged and self._has_paid_enough(creation):
            log.warning("no alt text: paid often enough for copies that X forgot", creation=creation.id)
            return
        try:
            self.x.foresee_answer()
            self.x.describe(media_id, alt_text=words, sensitive=picture.flagged)
        except (TryLater, GiveUp) as error:
            waits = isinstance(error, TryLater) and (not error.counted or attempts < TRIES_FOR_ALT_TEXT)
            if (waits and error.code != NO_ACCESS) or picture.flagged:
                raise
            log.warning("no alt text", creation=creation.id, reason=str(error))
            return
        self._note(picture, described_at=now())

    def _has_paid_enough(self, creation: Any) -> bool:
        return times_paid(self.engine, creation.id, ALT_TEXT) >= TRIES_FOR_ALT_TEXT * int(creation.count)

    def _note(self, picture: Any, **values: Any) -> None:
        with transaction(self.engine) as session:
            session.execute(update(pictures).where(pictures.c.id == picture.id).values(**values))
