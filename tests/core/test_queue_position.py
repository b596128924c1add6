"""Positions in the queue: for many creations at once, without and with statistics, on SQLite and PostgreSQL."""

from collections.abc import Collection
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, tuple_

from core.clock import now
from core.database import read_connection
from core.models import State, creations
from core.queue import PAINT, REPLY
from core.scheduling.fair_queue import next_rank
from core.scheduling.queue_position import (
    MAX_COUNTED,
    STATES_BY_STEP,
    QueuePosition,
    count_up_to,
    load_positions,
    load_queue_heads,
    position_if_added,
    select_waiting,
)
from tests.support.query_plans import analyze, explained_statements
from tests.support.rows import make_creation, make_creations, make_person, read_creation


def find_positions(
    engine: Engine, creation_ids: Collection[int], max_counted: int = MAX_COUNTED
) -> dict[int, QueuePosition]:
    with read_connection(engine) as connection:
        return load_positions(connection, creation_ids, load_queue_heads(connection, max_counted))


@pytest.fixture
def mixed_queue(engine: Engine) -> list[int]:
    """Creations of few users in all states, with equal ranks. Return the ids in the order of their making."""
    states = [state for states in STATES_BY_STEP.values() for state in states]
    people = [make_person(engine) for _ in range(3)]
    return [
        make_creation(
            engine, person_id=people[n % 3], with_post=False, queue_rank=n * 7 % 11, state=states[n % len(states)]
        )
        for n in range(40)
    ]


def test_position_follows_rank_then_id(engine: Engine) -> None:
    person = make_person(engine)
    made = [make_creation(engine, person_id=person, with_post=False, queue_rank=rank) for rank in (5, 4, 5, 6, 5)]
    positions = find_positions(engine, made)
    assert [positions[creation_id].ahead for creation_id in made] == [1, 0, 2, 4, 3]


def test_every_position_equals_a_count(engine: Engine, mixed_queue: list[int]) -> None:
    """The walk along the queue finds what a query for each single creation would count."""
    positions = find_positions(engine, mixed_queue)
    assert len(positions) == len(mixed_queue)
    with read_connection(engine) as connection:
        for creation_id, position in positions.items():
            rank = select(creations.c.queue_rank).where(creations.c.id == creation_id)
            entry = (connection.execute(rank).scalar_one(), creation_id)
            stmt = select_waiting(position.step).where(tuple_(creations.c.queue_rank, creations.c.id) < entry)
            assert position.ahead == count_up_to(connection, stmt)


def test_painting_and_replying_are_counted_apart(engine: Engine) -> None:
    make_creation(engine, queue_rank=1)
    make_creation(engine, queue_rank=1, state=State.PAINTING, lease_token="alive")
    make_creation(engine, queue_rank=1, state=State.REPLYING, lease_token="alive")
    make_creation(engine, queue_rank=1, state=State.REFUSED, reply_text="no")
    make_creation(engine, queue_rank=1, state=State.REFUSED, next_attempt_at=None)
    make_creation(engine, queue_rank=1, state=State.REPLIED, next_attempt_at=None)
    to_paint = make_creation(engine, queue_rank=2)
    to_answer = make_creation(engine, queue_rank=2, state=State.PAINTED)
    positions = find_positions(engine, [to_paint, to_answer])
    assert positions == {to_paint: QueuePosition(PAINT, 2), to_answer: QueuePosition(REPLY, 2)}


def test_a_creation_in_progress_has_none_ahead(engine: Engine) -> None:
    make_creation(engine, queue_rank=1)
    lease = now() + timedelta(seconds=45)
    begun = make_creation(engine, queue_rank=2, state=State.PAINTING, lease_token="alive", next_attempt_at=lease)
    assert find_positions(engine, [begun]) == {begun: QueuePosition(PAINT, 0, in_progress=True)}


def test_a_finished_creation_has_no_position(engine: Engine) -> None:
    states = (State.REPLIED, State.PAINTED, State.REFUSED, State.FAILED)
    finished = [make_creation(engine, state=state, next_attempt_at=None) for state in states]
    assert find_positions(engine, [*finished, 999_999]) == {}


def test_counting_stops_at_the_maximum(engine: Engine) -> None:
    make_creations(engine, 30)
    ids = [make_creation(engine, queue_rank=rank) for rank in (9, 10, 40)]
    positions = find_positions(engine, ids, max_counted=10)
    # Before the first are ranks 0 to 9: its own rank was given earlier.
    assert [positions[creation_id].ahead for creation_id in ids] == [10, 11, 11]


def test_a_new_creation_goes_behind_those_of_its_rank(engine: Engine, mixed_queue: list[int]) -> None:
    for person_id in (make_person(engine), read_creation(engine, mixed_queue[0]).person_id):
        with read_connection(engine) as connection:
            position = position_if_added(connection, person_id, load_queue_heads(connection))
            is_before = creations.c.queue_rank <= next_rank(connection, person_id)
            assert position == QueuePosition(PAINT, count_up_to(connection, select_waiting(PAINT).where(is_before)))


def test_many_positions_take_as_many_queries_as_one(engine: Engine, mixed_queue: list[int]) -> None:
    with explained_statements(engine) as for_one:
        find_positions(engine, mixed_queue[:1])
    with explained_statements(engine) as for_all:
        find_positions(engine, mixed_queue)
    assert len(for_all) == len(for_one) == 6, "one for each state that waits, and one for the creations"


@pytest.mark.parametrize("has_statistics", [False, True], ids=["without statistics", "with statistics"])
def test_the_queue_is_read_along_its_index(engine: Engine, has_statistics: bool) -> None:
    make_creations(engine, 3000)
    analyze(engine, on_sqlite=has_statistics)
    with explained_statements(engine) as plans, read_connection(engine) as connection:
        load_queue_heads(connection, 10)
    assert "ix_creation_queue" in plans[0].steps, "the state in which many wait"
    for plan in plans:
        assert not any(step in plan.steps for step in ("SCAN creation", "TEMP B-TREE", "Seq Scan")), plan
