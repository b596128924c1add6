"""Keeps the world on disk: one SQLite file and a folder of pictures. Knows rows and bytes, not what they mean."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.model import Media, Person, Post

_TABLES = ("person", "post", "media", "gone", "fact", "charge")


def gone(post: Post) -> dict[str, int]:
    body = {"id": post.id, "author_id": post.author_id, "conversation_id": post.conversation_id}
    return body | {"reply": int(post.in_reply_to_id is not None)}


class Store:
    """Write-through: the world lives in memory, and nothing is answered before its row is committed here."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._bytes: dict[str, bytes] = {}
        if folder is not None:
            (folder / "media").mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            folder / "world.sqlite" if folder else ":memory:", timeout=2, isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        # A second process on the same folder would not see what this one says: it is locked out until we are gone.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        # NORMAL loses nothing when the process is killed, only (perhaps) when the machine loses power.
        self._db.execute("PRAGMA synchronous=NORMAL")
        with self.transaction():
            self._lay_tables()

    def _lay_tables(self) -> None:
        for table in _TABLES:
            self._db.execute(f"CREATE TABLE IF NOT EXISTS {table} (id PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def put(self, thing: Person | Post | Media) -> None:
        self._put(type(thing).__name__.lower(), thing.id, asdict(thing))

    def put_gone(self, post: Post) -> None:
        """A deleted post: its words go, who wrote it and where it stood stays."""
        self._db.execute("DELETE FROM post WHERE id = ?", (post.id,))
        self._put("gone", post.id, gone(post))

    def drop_media(self, media: Media) -> None:
        self._db.execute("DELETE FROM media WHERE id = ?", (media.id,))

    def put_fact(self, name: str, value: Any) -> None:
        self._put("fact", name, value)

    def put_charges(self, rows: list[dict[str, Any]]) -> None:
        with self.transaction():
            for row in rows:
                self._put("charge", row["id"], row)

    def _put(self, table: str, key: object, body: Any) -> None:
        sql = f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"  # noqa: S608 our own names
        self._db.execute(sql, (key, json.dumps(body)))

    def people(self) -> list[Person]:
        return [Person(**body) for _, body in self._all("person")]

    def posts(self) -> list[Post]:
        return [Post(**body) for _, body in self._all("post")]

    def media(self) -> list[Media]:
        return [Media(**body) for _, body in self._all("media")]

    def gone(self) -> list[dict[str, int]]:
        return [body for _, body in self._all("gone")]

    def charges(self) -> list[dict[str, Any]]:
        return [body for _, body in self._all("charge")]

    def facts(self) -> dict[str, Any]:
        return dict(self._all("fact"))

    def _all(self, table: str) -> list[tuple[Any, Any]]:
        rows = self._db.execute(f"SELECT id, body FROM {table} ORDER BY id")  # noqa: S608 our own names
        return [(key, json.loads(body)) for key, body in rows]

    def put_bytes(self, name: str, data: bytes) -> None:
        """Whole or not at all, also when killed in the middle."""
        if self._folder is None:
            self._bytes[name] = data
            return
        half = self._folder / "media" / f"{name}.half"
        half.write_bytes(data)
        half.replace(self._folder / "media" / name)

    def get_bytes(self, name: str) -> bytes | None:
        if self._folder is None:
            return self._bytes.get(name)
        file = self._folder / "media" / name
        return file.read_bytes() if file.is_file() else None

    def drop_bytes(self, name: str) -> None:
        self._bytes.pop(name, None)
        if self._folder is not None:
            (self._folder / "media" / name).unlink(missing_ok=True)

    def close(self) -> None:
        self._db.close()
