"""Change the state of a creation: `move()` is the only function that does.

    queued -> painting -> painted -> replying -> replied
       └────────┴─> refused(code), failed(code)

    refused(code) -> replying -> refused(code)      if a text reply explains it on X

It is one conditional UPDATE: of several jobs and the recovery loop, one gets the row, and the others stop.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from core.models import State, creations

STEPS: dict[State, frozenset[State]] = {
    # A job leases a queued creation, or it is refused before it costs anything.
    State.QUEUED: frozenset({State.PAINTING, State.REFUSED, State.FAILED}),
    # To QUEUED: retry later. To itself: renew the lease.
    State.PAINTING: frozenset({State.PAINTING, State.PAINTED, State.QUEUED, State.REFUSED, State.FAILED}),
    # To itself: X refused the reply (gallery only), or the reply waits.
    State.PAINTED: frozenset({State.REPLYING, State.PAINTED}),
    # To itself: renew the lease, or take it over from a dead job. To PAINTED: certainly nothing was posted.
    State.REPLYING: frozenset({State.REPLYING, State.REPLIED, State.PAINTED, State.REFUSED}),
    State.REPLIED: frozenset(),
    # To REPLYING: a text reply explains the refusal on X.
    State.REFUSED: frozenset({State.REPLYING, State.REFUSED}),
    # The operator requeues it.
    State.FAILED: frozenset({State.QUEUED}),
}


def move(
    session: Session,
    creation_id: int,
    source: State,
    target: State,
    *,
    expected_token: str | None = None,
    due_by: datetime | None = None,
    **values: Any,
) -> bool:
    """Move one creation from `source` to `target` and set `values`, all or nothing.

    Args:
        expected_token: move only if the row has this lease token, so a job that lost its lease changes nothing.
        due_by: move only if `next_attempt_at` is not later. Protects a lease that was just renewed from a take-over.

    Returns: whether the row was moved. Raises ValueError for a step that STEPS does not allow.
    """
    if target not in STEPS[source]:
        raise ValueError(f"a creation does not go from {source} to {target}")
    statement = update(creations).where(creations.c.id == creation_id, creations.c.state == source.value)
    if expected_token is not None:
        statement = statement.where(creations.c.lease_token == expected_token)
    if due_by is not None:
        statement = statement.where(creations.c.next_attempt_at <= due_by)
    result = session.execute(statement.values(state=target.value, **values))
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]  # an UPDATE's result always has it
