"""The budgets of a day and a month: from 80 % on the rest is spread over what is left of the time, then nothing goes.

Answers and paintings stop a little before the end, so that the last of it is left for hearing what people ask, and for
telling them. Knows sums; knows no X and no job.
"""

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from core.money.ledger import spent_of_month
from core.settings import MoneySettings


@dataclass(frozen=True)
class Manner:
    """How a budget is used: freely up to a share of it, then as the time goes by, and no further than another share."""

    freely: float
    at_most: float


# The last twentieth is for reading.
WORK = Manner(freely=0.80, at_most=0.95)
READING = Manner(freely=1.0, at_most=1.0)


@dataclass(frozen=True)
class Span:
    """A day or month: the part of it that is over, 0 to 1, and its seconds."""

    elapsed: float
    seconds: float


@dataclass(frozen=True)
class Room:
    """How much may be spent now, in micro-dollars (None: no budget), and seconds until there is more."""

    micro_usd: int | None
    opens_in: float = 0.0
    reached: bool = False


def room_for_work(engine: Engine, settings: MoneySettings, moment: datetime) -> Room:
    """What paintings and answers may cost now. `reached`: nothing more before the day or month is over."""
    return _tightest(engine, settings, moment, WORK)


def room_for_reading(engine: Engine, settings: MoneySettings, moment: datetime) -> Room:
    """What reading may cost now: all that is left, at any speed."""
    return _tightest(engine, settings, moment, READING)


def _tightest(engine: Engine, settings: MoneySettings, moment: datetime, manner: Manner) -> Room:
    if settings.budget_day_usd is None and settings.budget_month_usd is None:
        return Room(None)
    on_day, in_month = spent_of_month(engine, f"{moment:%Y-%m-%d}")
    rooms = [
        _room(limit * 1_000_000, used, span, manner)
        for limit, used, span in (
            (settings.budget_day_usd, on_day, _day(moment)),
            (settings.budget_month_usd, in_month, _month(moment)),
        )
        if limit is not None
    ]
    # Where neither lets anything go, the one that does so for longer counts.
    return min(rooms, key=lambda room: (room.micro_usd or 0, -room.opens_in), default=Room(None))


def _room(budget: float, used: int, span: Span, manner: Manner) -> Room:
    allowed = budget * min(manner.at_most, max(manner.freely, span.elapsed))
    left = (1 - span.elapsed) * span.seconds
    if used >= budget * manner.at_most:
        return Room(0, left, reached=True)
    if used < allowed:
        return Room(int(allowed - used))
    return Room(0, min(left, (used / budget - span.elapsed) * span.seconds + 1))


def _day(moment: datetime) -> Span:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Span((moment - midnight) / timedelta(days=1), 86400.0)


def _month(moment: datetime) -> Span:
    days = calendar.monthrange(moment.year, moment.month)[1]
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Span((moment - first) / timedelta(days=days), days * 86400.0)
