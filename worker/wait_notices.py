"""Tells people on X that their picture takes some minutes: one short reply, seldom (docs/decisions/0026).

    waits longer than WAIT_NOTICE_MINUTES | X and the budget have room to spare | not told today | reply in words

Never when X's own limit is what they wait for: a notice would use up the replies that the pictures need.
"""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.database import reading, transaction
from core.errors import TryLater
from core.line import Line
from core.line.waiting import Conditions, count, estimate, look_around, place_of, waiting
from core.logs import get_logger
from core.models import State, creations
from core.queue import REPLY
from worker.text_replies import WAIT, TextReplies

log = get_logger(__name__)

EVERY_SECONDS = 20.0
# Those at the end of the queue wait longest.
MAX_CANDIDATES = 50
# Who asked long ago knows by now.
RECENT = timedelta(hours=1)
# At most this share of a window of X goes into notices, and only while half of the window is left for pictures.
SHARE, SPARE = 0.1, 0.5
TEXT_STATES = (State.REFUSED.value, State.REPLYING.value)


@dataclass(frozen=True)
class WaitNotices:
    """One look at the end of the queue, and the notices that it calls for."""

    line: Line
    texts: TextReplies

    def run(self) -> int:
        """Queue the notices that are due. Returns how many. Raises TryLater when the queue is away."""
        is_wanted = self.texts.rules.wait_notice_minutes and WAIT in self.texts.rules.told
        candidates = self._candidates() if is_wanted else []
        if not candidates:
            return 0
        conditions = look_around(self.line.engine, self.line.queue, self.line.pace, self.line.money)
        queued = self.announce(candidates, conditions)
        if queued:
            log.info("people are told that they have to wait", notices=queued)
            self.line.call_up(REPLY)
        return queued

    def announce(self, candidates: list[Any], conditions: Conditions) -> int:
        """Queue a notice for each candidate that waits too long, as far as there is room. Returns how many."""
        room, queued = self._room(conditions), 0
        for creation_id, minutes in self._slow(candidates, conditions):
            if queued >= room:
                break
            with transaction(self.line.engine) as session:
                queued += self.texts.announce_wait(session, creation_id, minutes, now())
        return queued

    def keep_running(self, stopped: threading.Event) -> None:
        """Run again and again until stopped, whatever is away meanwhile."""
        while not stopped.wait(EVERY_SECONDS):
            try:
                self.run()
            except (TryLater, SQLAlchemyError) as error:
                log.info("no wait notices for now", reason=str(error).partition("\n")[0])

    def _candidates(self) -> list[Any]:
        """Creations at the end of the queue that a post asked for lately."""
        stmt = (
            select(creations.c.id, creations.c.created_at)
            .where(creations.c.state == State.QUEUED.value, creations.c.next_attempt_at.is_not(None))
            .where(creations.c.post_id.is_not(None), creations.c.created_at > now() - RECENT)
            .where(creations.c.reply_post_id.is_(None))  # replied to before a backup was restored
            .order_by(creations.c.turn.desc(), creations.c.id.desc())
            .limit(MAX_CANDIDATES)
        )
        with reading(self.line.engine) as connection:
            return list(connection.execute(stmt))

    def _slow(self, candidates: list[Any], conditions: Conditions) -> Iterator[tuple[int, int]]:
        """Yield who waits too long, and for how many minutes; 0 if nobody knows because no GPU service works."""
        threshold = 60 * self.texts.rules.wait_notice_minutes
        for row in candidates:
            with reading(self.line.engine) as connection:
                place = place_of(connection, row.id)
            if place is None or place.begun:
                continue
            wait, waited = estimate(place, conditions), (now() - row.created_at).total_seconds()
            if wait.seconds is not None and wait.seconds > threshold:
                yield row.id, math.ceil(wait.seconds / 60)
            elif wait.seconds is None and conditions.painter and waited > threshold:
                yield row.id, 0

    def _room(self, conditions: Conditions) -> int:
        """Return how many notices X and the budget have room for now."""
        window, room = conditions.window, conditions.room
        if window.stopped or (room.micro_usd is not None and room.micro_usd < conditions.price):
            return 0
        since = now() - timedelta(seconds=window.seconds)
        sent = select(func.count()).where(creations.c.code == WAIT, creations.c.created_at > since)
        with reading(self.line.engine) as connection:
            lately = int(connection.execute(sent.where(creations.c.state.in_(TEXT_STATES))).scalar_one())
            replies = count(connection, waiting(REPLY))
        return min(int(SHARE * window.calls) - lately, int(window.free - replies - SPARE * window.calls))
