"""Keeps the pictures: bytes under a key that names their content, so that a key never changes its meaning.

A folder now; a bucket later behind the same verbs. Knows no picture format.
"""

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Protocol

from core.errors import TryLater
from core.private_files import mode_like

KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}\.(webp|avif|png|jpg)")


class Storage(Protocol):
    """What the house needs of a place for pictures. All verbs may raise TryLater("storage")."""

    def put(self, data: bytes, extension: str) -> str:
        """Keep `data` durably and return its key. Twice the same bytes is one file and no error."""

    def get(self, key: str) -> bytes | None:
        """The bytes under a key, or None where there are none."""

    def delete(self, key: str) -> None:
        """Remove what is under a key. What is not there is no error."""


class FolderStorage:
    """Pictures as plain files: `<folder>/ab/<30 hex digits>.webp`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes, extension: str) -> str:
        """Write beside, sync, then rename: a reader sees the whole file or none, also after a power cut."""
        digest = hashlib.sha256(data).hexdigest()
        key = f"{digest[:2]}/{digest[2:32]}.{extension}"
        try:
            self._write(self.folder / key, data)
        except OSError as error:
            raise TryLater("storage", f"cannot keep a picture in {self.folder}: {error.strerror}") from error
        return key

    def get(self, key: str) -> bytes | None:
        """The bytes under a key; None for what is not there or no key of ours."""
        path = self.path(key)
        try:
            return path.read_bytes() if path else None
        except OSError as error:
            raise TryLater("storage", f"cannot read a picture in {self.folder}: {error.strerror}") from error

    def delete(self, key: str) -> None:
        """Remove the file of a key, durably; nothing where there is none, or no key of ours."""
        path = self.path(key)
        try:
            if path:
                path.unlink(missing_ok=True)
                _sync_folder(path.parent)
        except OSError as error:
            raise TryLater("storage", f"cannot remove a picture from {self.folder}: {error.strerror}") from error

    def path(self, key: str) -> Path | None:
        """The file of a key, to be served; None for what is not there or no key of ours (`../`, for example)."""
        if not KEY.fullmatch(key):
            return None
        path = self.folder / key
        return path if path.is_file() else None

    def _write(self, path: Path, data: bytes) -> None:
        if path.exists():
            return
        _make_folder(path.parent)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(mode_like(path.parent))
            Path(beside).replace(path)
            _sync_folder(path.parent)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise


def _make_folder(folder: Path) -> None:
    """Make the folder of a picture, as open as the folder of all pictures."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode))


def _sync_folder(folder: Path) -> None:
    """A renamed file is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
