"""What the host sees from the command line: what waits, what failed and why; and sending it on its way again."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import Engine, func, select

from core.clock import now
from core.database import reading, transaction
from core.models import State, creations
from core.refusals import in_words
from core.states import move

LATEST = 20
LATELY = timedelta(days=30)


def report(engine: Engine) -> Iterator[str]:
    """Lines for the host: a count per state, then the latest that failed or wait after an error."""
    by_state = select(creations.c.state, func.count()).group_by(creations.c.state).order_by(creations.c.state)
    troubled = (
        select(creations)
        .where(creations.c.created_at >= now() - LATELY, creations.c.last_error.is_not(None))
        .order_by(creations.c.created_at.desc())
        .limit(LATEST)
    )
    with reading(engine) as connection:
        counts = connection.execute(by_state).all()
        rows = connection.execute(troubled).all()
    yield "  ".join(f"{state}: {count}" for state, count in counts) or "no creations yet"
    for row in rows:
        why = f" – {in_words(row.code)}" if row.code else ""
        due = f", next try {row.next_attempt_at:%H:%M:%S} UTC" if row.next_attempt_at else ""
        yield f"creation {row.id}: {row.state} after {row.attempts} attempts{due}: {row.last_error}{why}"


def send_again(engine: Engine, creation_ids: Sequence[int] | None = None) -> int:
    """Move failed creations (all, or those named) back to queued. Returns how many."""
    failed = select(creations.c.id).where(creations.c.state == State.FAILED.value)
    if creation_ids:
        failed = failed.where(creations.c.id.in_(creation_ids))
    with transaction(engine) as session:
        ids = list(session.execute(failed).scalars())
        return sum(
            move(session, one, State.FAILED, State.QUEUED, attempts=0, code=None, next_attempt_at=now()) for one in ids
        )
