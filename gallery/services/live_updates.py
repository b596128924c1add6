"""Push live updates to open pages: one poll of the database per second and process, for any number of subscribers.

    poll -> what is new -> rendered once per audience -> queue of each subscriber -> routers/sse.py sends it

Polling runs only while at least one client is connected. Processes need no connection to each other: each polls the
database. A subscriber that cannot keep up is disconnected, and reconnects with the id of its last event.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gallery.queries import activity, creations
from gallery.queries.activity import Activity, CreationProgress
from gallery.queries.run_query import run_query
from gallery.views import formatting
from gallery.views.creations import CreationView
from gallery.views.pagination import Cursor
from gallery.web.context import AppContext
from gallery.web.users import CurrentUser

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
# Polls between two estimates of the queue: each costs a query per watched creation.
ETA_EVERY = 3
MAX_SUBSCRIBERS = 1_000
# Per member or address. A school may share one address.
MAX_PER_CLIENT = 100
MAX_UNSENT = 60
MAX_REMEMBERED = 500
END = b""


@dataclass(eq=False)
class Subscriber:
    """One open stream: of the newest feed, or of one creation. `client`: the key by which streams are limited."""

    user: CurrentUser
    since: datetime | None = None
    creation_id: int | None = None
    client: str = ""
    unsent: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MAX_UNSENT))

    def audience(self, creation: CreationView) -> tuple[bool, bool]:
        """Return what the card depends on: whether it has a like button, and whether the picture is not blurred."""
        sees_all = self.user.show_sensitive or self.user.owns(creation.person.id)
        return self.user.person is not None, sees_all

    def push(self, event: bytes) -> None:
        """Queue an event. A full queue is emptied, and the stream ends."""
        if self.unsent.full():
            while not self.unsent.empty():
                self.unsent.get_nowait()
            event = END
        self.unsent.put_nowait(event)


class LiveHub:
    """All subscribers of one process, and the task that polls for them."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._subscribers: set[Subscriber] = set()
        self._task: asyncio.Task[None] | None = None
        self._newest: datetime | None = None
        self._known_ids: dict[int, None] = {}
        self._sent: dict[int, tuple[CreationProgress, str]] = {}
        self._activity, self._activity_expires_at = Activity(), 0.0
        self._sent_activity: Activity | None = None
        self._first_poll = asyncio.Event()
        self._is_closed = False

    def has_room_for(self, client: str) -> bool:
        """Return whether this client may open one more stream."""
        if self._is_closed or len(self._subscribers) >= MAX_SUBSCRIBERS:
            return False
        return sum(subscriber.client == client for subscriber in self._subscribers) < MAX_PER_CLIENT

    @property
    def is_idle(self) -> bool:
        """Return whether there are no subscribers and no polling."""
        return not self._subscribers and self._task is None

    async def subscribe(self, subscriber: Subscriber) -> AsyncIterator[bytes]:
        """Yield events: first those since `subscriber.since`, then new ones, until the subscriber is disconnected."""
        if not self.has_room_for(subscriber.client):
            return
        self._subscribers.add(subscriber)
        try:
            # Start before the initial events: no event falls between them and the first poll.
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._poll_loop())
                self._task.add_done_callback(self._after_poll_loop)
            yield b"retry: 3000\n\n"
            await self._send_initial(subscriber)
            while event := await self._next_event(subscriber):
                yield event
        finally:
            self._unsubscribe(subscriber)

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

    async def _next_event(self, subscriber: Subscriber) -> bytes:
        try:
            return await asyncio.wait_for(subscriber.unsent.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return b": heartbeat\n\n"

    def _unsubscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        if not self._subscribers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _send_initial(self, subscriber: Subscriber) -> None:
        if subscriber.creation_id is not None:
            for progress, text in await self._load_progress({subscriber.creation_id}):
                subscriber.push(_progress_event(progress, text))
            return
        subscriber.push(self._activity_event(await self.current_activity()))
        if subscriber.since is not None:
            # The first poll covers what comes after it, this query what came before it.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._first_poll.wait(), HEARTBEAT_SECONDS)
            published = await run_query(self._context.engine, activity.recently_published, since=subscriber.since)
            await self._push_published([creation_id for _published_at, creation_id in published], [subscriber])

    async def _poll_loop(self) -> None:
        self._newest, self._known_ids, self._sent, self._sent_activity = None, {}, {}, None
        self._first_poll.clear()
        polls = 0
        while True:
            # `core.outage` logs that the database is away.
            with suppress(OperationalError, PoolTimeout):
                await self._poll(with_eta=polls % ETA_EVERY == 0)
            polls += 1
            await asyncio.sleep(POLL_SECONDS)

    async def _poll(self, *, with_eta: bool) -> None:
        feed_subscribers = [subscriber for subscriber in self._subscribers if subscriber.creation_id is None]
        if feed_subscribers:
            await self._poll_feed(feed_subscribers)
        watched_ids = {subscriber.creation_id for subscriber in self._subscribers if subscriber.creation_id is not None}
        if watched_ids:
            await self._poll_creations(watched_ids, with_eta=with_eta)

    async def _poll_feed(self, subscribers: list[Subscriber]) -> None:
        # Compare with what was sent, not with the cache: opening a page renews the cache, too.
        current = await self.current_activity()
        if current != self._sent_activity:
            self._sent_activity = current
            for subscriber in subscribers:
                subscriber.push(self._activity_event(current))
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
            await self._push_published(new_ids, subscribers)

    async def _push_published(self, creation_ids: list[int], subscribers: list[Subscriber]) -> None:
        for creation in await run_query(self._context.engine, creations.list_by_ids, creation_ids):
            if creation.published_at is None:
                continue
            events: dict[tuple[bool, bool], bytes] = {}
            cursor = str(Cursor(creation.published_at, creation.id))
            for subscriber in subscribers:
                audience = subscriber.audience(creation)
                if audience not in events:
                    html = self._render("_new_card.html", creation=creation, current_user=subscriber.user)
                    events[audience] = encode_event("published", cursor, id=creation.id, html=html)
                subscriber.push(events[audience])

    async def _poll_creations(self, watched_ids: set[int], *, with_eta: bool) -> None:
        for progress, text in await self._load_progress(watched_ids, with_eta=with_eta):
            if self._sent.get(progress.id) == (progress, text):
                continue
            self._sent[progress.id] = progress, text
            for subscriber in self._subscribers:
                if subscriber.creation_id == progress.id:
                    subscriber.push(_progress_event(progress, text))
        self._sent = {creation_id: sent for creation_id, sent in self._sent.items() if creation_id in watched_ids}

    async def _load_progress(self, ids: set[int], *, with_eta: bool = True) -> list[tuple[CreationProgress, str]]:
        loaded = await run_query(self._context.engine, activity.load_progress, ids)
        return [(progress, await self._describe(progress, with_eta=with_eta)) for progress in loaded]

    async def _describe(self, progress: CreationProgress, *, with_eta: bool) -> str:
        if not progress.is_pending or progress.text:
            return progress.text
        sent = self._sent.get(progress.id)
        if sent and not with_eta:
            return sent[1]
        eta = await self._context.eta_cache.for_creation(progress)
        return formatting.describe_queue_wait(eta) if eta else ""

    def _activity_event(self, current: Activity) -> bytes:
        return encode_event("activity", html=self._render("_activity_strip.html", activity=current))

    def _render(self, template: str, **context: object) -> str:
        return self._context.renderer.fragment(template, context)


def encode_event(name: str, event_id: str | None = None, **data: object) -> bytes:
    """Return a server-sent event. JSON has no raw line breaks, so one `data:` line holds it."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _progress_event(progress: CreationProgress, text: str) -> bytes:
    return encode_event("creation", state=progress.state.value, text=text, ready=not progress.is_pending)
