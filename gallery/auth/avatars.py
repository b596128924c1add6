"""Save the avatars of members: fetched from X once for each address, so that no page loads anything from X."""

import re
from dataclasses import dataclass, field

from sqlalchemy import Engine, select, update

from core import imaging
from core.database import read_connection, write_session
from core.errors import Refused, TryLater
from core.logs import get_logger
from core.media_download import MediaDownloader
from core.models import people
from core.settings.x import media_origin
from core.storage import Storage

log = get_logger(__name__)
MAX_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 10.0
# X returns the address of a copy of 48 pixels. Under this name it has a larger one.
SMALL, LARGER = re.compile(r"_normal(?=\.\w+$)"), "_400x400"


def create_downloader(x_api_url: str) -> MediaDownloader:
    """Return a downloader of avatars from X's hosts, or from a stand-in for X such as the sandbox."""
    return MediaDownloader(origin=media_origin(x_api_url), deadline=TIMEOUT_SECONDS, max_bytes=MAX_BYTES)


@dataclass(frozen=True)
class AvatarStore:
    """Fetches avatars and stores them beside the pictures."""

    engine: Engine
    storage: Storage
    media: MediaDownloader = field(default_factory=MediaDownloader)

    def save(self, person_id: int, address: str) -> bool:
        """Save the picture at an address of X as the avatar of a member. Return whether there is a new one.

        A failure is logged only: the next sign-in tries again.
        """
        if not address or self._has(person_id, address):
            return False
        try:
            picture = imaging.make_avatar(self.media.fetch(SMALL.sub(LARGER, address)))
            key = self.storage.put(picture, imaging.EXTENSION)
        except (Refused, TryLater) as error:
            log.info("avatar not saved", person=person_id, code=error.code, reason=str(error))
            return False
        # Nothing to update if the account was deleted meanwhile.
        member = (people.c.id == person_id, people.c.member_since.is_not(None))
        with write_session(self.engine) as session:
            session.execute(update(people).where(*member).values(avatar_key=key, avatar_source=address))
        return True

    def _has(self, person_id: int, address: str) -> bool:
        stmt = select(people.c.id).where(people.c.id == person_id, people.c.avatar_source == address)
        with read_connection(self.engine) as connection:
            return connection.execute(stmt).first() is not None
