"""Which painters rest: who fails is left alone, longer each time; one call looks whether it is back, then all go."""

import time

import pytest

from core.errors import TryLater
from core.painters import PROBE_PAUSE, Painters, shown
from core.queue import WorkQueue, open_queue

ONE, OTHER = "http://one.example", "http://other.example"


@pytest.fixture
def painters(queue: WorkQueue) -> Painters:
    return Painters(queue)


def fail(painters: Painters, url: str = ONE, after: float = 0.0) -> None:
    painters.failed(url, code="gpu_down", detail="connection refused", after=after)


def doubt(painters: Painters, order: int, url: str = ONE) -> None:
    painters.doubted(url, str(order), code="gpu_failed", detail="status 500")


def end_pauses(painters: Painters) -> None:
    """As if all pauses were over."""
    assert painters.queue is not None
    for pattern in ("painter:rest:*", "painters:closed"):
        for key in painters.queue.connection.scan_iter(pattern):
            painters.queue.connection.delete(key)


def test_a_painter_of_which_nothing_is_known_may_be_called_by_all(painters: Painters) -> None:
    assert [painters.may_call(ONE) for _ in range(3)] == [0, 0, 0]


def test_who_failed_is_left_alone_and_the_others_are_not(painters: Painters) -> None:
    fail(painters)
    assert 4 < painters.may_call(ONE) <= 5
    assert painters.may_call(OTHER) == 0


def test_pauses_triple_up_to_five_minutes_and_begin_anew_once_it_worked(painters: Painters) -> None:
    pauses = []
    for _ in range(6):
        fail(painters)
        pauses.append(round(painters.may_call(ONE)))
        end_pauses(painters)
    assert pauses == [5, 15, 45, 135, 300, 300]
    painters.worked(ONE)
    fail(painters)
    assert round(painters.may_call(ONE)) == 5


@pytest.mark.parametrize("after", [0.5, 2, 700])
def test_a_painter_that_says_how_long_is_left_alone_for_so_long(painters: Painters, after: float) -> None:
    fail(painters, after=after)
    assert max(1, after) - 1 < painters.may_call(ONE) <= max(1, after)


def test_workers_that_fail_at_the_same_moment_are_one_failure(painters: Painters) -> None:
    for after in (0, 0, 30, 0):
        fail(painters, after=after)
    assert 29 < painters.may_call(ONE) <= 30, "the longest that it asked for counts"
    end_pauses(painters)
    fail(painters)
    assert round(painters.may_call(ONE)) == 15


def test_after_its_rest_one_call_tries_it_and_the_others_wait_for_what_it_finds(painters: Painters) -> None:
    fail(painters)
    end_pauses(painters)
    assert [painters.may_call(ONE) for _ in range(3)] == [0, PROBE_PAUSE, PROBE_PAUSE]
    painters.worked(ONE)
    assert [painters.may_call(ONE) for _ in range(3)] == [0, 0, 0]


def test_a_call_that_died_while_it_tried_is_followed_by_another(
    painters: Painters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.painters.PROBE_SECONDS", 0.05)
    fail(painters)
    end_pauses(painters)
    assert painters.may_call(ONE) == 0
    time.sleep(0.1)
    assert painters.may_call(ONE) == 0


def test_an_order_that_breaks_every_painter_takes_none_of_them_out(painters: Painters) -> None:
    for _ in range(8):
        for url in (ONE, OTHER):
            doubt(painters, 7, url)
    assert (painters.may_call(ONE), painters.may_call(OTHER)) == (0, 0)


def test_three_orders_in_a_row_are_not_to_blame(painters: Painters) -> None:
    for order in (1, 2):
        doubt(painters, order)
    assert painters.may_call(ONE) == 0
    doubt(painters, 3)
    assert painters.may_call(ONE) > 0


def test_between_which_it_worked_they_are_not_in_a_row(painters: Painters) -> None:
    for order in range(9):
        doubt(painters, order)
        doubt(painters, order + 100)
        painters.worked(ONE)
    assert painters.may_call(ONE) == 0


def test_an_order_that_fails_where_it_should_only_look_lets_the_next_one_look(painters: Painters) -> None:
    fail(painters)
    end_pauses(painters)
    assert painters.may_call(ONE) == 0
    doubt(painters, 7)
    assert painters.may_call(ONE) == 0


def test_while_none_takes_orders_nobody_is_called_up_then_one_then_all(painters: Painters) -> None:
    assert painters.room() is None
    fail(painters)
    painters.close(painters.rests_for(ONE), "gpu_down")
    assert painters.room() == 0
    end_pauses(painters)
    assert painters.room() == 1
    painters.worked(ONE)
    assert (painters.room(), painters.away(), painters.ill()) == (None, None, [])


def test_however_long_they_want_to_rest_somebody_looks_every_five_minutes(painters: Painters) -> None:
    painters.close(3600, "gpu_busy")
    away = painters.away()
    assert away is not None
    assert 299 < away.opens_in <= 300


def test_since_when_and_why_is_told_from_the_first_failure_on(painters: Painters) -> None:
    painters.close(5, "gpu_down")
    first = painters.away()
    assert first is not None
    time.sleep(0.02)
    painters.close(15, "")
    later = painters.away()
    assert later is not None
    assert (later.since, later.code) == (first.since, "gpu_down")
    assert 14 < later.opens_in <= 15


def test_who_is_ill_is_told_without_names_and_passwords(painters: Painters) -> None:
    fail(painters, "http://user:secret@one.example/x")
    doubt(painters, 1, OTHER)
    (one,) = painters.ill()
    assert (one.url, one.code, one.detail) == ("http://one.example/x", "gpu_down", "connection refused")
    assert 4 < one.opens_in <= 5
    assert shown("https://a.example") == "https://a.example"


def test_what_the_host_mended_is_tried_at_once(painters: Painters) -> None:
    for url in (ONE, OTHER):
        fail(painters, url, after=3000)
    painters.close(3000, "gpu_down")
    painters.forget()
    assert [painters.may_call(url) for url in (ONE, OTHER)] == [0, 0]
    assert painters.room() is None


def test_all_that_is_known_runs_out_by_itself(painters: Painters) -> None:
    fail(painters)
    doubt(painters, 1)
    painters.close(5, "gpu_down")
    assert painters.queue is not None
    redis = painters.queue.connection
    keys = [*redis.scan_iter("painter*")]
    assert len(keys) == 7
    assert all(0 < redis.ttl(key) < 3 * 3600 for key in keys)


@pytest.mark.parametrize("queue", [None, open_queue("unix:///nowhere/queue.sock?db=0")])
def test_without_the_queue_nothing_is_known_and_nobody_is_stopped(queue: WorkQueue | None) -> None:
    painters = Painters(queue)
    fail(painters)
    doubt(painters, 1)
    painters.close(5, "gpu_down")
    painters.worked(OTHER)
    assert (painters.may_call(ONE), painters.rests_for(ONE)) == (0, 0)
    with pytest.raises(TryLater, match="queue_away"):
        painters.room()
