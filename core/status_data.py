"""`python -m core status --json`: the same facts as `status`, for programs. Money is in micro-dollars."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select

from core.clock import now
from core.database import reading
from core.errors import TryLater
from core.failing import read_writes
from core.health import look
from core.line.waiting import count, waiting
from core.models import creations
from core.money.forecast import month_at_this_pace
from core.money.ledger import spent_of_month
from core.pace import Pace
from core.pace.calls import CallState
from core.polling import Polling, read_polling
from core.queue import PAINT, REPLY, WorkQueue
from core.reports import open_reports
from core.settings import MoneySettings
from core.status import latest_troubles
from core.version import version_text


def status_data(engine: Engine, queue: WorkQueue, pace: Pace, money: MoneySettings) -> dict[str, Any]:
    """The state of the instance as JSON values. Raises SQLAlchemyError if the database is away."""
    moment = now()
    today, month = spent_of_month(engine, f"{moment:%Y-%m-%d}")
    with reading(engine) as connection:
        by_state = select(creations.c.state, func.count()).group_by(creations.c.state)
        states = {str(state): int(number) for state, number in connection.execute(by_state)}
        wait = {step: count(connection, waiting(step)) for step in (PAINT, REPLY)}
    return {
        "version": version_text(),
        "at": moment.isoformat(),
        "health": look(engine, queue, pace, money).as_dict(),
        "poller": _values(read_polling(engine)),
        "writes": _writes(queue),
        "creations": states,
        "waiting": wait,
        "spent_micro_usd": {"today": today, "month": month, "month_forecast": month_at_this_pace(month, moment)},
        "open_reports": open_reports(engine)[0],
        "troubles": [_trouble(row) for row in latest_troubles(engine, moment)],
    }


def _values(fact: CallState | Polling) -> dict[str, Any]:
    """A fact with its moments as text."""
    return {name: _as_text(value) for name, value in asdict(fact).items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_text(each) for name, each in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


def _writes(queue: WorkQueue) -> dict[str, Any] | None:
    """How each kind of writing to X fares; None if the queue, which knows, is away."""
    try:
        return {what: _values(state) for what, state in read_writes(queue)}
    except TryLater:
        return None


def _trouble(row: Any) -> dict[str, Any]:
    next_attempt = row.next_attempt_at.isoformat() if row.next_attempt_at else None
    return {
        "creation": row.id,
        "state": str(row.state),
        "code": row.code,
        "attempts": row.attempts,
        "last_error": row.last_error,
        "next_attempt_at": next_attempt,
    }
