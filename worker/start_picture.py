"""Fetches the picture on X that a creation starts from, once, and keeps it in the storage as the painter will get it.

A picture of a stranger is hostile until it was decoded and encoded anew: bounded in bytes, pixels and time; what hangs
on it (place, camera) is gone then. Knows no X client: pictures lie on an open host.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, update

from core import imaging
from core.database import transaction
from core.errors import Refused
from core.models import creations
from core.storage import Storage
from worker.media import Media


@dataclass(frozen=True)
class StartPictures:
    """Start pictures of creations."""

    engine: Engine
    storage: Storage
    media: Media = field(default_factory=Media)

    def bytes_for(self, creation: Any) -> bytes | None:
        """The start picture, or None where there is none. Raises TryLater, and Refused where it cannot be read."""
        if creation.start_key:
            kept = self.storage.get(creation.start_key)
            if kept is None and not creation.start_url:
                raise Refused("no_start_picture", "it is not in the storage any more")
            if kept is not None:
                return kept
        return self._fetched(creation) if creation.start_url else None

    def _fetched(self, creation: Any) -> bytes:
        picture = imaging.as_start(self.media.fetch(creation.start_url))
        key = self.storage.put(picture, imaging.EXTENSION)
        with transaction(self.engine) as session:
            session.execute(update(creations).where(creations.c.id == creation.id).values(start_key=key))
        return picture
