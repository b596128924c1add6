"""One conditional update moves a creation to its next state; concurrent attempts fail."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.models import State
from core.states import STEPS, move
from tests.support.rows import make_creation, read_creation


def test_move_changes_state_and_values_together(engine: Engine) -> None:
    creation_id = make_creation(engine)
    with write_session(engine) as session:
        assert move(session, creation_id, State.QUEUED, State.PAINTING, lease_token="mine", attempts=1)
    row = read_creation(engine, creation_id)
    assert (row.state, row.lease_token, row.attempts) == (State.PAINTING, "mine", 1)


def test_a_creation_in_another_state_is_not_moved(engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.PAINTED)
    with write_session(engine) as session:
        assert not move(session, creation_id, State.QUEUED, State.PAINTING)
    assert read_creation(engine, creation_id).state == State.PAINTED


def test_a_creation_leased_by_another_job_is_not_moved(engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.PAINTING, lease_token="theirs")
    with write_session(engine) as session:
        assert not move(session, creation_id, State.PAINTING, State.PAINTED, expected_token="mine")


def test_only_expired_leases_are_taken_over(engine: Engine) -> None:
    late = make_creation(engine, state=State.REPLYING, next_attempt_at=now() - timedelta(seconds=1))
    live = make_creation(engine, state=State.REPLYING, next_attempt_at=now() + timedelta(seconds=9))
    with write_session(engine) as session:
        assert move(session, late, State.REPLYING, State.REPLYING, due_by=now())
        assert not move(session, live, State.REPLYING, State.REPLYING, due_by=now())


def test_invalid_transitions_raise_an_error(engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.REPLIED)
    with write_session(engine) as session, pytest.raises(ValueError, match="does not go from replied to queued"):
        move(session, creation_id, State.REPLIED, State.QUEUED)


def test_every_state_has_transitions() -> None:
    assert set(STEPS) == set(State)


def test_one_of_many_concurrent_moves_succeeds(engine: Engine) -> None:
    creation_id = make_creation(engine)
    wins: list[bool] = []

    def attempt() -> None:
        with write_session(engine) as session:
            wins.append(move(session, creation_id, State.QUEUED, State.PAINTING))

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == [False] * 7 + [True]
