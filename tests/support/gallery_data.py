"""A factory of rows for tests of the gallery, and the settings of its sites."""

import base64
import io
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from PIL import Image
from pydantic import SecretStr
from sqlalchemy import Engine, update

from core.database import write_session
from core.health import Health
from core.models import Creation, Person, Picture, PostRow, State, creations
from core.storage import FolderStorage
from gallery.settings import GallerySettings

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HEALTHY = Health("ok", [], workers=2, polled_seconds_ago=1.5)
SETTINGS = GallerySettings(_env_file=None, bot_handle="threadpaint", x_web_url="https://x.com")
# Of a site where people can sign in; nobody does so in most tests.
SETTINGS_WITH_SIGN_IN = SETTINGS.model_copy(
    update={"x_client_id": "a client", "gallery_secret_key": SecretStr("of these tests" * 3)}
)


@cache
def webp(width: int, height: int, color: str) -> bytes:
    """Return a small image of one color."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, "WEBP")
    return buffer.getvalue()


class GalleryData:
    """Factory of rows with defaults: `gallery_data.publish(prompt="a cat")`."""

    def __init__(self, engine: Engine, storage: FolderStorage) -> None:
        self.engine, self.storage = engine, storage
        self.post_ids = count(1_890_000_000_000_000_001)
        self.minutes = count()

    def person(self, username: str = "ada", name: str = "Ada", **values: Any) -> int:
        """Return the id of a user, who is created once per handle."""
        person_id: int = values.pop("id", 1000 + sum(username.encode()))
        with write_session(self.engine) as session:
            if session.get(Person, person_id) is None:
                person = Person(id=person_id, username=username, handle=username.lower(), name=name, **values)
                session.add(person)
        return person_id

    def creation(self, **values: Any) -> int:
        """Add a creation without pictures, queued by default. Return its id."""
        person_id = values.pop("person_id", None) or self.person()
        moment = NOON + timedelta(minutes=next(self.minutes))
        post_id = next(self.post_ids)
        row = {"prompt": "a cat", "seed": 7, "created_at": moment, "post_id": post_id, **values}
        with write_session(self.engine) as session:
            session.add(
                PostRow(
                    id=post_id,
                    root_id=post_id,
                    author_id=person_id,
                    text="x",
                    classification="prompt",
                    created_at=moment,
                )
            )
            session.flush()
            creation = Creation(person_id=person_id, **row)
            session.add(creation)
            session.flush()
            assert creation.id is not None
            return creation.id

    def publish(self, *, pictures: int = 1, color: str = "teal", **values: Any) -> int:
        """Add a public creation with its pictures. Return its id."""
        moment = NOON + timedelta(minutes=next(self.minutes))
        painted = {
            "state": State.REPLIED,
            "model": "sketch",
            "painting_seconds": 1.23,
            "reply_status": "answered",
            "painted_at": moment,
        }
        # As the worker does it: open pages never see a public creation without its pictures.
        published_at = values.pop("published_at", moment)
        creation_id = self.creation(**{**painted, **values})
        for position in range(pictures):
            self.picture(creation_id, position, color)
        with write_session(self.engine) as session:
            session.execute(update(creations).where(creations.c.id == creation_id).values(published_at=published_at))
        return creation_id

    def picture(self, creation_id: int, position: int = 0, color: str = "teal", **values: Any) -> str:
        """Add a picture to a creation. Return its key."""
        full, thumb = webp(96, 64, color), webp(48, 32, color)
        row = {
            "seed": 7 + position,
            "width": 96,
            "height": 64,
            "mime": "image/webp",
            "size": len(full),
            "key": self.storage.put(full, "webp"),
            "thumb_key": self.storage.put(thumb, "webp"),
            "thumb_width": 48,
            "thumb_height": 32,
            "placeholder": "data:image/webp;base64," + base64.b64encode(webp(4, 3, color)).decode(),
            **values,
        }
        with write_session(self.engine) as session:
            session.add(Picture(creation_id=creation_id, position=position, **row))
        return str(row["key"])
