"""Listens: one look at X reads what is new, writes it down, and asks for the painting.

    mentions since cursor - overlap | sieve out the known | decide | write down (one transaction) | enqueue

A crash before the commit changes nothing: the next look reads the same. A crash after it loses the enqueueing: the
sweep finds the rows. Knows nothing of how posts are judged or painted.
"""

import threading
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine

from bot import notebook, rules
from core.clock import now
from core.errors import TryLater
from core.logs import get_logger
from core.models import Cursor
from core.queue import PAINT, WorkQueue
from core.settings import PollSettings
from core.x import Account, Post, XClient, id_at, time_of

log = get_logger(__name__)

SOURCE = "mentions"
# The bot's opening thread is posted in one go: its later parts follow within the hour.
THREAD_WITHIN = timedelta(hours=1)
LONGEST_REST = 300.0


@dataclass
class Poller:
    """One account's ears.

    Args:
        watched: ids of the bot's posts whose direct replies are prompts, given by the host. Its pinned thread is added.
    """

    x: XClient
    engine: Engine
    queue: WorkQueue
    settings: PollSettings
    watched: frozenset[int] = frozenset()
    _account: Account | None = field(default=None, init=False)

    def look(self) -> int:
        """One look at X. Returns the number of new creations. Raises TryLater and GiveUp as X's client does."""
        account = self._know_myself()
        cursor = notebook.read_cursor(self.engine, SOURCE) or self._begin()
        began = now()
        heard = self.x.mentions(account.author.id, since_id=self._reach_back(cursor))
        newest = max((post.id for post in heard), default=cursor.since_id)
        judged = [(post, self._judge(post, account)) for post in notebook.unknown(self.engine, heard)]
        created = notebook.write_down(self.engine, SOURCE, judged, newest_id=newest, polled_at=began)
        self._tell(judged)
        self._ask_to_paint(created)
        return len(created)

    def listen(self, stopped: threading.Event) -> None:
        """Look again and again until stopped; rest longer while X is away."""
        failures = 0
        while not stopped.is_set():
            rest = self.settings.poll_seconds
            try:
                self.look()
                failures = 0
            except TryLater as error:
                failures += 1
                rest = min(max(error.after, rest * 2**failures), LONGEST_REST)
                log.warning("x is away", reason=str(error), rest=round(rest, 1))
            stopped.wait(rest)

    def _know_myself(self) -> Account:
        """Ask X once who we are and which of our posts are the opening thread."""
        if self._account is None:
            account = self.x.me()
            if account.pinned_id:
                self.watched |= self._thread_of(account.pinned_id, account.author.id)
            self._account = account
            log.info("listening", account=account.author.username, watched=len(self.watched))
        return self._account

    def _thread_of(self, root: int, my_id: int) -> frozenset[int]:
        """Ids of a post of ours and of our own continuations of it."""
        until = id_at(time_of(root) + THREAD_WITHIN)
        thread = {root}
        for post in reversed(self.x.own_posts(my_id, since_id=root, until_id=until)):
            if post.in_reply_to_id in thread:
                thread.add(post.id)
        return frozenset(thread)

    def _begin(self) -> Cursor:
        start = now()
        log.info("first start: posts older than this moment are not answered", start=start.isoformat())
        return notebook.begin(self.engine, SOURCE, id_at(start))

    def _reach_back(self, cursor: Cursor) -> int:
        """X may index a post late, behind newer ones: read again what was made shortly before the last look.

        Not before the first start. And not before the newest post where that is older still: an empty look is free.
        """
        if cursor.polled_at is None:
            return cursor.since_id
        overlap = timedelta(seconds=self.settings.poll_overlap_seconds)
        return max(cursor.floor_id, min(cursor.since_id, id_at(cursor.polled_at - overlap)))

    def _judge(self, post: Post, account: Account) -> rules.Verdict:
        return rules.decide(
            post, bot_id=account.author.id, watched=self.watched, prompt_limit=self.settings.prompt_limit
        )

    def _ask_to_paint(self, creation_ids: list[int]) -> None:
        try:
            self.queue.put(PAINT, creation_ids)
        except TryLater as error:
            log.warning("queue is away; the sweep will enqueue", creations=len(creation_ids), reason=str(error))

    def _tell(self, judged: list[tuple[Post, rules.Verdict]]) -> None:
        for post, verdict in judged:
            log.info("heard", post=post.id, by=post.author.username, verdict=verdict.code)
