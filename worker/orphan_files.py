"""Remove files that no row names: pictures of a job that was killed, former avatars, and unfinished files.

    one shard at a time | files older than a day | named by a picture, an init image or an avatar? | set aside | remove

Slow on purpose: one run reads BATCH_SIZE names. If files belong to more creations than the database has, they are
reported instead of removed: then the database or the folder is probably the wrong one.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection, Engine, select, union_all

from core.clock import now
from core.database import read_connection
from core.logs import get_logger
from core.models import FILES_OF_PICTURES, creations, people
from core.storage import ASIDE, KEY, SHARDS, Storage

log = get_logger(__name__)

# No job and no form takes so long: an older file has its row, or never gets one.
MIN_AGE = timedelta(days=1)
BATCH_SIZE = 1000
# So many files may be removed even if the database names none.
MAX_WITHOUT_NAMED = 50


@dataclass
class OrphanFiles:
    """Walks through the storage, one batch per run. Starts at a random shard, so that restarts skip none."""

    engine: Engine
    storage: Storage
    _shard: int = field(default_factory=lambda: secrets.randbelow(len(SHARDS)), init=False)
    _after: str = field(default="", init=False)
    _named: int = field(default=0, init=False)
    _removed: int = field(default=0, init=False)
    _is_reported: bool = field(default=False, init=False)

    def run_once(self) -> int:
        """Check one batch. Returns how many files were removed. Raises TryLater."""
        before = now() - MIN_AGE
        names, next_after = self.storage.old_files(SHARDS[self._shard], before, after=self._after, limit=BATCH_SIZE)
        with read_connection(self.engine) as connection:
            named = _select_named(connection, {_key_of(name) for name in names})
        orphans = [name for name in names if _key_of(name) not in named or name != _key_of(name)]
        self._named += len(named)
        is_needed = partial(is_named, self.engine)
        removed = sum(self.storage.discard(name, before, is_needed) for name in orphans if self._may_remove())
        if removed:
            log.info("files without a creation removed", files=removed, shard=SHARDS[self._shard])
        self._advance(next_after)
        return removed

    def _may_remove(self) -> bool:
        """Count one more removal. Returns False, and reports it once, if there were too many."""
        self._removed += 1
        if self._removed <= self._named + MAX_WITHOUT_NAMED:
            return True
        if not self._is_reported:
            self._is_reported = True
            log.error(
                "most files in the storage have no creation here; none is removed: is DATABASE_URL the right one?"
            )
        return False

    def _advance(self, after: str) -> None:
        """Go on in the shard, or to the next one. Counts last for one round through all shards."""
        self._after = after
        if after:
            return
        self._shard = (self._shard + 1) % len(SHARDS)
        if self._shard == 0:
            self._named = self._removed = 0
            self._is_reported = False


def is_named(engine: Engine, key: str) -> bool:
    """Return whether a row names this file."""
    with read_connection(engine) as connection:
        return bool(_select_named(connection, {key}))


def _key_of(name: str) -> str:
    """Return the key of a file, even while it is set aside."""
    return name.replace(f"/{ASIDE}", "/")


def _select_named(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return the keys that a row names."""
    valid_keys = sorted(key for key in keys if KEY.fullmatch(key))
    if not valid_keys:
        return set()
    # One SELECT per column, so that each uses its index.
    columns = (*FILES_OF_PICTURES, creations.c.init_image_key, people.c.avatar_key)
    stmts = (select(column).where(column.in_(valid_keys)) for column in columns)
    return set(connection.execute(union_all(*stmts)).scalars())
