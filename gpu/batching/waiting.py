"""The orders that wait, in fair turns between callers. Knows tickets; knows no engine, no thread and no clock.

Start-time fair queueing (Goyal, Vin, Cheng 1996): a virtual clock counts the pictures that each caller who waits has
been given. An order's turn is the clock when it came, or where its caller's order before it ends if that is later; an
order of three pictures ends three further. The lowest turn goes first, so who comes with one order is served before the
second one of those who came with sixty. The clock also moves with what is painted, so that a stream of newcomers does
not hold up anybody for ever.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field

from gpu.batching.tickets import Ticket
from gpu.engine import Key

_FEW_LINES = 64


@dataclass(eq=False)
class _Place:
    """One order in its caller's line. `ticket` None: cancelled, and those behind it have not moved up yet."""

    ticket: Ticket | None
    pictures: int
    number: int
    # The virtual clock when it came: no refund brings its turn before this.
    came: float
    turn: float


# Turn, number (unique: older first), and whose turn it is.
_Entry = tuple[float, int, Ticket]


@dataclass(eq=False)
class _Line:
    """One caller's places in the order they came, and where the last of them ends."""

    places: dict[int, _Place] = field(default_factory=dict)
    waiting: int = 0
    end: float = 0.0


class FairQueue:
    """Bounded: `limit` orders, and a quarter more for callers who have none waiting. Guard it with one lock.

    At 10,000 waiting orders adding or removing one costs some 20 microseconds and taking a batch 100 (a millisecond or
    two if no two orders can be painted together): sorted lists, one for each key.
    """

    def __init__(self, limit: int) -> None:
        self.pictures = 0
        self._limit = limit
        self._lines: dict[str, _Line] = {}
        self._callers = 0
        self._places: dict[Ticket, _Place] = {}
        self._by_key: dict[Key, list[_Entry]] = {}
        self._gaps: set[str] = set()
        self._clock = 0.0
        self._number = 0
        self._tidy_at = _FEW_LINES

    def __len__(self) -> int:
        return len(self._places)

    def has_room(self, caller: str) -> bool:
        """Whether an order of this caller may join."""
        line = self._lines.get(caller)
        newcomer = line is None or not line.waiting
        return len(self) < self._limit + (max(1, self._limit // 4) if newcomer else 0)

    def add(self, ticket: Ticket) -> None:
        """Give the ticket its turn; whether there is room is asked before."""
        caller = ticket.order.caller
        line = self._lines.setdefault(caller, _Line())
        if caller in self._gaps:
            self._move_up(caller)
        self._number += 1
        place = _Place(ticket, ticket.pictures, self._number, self._clock, max(self._clock, line.end))
        line.end = place.turn + place.pictures
        line.places[place.number] = place
        self._places[ticket] = place
        self._sort(ticket, place)
        self._count(line, place, +1)

    def remove(self, ticket: Ticket) -> bool:
        """Take out a cancelled order, at no cost to its caller; False when it does not wait here."""
        place = self._places.get(ticket)
        if place is None:
            return False
        self._leave(ticket, place)
        place.ticket = None
        caller = ticket.order.caller
        self._gaps.add(caller)
        if not self._lines[caller].waiting:
            self._move_up(caller)
            if self._lines[caller].end <= self._clock:
                del self._lines[caller]
        return True

    def fills(self, room: Callable[[Key], int]) -> bool:
        """Whether the next batch would be full as things are; `room` is how many pictures of a key fit."""
        key = self._next_key()
        limit, pictures = room(key), 0
        for _, _, ticket in self._by_key[key]:
            pictures += ticket.pictures
            if pictures >= limit:
                return True
        return False

    def take(self, room: Callable[[Key], int]) -> list[Ticket]:
        """The order whose turn it is, and after it in turn those with its key that fit; none if nobody waits."""
        if not self._places:
            return []
        for caller in list(self._gaps):
            self._move_up(caller)
        key = self._next_key()
        chosen = self._chosen(key, room(key))
        self._clock = max(
            self._clock + sum(ticket.pictures for ticket in chosen) / self._callers, self._first_turn(key)
        )
        for ticket in chosen:
            place = self._places[ticket]
            self._leave(ticket, place)
            del self._lines[ticket.order.caller].places[place.number]
        self._tidy()
        return chosen

    def clear(self) -> list[Ticket]:
        """Everybody out, in no order."""
        left = list(self._places)
        for ticket in left:
            self.remove(ticket)
        return left

    def _next_key(self) -> Key:
        return min(entries[0] for entries in self._by_key.values())[2].order.key

    def _first_turn(self, key: Key) -> float:
        return self._by_key[key][0][0]

    def _chosen(self, key: Key, limit: int) -> list[Ticket]:
        """In turn, as many as fit. An order larger than the limit is painted in slices: the last one has room too."""
        chosen: list[Ticket] = []
        rest = 0
        for _, _, ticket in self._by_key[key]:
            if not chosen:
                rest = -ticket.pictures % limit
            elif ticket.pictures <= rest:
                rest -= ticket.pictures
            else:
                continue
            chosen.append(ticket)
            if not rest:
                break
        return chosen

    def _leave(self, ticket: Ticket, place: _Place) -> None:
        del self._places[ticket]
        self._unsort(ticket, place)
        self._count(self._lines[ticket.order.caller], place, -1)

    def _count(self, line: _Line, place: _Place, one: int) -> None:
        before = bool(line.waiting)
        line.waiting += one
        self._callers += bool(line.waiting) - before
        self.pictures += one * place.pictures

    def _sort(self, ticket: Ticket, place: _Place) -> None:
        insort(self._by_key.setdefault(ticket.order.key, []), (place.turn, place.number, ticket))

    def _unsort(self, ticket: Ticket, place: _Place) -> None:
        entries = self._by_key[ticket.order.key]
        del entries[bisect_left(entries, (place.turn, place.number))]
        if not entries:
            del self._by_key[ticket.order.key]

    def _move_up(self, caller: str) -> None:
        """Orders behind a cancelled one come forward by its pictures, though never before the moment they came."""
        self._gaps.discard(caller)
        line, freed = self._lines[caller], 0.0
        for place in list(line.places.values()):
            if place.ticket is None:
                freed += place.pictures
                del line.places[place.number]
            elif freed:
                turn = max(place.came, place.turn - freed)
                freed = place.turn - turn
                self._set_turn(place.ticket, place, turn)
        line.end -= freed

    def _set_turn(self, ticket: Ticket, place: _Place, turn: float) -> None:
        self._unsort(ticket, place)
        place.turn = turn
        self._sort(ticket, place)

    def _tidy(self) -> None:
        """Forget callers who left, once the clock has passed where their last order ended, or nobody waits."""
        if not self._places:
            self._lines.clear()
            self._gaps.clear()
        elif len(self._lines) > self._tidy_at:
            gone = [caller for caller, line in self._lines.items() if not line.waiting and line.end <= self._clock]
            for caller in gone:
                del self._lines[caller]
            self._tidy_at = 2 * len(self._lines) + _FEW_LINES
