"""Fetches the picture on X that a creation starts from, once, and keeps it in the storage as the painter will get it.

A picture of a stranger is hostile until it was decoded and encoded anew: bounded in bytes, pixels and time; what hangs
on it (place, camera) is gone then. Knows no X client: pictures lie on an open host.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, update

from core import imaging
from core.database import reading, transaction
from core.errors import Refused
from core.models import creations
from core.starts import TAKEN_BACK, may_begin, was_taken_back
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
        self._is_allowed(creation)
        if creation.start_key:
            kept = self.storage.get(creation.start_key)
            if kept is None and not creation.start_url:
                raise Refused("no_start_picture", "it is not in the storage any more")
            if kept is not None:
                return kept
        return self._fetched(creation) if creation.start_url else None

    def _is_allowed(self, creation: Any) -> None:
        """Its owner may have taken it back or hidden it since it was asked for. Raises Refused."""
        with reading(self.engine) as connection:
            allowed = may_begin(connection, creation, creation.person_id)
        if was_taken_back(creation) or not allowed:
            raise Refused(TAKEN_BACK)

    def _fetched(self, creation: Any) -> bytes:
        picture = imaging.as_start(self.media.fetch(creation.start_url))
        key = self.storage.put(picture, imaging.EXTENSION)
        with transaction(self.engine) as session:
            # Not if it was taken back meanwhile.
            this = (creations.c.id == creation.id, creations.c.start_url == creation.start_url)
            session.execute(update(creations).where(*this).values(start_key=key))
        return picture
