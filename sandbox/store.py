"""Store the world: one SQLite file and a folder of media."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from sandbox.model import Charge, Json, Media, Post, User

TABLE_NAMES: dict[type[User | Post | Media], str] = {User: "person", Post: "post", Media: "media"}
# How long to wait for another process that uses the folder.
LOCK_TIMEOUT_SECONDS = 2.0
_TABLES = ("person", "post", "media", "gone", "fact", "charge")


def tombstone(post: Post) -> dict[str, int]:
    body = {"id": post.id, "author_id": post.author_id, "conversation_id": post.conversation_id}
    return body | {"reply": int(post.in_reply_to_id is not None)}


class Store:
    """Write-through storage: a response is sent only after its rows are committed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._bytes: dict[str, bytes] = {}
        if folder is not None:
            (folder / "media").mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            folder / "world.sqlite" if folder else ":memory:",
            timeout=LOCK_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        # Lock out a second process: it would not see the changes in the memory of this one.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        # NORMAL loses nothing if the process is killed; a power failure may lose the last commits.
        self._db.execute("PRAGMA synchronous=NORMAL")
        with self.transaction():
            self._create_tables()

    def _create_tables(self) -> None:
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

    def put(self, thing: User | Post | Media) -> None:
        self._put(TABLE_NAMES[type(thing)], thing.id, asdict(thing))

    def put_tombstone(self, post: Post) -> None:
        """Delete a post, but keep its author and conversation."""
        self._db.execute("DELETE FROM post WHERE id = ?", (post.id,))
        self._put("gone", post.id, tombstone(post))

    def delete_media(self, media: Media) -> None:
        self._db.execute("DELETE FROM media WHERE id = ?", (media.id,))

    def put_fact(self, name: str, value: object) -> None:
        self._put("fact", name, value)

    def put_charges(self, rows: list[Charge]) -> None:
        with self.transaction():
            for row in rows:
                self._put("charge", row["id"], row)

    def _put(self, table: str, key: int | str, body: object) -> None:
        sql = f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"  # noqa: S608 our own names
        self._db.execute(sql, (key, json.dumps(body)))

    def people(self) -> list[User]:
        return [User(**body) for body in self._read_table("person").values()]

    def posts(self) -> list[Post]:
        return [Post(**body) for body in self._read_table("post").values()]

    def media(self) -> list[Media]:
        return [Media(**body) for body in self._read_table("media").values()]

    def tombstones(self) -> list[dict[str, int]]:
        return list(self._read_table("gone").values())

    def charges(self) -> list[Charge]:
        return list(self._read_table("charge").values())

    def facts(self) -> Json:
        return self._read_table("fact")

    def _read_table(self, table: str) -> Json:
        """Return the rows by key, in its order."""
        rows = self._db.execute(f"SELECT id, body FROM {table} ORDER BY id")  # noqa: S608 our own names
        return {key: json.loads(body) for key, body in rows}

    def put_bytes(self, name: str, data: bytes) -> None:
        """Write the file atomically."""
        if self._folder is None:
            self._bytes[name] = data
            return
        partial = self._folder / "media" / f"{name}.half"
        partial.write_bytes(data)
        partial.replace(self._folder / "media" / name)

    def get_bytes(self, name: str) -> bytes | None:
        if self._folder is None:
            return self._bytes.get(name)
        file = self._folder / "media" / name
        return file.read_bytes() if file.is_file() else None

    def delete_bytes(self, name: str) -> None:
        self._bytes.pop(name, None)
        if self._folder is not None:
            (self._folder / "media" / name).unlink(missing_ok=True)

    def close(self) -> None:
        self._db.close()
