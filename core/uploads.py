"""Keeps pictures that members chose to start from, until they are used; a day at most. Knows no picture format.

A file belongs to one member and is found by nobody else: `<folder>/<person id>-<32 hex digits>.webp`. What is used is
copied into the storage; what is not is gone after a day, whatever became of the form it was chosen in.
"""

import re
import secrets
from datetime import datetime
from itertools import islice
from pathlib import Path

from core.errors import TryLater

NAME = re.compile(r"[0-9a-f]{32}")
FOLDER = "uploads"
# Files looked at in one go: what is left waits for the next.
AT_ONCE = 5_000


class Uploads:
    """Chosen pictures as plain files beside the storage. All verbs may raise TryLater("storage")."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def keep(self, person_id: int, data: bytes) -> str:
        """Keep a picture for a member. Returns its name, new each time: another upload never changes what it means."""
        name = secrets.token_hex(16)
        path = self._path(person_id, name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)  # also beside pictures that a web server serves: these are nobody else's
            beside = path.with_suffix(".new")
            beside.write_bytes(data)
            beside.replace(path)
        except OSError as error:
            raise TryLater("storage", f"cannot keep a picture in {self.folder}: {error.strerror}") from error
        return name

    def get(self, person_id: int, name: str) -> bytes | None:
        """A picture that this member chose; None for what is no name, not theirs or not there any more."""
        if not NAME.fullmatch(name):
            return None
        try:
            return self._path(person_id, name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TryLater("storage", f"cannot read a picture in {self.folder}: {error.strerror}") from error

    def forget(self, person_id: int, name: str) -> None:
        """Remove a picture that was used. What stays in spite of it goes with the old ones."""
        if NAME.fullmatch(name):
            try:
                self._path(person_id, name).unlink(missing_ok=True)
            except OSError:
                return

    def forget_all(self, person_id: int) -> int:
        """Remove all that somebody chose: they leave. Returns how many; what stays in spite of it goes with the old."""
        gone = 0
        for path in self.folder.glob(f"{int(person_id)}-*"):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue
            gone += 1
        return gone

    def forget_old(self, before: datetime) -> int:
        """Remove what was chosen before that moment. Returns how many."""
        gone = 0
        try:
            for path in islice(self.folder.iterdir(), AT_ONCE):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink(missing_ok=True)
                    gone += 1
        except FileNotFoundError:
            return gone  # nobody has chosen any, or somebody else removes them at this moment
        except OSError as error:
            raise TryLater("storage", f"cannot look through {self.folder}: {error.strerror}") from error
        return gone

    def _path(self, person_id: int, name: str) -> Path:
        return self.folder / f"{int(person_id)}-{name}.webp"
