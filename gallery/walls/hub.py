"""Tells all who listen what happens: one look at the database per second and process, however many listen.

    look -> what is new -> drawn once per kind of visitor -> into each listener's queue -> live.py sends it

The looking begins with the first listener and ends with the last. Several processes need not know of each other: the
database is the truth. Who cannot keep up is let go, and comes back with the id of the last event they got.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from gallery import labels, queries
from gallery.house import House
from gallery.keyset import After
from gallery.shown import CreationShown
from gallery.signing.visitor import Visitor
from gallery.walls import happening
from gallery.walls.happening import AtWork, Standing

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
# The place in line costs a question for each creation that is watched.
WAIT_EVERY = 3
MOST_LISTENERS = 1_000
# Of one member, or of one address, behind which there may be a school.
MOST_OF_ONE = 100
MOST_UNSENT = 60
MOST_REMEMBERED = 500
END = b""


@dataclass(eq=False)
class Listener:
    """One open stream: of the wall, or of one creation. `who`: by whom they are counted."""

    visitor: Visitor
    since: datetime | None = None
    creation_id: int | None = None
    who: str = ""
    unsent: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MOST_UNSENT))

    def kind(self, creation: CreationShown) -> tuple[bool, bool]:
        """What this card for them depends on: the button, and the veil, which its author does not see."""
        sees_all = self.visitor.shows_sensitive or self.visitor.owns(creation.person.id)
        return self.visitor.person is not None, sees_all

    def give(self, event: bytes) -> None:
        """Put one event into their queue; where it is full they are let go."""
        if self.unsent.full():
            while not self.unsent.empty():
                self.unsent.get_nowait()
            event = END
        self.unsent.put_nowait(event)


class Hub:
    """All listeners of one process, and the one who looks for them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._listeners: set[Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._newest: datetime | None = None
        self._known: dict[int, None] = {}
        self._told: dict[int, tuple[Standing, str]] = {}
        self._work, self._work_until = AtWork(), 0.0
        self._strip: AtWork | None = None
        self._first_look = asyncio.Event()
        self._is_closed = False

    def has_room_for(self, who: str) -> bool:
        """Whether one more of them may listen: nobody takes all the places."""
        if self._is_closed or len(self._listeners) >= MOST_LISTENERS:
            return False
        return sum(listener.who == who for listener in self._listeners) < MOST_OF_ONE

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody listens, and so nobody looks."""
        return not self._listeners and self._looking is None

    async def listen(self, listener: Listener) -> AsyncIterator[bytes]:
        """What happens from now on, and first what happened since the listener was here. Ends when they are let go."""
        if not self.has_room_for(listener.who):
            return
        self._listeners.add(listener)
        try:
            # Before the first look, so that nothing falls between the two.
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look_on())
                self._looking.add_done_callback(self._after_looking)
            yield b"retry: 3000\n\n"
            await self._greet(listener)
            while event := await self._next(listener):
                yield event
        finally:
            self._leave(listener)

    def close(self) -> None:
        """Let everybody go: the site stops, and nobody shall hold it up."""
        self._is_closed = True
        for listener in self._listeners:
            listener.give(END)

    async def at_work(self) -> AtWork:
        """Who is painted now, no older than a second."""
        if monotonic() >= self._work_until:
            self._work_until = monotonic() + LOOK_SECONDS
            self._work = await queries.ask(self._house.engine, happening.at_work)
        return self._work

    def _after_looking(self, looking: asyncio.Task[None]) -> None:
        # A bug in it flies, and is logged by asyncio; nobody shall listen to silence: browsers come back by themselves.
        if not looking.cancelled():
            for listener in self._listeners:
                listener.give(END)

    async def _next(self, listener: Listener) -> bytes:
        try:
            return await asyncio.wait_for(listener.unsent.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return b": still here\n\n"

    def _leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _greet(self, listener: Listener) -> None:
        if listener.creation_id is not None:
            found = await self._standings({listener.creation_id})
            for standing, words in found:
                listener.give(_standing_event(standing, words))
            return
        listener.give(self._strip_event(await self.at_work()))
        if listener.since is not None:
            # What hangs after it is told by the next look; what hung before is found here. Nothing falls between.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._first_look.wait(), HEARTBEAT_SECONDS)
            question = partial(happening.hung_lately, since=listener.since)
            ids = [one for _moment, one in await queries.ask(self._house.engine, question)]
            await self._tell_hung(ids, [listener])

    async def _look_on(self) -> None:
        self._newest, self._known, self._told, self._strip = None, {}, {}, None
        self._first_look.clear()
        round_number = 0
        while True:
            # The database reports its own outage.
            with suppress(OperationalError, NoConnection):
                await self._look(with_waits=round_number % WAIT_EVERY == 0)
            round_number += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, *, with_waits: bool) -> None:
        on_wall = [listener for listener in self._listeners if listener.creation_id is None]
        if on_wall:
            await self._look_at_wall(on_wall)
        watched = {one.creation_id for one in self._listeners if one.creation_id is not None}
        if watched:
            await self._look_at(watched, with_waits=with_waits)

    async def _look_at_wall(self, listeners: list[Listener]) -> None:
        # Not by what `at_work` knew before: whoever opened a page meanwhile has asked it already.
        now = await self.at_work()
        if now != self._strip:
            self._strip = now
            for listener in listeners:
                listener.give(self._strip_event(now))
        found = await queries.ask(self._house.engine, partial(happening.hung_lately, since=self._newest))
        new = [one for _moment, one in found if one not in self._known]
        self._known |= dict.fromkeys(new)
        self._known = dict.fromkeys(list(self._known)[-MOST_REMEMBERED:])
        if found:
            self._newest = found[-1][0]
        # What hung before the first look is on the pages already, or told by the greeting.
        is_first = not self._first_look.is_set()
        self._first_look.set()
        if new and not is_first:
            await self._tell_hung(new, listeners)

    async def _tell_hung(self, ids: list[int], listeners: list[Listener]) -> None:
        for creation in await queries.ask(self._house.engine, partial(queries.by_ids, creation_ids=ids)):
            if creation.shown_at is None:
                continue
            drawn: dict[tuple[bool, bool], bytes] = {}
            cursor = str(After(creation.shown_at, creation.id))
            for listener in listeners:
                kind = listener.kind(creation)
                if kind not in drawn:
                    html = self._draw("_newly.html", creation=creation, visitor=listener.visitor)
                    drawn[kind] = event_of("hung", cursor, id=creation.id, html=html)
                listener.give(drawn[kind])

    async def _look_at(self, watched: set[int], *, with_waits: bool) -> None:
        for standing, words in await self._standings(watched, with_waits=with_waits):
            if self._told.get(standing.id) == (standing, words):
                continue
            self._told[standing.id] = standing, words
            for listener in self._listeners:
                if listener.creation_id == standing.id:
                    listener.give(_standing_event(standing, words))
        self._told = {one: told for one, told in self._told.items() if one in watched}

    async def _standings(self, ids: set[int], *, with_waits: bool = True) -> list[tuple[Standing, str]]:
        found = []
        for standing in await queries.ask(self._house.engine, partial(happening.standings, creation_ids=ids)):
            found.append((standing, await self._words(standing, with_waits=with_waits)))
        return found

    async def _words(self, standing: Standing, *, with_waits: bool) -> str:
        if not standing.is_under_way or standing.words:
            return standing.words
        known = self._told.get(standing.id)
        if known and not with_waits:
            return known[1]
        wait = await self._house.waits.of(standing)
        return labels.until_painted(wait) if wait else ""

    def _strip_event(self, work: AtWork) -> bytes:
        return event_of("painting", html=self._draw("_easel.html", work=work))

    def _draw(self, template: str, **context: object) -> str:
        return self._house.drawing.piece(template, context)


def event_of(name: str, event_id: str | None = None, **facts: object) -> bytes:
    """One event as it goes over the wire. JSON has no line breaks of its own, so one `data:` line holds it."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {json.dumps(facts, ensure_ascii=False)}\n\n".encode()


def _standing_event(standing: Standing, words: str) -> bytes:
    ready = not standing.is_under_way
    return event_of("creation", state=standing.state.value, words=words, ready=ready)
