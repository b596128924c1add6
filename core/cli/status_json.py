"""`threadpaint status --json`: the facts of `status` for programs. Money is in micro-dollars."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Engine, func, select

from core.budget.forecast import project_month
from core.budget.ledger import spent_on_day_and_month
from core.cli.reports import open_reports
from core.cli.status import CreationError, find_latest_errors
from core.clock import now
from core.database import read_connection
from core.errors import TryLater
from core.health import check_health
from core.models import creations
from core.poll_status import Polling, read_polling
from core.queue import PAINT, REPLY, WorkQueue
from core.scheduling.queue_position import count_up_to, select_waiting
from core.settings import BudgetSettings
from core.version import version_text
from core.x.call_stats import CallState
from core.x.rate_limit import XRateLimiter
from core.x_problems import read_write_states


def status_as_json(
    engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter, money: BudgetSettings
) -> dict[str, Any]:
    """Return the state of the instance as JSON. Raise SQLAlchemyError if the database is unavailable."""
    moment = now()
    today, month = spent_on_day_and_month(engine, f"{moment:%Y-%m-%d}")
    with read_connection(engine) as connection:
        by_state = select(creations.c.state, func.count()).group_by(creations.c.state)
        states = {str(state): int(number) for state, number in connection.execute(by_state)}
        wait = {step: count_up_to(connection, select_waiting(step)) for step in (PAINT, REPLY)}
    return {
        "version": version_text(),
        "at": moment.isoformat(),
        "health": check_health(engine, queue, rate_limiter, money).as_dict(),
        "poller": _as_json(read_polling(engine)),
        "writes": _writes(queue),
        "creations": states,
        "waiting": wait,
        "spent_micro_usd": {"today": today, "month": month, "month_forecast": project_month(month, moment)},
        "open_reports": open_reports(engine)[0],
        "troubles": [_error_as_json(row) for row in find_latest_errors(engine, moment)],
    }


def _as_json(state: CallState | Polling) -> dict[str, Any]:
    """Return the fields of a fact, with datetimes as text."""
    return {name: _as_text(value) for name, value in asdict(state).items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


def _writes(queue: WorkQueue) -> dict[str, Any] | None:
    """Return the state of each kind of write call to X, or None if the queue is unavailable."""
    try:
        return {what: _as_json(state) for what, state in read_write_states(queue)}
    except TryLater:
        return None


def _error_as_json(error: CreationError) -> dict[str, JsonValue]:
    next_attempt = error.next_attempt_at.isoformat() if error.next_attempt_at else None
    return {
        "creation": error.id,
        "state": str(error.state),
        "code": error.reason_code,
        "attempts": error.attempts,
        "last_error": error.last_error,
        "next_attempt_at": next_attempt,
    }
