"""Keeps to what people take back: words, files and answers of what is deleted go; what X does not show is not shown.

    deleted here or on X | out of sight | files, rows and words gone | answer on X deleted | forgotten_at

X asks for this within 24 hours. One look is many small steps, each safe to repeat: killed anywhere, the next look goes
on. Runs beside the sweep, at its own pace, since X is slow; one at a time, however many workers there are.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, and_, exists, func, select, union_all, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from core.clock import now
from core.database import empty_wal, reading, transaction
from core.errors import GiveUp, TryLater
from core.forgetting import take_back
from core.logs import get_logger
from core.models import FILES_OF_PICTURES, State, creations, pictures, posts
from core.notifying import forget_old
from core.outage import outages
from core.searching import forget_removed
from core.settings import KeepSettings
from core.storage import Storage
from core.ties import untie_creation
from core.uploads import Uploads
from core.visibility import conceal
from core.x import XClient
from worker.alone import Alone
from worker.lookups import Lookups
from worker.orphans import OrphanFiles

log = get_logger(__name__)

TAKING_BACK = "taking back what was deleted"
AT_ONCE = 200
# Bound variables per query: SQLite allows 32,766.
MOST_RESTING = 10_000
# X said no to deleting an answer of ours: that is for the host, and is not asked again every minute.
AFTER_A_NO = timedelta(hours=6)
# A picture that was chosen to start from, and never was.
UNUSED_FOR = timedelta(days=1)
# A worker may be at it: its own end comes first.
IN_WORK = (State.PAINTING.value, State.REPLYING.value)


@dataclass
class Keeping:
    """One look after another at what must go. Its client of X is its own: what it pays is paid for a creation."""

    engine: Engine
    x: XClient
    storage: Storage
    lookups: Lookups
    settings: KeepSettings
    uploads: Uploads | None = None
    orphans: OrphanFiles | None = None
    _not_before: dict[int, datetime] = field(default_factory=dict, init=False)
    _failed: set[int] = field(default_factory=set, init=False)
    _has_forgotten: bool = field(default=False, init=False)

    def keep_running(self, stopped: threading.Event, alone: Alone) -> None:
        """Look again and again until stopped, whatever is away meanwhile."""
        while not stopped.wait(self.settings.keep_seconds):
            try:
                if alone.take():
                    self.look(lambda: not stopped.is_set() and alone.keep())
                outages.works(TAKING_BACK)
            except (TryLater, SQLAlchemyError) as error:
                outages.failed(TAKING_BACK, str(error).partition("\n")[0])
            except Exception:
                # Our bug: it is told, and what else must go still goes.
                log.exception("taking back stumbled")
            finally:
                alone.leave()

    def look(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """One look: forget what is deleted or was never used, then ask X what has gone there, then forget that, too."""
        with transaction(self.engine) as session:
            forget_old(session)
        self._forget_all(go_on)
        if self.uploads:
            self.uploads.forget_old(now() - UNUSED_FOR)
        if self.lookups.run(go_on):
            self._forget_all(go_on)
        if self.orphans and go_on():
            self.orphans.sweep()
        if self._has_forgotten:
            forget_removed(self.engine)
            empty_wal(self.engine)
            self._has_forgotten = False

    def _forget_all(self, go_on: Callable[[], bool]) -> None:
        """What can be done here is done first: it does not wait for X."""
        for row in self._deleted(~_is_gone_here()):
            if not go_on():
                return
            self._forget_here(row.id)
        # Who failed last time stands behind the others: one that never works must not stop them.
        for row in sorted(self._deleted(_is_gone_here()), key=lambda row: row.id in self._failed):
            if not go_on() or not self._forget_there(row):
                return

    def _deleted(self, *which: Any) -> list[Any]:
        resting = sorted(one for one, moment in self._not_before.items() if moment > now())
        wanted = (
            select(creations.c.id, creations.c.person_id, creations.c.reply_post_id)
            .where(creations.c.deleted_at.is_not(None), creations.c.forgotten_at.is_(None))
            .where(creations.c.state.not_in(IN_WORK), creations.c.id.not_in(resting[:MOST_RESTING]), *which)
            .order_by(creations.c.deleted_at)
            .limit(AT_ONCE)
        )
        with reading(self.engine) as connection:
            return list(connection.execute(wanted))

    def _forget_here(self, creation_id: int) -> None:
        """Files, pictures and words, unless the storage is away."""
        try:
            self._remove(creation_id)
        except TryLater as error:
            # The storage reports its own outage.
            log.debug("files are still there", creation=creation_id, reason=str(error))

    def _remove(self, creation_id: int) -> None:
        """The files go before their rows, so that none is left that nobody knows of."""
        self._has_forgotten = True
        with transaction(self.engine) as session:
            take_back(session, [creation_id], "deleted")
            keys = _keys_of(session, creation_id)
            for key in keys - _used_elsewhere(session, creation_id, keys) | _own_start(session, creation_id):
                self.storage.delete(key)
            session.execute(pictures.delete().where(pictures.c.creation_id == creation_id))
            untie_creation(session, creation_id)
            _blank(session, creation_id)

    def _forget_there(self, row: Any) -> bool:
        """Our answer on X. False where X wants no more calls now."""
        try:
            if row.reply_post_id is not None:
                self.x.on_behalf(row.id, row.person_id)
                self.x.delete(row.reply_post_id)
        except TryLater as error:
            self._failed.add(row.id)
            log.warning("an answer on X is still there", creation=row.id, reason=str(error))
            return False
        except GiveUp as error:
            self._not_before[row.id] = now() + AFTER_A_NO
            log.error("X does not let us delete our answer", creation=row.id, reason=str(error))
            return True
        self._not_before.pop(row.id, None)
        self._failed.discard(row.id)
        with transaction(self.engine) as session:
            session.execute(update(creations).where(creations.c.id == row.id).values(forgotten_at=now()))
        log.info("forgotten", creation=row.id)
        return True


def _is_gone_here() -> Any:
    """Its words and pictures are removed; what is left is our answer on X."""
    words = (creations.c.prompt, creations.c.negative_prompt, creations.c.says, creations.c.start_key)
    return and_(
        *(func.coalesce(each, "") == "" for each in words),
        ~exists().where(pictures.c.creation_id == creations.c.id),
        ~exists().where(posts.c.id == creations.c.post_id, posts.c.gone_at.is_(None)),
    )


def _keys_of(session: Session, creation_id: int) -> set[str]:
    rows = session.execute(select(*FILES_OF_PICTURES).where(pictures.c.creation_id == creation_id))
    return {key for row in rows for key in row if key is not None}


def _own_start(session: Session, creation_id: int) -> set[str]:
    """The photograph that came with the post, where nobody else begins from it and it is no picture that hangs."""
    wanted = select(creations.c.start_key).where(creations.c.id == creation_id, creations.c.start_key.is_not(None))
    keys = set(session.execute(wanted).scalars())
    if not keys:
        return keys
    others = select(creations.c.start_key).where(creations.c.id != creation_id, creations.c.start_key.in_(keys))
    begun = set(session.execute(others.where(creations.c.deleted_at.is_(None))).scalars())
    return keys - begun - _used_elsewhere(session, creation_id, keys)


def _used_elsewhere(session: Session, creation_id: int, keys: set[str]) -> set[str]:
    """Files are named by their content: two creations may show the same one."""
    if not keys:
        return set()
    # Each name along its own index.
    each = (
        select(column).where(column.in_(keys), pictures.c.creation_id != creation_id) for column in FILES_OF_PICTURES
    )
    return set(session.execute(union_all(*each)).scalars())


def _blank(session: Session, creation_id: int) -> None:
    """The words of the prompt, and of the post it came from."""
    blank = {"prompt": "", "negative_prompt": "", "start_url": None, "start_key": None, "says": None}
    blank |= {"last_error": None, "start_owner_id": None}
    conceal(session, creations.c.id == creation_id)
    session.execute(update(creations).where(creations.c.id == creation_id).values(**blank))
    its_post = exists().where(creations.c.id == creation_id, creations.c.post_id == posts.c.id)
    session.execute(update(posts).where(its_post, posts.c.gone_at.is_(None)).values(gone_at=now()))
    session.execute(update(posts).where(its_post).values(text=""))
