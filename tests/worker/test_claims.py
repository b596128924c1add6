"""A claim holds for as long as it says, and not a moment of it is lost to waiting for the database."""

import threading
import time
from datetime import timedelta

from sqlalchemy import Engine

from core.clock import now
from core.database import transaction
from core.models import State, creations
from tests.support.rows import make_creation, read_creation
from worker.claims import take


def hold_the_row(engine: Engine, creation_id: int, seconds: float) -> threading.Thread:
    """Another writer holds the row (SQLite: the file) for a while."""
    holds = threading.Event()

    def hold() -> None:
        with transaction(engine) as session:
            session.execute(creations.update().where(creations.c.id == creation_id).values(last_error="held"))
            holds.set()
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait()
    return holder


def test_a_prolonged_claim_that_waited_too_long_is_not_believed(engine: Engine) -> None:
    creation_id = make_creation(engine)
    claim = take(engine, creation_id, State.QUEUED, State.PAINTING, lease=2)
    assert claim is not None
    holder = hold_the_row(engine, creation_id, 1.5)
    assert not claim.prolong()
    holder.join()
    assert claim.prolong()


def test_a_claim_taken_after_a_wait_has_its_whole_lease(engine: Engine) -> None:
    creation_id = make_creation(engine)
    other = make_creation(engine)
    holder = hold_the_row(engine, other, 1.0)
    claim = take(engine, creation_id, State.QUEUED, State.PAINTING, lease=2)
    holder.join()
    assert claim is not None
    until = read_creation(engine, creation_id).next_attempt_at
    assert until is not None
    assert until - now() > timedelta(seconds=1.5) or engine.dialect.name == "postgresql"


def test_a_claim_that_was_lost_moves_nothing(engine: Engine) -> None:
    creation_id = make_creation(engine)
    claim = take(engine, creation_id, State.QUEUED, State.PAINTING, lease=2)
    assert claim is not None
    assert claim.move(State.QUEUED, claim=None)
    assert not claim.prolong()
    assert not claim.move(State.PAINTED)
    assert read_creation(engine, creation_id).state == State.QUEUED
