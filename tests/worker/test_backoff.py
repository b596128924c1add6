"""Pauses between attempts: 5 s, tripled each time, at most 10 minutes, or longer if the error asks for it."""

from datetime import UTC, datetime

from core.errors import TryLater
from core.settings import JobSettings, load
from worker.backoff import next_attempt_at

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pause(error: TryLater, attempts: int) -> float:
    return (next_attempt_at(error, attempts, load(JobSettings), NOON) - NOON).total_seconds()


def test_pauses_triple_up_to_ten_minutes() -> None:
    assert [pause(TryLater("gpu_down"), n) for n in range(1, 9)] == [5, 15, 45, 135, 405, 600, 600, 600]


def test_an_error_can_ask_for_a_longer_pause() -> None:
    assert pause(TryLater("x_rate_limit", after=840), 1) == 840
    assert pause(TryLater("gpu_busy", after=2), 3) == 45


def test_many_attempts_do_not_overflow() -> None:
    assert pause(TryLater("gpu_down"), 50) == 600
