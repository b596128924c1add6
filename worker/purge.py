"""Purge deleted creations: text, files and rows here, the reply on X; and delete here what is gone on X.

    deleted here or on X | unpublished | files, rows and text removed | reply on X deleted | purged_at

X requires it within 24 hours. A run is many small steps, each safe to repeat: if it is killed, the next run goes on. It
runs beside the recovery loop, since X is slow, and on one machine at a time.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, and_, exists, func, select, union_all, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from core.clock import now
from core.database import empty_wal, read_connection, update_statistics, write_session
from core.deletion import soft_delete_creations
from core.errors import GiveUp, TryLater
from core.logs import get_logger
from core.models import FILES_OF_PICTURES, State, creations, pictures, posts
from core.notifications import prune_old
from core.outage import outages
from core.publishing import unpublish
from core.search_index import purge_removed
from core.settings import PurgeSettings
from core.social_cleanup import clear_deleted_comments, delete_creation_activity
from core.storage import Storage
from core.upload_store import UploadStore
from core.x import XClient
from worker.orphan_files import OrphanFiles
from worker.post_recheck import PostRecheck
from worker.redis_lock import LeaseLock

log = get_logger(__name__)

PURGE = "purging deleted creations"
BATCH_SIZE = 200
# Bound variables per query: SQLite allows 32,766.
MAX_PAUSED = 10_000
# X refused to delete a reply of ours: the operator has to act, so it is not asked every minute.
RETRY_AFTER_REFUSAL = timedelta(hours=6)
# An uploaded init image that no creation has used is deleted after this time.
MAX_UNUSED_UPLOAD_AGE = timedelta(days=1)
STATISTICS_INTERVAL = timedelta(days=1)
# A job may be at work on it: its own end comes first.
IN_PROGRESS = (State.PAINTING.value, State.REPLYING.value)


@dataclass(frozen=True)
class _Deleted:
    """A deleted creation that is not purged yet."""

    id: int
    person_id: int
    reply_post_id: int | None


@dataclass
class Purger:
    """Purges what was deleted. Its X client is its own: each of its calls is charged to a creation."""

    engine: Engine
    x: XClient
    storage: Storage
    recheck: PostRecheck
    settings: PurgeSettings
    uploads: UploadStore | None = None
    orphans: OrphanFiles | None = None
    _paused_until: dict[int, datetime] = field(default_factory=dict, init=False)
    _failed: set[int] = field(default_factory=set, init=False)
    _has_purged: bool = field(default=False, init=False)
    _statistics_at: datetime | None = field(default=None, init=False)

    def run_forever(self, stopped: threading.Event, lock: LeaseLock) -> None:
        """Run until stopped, also while database or queue are unavailable."""
        while not stopped.wait(self.settings.purge_interval_seconds):
            try:
                if lock.acquire():
                    self.run_once(lambda: not stopped.is_set() and lock.renew())
                outages.record_success(PURGE)
            except (TryLater, SQLAlchemyError) as error:
                outages.record_failure(PURGE, str(error).partition("\n")[0])
            except Exception:
                # A bug must not stop the next run.
                log.exception("purge failed")
            finally:
                lock.release()

    def run_once(self, should_continue: Callable[[], bool] = lambda: True) -> None:
        """Purge what is deleted or was never used, then delete and purge what is gone on X."""
        with write_session(self.engine) as session:
            prune_old(session)
            clear_deleted_comments(session)
        self._purge_deleted(should_continue)
        if self.uploads:
            self.uploads.delete_expired(now() - MAX_UNUSED_UPLOAD_AGE)
        if self.recheck.run_once(should_continue):
            self._purge_deleted(should_continue)
        if self.orphans and should_continue():
            self.orphans.run_once()
        if self._has_purged:
            purge_removed(self.engine)
            empty_wal(self.engine)
            self._has_purged = False
        self._update_statistics()

    def _update_statistics(self) -> None:
        """Update the planner's statistics daily, and at the first run after a start."""
        if self._statistics_at is None or now() - self._statistics_at >= STATISTICS_INTERVAL:
            update_statistics(self.engine)
            self._statistics_at = now()

    def _purge_deleted(self, should_continue: Callable[[], bool]) -> None:
        """Purge first what is here: that need not wait for X."""
        for creation in self._load_deleted(~_is_purged_locally()):
            if not should_continue():
                return
            self._purge_local(creation.id)
        # Those that failed last time come last, so that one that never works does not stop the others.
        on_x = self._load_deleted(_is_purged_locally())
        for creation in sorted(on_x, key=lambda creation: creation.id in self._failed):
            if not should_continue() or not self._delete_reply_on_x(creation):
                return

    def _load_deleted(self, condition: ColumnElement[bool]) -> list[_Deleted]:
        paused = sorted(creation_id for creation_id, until in self._paused_until.items() if until > now())
        stmt = (
            select(creations.c.id, creations.c.person_id, creations.c.reply_post_id)
            .where(creations.c.deleted_at.is_not(None), creations.c.purged_at.is_(None), condition)
            .where(creations.c.state.not_in(IN_PROGRESS), creations.c.id.not_in(paused[:MAX_PAUSED]))
            .order_by(creations.c.deleted_at)
            .limit(BATCH_SIZE)
        )
        with read_connection(self.engine) as connection:
            return [_Deleted(**row._mapping) for row in connection.execute(stmt)]

    def _purge_local(self, creation_id: int) -> None:
        """Remove files, rows and text, unless the storage is away."""
        try:
            self._remove(creation_id)
        except TryLater as error:
            # The storage reports its own outage.
            log.debug("files are not deleted yet", creation=creation_id, reason=str(error))

    def _remove(self, creation_id: int) -> None:
        """Delete files before the rows that name them, so that no file is left without a row."""
        self._has_purged = True
        with write_session(self.engine) as session:
            soft_delete_creations(session, [creation_id], "deleted")
            keys = _load_file_keys(session, creation_id)
            own_keys = keys - _select_shared(session, creation_id, keys)
            for key in own_keys | _load_own_init_image(session, creation_id):
                self.storage.delete(key)
            session.execute(pictures.delete().where(pictures.c.creation_id == creation_id))
            delete_creation_activity(session, creation_id)
            _clear_text(session, creation_id)

    def _delete_reply_on_x(self, creation: _Deleted) -> bool:
        """Delete our reply on X. Returns False if X takes no more calls now."""
        try:
            if creation.reply_post_id is not None:
                self.x.attribute_to(creation.id, creation.person_id)
                self.x.delete_post(creation.reply_post_id)
        except TryLater as error:
            self._failed.add(creation.id)
            log.warning("a reply on X is not deleted yet", creation=creation.id, reason=str(error))
            return False
        except GiveUp as error:
            self._paused_until[creation.id] = now() + RETRY_AFTER_REFUSAL
            log.error("X does not let us delete our reply", creation=creation.id, reason=str(error))
            return True
        self._paused_until.pop(creation.id, None)
        self._failed.discard(creation.id)
        with write_session(self.engine) as session:
            session.execute(update(creations).where(creations.c.id == creation.id).values(purged_at=now()))
        log.info("purged", creation=creation.id)
        return True


