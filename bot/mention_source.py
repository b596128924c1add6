"""Read new posts from X: mentions with each poll, recent search every few minutes.

X delivers some mentions late or never; search has them, at a higher price. X bills a post once a day, at the price of
the call that returns it first, so mentions are read before search. See docs/decisions/0005.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from bot import repository
from core.clock import now
from core.errors import CallsSuspended, GiveUp, ThreadpaintError, TryLater
from core.logs import get_logger
from core.models import PollCursor
from core.outage import outages
from core.settings import PollSettings
from core.x import Account, Post, PostPages, XClient, snowflake_from_time

log = get_logger(__name__)

MENTIONS = "mentions"
SEARCH = "search"
SEARCH_OUTAGE = "search on X"
# With these codes X allows no search at all; waiting for it would delay the mentions.
SEARCH_DENIED_CODES = frozenset({"x_no_access", "x_forbidden", "x_not_enrolled"})
# A longer pause between two polls is downtime: BACKFILL_LIMIT applies to the posts that gathered.
DOWNTIME = timedelta(minutes=10)


@dataclass(frozen=True)
class FetchResult:
    """New posts. `cursors`: the newest post id of each source that was read."""

    posts: list[Post]
    cursors: dict[str, int]
    after_downtime: bool = False


@dataclass
class MentionSource:
    """Fetch the new posts of one account from both sources."""

    x: XClient
    engine: Engine
    settings: PollSettings
    # Monotonic times in seconds.
    _search_blocked_until: float = field(default=0.0, init=False)
    # The first poll reads an overlap, later ones only now and then: in a burst each overlap reads everything again.
    _next_overlap_at: float = field(default=0.0, init=False)
    _last_overlap_polled_at: datetime | None = field(default=None, init=False)

    def fetch_new(self, account: Account) -> FetchResult:
        """Return new posts. Raise TryLater or GiveUp if the mentions cannot be read; a failing search is tolerated."""
        cursor = repository.read_cursor(self.engine, MENTIONS) or self._create_cursor(account)
        after_downtime = cursor.polled_at is not None and now() - cursor.polled_at > self._downtime_threshold()
        # An unmoved cursor means that the posts of the last poll were not saved.
        is_overlap = time.monotonic() >= self._next_overlap_at or cursor.polled_at == self._last_overlap_polled_at
        # Reach behind all polls since the last overlap.
        overlap = self.settings.poll_overlap_seconds + self.settings.poll_overlap_interval_seconds
        since_id = self.overlap_since_id(cursor, overlap) if is_overlap else cursor.since_id
        mentions = self.x.get_mentions(account.author.id, since_id=since_id)
        if is_overlap:
            self._next_overlap_at = time.monotonic() + self.settings.poll_overlap_interval_seconds
            self._last_overlap_polled_at = cursor.polled_at
        cursors = {MENTIONS: _newest_id(mentions, cursor)}
        if not mentions.complete:
            posts = mentions.posts + self._search_older(account, mentions, since_id)
            return FetchResult(posts, cursors, after_downtime)
        search = self._search(account, cursor)
        if search is None:
            return FetchResult(mentions.posts, cursors, after_downtime)
        searched, newest_id = search
        return FetchResult(mentions.posts + searched, cursors | {SEARCH: newest_id}, after_downtime)

    def overlap_since_id(self, cursor: PollCursor, overlap_seconds: float) -> int:
        """Return the id from which to read again, because X may index a post late, behind newer ones.

        Never before the first start. Never after the newest known post, as an empty poll is free.
        """
        if cursor.polled_at is None:
            return cursor.since_id
        behind_x = now() - self.x.x_now()  # ids carry X's time, the row carries ours
        since = cursor.polled_at - behind_x - timedelta(seconds=overlap_seconds)
        return max(cursor.min_id, min(cursor.since_id, snowflake_from_time(since)))

    def _downtime_threshold(self) -> timedelta:
        """Return the pause that counts as downtime: longer than any pause the operator configured."""
        return max(DOWNTIME, 2 * timedelta(seconds=max(self.settings.poll_seconds, self.settings.poll_max_seconds)))

    def _create_cursor(self, account: Account) -> PollCursor:
        """Start at X's present time: this machine's clock may be wrong, and older posts are never answered."""
        start = self.x.x_now()
        log.info("first start: older posts are not answered", account=account.author.username, start=start.isoformat())
        return repository.create_cursor(self.engine, MENTIONS, snowflake_from_time(start))

    def _search_older(self, account: Account, mentions: PostPages, since_id: int) -> list[Post]:
        """Search for mentions beyond the 800 that X lists. Search returns 800 more."""
        oldest = min((post.id for post in mentions.posts), default=None)
        try:
            older = self.x.search_recent(_mention_query(account), since_id=since_id, until_id=oldest)
        except (GiveUp, CallsSuspended) as error:
            if isinstance(error, CallsSuspended) and error.code not in SEARCH_DENIED_CODES:
                raise
            older = PostPages([], complete=False)
            log.error("X denies search", reason=str(error))
        log.warning("more mentions than X lists", mentions=len(mentions.posts), searched=len(older.posts))
        if not older.complete:
            log.error("older mentions may be missing; they are not answered", before=oldest)
        return older.posts

    def _search(self, account: Account, mentions: PollCursor) -> tuple[list[Post], int] | None:
        """Return the search results and the newest id, or None if search is not due or fails."""
        cursor = repository.read_cursor(self.engine, SEARCH) or repository.create_cursor(
            self.engine, SEARCH, mentions.since_id, min_id=mentions.min_id
        )
        if not self._is_search_due(cursor):
            return None
        since_id = self.overlap_since_id(cursor, self.settings.search_overlap_seconds)
        try:
            results = self.x.search_recent(_mention_query(account), since_id=since_id)
        except ThreadpaintError as error:
            self._postpone_search(error)
            return None
        outages.record_success(SEARCH_OUTAGE)
        if not results.complete:
            log.warning("more search results than X returns", searched=len(results.posts))
        return results.posts, _newest_id(results, cursor)

    def _is_search_due(self, cursor: PollCursor) -> bool:
        if time.monotonic() < self._search_blocked_until:
            return False
        if cursor.polled_at is None:
            return True
        elapsed = now() - cursor.polled_at
        # Negative after a wrong clock was corrected: search at once instead of waiting for that time.
        return not timedelta(0) <= elapsed < timedelta(seconds=self.settings.search_interval_seconds)

    def _postpone_search(self, error: ThreadpaintError) -> None:
        delay = max(self.settings.search_interval_seconds, error.after if isinstance(error, TryLater) else 0.0)
        self._search_blocked_until = time.monotonic() + delay
        outages.record_failure(SEARCH_OUTAGE, f"{error} (mentions are still read)", kind=getattr(error, "code", ""))


def _mention_query(account: Account) -> str:
    return f"@{account.author.username} -is:retweet"


def _newest_id(pages: PostPages, cursor: PollCursor) -> int:
    return max((post.id for post in pages.posts), default=cursor.since_id)
