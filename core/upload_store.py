"""Store init images that members upload, for a day at most.

A file belongs to one member: `<folder>/<person id>-<32 hex digits>.webp`. A used upload is copied into the storage.
Unused ones are deleted after a day.
"""

import re
import secrets
from datetime import datetime
from itertools import islice
from pathlib import Path

from core.errors import TryLater

NAME = re.compile(r"[0-9a-f]{32}")
FOLDER = "uploads"
# Files checked per run of `delete_expired`.
BATCH_SIZE = 5_000


class UploadStore:
    """Uploads as plain files beside the storage. Methods may raise TryLater("storage")."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def save(self, person_id: int, data: bytes) -> str:
        """Store a picture for a member. Return its name, which is new for each upload."""
        name = secrets.token_hex(16)
        path = self._path(person_id, name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)  # private, even if a web server serves the pictures beside it
            beside = path.with_suffix(".new")
            beside.write_bytes(data)
            beside.replace(path)
        except OSError as error:
            raise TryLater("storage", f"cannot save a picture in {self.folder}: {error.strerror}") from error
        return name

    def get(self, person_id: int, name: str) -> bytes | None:
        """Return an upload of this member, or None if the name is invalid or the file does not exist."""
        if not NAME.fullmatch(name):
            return None
        try:
            return self._path(person_id, name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TryLater("storage", f"cannot read a picture in {self.folder}: {error.strerror}") from error

    def delete(self, person_id: int, name: str) -> None:
        """Delete a used upload. If that fails, `delete_expired` deletes it later."""
        if NAME.fullmatch(name):
            try:
                self._path(person_id, name).unlink(missing_ok=True)
            except OSError:
                return

    def delete_all(self, person_id: int) -> int:
        """Delete all uploads of a user who leaves. Return how many; `delete_expired` deletes the rest later."""
        gone = 0
        for path in self.folder.glob(f"{int(person_id)}-*"):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue
            gone += 1
        return gone

    def delete_expired(self, before: datetime) -> int:
        """Delete uploads older than `before`, at most BATCH_SIZE. Return how many."""
        gone = 0
        try:
            for path in islice(self.folder.iterdir(), BATCH_SIZE):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink(missing_ok=True)
                    gone += 1
        except FileNotFoundError:
            return gone  # no uploads yet, or another process deletes them now
        except OSError as error:
            raise TryLater("storage", f"cannot list {self.folder}: {error.strerror}") from error
        return gone

    def _path(self, person_id: int, name: str) -> Path:
        return self.folder / f"{int(person_id)}-{name}.webp"