def _is_purged_locally() -> ColumnElement[bool]:
    """Return the condition that text and pictures are removed. Our reply on X may be left."""
    texts = (creations.c.prompt, creations.c.negative_prompt, creations.c.reply_text, creations.c.init_image_key)
    return and_(
        *(func.coalesce(column, "") == "" for column in texts),
        ~exists().where(pictures.c.creation_id == creations.c.id),
        ~exists().where(posts.c.id == creations.c.post_id, posts.c.deleted_on_x_at.is_(None)),
    )


def _load_file_keys(session: Session, creation_id: int) -> set[str]:
    rows = session.execute(select(*FILES_OF_PICTURES).where(pictures.c.creation_id == creation_id))
    return {key for row in rows for key in row if key is not None}


def _load_own_init_image(session: Session, creation_id: int) -> set[str]:
    """Return the file that came with the post, unless others start from it or it is also a picture."""
    stmt = select(creations.c.init_image_key).where(
        creations.c.id == creation_id, creations.c.init_image_key.is_not(None)
    )
    keys = set(session.execute(stmt).scalars())
    if not keys:
        return keys
    stmt = select(creations.c.init_image_key).where(creations.c.id != creation_id, creations.c.init_image_key.in_(keys))
    used_by_others = set(session.execute(stmt.where(creations.c.deleted_at.is_(None))).scalars())
    return keys - used_by_others - _select_shared(session, creation_id, keys)


def _select_shared(session: Session, creation_id: int, keys: set[str]) -> set[str]:
    """Return keys that other creations use, too: files are named by their content."""
    if not keys:
        return set()
    # One SELECT per column, so that each uses its index.
    stmts = (
        select(column).where(column.in_(keys), pictures.c.creation_id != creation_id) for column in FILES_OF_PICTURES
    )
    return set(session.execute(union_all(*stmts)).scalars())


def _clear_text(session: Session, creation_id: int) -> None:
    """Clear the prompt, and the text of the post it came from."""
    cleared = {"prompt": "", "negative_prompt": "", "init_image_url": None, "init_image_key": None, "reply_text": None}
    cleared |= {"last_error": None, "init_image_owner_id": None}
    unpublish(session, creations.c.id == creation_id)
    session.execute(update(creations).where(creations.c.id == creation_id).values(**cleared))
    # Compared with one id, so that each engine looks it up instead of reading all posts.
    its_post = posts.c.id == select(creations.c.post_id).where(creations.c.id == creation_id).scalar_subquery()
    session.execute(update(posts).where(its_post, posts.c.deleted_on_x_at.is_(None)).values(deleted_on_x_at=now()))
    session.execute(update(posts).where(its_post).values(text=""))
