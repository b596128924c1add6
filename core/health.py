"""How the house is: database, queue, poller, workers, and what waits. For `/healthz`, the demo and the host."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.database import reading
from core.errors import TryLater
from core.models import creations, cursors


@dataclass(frozen=True)
class Health:
    """One look at the house. `status` is `ok`, or `degraded` with the reasons in `problems`."""

    status: str
    problems: list[str]
    workers: int
    polled_seconds_ago: float | None
    states: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


def look(engine: Engine, count_workers: Callable[[], int], *, poll_seconds: float = 15.0) -> Health:
    """Look at the house now. `count_workers` asks the queue and may raise TryLater."""
    problems: list[str] = []
    states, polled = _rows(engine, problems)
    workers = _workers(count_workers, problems)
    if polled is None or polled > 60 + 3 * poll_seconds:
        problems.append("poller: has not looked at X lately")
    return Health("degraded" if problems else "ok", problems, workers, polled, states)


def _rows(engine: Engine, problems: list[str]) -> tuple[dict[str, int], float | None]:
    a_day_ago = now() - timedelta(days=1)
    recent = (
        select(creations.c.state, func.count()).where(creations.c.created_at >= a_day_ago).group_by(creations.c.state)
    )
    try:
        with reading(engine) as connection:
            states = {str(state): int(count) for state, count in connection.execute(recent)}
            polled_at = connection.execute(select(cursors.c.polled_at)).scalars().first()
    except SQLAlchemyError as error:
        problems.append(f"database: {type(error).__name__}")
        return {}, None
    return states, (now() - polled_at).total_seconds() if polled_at else None


def _workers(count_workers: Callable[[], int], problems: list[str]) -> int:
    try:
        workers = count_workers()
    except TryLater:
        problems.append("queue: no answer")
        return 0
    if workers == 0:
        problems.append("workers: none")
    return workers
