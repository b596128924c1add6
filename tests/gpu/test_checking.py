"""The safety check beside the engine thread: one call per batch, slow, failing, breaking."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, wait

import pytest

from gpu.batching.engine_thread import EngineThread
from gpu.engine import EngineBroken, Failure, Key, Limits, NotReady, Order, PaintFailed, Piece, Verdict


class HeldChecker:
    """A checker that tests can hold; it counts what it was shown. `raises` is raised instead of a verdict."""

    def __init__(self):
        self.calls = []
        self.raises = None
        self.loads = True
        self.checking = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def load(self):
        if not self.loads:
            raise OSError("no such\nweights")

    def check(self, images):
        self.calls.append(len(images))
        self.checking.set()
        assert self.go.wait(10)
        if self.raises is not None:
            raise self.raises
        return [Verdict(False, {"green": image.getpixel((0, 0))[1]}) for image in images]


@pytest.fixture
def checker():
    checker = HeldChecker()
    yield checker
    checker.go.set()


@pytest.fixture
def toy(toy):
    toy.limits = Limits(width=64, height=64, batch=4)
    return toy


@pytest.fixture
def thread(toy, checker, start_thread):
    return start_thread(toy, checker=checker)


def order(prompt="sea", *seeds, width=64):
    return Order(Key("text", width, 64, 4, 0.0), tuple(Piece(prompt, seed) for seed in seeds or (1,)))


def wait_for(true, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.002)


def batch_of(toy, thread, *orders):
    """Submit these so that they are painted together."""
    toy.hold()
    first = thread.submit(order("first"))
    assert toy.painting.wait(5)
    futures = [thread.submit(each) for each in orders]
    toy.let_go()
    first.result(5)
    return futures


def test_each_picture_has_its_own_verdict(toy, thread):
    futures = batch_of(toy, thread, order("a", 7), order("b", 8, 9))
    scores = [[verdict.scores["green"] for verdict in future.result(5).verdicts] for future in futures]
    assert scores == [[7], [8, 9]]


def test_a_batch_is_checked_in_one_call(toy, thread, checker):
    wait(batch_of(toy, thread, order("a"), order("b", 1, 2)), 5)
    assert checker.calls == [1, 3]


def test_the_time_of_the_check_is_told(thread, checker):
    checker.go.clear()
    future = thread.submit(order())
    assert checker.checking.wait(5)
    time.sleep(0.05)
    checker.go.set()
    outcome = future.result(5)
    assert outcome.checking >= 0.05 and outcome.gpu == pytest.approx(outcome.painting + outcome.checking, abs=0.02)


def test_the_next_batch_is_painted_while_one_is_checked(toy, thread, checker):
    checker.go.clear()
    first = thread.submit(order("first"))
    assert checker.checking.wait(5)
    second = thread.submit(order("second"))
    wait_for(lambda: ["second"] in toy.batches)
    assert not first.done() and not second.done()
    checker.go.set()
    wait([first, second], 5)


def test_no_more_than_two_painted_batches_wait_for_the_check(toy, thread, checker):
    checker.go.clear()
    futures = [thread.submit(order(f"p{i}", width=64 + 8 * i)) for i in range(8)]
    wait_for(lambda: len(toy.batches) == 4)
    time.sleep(0.05)
    # One is being checked, two wait, and one is in the engine thread's hand.
    assert (len(toy.batches), thread.unchecked, thread.waiting) == (4, 2, 4)
    checker.go.set()
    assert all(future.result(5) for future in futures)


def test_painting_and_checking_at_once_are_not_counted_twice(toy, checker, start_thread):
    began = time.monotonic()
    thread = start_thread(toy, checker=checker, keeps=50.0)
    checker.go.clear()
    futures = [thread.submit(order(f"p{i}", width=64 + 8 * i)) for i in range(4)]
    time.sleep(0.1)
    checker.go.set()
    outcomes = [future.result(5) for future in futures]
    total = sum(outcome.gpu + outcome.idle for outcome in outcomes)
    assert total == pytest.approx(50 + time.monotonic() - began, abs=0.1)


def test_a_check_that_fails_fails_its_own_orders_and_shows_no_picture(toy, thread, checker, caplog):
    checker.raises = ValueError("about a picture")
    with pytest.raises(PaintFailed):
        thread.submit(order()).result(5)
    assert "about a picture" not in caplog.text and "ValueError at" in caplog.text
    checker.raises = None
    assert thread.submit(order()).result(5).verdicts
    assert thread.status == "ok"


def test_a_picture_that_cannot_be_checked_is_withheld_and_the_others_are_shown(toy, thread, checker):
    check = checker.check

    def picky(images):
        if any(image.getpixel((0, 0))[1] == 13 for image in images):
            raise ArithmeticError("a score is not a number")
        return check(images)

    checker.check = picky
    alone, mixed, other = batch_of(toy, thread, order("a", 13), order("b", 1, 13), order("c", 3))
    with pytest.raises(PaintFailed, match="unchecked") as caught:
        alone.result(5)
    assert caught.value.only_this
    outcome = mixed.result(5)
    assert outcome.paintings[1] == Failure("unchecked") and outcome.verdicts[1] is None
    assert [outcome.verdicts[0].scores["green"], other.result(5).verdicts[0].scores["green"]] == [1, 3]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_check_with_too_few_or_too_many_verdicts_shows_no_picture(thread, checker, count):
    checker.check = lambda images: [Verdict(False)] * count
    with pytest.raises(PaintFailed):
        thread.submit(order("sea", 1, 2)).result(5)


@pytest.mark.parametrize("error", [EngineBroken("the card fell off"), SystemExit(1)])
def test_a_check_that_breaks_breaks_the_service_and_leaves_nobody_waiting(toy, checker, start_thread, error):
    told = threading.Event()
    thread = start_thread(toy, checker=checker, on_broken=told.set)
    checker.go.clear()
    checker.raises = error
    futures = [thread.submit(order(f"p{i}", width=64 + 8 * i)) for i in range(8)]
    wait_for(lambda: thread.unchecked == 2)
    checker.go.set()
    assert not wait(futures, 5).not_done
    for future in futures:
        assert isinstance(future.exception(), PaintFailed | NotReady)
    assert told.wait(5) and thread.status == "broken"


def test_a_batch_that_is_painted_when_the_check_breaks_is_not_answered_unchecked(toy, thread, checker):
    checker.go.clear()
    checker.raises = EngineBroken("gone")
    first = thread.submit(order("first"))
    assert checker.checking.wait(5)
    toy.hold()
    second = thread.submit(order("second"))
    assert toy.painting.wait(5)
    checker.go.set()
    with pytest.raises(PaintFailed):
        first.result(5)
    toy.let_go()
    with pytest.raises(NotReady, match="broken"):
        second.result(5)


def test_pictures_that_nobody_wants_any_more_are_not_checked(toy, thread, checker):
    checker.go.clear()
    first = thread.submit(order("first"))
    assert checker.checking.wait(5)
    unwanted, wanted = thread.submit(order("unwanted", width=128)), thread.submit(order("wanted", 1, 2, width=256))
    wait_for(lambda: thread.unchecked == 2)
    assert unwanted.cancel()
    checker.go.set()
    assert len(wanted.result(5).paintings) == 2 and first.result(5)
    assert checker.calls == [1, 2]
    with pytest.raises(CancelledError):
        unwanted.result(5)


def test_cancelling_while_it_is_checked_drops_the_result(thread, checker):
    checker.go.clear()
    future = thread.submit(order())
    assert checker.checking.wait(5)
    assert future.cancel()
    checker.go.set()
    assert thread.submit(order()).result(5)


def test_what_is_painted_when_it_stops_is_checked_and_answered(thread, checker):
    checker.go.clear()
    futures = [thread.submit(order(f"p{i}", width=64 + 8 * i)) for i in range(2)]
    wait_for(lambda: thread.unchecked == 1)
    thread.close()
    checker.go.set()
    assert all(future.result(5).verdicts for future in futures)


def test_a_check_that_hangs_does_not_leave_its_callers_waiting_when_it_stops(thread, checker):
    checker.go.clear()
    future = thread.submit(order())
    assert checker.checking.wait(5)
    thread.stop(timeout=0.05)
    with pytest.raises(NotReady, match="stopped"):
        future.result(0)


def test_without_its_weights_nothing_is_painted_and_the_reason_names_the_settings(toy, checker):
    checker.loads = False
    told = threading.Event()
    thread = EngineThread(toy, checker=checker, on_broken=told.set)
    thread.start()
    assert told.wait(5)
    assert thread.status == "broken"
    assert "GPU_SAFETY_MODEL" in thread.reason and "GPU_SAFETY=off" in thread.reason
    assert thread.reason.endswith("no such weights")
