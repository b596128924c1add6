"""Listens: one look at X reads what is new, writes it down, and asks for the painting.

    mentions since cursor - overlap | sieve out the known | decide | write down (one transaction) | enqueue

A crash before the commit changes nothing: the next look reads the same. A crash after it loses the enqueueing: the
sweep finds the rows. Knows nothing of how posts are judged or painted.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from bot import notebook, rules
from core.clock import now
from core.errors import GiveUp, HouseError, TryLater
from core.logs import get_logger
from core.models import Cursor
from core.queue import PAINT, WorkQueue
from core.settings import PollSettings
from core.x import Account, Pages, Post, XClient, id_at, time_of

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
        cursor = notebook.read_cursor(self.engine, SOURCE) or self._begin(account)
        began = now()
        heard = self._hear(account, since_id=self._reach_back(cursor))
        newest = max((post.id for post in heard), default=cursor.since_id)
        judged = [(post, self._judge(post, account)) for post in notebook.unknown(self.engine, heard)]
        created = self._write(judged, newest, began)
        self._tell(judged)
        self._ask_to_paint(created)
        return len(created)

    def listen(self, stopped: threading.Event) -> None:
        """Look again and again until stopped, whatever is away or broken meanwhile; rest longer while it is."""
        failures = 0
        while not stopped.is_set():
            rest = self.settings.poll_seconds
            try:
                self.look()
                failures = 0
            except (HouseError, SQLAlchemyError) as error:
                failures += 1
                rest = min(rest * 2 ** min(failures, 10), LONGEST_REST)
                rest = max(rest, error.after) if isinstance(error, TryLater) else rest
                log.warning("could not look", reason=str(error).partition("\n")[0], rest=round(rest, 1))
            stopped.wait(rest)

    def _hear(self, account: Account, *, since_id: int) -> list[Post]:
        """What X has for us. It shows no more than 800 mentions; older ones are found by search, 800 more."""
        mentions = self.x.mentions(account.author.id, since_id=since_id)
        if mentions.complete:
            return mentions.posts
        oldest = min((post.id for post in mentions.posts), default=None)
        try:
            older = self.x.search(f"@{account.author.username}", since_id=since_id, until_id=oldest)
        except GiveUp as error:
            older = Pages([], complete=False)
            log.error("X does not let us search", reason=str(error))
        log.warning("more than X shows at once", mentions=len(mentions.posts), searched=len(older.posts))
        if not older.complete:
            log.error("there may be older mentions that X does not show; they are not answered", before=oldest)
        return [*mentions.posts, *older.posts]

    def _write(self, judged: list[tuple[Post, rules.Verdict]], newest: int, began: datetime) -> list[int]:
        """Write all in one transaction; where one post spoils that, each in its own, lest it stop the rest."""
        try:
            return notebook.write_down(self.engine, SOURCE, judged, newest_id=newest, polled_at=began)
        except (IntegrityError, DataError, UnicodeError) as error:
            log.error("a post spoils the rest; written one by one", error=repr(error)[:300])
        created: list[int] = []
        for one in judged:
            try:
                created += notebook.write_down(self.engine, SOURCE, [one], newest_id=one[0].id, polled_at=began)
            except (IntegrityError, DataError, UnicodeError) as error:
                log.error("a post cannot be written down", post=one[0].id, error=repr(error)[:300])
        notebook.write_down(self.engine, SOURCE, [], newest_id=newest, polled_at=began)
        return created

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
        for post in reversed(self.x.own_posts(my_id, since_id=root, until_id=until).posts):
            if post.in_reply_to_id in thread:
                thread.add(post.id)
        return frozenset(thread)

    def _begin(self, account: Account) -> Cursor:
        """The first start, by X's own clock: ours may be wrong, and what is older than the start is never answered."""
        start = self.x.moment()
        log.info("first start: older posts are not answered", account=account.author.username, start=start.isoformat())
        return notebook.begin(self.engine, SOURCE, id_at(start))

    def _reach_back(self, cursor: Cursor) -> int:
        """X may index a post late, behind newer ones: read again what was made shortly before the last look.

        Not before the first start. And not before the newest post where that is older still: an empty look is free.
        """
        if cursor.polled_at is None:
            return cursor.since_id
        overlap = timedelta(seconds=self.settings.poll_overlap_seconds)
        behind_us = now() - self.x.moment()  # ids tell X's time, the row tells ours
        return max(cursor.floor_id, min(cursor.since_id, id_at(cursor.polled_at - behind_us - overlap)))

    def _judge(self, post: Post, account: Account) -> rules.Verdict:
        limit = self.settings.prompt_limit
        try:
            return rules.decide(post, bot_id=account.author.id, watched=self.watched, prompt_limit=limit)
        except Exception:
            # Our bug, on this post only: it is kept with its reason, and the others go their way.
            log.exception("a post could not be judged", post=post.id)
            return rules.Verdict("unexpected", asked=True)

    def _ask_to_paint(self, creation_ids: list[int]) -> None:
        try:
            self.queue.put(PAINT, creation_ids)
        except TryLater as error:
            log.warning("queue is away; the sweep will enqueue", creations=len(creation_ids), reason=str(error))

    def _tell(self, judged: list[tuple[Post, rules.Verdict]]) -> None:
        for post, verdict in judged:
            log.info("heard", post=post.id, by=post.author.username, verdict=verdict.code)
