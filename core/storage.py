"""Store pictures under a key that is a hash of their content.

With an instance's key, each method first checks that the folder belongs to the instance (`core/instance.py`): a disk
may be unmounted at any moment.
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from core.errors import TryLater
from core.instance import MARKER, read_marker
from core.outage import STORAGE, outages
from core.private_files import mode_like

UNFINISHED, ASIDE = ".new-", ".gone-"
# Subfolders: the first two hex digits of a file's name.
SHARDS = tuple(f"{number:02x}" for number in range(256))
# Room for the pictures of one prompt with all renditions.
MIN_FREE_BYTES = 8 * 2**20
# Seconds to wait before another try.
WRONG_FOLDER_RETRY_SECONDS = 60.0
KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}\.(webp|avif|png|jpg)")


class OldFiles(NamedTuple):
    """Names of old files in a shard, and the name after which to continue; empty at the end of the shard."""

    names: list[str]
    goes_on_after: str


class Storage(Protocol):
    """Interface of a picture store. Methods may raise TryLater("storage")."""

    def check_room(self) -> None:
        """Raise unless there is room for new pictures. Called before they are generated."""

    def put(self, data: bytes, extension: str) -> str:
        """Store `data` durably and return its key. The same bytes twice make one file and no error."""

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, or None if there are none."""

    def delete(self, key: str) -> None:
        """Delete the file under a key. A missing file is no error."""

    def old_files(self, shard: str, before: datetime, *, after: str = "", limit: int) -> OldFiles:
        """Return the old ones among `limit` files of a shard, in the order of their names."""

    def discard(self, name: str, before: datetime, is_needed: Callable[[str], bool]) -> bool:
        """Remove a file of `old_files` unless it is needed after all. Returns whether it is gone."""


class FolderStorage:
    """Pictures as plain files: `<folder>/ab/<30 hex digits>.webp`.

    instance: the key that the folder's marker must contain; empty: any folder is accepted.
    """

    def __init__(self, folder: Path, instance: str = "") -> None:
        self.folder = folder
        self.instance = instance

    def check(self) -> None:
        """Raise TryLater("storage"), which uses up no attempt, unless the folder belongs to the instance."""
        try:
            if not self.instance or read_marker(self.folder) == self.instance:
                return
            reason = f"{self.folder} is not the folder of this instance: {MARKER} is missing or another one's"
        except OSError as error:
            reason = f"cannot read {self.folder}: {error.strerror}"
        raise self._outage(reason, after=WRONG_FOLDER_RETRY_SECONDS)

    def check_room(self) -> None:
        """Raise TryLater("storage") unless the folder is right and has MIN_FREE_BYTES of room."""
        self.check()
        try:
            free = shutil.disk_usage(self.folder).free
        except FileNotFoundError:
            return  # the first picture creates the folder
        except OSError as error:
            raise self._outage(
                f"cannot read {self.folder}: {error.strerror}", after=WRONG_FOLDER_RETRY_SECONDS
            ) from error
        if free < MIN_FREE_BYTES:
            raise self._outage(
                f"{self.folder} has no room: {free // 2**20} MiB are free", after=WRONG_FOLDER_RETRY_SECONDS
            )

    def put(self, data: bytes, extension: str) -> str:
        """Write a temporary file, sync, then rename: readers see the whole file or none, even after a power cut."""
        digest = hashlib.sha256(data).hexdigest()
        key = f"{digest[:2]}/{digest[2:32]}.{extension}"
        self.check()
        try:
            self._write(self.folder / key, data)
        except OSError as error:
            raise self._outage(f"cannot save a picture in {self.folder}: {error.strerror}") from error
        outages.record_success(STORAGE)
        return key

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, or None if the file is missing or the key is invalid."""
        self.check()
        path = self.path(key)
        try:
            return path.read_bytes() if path else None
        except OSError as error:
            raise self._outage(f"cannot read a picture in {self.folder}: {error.strerror}") from error

    def delete(self, key: str) -> None:
        """Delete the file of a key durably. A missing file or an invalid key is no error."""
        self.check()
        path = self.path(key)
        try:
            if path:
                path.unlink(missing_ok=True)
                _sync_folder(path.parent)
        except OSError as error:
            raise self._outage(f"cannot remove a picture from {self.folder}: {error.strerror}") from error

    def path(self, key: str) -> Path | None:
        """Return the file of a key, or None if it is missing or the key is invalid (`../`, for example)."""
        if not KEY.fullmatch(key):
            return None
        path = self.folder / key
        if path.is_file():
            return path
        with suppress(TryLater):
            self.check()  # a missing picture may be the first sign of a wrong folder: report it
        return None

    def _outage(self, reason: str, *, after: float | None = None) -> TryLater:
        """Report the outage once, and return the error to raise. With `after` it uses up no attempt."""
        outages.record_failure(STORAGE, reason)
        return TryLater("storage", reason, after=after or 0.0, counted=after is None)

    def old_files(self, shard: str, before: datetime, *, after: str = "", limit: int) -> OldFiles:
        """Return the old ones among `limit` files of one of SHARDS, in the order of their names.

        Includes unfinished files. Reads all names of the shard, and the dates of `limit` files.
        """
        self.check()
        folder = self.folder / shard
        try:
            names = sorted(f"{shard}/{path.name}" for path in folder.iterdir())
            some = [name for name in names if name > after][:limit]
            old = [name for name in some if _is_older_than(self.folder / name, before)]
        except FileNotFoundError:
            return OldFiles([], "")
        except OSError as error:
            raise self._outage(f"cannot list {folder}: {error.strerror}") from error
        return OldFiles(old, some[-1] if some and some[-1] != names[-1] else "")

    def discard(self, name: str, before: datetime, is_needed: Callable[[str], bool]) -> bool:
        """Remove a file of `old_files` unless it is needed after all. Returns whether it is gone.

        The file is renamed first. A process that stores the same picture now has either renewed its date, which is
        checked after the rename, or finds no file and writes a new one. `old_files` finds renamed files after a crash.
        """
        self.check()
        folder, _, file = name.rpartition("/")
        key = f"{folder}/{file.removeprefix(ASIDE)}"
        path, aside = self.folder / key, self.folder / folder / (ASIDE + file.removeprefix(ASIDE))
        try:
            if not KEY.fullmatch(key):
                return _removed(self.folder / name) if file.startswith(UNFINISHED) else False
            if file == path.name:
                path.rename(aside)
            if is_needed(key) or not _is_older_than(aside, before):
                aside.replace(path)
                return False
            return _removed(aside)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._outage(f"cannot remove a picture from {self.folder}: {error.strerror}") from error

    def _write(self, path: Path, data: bytes) -> None:
        if _touch(path):
            return
        _make_folder(path.parent)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
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


def _touch(path: Path) -> bool:
    """Set the file's date to now, which protects it from `discard`. Return whether the file exists."""
    try:
        os.utime(path)
    except OSError:
        return False  # missing, or owned by another user: write it again
    return True


def _is_older_than(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


def _removed(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return True


def _make_folder(folder: Path) -> None:
    """Create a subfolder with the mode of the picture folder."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode))


def _sync_folder(folder: Path) -> None:
    """Sync a folder: a rename is durable only then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
