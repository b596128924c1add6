"""Remove files that no row names: pictures of a job that was killed before it marked them, files never finished.

    one shard of the storage at a time | files not kept for a day | named by a picture or a start? | set aside, removed

Slow on purpose: one look reads AT_ONCE names. Files of more creations than the database knows are not removed but
reported: then the database or the folder is more likely the wrong one.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection, Engine, select, union_all

from core.clock import now
from core.database import reading
from core.logs import get_logger
from core.models import FILES_OF_PICTURES, creations
from core.storage import ASIDE, KEY, SHARDS, Storage

log = get_logger(__name__)

# No job and no form lasts so long: whatever was kept before has its row, or never gets one.
OLD = timedelta(days=1)
AT_ONCE = 1000
# So many files without a row are believed in any case.
FEW = 50


@dataclass
class OrphanFiles:
    """One look after another through the storage. Begins anywhere, so that restarts leave no shard out."""

    engine: Engine
    storage: Storage
    _shard: int = field(default_factory=lambda: secrets.randbelow(len(SHARDS)), init=False)
    _after: str = field(default="", init=False)
    _named: int = field(default=0, init=False)
    _removed: int = field(default=0, init=False)
    _is_reported: bool = field(default=False, init=False)

    def sweep(self) -> int:
        """One look. Returns how many files were removed. Raises TryLater."""
        before = now() - OLD
        names, goes_on_after = self.storage.old_files(SHARDS[self._shard], before, after=self._after, limit=AT_ONCE)
        with reading(self.engine) as connection:
            needed = _named(connection, {_key_of(name) for name in names})
        orphans = [name for name in names if _key_of(name) not in needed or name != _key_of(name)]
        self._named += len(needed)
        removed = sum(self.storage.discard(name, before, self._is_needed) for name in orphans if self._is_believed())
        if removed:
            log.info("files without a creation removed", files=removed, shard=SHARDS[self._shard])
        self._go_on(goes_on_after)
        return removed

    def _is_believed(self) -> bool:
        """Whether one more may be removed."""
        self._removed += 1
        if self._removed <= self._named + FEW:
            return True
        if not self._is_reported:
            self._is_reported = True
            log.error(
                "most files in the storage have no creation here; none is removed: is DATABASE_URL the right one?"
            )
        return False

    def _is_needed(self, key: str) -> bool:
        with reading(self.engine) as connection:
            return bool(_named(connection, {key}))

    def _go_on(self, after: str) -> None:
        """To the rest of the shard, or to the next one. What was counted counts for one round of all shards."""
        self._after = after
        if after:
            return
        self._shard = (self._shard + 1) % len(SHARDS)
        if self._shard == 0:
            self._named = self._removed = 0
            self._is_reported = False


def _key_of(name: str) -> str:
    """The key of a file, also while it is set aside."""
    return name.replace(f"/{ASIDE}", "/")


def _named(connection: Connection, keys: Collection[str]) -> set[str]:
    """Those of the keys that a row names."""
    wanted = sorted(key for key in keys if KEY.fullmatch(key))
    if not wanted:
        return set()
    # Each name along its own index.
    columns = (*FILES_OF_PICTURES, creations.c.start_key)
    each = (select(column).where(column.in_(wanted)) for column in columns)
    return set(connection.execute(union_all(*each)).scalars())
