"""Open streams and their events: each stream has a queue of its own, so that a slow reader delays nobody."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gallery.queries.activity import CreationProgress
from gallery.translations import current_language
from gallery.views.creations import CreationView
from gallery.web.users import CurrentUser

MAX_UNSENT = 60
END = b""
# A stream costs about 50 us per event. After each batch the event loop has time for pages.
BATCH_SIZE = 50
BATCH_PAUSE_SECONDS = 0.005


@dataclass(eq=False)
class Subscriber:
    """One open stream: of the newest feed, or of one creation. `client`: the key by which streams are limited."""

    user: CurrentUser
    since: datetime | None = None
    creation_id: int | None = None
    client: str = ""
    language: str = field(default_factory=current_language)
    unsent: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MAX_UNSENT))

    @property
    def member_id(self) -> int | None:
        """Return the id of the member who reads the stream; None if nobody is signed in."""
        return self.user.person.id if self.user.person else None

    def audience(self, creation: CreationView) -> tuple[str, bool, bool]:
        """Return what the card depends on: the language, whether it has a like button, whether it is not blurred."""
        sees_all = self.user.show_sensitive or self.user.owns(creation.person.id)
        return self.language, self.user.person is not None, sees_all

    def push(self, event: bytes) -> None:
        """Queue an event. A full queue is emptied, and the stream ends."""
        if self.unsent.full():
            while not self.unsent.empty():
                self.unsent.get_nowait()
            event = END
        self.unsent.put_nowait(event)


async def push_in_batches(subscribers: Sequence[Subscriber], event_for: Callable[[Subscriber], bytes]) -> None:
    """Queue an event for each subscriber, with a pause after each batch."""
    for first in range(0, len(subscribers), BATCH_SIZE):
        for subscriber in subscribers[first : first + BATCH_SIZE]:
            subscriber.push(event_for(subscriber))
        await asyncio.sleep(BATCH_PAUSE_SECONDS)


def encode_event(name: str, event_id: str | None = None, **data: object) -> bytes:
    """Return a server-sent event. JSON has no raw line breaks, so one `data:` line holds it."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def encode_progress(progress: CreationProgress, text: str) -> bytes:
    """Return the event of a creation's state."""
    return encode_event("creation", state=progress.state.value, text=text, ready=not progress.is_pending)
