"""Reads X: the mentions at each look, recent search every now and then, both from where they were read last.

X's mentions come late or never for some posts; search has those, at a higher price. What is read twice in a day costs
once, at the price of who read it first: so mentions go first. docs/decisions/0005 tells the rest.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from bot import notebook
from core.clock import now
from core.errors import GiveUp, HouseError, OutOfFunds, TryLater
from core.logs import get_logger
from core.models import Cursor
from core.outage import outages
from core.settings import PollSettings
from core.x import Account, Pages, Post, XClient, id_at

log = get_logger(__name__)

MENTIONS = "mentions"
SEARCH = "search"
SEARCHING = "search on X"
# X lets us search no more, or not at all: waiting for it would hold the mentions back.
NO_SEARCH = frozenset({"x_no_access", "x_forbidden", "x_not_enrolled"})
# A longer time without a look is an absence: what has gathered meanwhile is not all taken up.
ABSENCE = timedelta(minutes=10)


@dataclass(frozen=True)
class Heard:
    """What X has for us. `read`: for each source that was read, its newest post. `absent`: after an absence."""

    posts: list[Post]
    read: dict[str, int]
    absent: bool = False


@dataclass
class Ears:
    """One account's ears: what is new for it, from both sources."""

    x: XClient
    engine: Engine
    settings: PollSettings
    _no_search_before: float = field(default=0.0, init=False)
    # The first look after a start reaches back, and then now and then: in a burst all is read again each time.
    _next_overlap: float = field(default=0.0, init=False)
    _reached_back_from: datetime | None = field(default=None, init=False)

    def hear(self, account: Account) -> Heard:
        """Raises TryLater and GiveUp where the mentions cannot be read. Search may fail: it is the second ear."""
        cursor = notebook.read_cursor(self.engine, MENTIONS) or self._begin(account)
        absent = cursor.polled_at is not None and now() - cursor.polled_at > self._absence()
        # Where the cursor stands as it did, what the last one heard was not written down.
        reaches_back = time.monotonic() >= self._next_overlap or cursor.polled_at == self._reached_back_from
        # Behind all looks since, which did not.
        overlap = self.settings.poll_overlap_seconds + self.settings.poll_overlap_every_seconds
        since_id = self.reach_back(cursor, overlap) if reaches_back else cursor.since_id
        mentions = self.x.mentions(account.author.id, since_id=since_id)
        if reaches_back:
            self._next_overlap = time.monotonic() + self.settings.poll_overlap_every_seconds
            self._reached_back_from = cursor.polled_at
        read = {MENTIONS: _newest(mentions, cursor)}
        if not mentions.complete:
            return Heard(mentions.posts + self._older(account, mentions, since_id), read, absent)
        found = self._search(account, cursor)
        if found is None:
            return Heard(mentions.posts, read, absent)
        searched, newest = found
        return Heard(mentions.posts + searched, read | {SEARCH: newest}, absent)

    def reach_back(self, cursor: Cursor, overlap_seconds: float) -> int:
        """X may index a post late, behind newer ones: read again what was made shortly before the last look.

        Not before the first start. And not before the newest post where that is older still: an empty look is free.
        """
        if cursor.polled_at is None:
            return cursor.since_id
        behind_us = now() - self.x.moment()  # ids tell X's time, the row tells ours
        moment = cursor.polled_at - behind_us - timedelta(seconds=overlap_seconds)
        return max(cursor.floor_id, min(cursor.since_id, id_at(moment)))

    def _absence(self) -> timedelta:
        """A rest that the host wants long is none."""
        return max(ABSENCE, 2 * timedelta(seconds=max(self.settings.poll_seconds, self.settings.poll_idle_seconds)))

    def _begin(self, account: Account) -> Cursor:
        """The first start, by X's own clock: ours may be wrong, and what is older than the start is never answered."""
        start = self.x.moment()
        log.info("first start: older posts are not answered", account=account.author.username, start=start.isoformat())
        return notebook.begin(self.engine, MENTIONS, id_at(start))

    def _older(self, account: Account, mentions: Pages, since_id: int) -> list[Post]:
        """X shows no more than 800 mentions; older ones are found by search, 800 more."""
        oldest = min((post.id for post in mentions.posts), default=None)
        try:
            older = self.x.search(_naming(account), since_id=since_id, until_id=oldest)
        except (GiveUp, OutOfFunds) as error:
            if isinstance(error, OutOfFunds) and error.code not in NO_SEARCH:
                raise
            older = Pages([], complete=False)
            log.error("X does not let us search", reason=str(error))
        log.warning("more than X shows at once", mentions=len(mentions.posts), searched=len(older.posts))
        if not older.complete:
            log.error("there may be older mentions that X does not show; they are not answered", before=oldest)
        return older.posts

    def _search(self, account: Account, mentions: Cursor) -> tuple[list[Post], int] | None:
        """What search has, and its newest post; None where it is not due, or does not answer."""
        cursor = notebook.read_cursor(self.engine, SEARCH) or notebook.begin(
            self.engine, SEARCH, mentions.since_id, floor_id=mentions.floor_id
        )
        if not self._is_due(cursor):
            return None
        since_id = self.reach_back(cursor, self.settings.search_overlap_seconds)
        try:
            found = self.x.search(_naming(account), since_id=since_id)
        except HouseError as error:
            self._put_off(error)
            return None
        outages.works(SEARCHING)
        if not found.complete:
            log.warning("search has more than X shows at once", searched=len(found.posts))
        return found.posts, _newest(found, cursor)

    def _is_due(self, cursor: Cursor) -> bool:
        if time.monotonic() < self._no_search_before:
            return False
        if cursor.polled_at is None:
            return True
        since = now() - cursor.polled_at
        # Before it, by a clock of ours that was wrong and was mended: that must not put it off until then.
        return not timedelta(0) <= since < timedelta(seconds=self.settings.search_seconds)

    def _put_off(self, error: HouseError) -> None:
        after = max(self.settings.search_seconds, error.after if isinstance(error, TryLater) else 0.0)
        self._no_search_before = time.monotonic() + after
        outages.failed(SEARCHING, f"{error} (mentions are read all the same)", kind=getattr(error, "code", ""))


def _naming(account: Account) -> str:
    return f"@{account.author.username} -is:retweet"


def _newest(pages: Pages, cursor: Cursor) -> int:
    return max((post.id for post in pages.posts), default=cursor.since_id)
