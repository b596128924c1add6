"""The one function that moves a creation's state.

    queued -> painting -> painted -> replying -> replied
       └────────┴─> refused(code), failed(code)

    refused(code) -> replying -> refused(code)      where the refusal is told on X

It is one conditional UPDATE, and whoever gets no row walks away: two jobs, a sweep and an orphan can all try, one wins.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from core.models import State, creations

STEPS: dict[State, frozenset[State]] = {
    # A waiting creation is claimed by a job, or refused before it costs anything.
    State.QUEUED: frozenset({State.PAINTING, State.REFUSED, State.FAILED}),
    # Back to queued: to be tried again. To itself: the claim is prolonged.
    State.PAINTING: frozenset({State.PAINTING, State.PAINTED, State.QUEUED, State.REFUSED, State.FAILED}),
    # To itself: X said no (gallery only), or the answer waits.
    State.PAINTED: frozenset({State.REPLYING, State.PAINTED}),
    # To itself: prolonged, or taken over from a job that died; back to painted: surely nothing was posted.
    State.REPLYING: frozenset({State.REPLYING, State.REPLIED, State.PAINTED, State.REFUSED}),
    State.REPLIED: frozenset(),
    # A refusal that is told on X, and back.
    State.REFUSED: frozenset({State.REPLYING, State.REFUSED}),
    # The host sends it on its way again.
    State.FAILED: frozenset({State.QUEUED}),
}


def move(
    session: Session,
    creation_id: int,
    source: State,
    target: State,
    *,
    held_by: str | None = None,
    due_by: datetime | None = None,
    **values: Any,
) -> bool:
    """Move one creation from `source` to `target` and set `values`, all or nothing.

    Args:
        held_by: only while this claim is on the row. A job that lost its claim cannot move what is no longer its own.
        due_by: only if `next_attempt_at` has come by then. Guards a take-over against a claim just prolonged.

    Returns: whether the row was moved. Raises ValueError for a step the design does not have.
    """
    if target not in STEPS[source]:
        raise ValueError(f"a creation does not go from {source} to {target}")
    statement = update(creations).where(creations.c.id == creation_id, creations.c.state == source.value)
    if held_by is not None:
        statement = statement.where(creations.c.claim == held_by)
    if due_by is not None:
        statement = statement.where(creations.c.next_attempt_at <= due_by)
    result = session.execute(statement.values(state=target.value, **values))
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]  # an UPDATE's result always has it
