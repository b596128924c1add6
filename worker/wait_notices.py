"""Tell users on X that their picture takes some minutes: one short reply, rarely (docs/decisions/0026).

    ETA beyond WAIT_NOTICE_MINUTES | X and the budget have room to spare | not notified today | queue a text reply

Never if users wait for X's own rate limit: a notice would use up the replies that the pictures need.
"""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.database import read_connection, write_session
from core.errors import TryLater
from core.logs import get_logger
from core.models import State, creations
from core.queue import REPLY
from core.scheduling import Dispatcher
from core.scheduling.eta import Capacity, estimate_eta, load_capacity
from core.scheduling.queue_position import count_up_to, load_positions, load_queue_heads, select_waiting
from worker.text_replies import WAIT, TextReplies

log = get_logger(__name__)

POLL_INTERVAL_SECONDS = 20.0
# Creations at the end of the queue wait longest.
MAX_CANDIDATES = 50
# Authors of older posts know by now that they have to wait.
RECENT = timedelta(hours=1)
# At most this share of X's rate-limit window goes into notices, and only while half of it is left for pictures.
MAX_SHARE, RESERVED_SHARE = 0.1, 0.5
TEXT_STATES = (State.REFUSED.value, State.REPLYING.value)


@dataclass(frozen=True)
class Candidate:
    """A queued creation that a post asked for."""

    id: int
    created_at: datetime


@dataclass(frozen=True)
class WaitNotices:
    """Finds long waits at the end of the queue, and queues notices."""

    dispatcher: Dispatcher
    texts: TextReplies

    def run_once(self) -> int:
        """Queue the notices that are due. Returns how many. Raises TryLater if the queue is away."""
        is_enabled = self.texts.rules.wait_notice_minutes and WAIT in self.texts.rules.text_reply_codes
        candidates = self._load_candidates() if is_enabled else []
        if not candidates:
            return 0
        dispatcher = self.dispatcher
        capacity = load_capacity(dispatcher.engine, dispatcher.queue, dispatcher.rate_limiter, dispatcher.money)
        queued = self.announce(candidates, capacity)
        if queued:
            log.info("wait notices queued", notices=queued)
            dispatcher.dispatch(REPLY)
        return queued

    def announce(self, candidates: list[Candidate], capacity: Capacity) -> int:
        """Queue a notice for each candidate with a long wait, as far as there is room. Returns how many."""
        room, queued = self._room(capacity), 0
        for creation_id, minutes in self._find_slow(candidates, capacity):
            if queued >= room:
                break
            with write_session(self.dispatcher.engine) as session:
                queued += self.texts.announce_wait(session, creation_id, minutes, now())
        return queued

    def run_forever(self, stopped: threading.Event) -> None:
        """Run until stopped, also while database or queue are unavailable."""
        while not stopped.wait(POLL_INTERVAL_SECONDS):
            try:
                self.run_once()
            except (TryLater, SQLAlchemyError) as error:
                log.info("wait notices skipped, will retry", reason=str(error).partition("\n")[0])

    def _load_candidates(self) -> list[Candidate]:
        """Return creations at the end of the queue that a recent post asked for."""
        stmt = (
            select(creations.c.id, creations.c.created_at)
            .where(creations.c.state == State.QUEUED.value, creations.c.next_attempt_at.is_not(None))
            .where(creations.c.post_id.is_not(None), creations.c.created_at > now() - RECENT)
            .where(creations.c.reply_post_id.is_(None))  # replied to before a backup was restored
            .order_by(creations.c.queue_rank.desc(), creations.c.id.desc())
            .limit(MAX_CANDIDATES)
        )
        with read_connection(self.dispatcher.engine) as connection:
            return [Candidate(**row._mapping) for row in connection.execute(stmt)]

    def _find_slow(self, candidates: list[Candidate], capacity: Capacity) -> Iterator[tuple[int, int]]:
        """Yield creations that wait too long, with minutes; 0 minutes: unknown, since no GPU service works."""
        threshold = 60 * self.texts.rules.wait_notice_minutes
        with read_connection(self.dispatcher.engine) as connection:
            ids = [candidate.id for candidate in candidates]
            positions = load_positions(connection, ids, load_queue_heads(connection))
        for candidate in candidates:
            position = positions.get(candidate.id)
            if position is None or position.in_progress:
                continue
            eta, waited = estimate_eta(position, capacity), (now() - candidate.created_at).total_seconds()
            if eta.seconds is not None and eta.seconds > threshold:
                yield candidate.id, math.ceil(eta.seconds / 60)
            elif eta.seconds is None and capacity.gpu_outage and waited > threshold:
                yield candidate.id, 0

    def _room(self, capacity: Capacity) -> int:
        """Return how many notices X and the budget have room for now."""
        window, allowance = capacity.window, capacity.allowance
        if window.blocked_reason or (allowance.micro_usd is not None and allowance.micro_usd < capacity.reserve_price):
            return 0
        since = now() - timedelta(seconds=window.seconds)
        stmt = select(func.count()).where(creations.c.reason_code == WAIT, creations.c.created_at > since)
        with read_connection(self.dispatcher.engine) as connection:
            sent = int(connection.execute(stmt.where(creations.c.state.in_(TEXT_STATES))).scalar_one())
            waiting_replies = count_up_to(connection, select_waiting(REPLY))
        spare = window.remaining - waiting_replies - RESERVED_SHARE * window.limit
        return min(int(MAX_SHARE * window.limit) - sent, int(spare))
