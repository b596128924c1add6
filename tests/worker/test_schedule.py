"""Pauses between tries: 5 s, tripled each time, at most 10 minutes; longer where the world asks for it."""

from datetime import UTC, datetime

from core.errors import TryLater
from core.settings import WorkSettings, load
from worker.schedule import next_try

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pause(error: TryLater, attempts: int) -> float:
    return (next_try(error, attempts, load(WorkSettings), NOON) - NOON).total_seconds()


def test_pauses_triple_up_to_ten_minutes() -> None:
    assert [pause(TryLater("gpu_down"), n) for n in range(1, 9)] == [5, 15, 45, 135, 405, 600, 600, 600]


def test_the_world_may_ask_for_more() -> None:
    assert pause(TryLater("x_rate_limit", after=840), 1) == 840
    assert pause(TryLater("gpu_busy", after=2), 3) == 45


def test_many_attempts_do_not_overflow() -> None:
    assert pause(TryLater("gpu_down"), 50) == 600
