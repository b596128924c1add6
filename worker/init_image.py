"""Load the picture that a creation starts from. Fetch it from X once, and store it as the GPU service gets it.

An image from a user is hostile until it is decoded and encoded again, within limits of bytes, pixels and time. That
also removes its metadata (place, camera).
"""

from dataclasses import dataclass, field

from sqlalchemy import Engine, update

from core import imaging
from core.database import read_connection, write_session
from core.errors import Refused
from core.init_image_access import REMOVED_CODE, is_init_image_removed, may_use_init_image
from core.media_download import MediaDownloader
from core.models import creations
from core.storage import Storage
from worker.queries import PaintTask


@dataclass(frozen=True)
class InitImages:
    """Loads init images from the storage or from X."""

    engine: Engine
    storage: Storage
    media: MediaDownloader = field(default_factory=MediaDownloader)

    def load(self, task: PaintTask) -> bytes | None:
        """Return the init image, or None for a creation without one. Raises TryLater; Refused if it is unusable."""
        self._ensure_allowed(task)
        if task.init_image_key:
            image = self.storage.get(task.init_image_key)
            if image is not None:
                return image
            if not task.init_image_url:
                raise Refused("no_start_picture", "it is not in the storage any more")
        return self._fetch(task, task.init_image_url) if task.init_image_url else None

    def _ensure_allowed(self, task: PaintTask) -> None:
        """Raise Refused if its owner deleted or hid it after it was asked for."""
        with read_connection(self.engine) as connection:
            allowed = may_use_init_image(connection, task, task.person_id)
        if is_init_image_removed(task) or not allowed:
            raise Refused(REMOVED_CODE)

    def _fetch(self, task: PaintTask, url: str) -> bytes:
        image = imaging.sanitize_init_image(self.media.fetch(url))
        key = self.storage.put(image, imaging.EXTENSION)
        with write_session(self.engine) as session:
            # No row matches if it was deleted meanwhile.
            same = (creations.c.id == task.id, creations.c.init_image_url == url)
            session.execute(update(creations).where(*same).values(init_image_key=key))
        return image
