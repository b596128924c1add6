"""Push live updates to open pages: one poll of the database per second and process, for any number of subscribers.

    poll -> what is new -> rendered once per audience -> queue of each subscriber -> routers/sse.py sends it

Polling runs only while at least one client is connected. Processes need no connection to each other: each polls the
database. A subscriber that cannot keep up is disconnected, and reconnects with the id of its last event.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.mutes import NO_MUTES, Mutes, load_mutes_of
from core.scheduling.eta import Eta
from gallery.queries import activity, creations
from gallery.queries.activity import Activity, CreationProgress
from gallery.queries.run_query import run_query
from gallery.queries.unmuted import unmuted_activity, without_muted
from gallery.services.subscribers import (
    BATCH_PAUSE_SECONDS,
    BATCH_SIZE,
    END,
    Subscriber,
    encode_event,
    encode_progress,
    push_in_batches,
)
from gallery.services.unread_updates import UnreadUpdates
from gallery.translations import ENGLISH, use_language
from gallery.views import formatting
from gallery.views.creations import CreationView
from gallery.views.pagination import Cursor
from gallery.web.context import AppContext

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": heartbeat\n\n"
# Polls between two estimates of the queue.
ETA_EVERY = 3
MAX_SUBSCRIBERS = 1_500
# Per member or address. A school may share one address.
MAX_PER_CLIENT = 100
MAX_REMEMBERED = 500
# When browsers reconnect, at random, so that not all come at once: after a stream ended, and if there was no room.
RETRY_SECONDS = (2.0, 5.0)
FULL_RETRY_SECONDS = (15.0, 30.0)


class LiveHub:
    """All subscribers of one process, and the task that polls for them."""

    def __init__(self, context: AppContext) -> None:
        self.max_subscribers = MAX_SUBSCRIBERS
        self._context = context
        self._subscribers: set[Subscriber] = set()
        # By creation; those of the feed under None.
        self._by_creation: defaultdict[int | None, set[Subscriber]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._newest: datetime | None = None
        self._known_ids: dict[int, None] = {}
        self._sent: dict[int, tuple[CreationProgress, str]] = {}
        self._activity, self._activity_expires_at = Activity(), 0.0
        self._sent_activity: Activity | None = None
        self._unread = UnreadUpdates(context.engine)
        self._first_poll = asyncio.Event()
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Return whether there are no subscribers and no polling."""
        return not self._subscribers and self._task is None

    async def subscribe(self, subscriber: Subscriber) -> AsyncIterator[bytes]:
        """Yield events: first those since `subscriber.since`, then new ones, until the subscriber is disconnected.

        If there is no room, yield only the first: the browser reconnects later, and so polls.
        """
        if self._is_closed:
            yield _encode_retry(*RETRY_SECONDS)
            return
        if not self._has_room_for(subscriber.client):
            yield _encode_retry(*FULL_RETRY_SECONDS)
            await self._send_initial(subscriber)
            while not subscriber.unsent.empty():
                yield subscriber.unsent.get_nowait()
            return
        self._add(subscriber)
        try:
            # Start before the initial events: no event falls between them and the first poll.
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._poll_loop())
                self._task.add_done_callback(self._after_poll_loop)
            yield _encode_retry(*RETRY_SECONDS)
            await self._send_initial(subscriber)
            while event := await subscriber.unsent.get():
                yield event
        finally:
            self._remove(subscriber)

    def close(self) -> None:
        """Disconnect all subscribers, so that the server can stop."""
        self._is_closed = True
        for subscriber in self._subscribers:
            subscriber.push(END)

    async def current_activity(self) -> Activity:
        """Return what is being painted and queued, at most a second old."""
        if monotonic() >= self._activity_expires_at:
            self._activity_expires_at = monotonic() + POLL_SECONDS
            self._activity = await run_query(self._context.engine, activity.current_activity)
        return self._activity

    def _after_poll_loop(self, task: asyncio.Task[None]) -> None:
        # asyncio logs an exception in the task. Disconnect everyone: browsers reconnect, which starts a new task.
        if not task.cancelled():
            for subscriber in self._subscribers:
                subscriber.push(END)

    def _has_room_for(self, client: str) -> bool:
        of_client = sum(subscriber.client == client for subscriber in self._subscribers)
        return len(self._subscribers) < self.max_subscribers and of_client < MAX_PER_CLIENT

    def _add(self, subscriber: Subscriber) -> None:
        self._subscribers.add(subscriber)
        self._by_creation[subscriber.creation_id].add(subscriber)

    def _remove(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        self._by_creation[subscriber.creation_id].discard(subscriber)
        if not self._by_creation[subscriber.creation_id]:
            del self._by_creation[subscriber.creation_id]
        if not self._subscribers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _send_initial(self, subscriber: Subscriber) -> None:
        if subscriber.creation_id is not None:
            for progress, eta in await self._load_progress([subscriber.creation_id]):
                subscriber.push(encode_progress(progress, _progress_text(progress, eta, subscriber.language)))
            return
        await self._push_activity(await self.current_activity(), [subscriber])
        await self._unread.push([subscriber])
        if subscriber.since is not None:
            # The first poll covers what comes after it, this query what came before it.
            with suppress(TimeoutError):
                if self._by_creation.get(None):
                    await asyncio.wait_for(self._first_poll.wait(), HEARTBEAT_SECONDS)
            published = await run_query(self._context.engine, activity.recently_published, since=subscriber.since)
            await self._push_published([creation_id for _published_at, creation_id in published], subscriber)

    async def _poll_loop(self) -> None:
        self._newest, self._known_ids, self._sent, self._sent_activity = None, {}, {}, None
        self._unread.reset()
        self._first_poll.clear()
        polls, heartbeat_at = 0, monotonic() + HEARTBEAT_SECONDS
        while True:
            # `core.outage` logs that the database is away.
            with suppress(OperationalError, PoolTimeout):
                await self._poll(with_eta=polls % ETA_EVERY == 0)
            if monotonic() >= heartbeat_at:
                heartbeat_at = monotonic() + HEARTBEAT_SECONDS
                await push_in_batches(list(self._subscribers), lambda _: HEARTBEAT)
            polls += 1
            await asyncio.sleep(POLL_SECONDS)

    async def _poll(self, *, with_eta: bool) -> None:
        if self._by_creation.get(None):
            await self._poll_feed()
            members = [subscriber for subscriber in self._feed_subscribers() if subscriber.member_id is not None]
            if members:
                await self._unread.poll(members)
        if watched_ids := [creation_id for creation_id in self._by_creation if creation_id is not None]:
            await self._poll_creations(watched_ids, with_eta=with_eta)

    async def _poll_feed(self) -> None:
        # Compare with what was sent, not with the cache: opening a page renews the cache, too.
        current = await self.current_activity()
        if current != self._sent_activity:
            self._sent_activity = current
            await self._push_activity(current, self._feed_subscribers())
        published = await run_query(self._context.engine, activity.recently_published, since=self._newest)
        new_ids = [creation_id for _published_at, creation_id in published if creation_id not in self._known_ids]
        self._known_ids |= dict.fromkeys(new_ids)
        self._known_ids = dict.fromkeys(list(self._known_ids)[-MAX_REMEMBERED:])
        if published:
            self._newest = published[-1][0]
        # Pages show what was public before the first poll, or `_send_initial` sends it.
        is_first = not self._first_poll.is_set()
        self._first_poll.set()
        if new_ids and not is_first:
            await self._push_published(new_ids)

    async def _push_published(self, creation_ids: list[int], only: Subscriber | None = None) -> None:
        for creation in await run_query(self._context.engine, creations.list_by_ids, creation_ids):
            # Those who come during a pause find it by their own query.
            subscribers = [only] if only else self._feed_subscribers()
            mutes = await self._load_mutes(subscribers)
            wanted = [one for one in subscribers if without_muted([creation], mutes.get(one.member_id or 0, NO_MUTES))]
            await push_in_batches(wanted, self._published_events(creation))

    async def _load_mutes(self, subscribers: Collection[Subscriber]) -> dict[int, Mutes]:
        """Return what members among the subscribers mute now: they may have muted more since the stream began."""
        ids = {one.member_id for one in subscribers if one.member_id is not None}
        return await run_query(self._context.engine, load_mutes_of, ids) if ids else {}

    async def _push_activity(self, current: Activity, subscribers: Sequence[Subscriber]) -> None:
        await push_in_batches(subscribers, self._activity_events(current, await self._load_mutes(subscribers)))

    def _published_events(self, creation: CreationView) -> Callable[[Subscriber], bytes]:
        """Return a function that returns a subscriber's event, rendered once per audience."""
        events: dict[tuple[str, bool, bool], bytes] = {}
        cursor = str(Cursor(creation.published_at, creation.id)) if creation.published_at else None

        def event_for(subscriber: Subscriber) -> bytes:
            audience = subscriber.audience(creation)
            if audience not in events:
                with use_language(subscriber.language):
                    html = self._render("_new_card.html", creation=creation, current_user=subscriber.user)
                events[audience] = encode_event("published", cursor, id=creation.id, html=html)
            return events[audience]

        return event_for

    def _feed_subscribers(self) -> list[Subscriber]:
        return list(self._by_creation.get(None, ()))

    async def _poll_creations(self, watched_ids: list[int], *, with_eta: bool) -> None:
        for first in range(0, len(watched_ids), BATCH_SIZE):
            batch = watched_ids[first : first + BATCH_SIZE]
            for progress, eta in await self._load_progress(batch, with_eta=with_eta):
                text = _progress_text(progress, eta)
                if self._sent.get(progress.id) != (progress, text):
                    self._sent[progress.id] = progress, text
                    for subscriber in self._by_creation.get(progress.id, ()):
                        subscriber.push(encode_progress(progress, _progress_text(progress, eta, subscriber.language)))
            await asyncio.sleep(BATCH_PAUSE_SECONDS)
        self._sent = {creation_id: sent for creation_id, sent in self._sent.items() if creation_id in self._by_creation}

    async def _load_progress(
        self, creation_ids: Collection[int], *, with_eta: bool = True
    ) -> list[tuple[CreationProgress, Eta | None]]:
        """Return states and estimates of the queued ones; without new estimates, only states that were not sent yet."""
        loaded = await run_query(self._context.engine, activity.load_progress, creation_ids)
        if not with_eta:
            loaded = [progress for progress in loaded if self._sent.get(progress.id, (None, ""))[0] != progress]
        etas = await self._context.eta_cache.for_creations([progress for progress in loaded if not progress.text])
        return [(progress, etas.get(progress.id)) for progress in loaded]

    def _activity_events(self, current: Activity, mutes: Mapping[int, Mutes]) -> Callable[[Subscriber], bytes]:
        """Return a function that returns a subscriber's event, rendered once per language and what is not muted."""
        events: dict[tuple[str, Activity], bytes] = {}

        def event_for(subscriber: Subscriber) -> bytes:
            shown = unmuted_activity(current, mutes.get(subscriber.member_id or 0, NO_MUTES))
            key = subscriber.language, shown
            if key not in events:
                with use_language(subscriber.language):
                    html = self._render("_activity_strip.html", activity=shown)
                events[key] = encode_event("activity", html=html)
            return events[key]

        return event_for

    def _render(self, template: str, **context: object) -> str:
        return self._context.renderer.fragment(template, context)


def _progress_text(progress: CreationProgress, eta: Eta | None, language: str = ENGLISH) -> str:
    with use_language(language):
        return progress.text or (formatting.describe_queue_wait(eta) if eta else "")


def _encode_retry(min_seconds: float, max_seconds: float) -> bytes:
    """Return when the browser reconnects after the stream has ended."""
    milliseconds = 1000 * random.uniform(min_seconds, max_seconds)  # noqa: S311  # no secret
    return f"retry: {milliseconds:.0f}\n\n".encode()
