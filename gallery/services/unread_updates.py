"""Push the number of unread notifications to members' open pages: one query per poll, for any number of members."""

from collections.abc import Collection, Iterable

from sqlalchemy import Engine

from gallery.queries import notifications
from gallery.queries.run_query import run_query
from gallery.services.subscribers import Subscriber, encode_event

# Ids before the newest known one, read again at each poll: transactions may commit out of order.
OVERLAP = 100


class UnreadUpdates:
    """What is known of the table of notifications since polling began."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.reset()

    def reset(self) -> None:
        """Forget what is known: polling was off, so there may be more."""
        self._newest: int | None = None
        self._known: set[int] = set()

    async def poll(self, subscribers: Iterable[Subscriber]) -> None:
        """Push their number to those members who have new notifications."""
        is_first = self._newest is None
        rows = await run_query(self._engine, notifications.list_recent, after=(self._newest or 0) - OVERLAP)
        recent = dict(rows)
        changed = {recent[row_id] for row_id in recent.keys() - self._known}
        self._known, self._newest = set(recent), max(recent, default=self._newest or 0)
        if changed and not is_first:
            await self.push([one for one in subscribers if one.member_id in changed])

    async def push(self, subscribers: Collection[Subscriber]) -> None:
        """Push their number to these members. Ignore streams of anonymous users."""
        members = {one.member_id for one in subscribers if one.member_id is not None}
        if not members:
            return
        counts = await run_query(self._engine, notifications.count_unread, sorted(members))
        for one in subscribers:
            if one.member_id is not None:
                one.push(encode_event("unread", count=counts.get(one.member_id, 0)))
