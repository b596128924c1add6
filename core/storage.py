"""Keeps the pictures: bytes under a key that names their content, so that a key never changes its meaning.

A folder now; a bucket later behind the same verbs. Knows no picture format. With an instance's key, every verb first
makes sure that the folder is the instance's (`core/instance.py`): a disk may be unmounted at any moment.
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
# The folders of files, by the first two digits of their names.
SHARDS = tuple(f"{number:02x}" for number in range(256))
# Less than the pictures of one prompt with all their copies may need.
LEAST_ROOM = 8 * 2**20
# Seconds until another look is worth while.
AFTER_A_WRONG_FOLDER = 60.0
KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}\.(webp|avif|png|jpg)")


class OldFiles(NamedTuple):
    """Names of old files in a shard, and after which name to go on; empty at the end of the shard."""

    names: list[str]
    goes_on_after: str


class Storage(Protocol):
    """What the house needs of a place for pictures. All verbs may raise TryLater("storage")."""

    def check_room(self) -> None:
        """Return if new pictures can be kept, as far as can be told before they are painted."""

    def put(self, data: bytes, extension: str) -> str:
        """Keep `data` durably and return its key. Twice the same bytes is one file and no error."""

    def get(self, key: str) -> bytes | None:
        """The bytes under a key, or None where there are none."""

    def delete(self, key: str) -> None:
        """Remove what is under a key. What is not there is no error."""

    def old_files(self, shard: str, before: datetime, *, after: str = "", limit: int) -> OldFiles:
        """Look at `limit` files of one of SHARDS, in the order of their names, for those last kept before a moment."""

    def discard(self, name: str, before: datetime, is_needed: Callable[[str], bool]) -> bool:
        """Remove a file of `old_files` unless it is needed after all. Returns whether it is gone."""


class FolderStorage:
    """Pictures as plain files: `<folder>/ab/<30 hex digits>.webp`.

    instance: the key that the folder's marker must hold; empty: any folder will do.
    """

    def __init__(self, folder: Path, instance: str = "") -> None:
        self.folder = folder
        self.instance = instance

    def check(self) -> None:
        """Return if the folder is the instance's; raises TryLater("storage"), which costs no attempt."""
        try:
            if not self.instance or read_marker(self.folder) == self.instance:
                return
            reason = f"{self.folder} is not the folder of this instance: {MARKER} is missing or another one's"
        except OSError as error:
            reason = f"cannot read {self.folder}: {error.strerror}"
        raise self._away(reason, after=AFTER_A_WRONG_FOLDER)

    def check_room(self) -> None:
        """Return if new pictures can be kept, as far as can be told beforehand; raises TryLater("storage")."""
        self.check()
        try:
            free = shutil.disk_usage(self.folder).free
        except FileNotFoundError:
            return  # the first picture makes the folder
        except OSError as error:
            raise self._away(f"cannot read {self.folder}: {error.strerror}", after=AFTER_A_WRONG_FOLDER) from error
        if free < LEAST_ROOM:
            raise self._away(f"{self.folder} has no room: {free // 2**20} MiB are free", after=AFTER_A_WRONG_FOLDER)

    def put(self, data: bytes, extension: str) -> str:
        """Write beside, sync, then rename: a reader sees the whole file or none, also after a power cut."""
        digest = hashlib.sha256(data).hexdigest()
        key = f"{digest[:2]}/{digest[2:32]}.{extension}"
        self.check()
        try:
            self._write(self.folder / key, data)
        except OSError as error:
            raise self._away(f"cannot keep a picture in {self.folder}: {error.strerror}") from error
        outages.works(STORAGE)
        return key

    def get(self, key: str) -> bytes | None:
        """The bytes under a key; None for what is not there or no key of ours."""
        self.check()
        path = self.path(key)
        try:
            return path.read_bytes() if path else None
        except OSError as error:
            raise self._away(f"cannot read a picture in {self.folder}: {error.strerror}") from error

    def delete(self, key: str) -> None:
        """Remove the file of a key, durably; nothing where there is none, or no key of ours."""
        self.check()
        path = self.path(key)
        try:
            if path:
                path.unlink(missing_ok=True)
                _sync_folder(path.parent)
        except OSError as error:
            raise self._away(f"cannot remove a picture from {self.folder}: {error.strerror}") from error

    def path(self, key: str) -> Path | None:
        """The file of a key, to be served; None for what is not there or no key of ours (`../`, for example)."""
        if not KEY.fullmatch(key):
            return None
        path = self.folder / key
        if path.is_file():
            return path
        with suppress(TryLater):
            self.check()  # a picture that is missing may be the first sign of a wrong folder: it is reported
        return None

    def _away(self, reason: str, *, after: float | None = None) -> TryLater:
        """Report the outage once, and return what is raised for each failure. With `after` it costs no attempt."""
        outages.failed(STORAGE, reason)
        return TryLater("storage", reason, after=after or 0.0, counted=after is None)

    def old_files(self, shard: str, before: datetime, *, after: str = "", limit: int) -> OldFiles:
        """Look at `limit` files of one of SHARDS, in the order of their names, for those last kept before a moment.

        Also at files that were never finished. Reads the names of the whole shard, and the dates of `limit`.
        """
        self.check()
        folder = self.folder / shard
        try:
            names = sorted(f"{shard}/{path.name}" for path in folder.iterdir())
            some = [name for name in names if name > after][:limit]
            old = [name for name in some if _kept_before(self.folder / name, before)]
        except FileNotFoundError:
            return OldFiles([], "")
        except OSError as error:
            raise self._away(f"cannot look through {folder}: {error.strerror}") from error
        return OldFiles(old, some[-1] if some and some[-1] != names[-1] else "")

    def discard(self, name: str, before: datetime, is_needed: Callable[[str], bool]) -> bool:
        """Remove a file of `old_files` unless it is needed after all. Returns whether it is gone.

        It is set aside first: whoever keeps the same picture at this moment either made it young again, which is seen
        then, or finds no file and writes a new one. What is set aside when the power fails is found by `old_files`.
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
            if is_needed(key) or not _kept_before(aside, before):
                aside.replace(path)
                return False
            return _removed(aside)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._away(f"cannot remove a picture from {self.folder}: {error.strerror}") from error

    def _write(self, path: Path, data: bytes) -> None:
        if _is_young_again(path):
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


def _is_young_again(path: Path) -> bool:
    """Whether the file is there. Its date is when it was last kept: what is kept again is in use (`discard`)."""
    try:
        os.utime(path)
    except OSError:
        return False  # not there, or another user's: written anew
    return True


def _kept_before(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


def _removed(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return True


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
