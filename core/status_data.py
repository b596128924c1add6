"""`python -m core status --json`: the same facts as `status`, for programs. Money is in micro-dollars."""

from typing import Any

from sqlalchemy import Engine, func, select

from core.clock import now
from core.database import reading
from core.health import look
from core.line.waiting import count, waiting
from core.models import creations
from core.money.forecast import month_at_this_pace
from core.money.ledger import spent_of_month
from core.pace import Pace
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
        "creations": states,
        "waiting": wait,
        "spent_micro_usd": {"today": today, "month": month, "month_forecast": month_at_this_pace(month, moment)},
        "open_reports": open_reports(engine)[0],
        "troubles": [_trouble(row) for row in latest_troubles(engine, moment)],
    }


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
