"""Hold back replies until the database knows all replies of the bot, as after restoring a backup.

The poller opens the gate after it has read the bot's own posts since the newest known reply and recorded what was
replied to (`bot/reply_reconciliation.py`). The gate is a row of the cursors, so all processes see it, and a crash
leaves it closed. It is closed

    by a worker at its start, if the last poll is old                    a backup, or downtime
    before a reply, if the queue knows a newer reply than the database   a backup, or a power cut
    before a reply, if the queue remembers no reply                      its data is lost, perhaps the database's, too
    by `python -m bot restore`

Opening it costs one call, which is free unless there are unknown replies.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, func, select

from core.database import database_now, read_connection, write_session
from core.errors import TryLater
from core.logs import get_logger
from core.models import PollCursor, creations, cursors
from core.x.rate_limit import XRateLimiter

log = get_logger(__name__)

# Its `since_id` is the newest own post that was read. Replies to posts older than `min_id` may be unknown.
REPLIES = "replies"
MENTIONS = "mentions"
# A running poller polls at least this often, with default settings.
MAX_POLL_AGE = timedelta(minutes=1)
# How long a reply waits for the gate before its next try.
RETRY_AFTER_SECONDS = 5.0


@dataclass(frozen=True)
class ReplyGate:
    """The gate of one database and one queue. Every reply passes it."""

    engine: Engine
    rate_limiter: XRateLimiter

    def ensure_open(self) -> None:
        """Raise TryLater if own posts must be read before replies, or if the queue is down."""
        if self.is_closed() or self.close_if_behind():
            raise TryLater(
                "replies_unchecked", "own posts on X are read first", after=RETRY_AFTER_SECONDS, counted=False
            )

    def is_closed(self) -> bool:
        """Return whether replies wait until the bot has read its own posts."""
        return is_closed(self.engine)

    def close_if_behind(self) -> bool:
        """Close it if the queue remembers a newer reply than the database, or none. Return whether it did."""
        with read_connection(self.engine) as connection:
            if not _has_polled(connection):
                return False  # there are no replies yet
            known = newest_reply_id(connection)
        remembered = self.rate_limiter.newest_reply_id()
        if remembered is not None and remembered <= known:
            return False
        close(self.engine, "the queue remembers no reply" if remembered is None else "the queue knows a newer reply")
        return True

    def initialize(self) -> None:
        """Start a new instance, which has no unknown replies."""
        with suppress(TryLater):
            self.rate_limiter.remember_reply(0, overwrite=True)

    def remember_reply(self, reply_post_id: int) -> None:
        """Remember a reply outside the database, after it is stored there."""
        try:
            self.rate_limiter.remember_reply(reply_post_id)
        except TryLater as error:
            log.warning("reply not remembered by the queue", reason=str(error))


def is_closed(engine: Engine) -> bool:
    """Return whether replies wait until the bot has read its own posts."""
    stmt = select(cursors.c.name).where(cursors.c.name == REPLIES, cursors.c.polled_at.is_(None))
    with read_connection(engine) as connection:
        return connection.execute(stmt).first() is not None


def is_stale(engine: Engine) -> bool:
    """Return whether the last poll is old, so that the database may be a backup."""
    with read_connection(engine) as connection:
        polled_at = connection.execute(select(cursors.c.polled_at).where(cursors.c.name == MENTIONS)).scalar()
        return polled_at is not None and abs(database_now(connection) - polled_at) > MAX_POLL_AGE


def close_if_stale(engine: Engine) -> None:
    """Close the gate at the start of a worker if the last poll is old."""
    if is_stale(engine):
        close(engine, "the last poll is old")


def close(engine: Engine, reason: str) -> None:
    """Hold back replies until the bot has read its own posts. Safe to repeat."""
    with write_session(engine) as session:
        gate = session.get(PollCursor, REPLIES) or PollCursor(name=REPLIES, since_id=0, min_id=0)
        has_changed = gate.polled_at is not None or gate.since_id == 0
        gate.polled_at = None
        session.add(gate)
    if has_changed:
        log.warning("replies held back until the bot has read its own posts", reason=reason)


def newest_reply_id(connection: Connection) -> int:
    """Return the newest reply in the database; 0 if there is none."""
    # Only with the condition of the index does SQLite use it.
    stmt = select(func.max(creations.c.reply_post_id)).where(creations.c.reply_post_id.is_not(None))
    return int(connection.execute(stmt).scalar() or 0)


def unchecked_before_id(connection: Connection) -> int:
    """Return the id below which posts may have a reply that X no longer showed; 0 if there are none."""
    stmt = select(cursors.c.min_id).where(cursors.c.name == REPLIES)
    return int(connection.execute(stmt).scalar() or 0)


def _has_polled(connection: Connection) -> bool:
    return connection.execute(select(cursors.c.name).where(cursors.c.name == MENTIONS)).first() is not None
