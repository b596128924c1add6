"""The toll gate before X: every call of every process passes here. May it go (pace, budget)? What did it cost (ledger)?

`core/x` calls it and knows only this shape; it knows no HTTP and no X object.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, Self

from sqlalchemy import Engine

from core.clock import now
from core.clock_check import note_skew
from core.errors import OutOfFunds, Suspended, TryLater
from core.logs import get_logger
from core.money import prices
from core.money.budget import Room, room_for_reading
from core.money.ledger import Cost, write_costs
from core.pace import STOPS, Pace, Told
from core.pace.calls import CallStates
from core.settings import MoneySettings

log = get_logger(__name__)

# Answers a day (help.x.com, 2026-05).
VERIFIED_CAP, UNVERIFIED_CAP = 2400, 200


@dataclass(frozen=True)
class Item:
    """One thing X charges for: what (`core/money/prices.py`), a key that names it once for all, and who caused it."""

    item: str
    key: str
    person_id: int | None = None


class Toll(Protocol):
    """What a client of X passes before and after each call."""

    def admit(self, call: str) -> None:
        """Return if the call may go now; raise TryLater or OutOfFunds with the seconds until it may."""

    def foresee(self, call: str) -> None:
        """The same without counting a call: whether preparing for it is worth anything."""

    def learn(
        self, call: str, told: Told, refusal: str = "", pause: float | None = None, *, lifts: bool = True
    ) -> None:
        """Take in what X's answer said about pace."""

    def noted(self, call: str, code: str = "", detail: str = "") -> None:
        """Take in how a call ended: `code` names what kept X from doing it; empty if it did, or refused this post."""

    def undone(self, call: str) -> None:
        """A call that passed has surely done nothing on X."""

    def charge(self, items: Iterable[Item], at: datetime) -> None:
        """Write down what X charges, by its own time."""

    def know_account(self, keys: str, account_id: int, *, verified: bool) -> None:
        """Take in what account these keys are of: X lets a verified one say more."""

    def account_of(self, keys: str) -> int | None:
        """The account of these keys, where X has told it lately."""

    def note_skew(self, skew: timedelta) -> None:
        """This machine's clock is so far ahead of X's."""

    def on_behalf(self, creation_id: int, person_id: int) -> Self:
        """The same gate, for calls that are made for a creation and its author."""


class NoToll:
    """Lets everything pass and counts nothing: for a look around (`python -m bot doctor`) and tests of the client."""

    def admit(self, call: str) -> None:
        """Any time."""

    def foresee(self, call: str) -> None:
        """Any time."""

    def learn(
        self, call: str, told: Told, refusal: str = "", pause: float | None = None, *, lifts: bool = True
    ) -> None:
        """Nothing to keep."""

    def noted(self, call: str, code: str = "", detail: str = "") -> None:
        """Nothing to keep."""

    def undone(self, call: str) -> None:
        """Nothing was counted."""

    def charge(self, items: Iterable[Item], at: datetime) -> None:
        """Nobody pays."""

    def know_account(self, keys: str, account_id: int, *, verified: bool) -> None:
        """Nothing to keep."""

    def account_of(self, keys: str) -> int | None:
        """Nobody has told."""

    def note_skew(self, skew: timedelta) -> None:
        """Nobody to tell."""

    def on_behalf(self, creation_id: int, person_id: int) -> Self:
        """For nobody in particular."""
        return self


@dataclass(frozen=True)
class TollGate:
    """Pace, budget and ledger as one gate."""

    pace: Pace
    engine: Engine
    money: MoneySettings
    creation_id: int | None = None
    person_id: int | None = None

    def admit(self, call: str) -> None:
        """Reads go as long as there is money; writes were counted when their work was begun (`worker/line.py`)."""
        if call.startswith("GET "):
            self._while_there_is_money()
        try:
            self.pace.admit(call)
        except TryLater as error:
            # Redis is away: nobody can count. Hearing is paced by its own pauses; answering waits.
            if error.code != "queue_away" or not call.startswith("GET "):
                raise

    def foresee(self, call: str) -> None:
        """Only a suspension counts here: a window may open while the call is prepared."""
        window = self.pace.look(call)
        if window.stopped in STOPS and not window.free:
            raise Suspended(window.stopped, f"X has suspended {call}", after=window.ends_in)

    def learn(
        self, call: str, told: Told, refusal: str = "", pause: float | None = None, *, lifts: bool = True
    ) -> None:
        """What X said, for all processes."""
        try:
            self.pace.learn(call, told, refusal, pause, lifts=lifts)
        except TryLater as error:
            log.debug("pace not learned", call=call, reason=str(error))

    def noted(self, call: str, code: str = "", detail: str = "") -> None:
        """For the operator: `core/pace/calls.py`."""
        with suppress(TryLater):
            if code:
                self._calls.failed(call, code=code, detail=detail)
            else:
                self._calls.worked(call)

    def undone(self, call: str) -> None:
        """What X did not post does not use up the account's day: an outage would silence the bot until tomorrow."""
        try:
            self.pace.give_back(call)
        except TryLater as error:
            log.debug("not given back to the pace", call=call, reason=str(error))

    def charge(self, items: Iterable[Item], at: datetime) -> None:
        """One row each; what was written down before counts once."""
        listed = prices.price_list(self.money.prices)
        costs = [
            Cost(one.key, one.item, listed[one.item], self.creation_id, one.person_id or self.person_id)
            for one in items
        ]
        write_costs(self.engine, costs, at=at)

    def know_account(self, keys: str, account_id: int, *, verified: bool) -> None:
        """The id, and the cap of answers a day where the host has set none."""
        try:
            self.pace.remember_account(keys, account_id, VERIFIED_CAP if verified else UNVERIFIED_CAP)
        except TryLater as error:
            log.debug("account not remembered", reason=str(error))

    def account_of(self, keys: str) -> int | None:
        """As remembered; nobody's where Redis is away."""
        try:
            return self.pace.account_of(keys)
        except TryLater:
            return None

    def note_skew(self, skew: timedelta) -> None:
        """For all processes of this machine: they end."""
        try:
            note_skew(self.pace.queue, skew)
        except TryLater as error:
            log.warning("a wrong clock could not be noted", reason=str(error))

    def on_behalf(self, creation_id: int, person_id: int) -> "TollGate":
        """The same gate; costs are written on this creation and its author."""
        return replace(self, creation_id=creation_id, person_id=person_id)

    @property
    def _calls(self) -> CallStates:
        return CallStates(self.pace.queue)

    def _while_there_is_money(self) -> None:
        room: Room = room_for_reading(self.engine, self.money, now())
        if room.micro_usd == 0:
            raise OutOfFunds("budget", "the house's budget is used up", after=min(room.opens_in, 900.0))
