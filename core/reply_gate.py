"""Whether the database knows all replies that the bot posted. Until it does, after restoring a backup, nobody replies.

The poller opens the gate once it has read the bot's own posts since the newest reply known here, and has written down
what was answered (`bot/reconciling.py`). The gate is a row of the cursors, so all processes see it, and a crash in the
middle leaves it closed. It is closed

    by a worker at its start, if the poller has not looked at X for a while        a backup, or a long rest
    by whoever is about to reply, if the queue knows a newer reply than the rows   a backup, or a power cut
    by the same, if the queue remembers no reply at all                            its data is lost, perhaps both are
    by `python -m bot restore`

Opening it costs one call, which is free unless there are unknown replies.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, func, select

from core.database import reading, shared_now, transaction
from core.errors import TryLater
from core.logs import get_logger
from core.models import Cursor, creations, cursors
from core.pace import Pace

log = get_logger(__name__)

# `since_id`: the newest own post that was read. `floor_id`: replies to posts older than this may have been missed.
REPLIES = "replies"
MENTIONS = "mentions"
# A poller that is alive looks at least this often, with the default settings.
STALE = timedelta(minutes=1)
# Seconds until a reply that waits for the check is tried again.
AGAIN_AFTER = 5.0


@dataclass(frozen=True)
class ReplyGate:
    """The gate before every reply, for one database and one queue."""

    engine: Engine
    pace: Pace

    def pass_through(self) -> None:
        """Return if replies may be posted. Raises TryLater if own posts must be read first, or the queue is away."""
        if self.is_closed() or self.close_if_behind():
            raise TryLater("replies_unchecked", "own posts on X are read first", after=AGAIN_AFTER, counted=False)

    def is_closed(self) -> bool:
        """Whether replies wait until the bot has read its own posts."""
        return is_closed(self.engine)

    def close_if_behind(self) -> bool:
        """Close it if the queue remembers a newer reply than the rows, or none. Returns whether it did."""
        with reading(self.engine) as connection:
            if not _listens(connection):
                return False  # nothing was ever answered
            known = newest_reply(connection)
        remembered = self.pace.newest_reply()
        if remembered is not None and remembered <= known:
            return False
        close(self.engine, "the queue remembers no reply" if remembered is None else "the queue knows a newer reply")
        return True

    def begin(self) -> None:
        """The first start of an instance: there is no reply that could be unknown."""
        with suppress(TryLater):
            self.pace.remember_reply(0, anew=True)

    def note_reply(self, reply_post_id: int) -> None:
        """Remember a reply outside the database, once it is written down there."""
        try:
            self.pace.remember_reply(reply_post_id)
        except TryLater as error:
            log.warning("reply not remembered by the queue", reason=str(error))


def is_closed(engine: Engine) -> bool:
    """Whether replies wait until the bot has read its own posts."""
    wanted = select(cursors.c.name).where(cursors.c.name == REPLIES, cursors.c.polled_at.is_(None))
    with reading(engine) as connection:
        return connection.execute(wanted).first() is not None


def is_stale(engine: Engine) -> bool:
    """Whether the poller has not looked at X for a while: the rows may be older than what is on X."""
    with reading(engine) as connection:
        polled_at = connection.execute(select(cursors.c.polled_at).where(cursors.c.name == MENTIONS)).scalar()
        return polled_at is not None and abs(shared_now(connection) - polled_at) > STALE


def close_if_stale(engine: Engine) -> None:
    """At the start of a worker: nothing of an old backup is replied to before the poller has read own posts."""
    if is_stale(engine):
        close(engine, "the poller has not looked at X lately")


def close(engine: Engine, why: str) -> None:
    """Let replies wait until the bot has read its own posts. Twice does no harm."""
    with transaction(engine) as session:
        gate = session.get(Cursor, REPLIES) or Cursor(name=REPLIES, since_id=0, floor_id=0)
        changed = gate.polled_at is not None or gate.since_id == 0
        gate.polled_at = None
        session.add(gate)
    if changed:
        log.warning("replies wait until the bot has read its own posts", reason=why)


def newest_reply(connection: Connection) -> int:
    """The newest reply that the rows know; 0 without one."""
    return int(connection.execute(select(func.max(creations.c.reply_post_id))).scalar() or 0)


def replies_missed_before(connection: Connection) -> int:
    """Posts older than this id may have a reply of ours that X did not show any more; 0 if there are none."""
    wanted = select(cursors.c.floor_id).where(cursors.c.name == REPLIES)
    return int(connection.execute(wanted).scalar() or 0)


def _listens(connection: Connection) -> bool:
    return connection.execute(select(cursors.c.name).where(cursors.c.name == MENTIONS)).first() is not None
