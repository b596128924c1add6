"""A real database file, a folder of pictures and a client of the site; factories that hang creations on the wall."""

import base64
import io
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import Engine, event, text

from core.database import open_database, transaction
from core.health import Health
from core.models import Creation, Person, Picture, Post, State
from core.schema import migrate
from core.storage import FolderStorage
from gallery.app import create_app
from gallery.settings import GallerySettings
from gallery.signing import logins
from gallery.signing.visitor import token_for

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WELL = Health("ok", [], workers=2, polled_seconds_ago=1.5)
SETTINGS = GallerySettings(_env_file=None, bot_handle="threadpaint", x_web_url="https://x.com")
# Of a site where people can sign in; nobody does so in most tests.
WITH_DOOR = SETTINGS.model_copy(update={"x_client_id": "a client", "gallery_secret": SecretStr("of these tests" * 3)})


def webp(width: int, height: int, colour: str) -> bytes:
    """A small plain picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "WEBP")
    return buffer.getvalue()


class Wall:
    """Hangs creations: `wall.hang(prompt="a cat")`, with only what matters given."""

    def __init__(self, engine: Engine, storage: FolderStorage) -> None:
        self.engine, self.storage = engine, storage
        self.post_ids = count(1_890_000_000_000_000_001)
        self.minutes = count()

    def person(self, username: str = "ada", name: str = "Ada", **values: Any) -> int:
        """A person's id; the same handle is the same person unless an id is given."""
        person_id = values.pop("id", 1000 + sum(username.encode()))
        with transaction(self.engine) as session:
            if session.get(Person, person_id) is None:
                person = Person(id=person_id, username=username, handle=username.lower(), name=name, **values)
                session.add(person)
        return person_id

    def creation(self, **values: Any) -> int:
        """A row in whatever state, queued by default."""
        person_id = values.pop("person_id", None) or self.person()
        moment = NOON + timedelta(minutes=next(self.minutes))
        post_id = next(self.post_ids)
        row = {"prompt": "a cat", "seed": 7, "created_at": moment, "post_id": post_id, **values}
        with transaction(self.engine) as session:
            session.add(
                Post(id=post_id, root_id=post_id, author_id=person_id, text="x", verdict="prompt", created_at=moment)
            )
            session.flush()
            creation = Creation(person_id=person_id, **row)
            session.add(creation)
            session.flush()
            assert creation.id is not None
            return creation.id

    def hang(self, *, pictures: int = 1, colour: str = "teal", **values: Any) -> int:
        """A painted, visible creation with its pictures."""
        moment = NOON + timedelta(minutes=next(self.minutes))
        painted = {
            "state": State.REPLIED,
            "model": "sketch",
            "painting_seconds": 1.23,
            "reply_outcome": "answered",
            "painted_at": moment,
            "shown_at": moment,
        }
        creation_id = self.creation(**{**painted, **values})
        for position in range(pictures):
            self.picture(creation_id, position, colour)
        return creation_id

    def picture(self, creation_id: int, position: int = 0, colour: str = "teal", **values: Any) -> str:
        """One picture of a creation; returns its key."""
        full, thumb = webp(96, 64, colour), webp(48, 32, colour)
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
            "placeholder": "data:image/webp;base64," + base64.b64encode(webp(4, 3, colour)).decode(),
            **values,
        }
        with transaction(self.engine) as session:
            session.add(Picture(creation_id=creation_id, position=position, **row))
        return str(row["key"])


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file: migrating takes longer than most tests, so it is done once and copied."""
    path = tmp_path_factory.mktemp("migrated") / "threadpaint.db"
    database = open_database(f"sqlite:///{path}")
    migrate(database)
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture
def engine(tmp_path: Path, migrated: Path) -> Iterator[Engine]:
    """A database of its own for each test."""
    shutil.copy(migrated, tmp_path / "threadpaint.db")
    database = open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")
    yield database
    database.dispose()


@pytest.fixture
def postgres_engine(postgres_url: str) -> Iterator[Engine]:
    """An empty, migrated PostgreSQL, for tests that make it their `engine`."""
    database = open_database(postgres_url)
    with database.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrate(database)
    yield database
    database.dispose()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "pictures")


@pytest.fixture
def wall(engine: Engine, storage: FolderStorage) -> Wall:
    return Wall(engine, storage)


@pytest.fixture
def site(engine: Engine, storage: FolderStorage) -> Callable[..., TestClient]:
    """Makes a client of the site; what matters is given: `site(public_url=...)`."""

    def make(**values: Any) -> TestClient:
        wired = {"engine": engine, "storage": storage, "health": lambda: WELL, "settings": SETTINGS, **values}
        return TestClient(create_app(**wired), raise_server_exceptions=False)

    return make


@pytest.fixture
def client(site: Callable[..., TestClient]) -> TestClient:
    return site()


@pytest.fixture
def sign_in(engine: Engine) -> Callable[[TestClient, int], str]:
    """Signs a person in: `sign_in(client, person_id)`; returns a token for their forms."""

    def begin(client: TestClient, person_id: int) -> str:
        value = logins.begin(engine, person_id, browser="a test").value
        client.cookies.set("login", value)
        return token_for(value)

    return begin


@pytest.fixture
def send_as(client: TestClient, sign_in: Callable[[TestClient, int], str]) -> Callable[[int], Callable[..., Any]]:
    """Sends the forms of one member: `send_as(bob)("/c/1/like")`."""

    def sender(person_id: int) -> Callable[..., Any]:
        token = sign_in(client, person_id)

        def post(path: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
            return client.post(path, data={"token": token, **fields}, headers=headers or {}, follow_redirects=False)

        return post

    return sender


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """Every SELECT the site sends for a page; not the look at the tables' version, once in some seconds."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "alembic_version" not in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    return seen
