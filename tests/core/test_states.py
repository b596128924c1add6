"""One conditional update moves a state; whoever gets no row walks away."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import transaction
from core.models import State
from core.states import STEPS, move
from tests.support.rows import make_creation, read_creation


def test_it_moves_a_creation_and_sets_values_at_once(engine: Engine) -> None:
    creation_id = make_creation(engine)
    with transaction(engine) as session:
        assert move(session, creation_id, State.QUEUED, State.PAINTING, claim="mine", attempts=1)
    row = read_creation(engine, creation_id)
    assert (row.state, row.claim, row.attempts) == (State.PAINTING, "mine", 1)


def test_it_does_not_move_what_is_elsewhere(engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.PAINTED)
    with transaction(engine) as session:
        assert not move(session, creation_id, State.QUEUED, State.PAINTING)
    assert read_creation(engine, creation_id).state == State.PAINTED


def test_it_does_not_move_what_another_job_holds(engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.PAINTING, claim="theirs")
    with transaction(engine) as session:
        assert not move(session, creation_id, State.PAINTING, State.PAINTED, held_by="mine")


def test_it_takes_over_only_what_has_run_out(engine: Engine) -> None:
    late = make_creation(engine, state=State.REPLYING, next_attempt_at=now() - timedelta(seconds=1))
    live = make_creation(engine, state=State.REPLYING, next_attempt_at=now() + timedelta(seconds=9))
    with transaction(engine) as session:
        assert move(session, late, State.REPLYING, State.REPLYING, due_by=now())
        assert not move(session, live, State.REPLYING, State.REPLYING, due_by=now())


def test_it_refuses_steps_that_the_design_does_not_have(engine: Engine) -> None:
    creation_id = make_creation(engine, state=State.REPLIED)
    with transaction(engine) as session, pytest.raises(ValueError, match="does not go from replied to queued"):
        move(session, creation_id, State.REPLIED, State.QUEUED)


def test_every_state_has_its_steps() -> None:
    assert set(STEPS) == set(State)


def test_of_many_who_try_at_once_one_wins(engine: Engine) -> None:
    creation_id = make_creation(engine)
    wins: list[bool] = []

    def try_it() -> None:
        with transaction(engine) as session:
            wins.append(move(session, creation_id, State.QUEUED, State.PAINTING))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == [False] * 7 + [True]
