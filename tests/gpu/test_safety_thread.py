"""The safety check beside the engine thread: one call per batch, slow, failing, breaking."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait
from typing import Any

import pytest

from gpu.batching.engine_thread import EngineThread
from gpu.engine import (
    BatchKey,
    EngineBroken,
    EngineLimits,
    Failure,
    GenerationFailed,
    GenerationRequest,
    ImageRequest,
    NotReady,
    SafetyResult,
)
from tests.support.toy_engine import StartThread, ToyEngine


class HeldChecker:
    """A checker that tests can block. It counts images, and raises `raises` if it is set."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.raises = None
        self.loads = True
        self.checking = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def load(self) -> None:
        if not self.loads:
            raise OSError("no such\nweights")

    def check(self, images: Any) -> Any:
        self.calls.append(len(images))
        self.checking.set()
        assert self.go.wait(10)
        if self.raises is not None:
            raise self.raises
        return [SafetyResult(False, {"green": image.getpixel((0, 0))[1]}) for image in images]


@pytest.fixture
def checker() -> Iterator[Any]:
    checker = HeldChecker()
    yield checker
    checker.go.set()


@pytest.fixture
def toy(toy: ToyEngine) -> Any:
    toy.limits = EngineLimits(width=64, height=64, batch=4)
    return toy


@pytest.fixture
def thread(toy: ToyEngine, checker: Any, start_thread: StartThread) -> Any:
    return start_thread(toy, checker=checker)


def generation_request(prompt: str = "sea", *seeds: int, width: int = 64) -> Any:
    return GenerationRequest(
        BatchKey("text", width, 64, 4, 0.0), tuple(ImageRequest(prompt, seed) for seed in seeds or (1,))
    )


def wait_for(true: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.002)


def batch_of(toy: ToyEngine, thread: EngineThread, *requests: GenerationRequest) -> Any:
    """Submit requests so that they share a batch."""
    toy.hold()
    first = thread.submit(generation_request("first"))
    assert toy.painting.wait(5)
    futures = [thread.submit(each) for each in requests]
    toy.let_go()
    first.result(5)
    return futures


def test_each_picture_has_its_own_safety_result(toy: ToyEngine, thread: EngineThread) -> None:
    futures = batch_of(toy, thread, generation_request("a", 7), generation_request("b", 8, 9))
    scores = [
        [safety_result.scores["green"] for safety_result in future.result(5).safety_results] for future in futures
    ]
    assert scores == [[7], [8, 9]]


def test_a_batch_is_checked_in_one_call(toy: ToyEngine, thread: EngineThread, checker: Any) -> None:
    wait(batch_of(toy, thread, generation_request("a"), generation_request("b", 1, 2)), 5)
    assert checker.calls == [1, 3]


def test_the_outcome_has_the_time_of_the_check(thread: EngineThread, checker: Any) -> None:
    checker.go.clear()
    future = thread.submit(generation_request())
    assert checker.checking.wait(5)
    time.sleep(0.05)
    checker.go.set()
    outcome = future.result(5)
    assert outcome.checking >= 0.05 and outcome.gpu == pytest.approx(outcome.painting + outcome.checking, abs=0.02)


def test_the_next_batch_runs_while_one_is_checked(toy: ToyEngine, thread: EngineThread, checker: Any) -> None:
    checker.go.clear()
    first = thread.submit(generation_request("first"))
    assert checker.checking.wait(5)
    second = thread.submit(generation_request("second"))
    wait_for(lambda: ["second"] in toy.batches)
    assert not first.done() and not second.done()
    checker.go.set()
    wait([first, second], 5)


def test_at_most_two_batches_wait_for_the_check(toy: ToyEngine, thread: EngineThread, checker: Any) -> None:
    checker.go.clear()
    futures = [thread.submit(generation_request(f"p{i}", width=64 + 8 * i)) for i in range(8)]
    wait_for(lambda: len(toy.batches) == 4)
    time.sleep(0.05)
    # One is being checked, two wait, and the engine thread holds one.
    assert (len(toy.batches), thread.unchecked, thread.waiting) == (4, 2, 4)
    checker.go.set()
    assert all(future.result(5) for future in futures)


def test_simultaneous_work_is_not_counted_twice(toy: ToyEngine, checker: Any, start_thread: StartThread) -> None:
    started = time.monotonic()
    thread = start_thread(toy, checker=checker, scaledown_seconds=50.0)
    checker.go.clear()
    futures = [thread.submit(generation_request(f"p{i}", width=64 + 8 * i)) for i in range(4)]
    time.sleep(0.1)
    checker.go.set()
    outcomes = [future.result(5) for future in futures]
    total = sum(outcome.gpu + outcome.idle for outcome in outcomes)
    assert total == pytest.approx(50 + time.monotonic() - started, abs=0.1)


def test_a_failed_check_fails_its_own_requests_only(
    toy: ToyEngine, thread: EngineThread, checker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    checker.raises = ValueError("about a picture")
    with pytest.raises(GenerationFailed):
        thread.submit(generation_request()).result(5)
    assert "about a picture" not in caplog.text and "ValueError at" in caplog.text
    checker.raises = None
    assert thread.submit(generation_request()).result(5).safety_results
    assert thread.status == "ok"


def test_an_uncheckable_picture_fails_alone(toy: ToyEngine, thread: EngineThread, checker: Any) -> None:
    check = checker.check

    def picky(images: Any) -> Any:
        if any(image.getpixel((0, 0))[1] == 13 for image in images):
            raise ArithmeticError("a score is not a number")
        return check(images)

    checker.check = picky
    alone, mixed, other = batch_of(
        toy, thread, generation_request("a", 13), generation_request("b", 1, 13), generation_request("c", 3)
    )
    with pytest.raises(GenerationFailed, match="unchecked") as caught:
        alone.result(5)
    assert caught.value.only_this
    outcome = mixed.result(5)
    assert outcome.results[1] == Failure("unchecked") and outcome.safety_results[1] is None
    assert [outcome.safety_results[0].scores["green"], other.result(5).safety_results[0].scores["green"]] == [1, 3]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_safety_results_fails_the_batch(thread: EngineThread, checker: Any, count: int) -> None:
    checker.check = lambda images: [SafetyResult(False)] * count
    with pytest.raises(GenerationFailed):
        thread.submit(generation_request("sea", 1, 2)).result(5)


@pytest.mark.parametrize("error", [EngineBroken("the card fell off"), SystemExit(1)])
def test_a_broken_check_breaks_the_service_and_settles_all_requests(
    toy: ToyEngine, checker: Any, start_thread: StartThread, error: Any
) -> None:
    called = threading.Event()
    thread = start_thread(toy, checker=checker, on_broken=called.set)
    checker.go.clear()
    checker.raises = error
    futures = [thread.submit(generation_request(f"p{i}", width=64 + 8 * i)) for i in range(8)]
    wait_for(lambda: thread.unchecked == 2)
    checker.go.set()
    assert not wait(futures, 5).not_done
    for future in futures:
        assert isinstance(future.exception(), GenerationFailed | NotReady)
    assert called.wait(5) and thread.status == "broken"


def test_a_batch_in_work_is_not_delivered_unchecked_if_the_check_breaks(
    toy: ToyEngine, thread: EngineThread, checker: Any
) -> None:
    checker.go.clear()
    checker.raises = EngineBroken("gone")
    first = thread.submit(generation_request("first"))
    assert checker.checking.wait(5)
    toy.hold()
    second = thread.submit(generation_request("second"))
    assert toy.painting.wait(5)
    checker.go.set()
    with pytest.raises(GenerationFailed):
        first.result(5)
    toy.let_go()
    with pytest.raises(NotReady, match="broken"):
        second.result(5)


def test_cancelled_pictures_are_not_checked(toy: ToyEngine, thread: EngineThread, checker: Any) -> None:
    checker.go.clear()
    first = thread.submit(generation_request("first"))
    assert checker.checking.wait(5)
    unwanted, wanted = (
        thread.submit(generation_request("unwanted", width=128)),
        thread.submit(generation_request("wanted", 1, 2, width=256)),
    )
    wait_for(lambda: thread.unchecked == 2)
    assert unwanted.cancel()
    checker.go.set()
    assert len(wanted.result(5).results) == 2 and first.result(5)
    assert checker.calls == [1, 2]
    with pytest.raises(CancelledError):
        unwanted.result(5)


def test_cancelling_during_the_check_drops_the_result(thread: EngineThread, checker: Any) -> None:
    checker.go.clear()
    future = thread.submit(generation_request())
    assert checker.checking.wait(5)
    assert future.cancel()
    checker.go.set()
    assert thread.submit(generation_request()).result(5)


def test_generated_batches_are_checked_and_delivered_when_it_stops(thread: EngineThread, checker: Any) -> None:
    checker.go.clear()
    futures = [thread.submit(generation_request(f"p{i}", width=64 + 8 * i)) for i in range(2)]
    wait_for(lambda: thread.unchecked == 1)
    thread.close()
    checker.go.set()
    assert all(future.result(5).safety_results for future in futures)


def test_a_stuck_check_does_not_block_callers_when_it_stops(thread: EngineThread, checker: Any) -> None:
    checker.go.clear()
    future = thread.submit(generation_request())
    assert checker.checking.wait(5)
    thread.stop(timeout=0.05)
    with pytest.raises(NotReady, match="stopped"):
        future.result(0)


def test_missing_check_weights_break_the_service_and_name_the_settings(toy: ToyEngine, checker: Any) -> None:
    checker.loads = False
    called = threading.Event()
    thread = EngineThread(toy, checker=checker, on_broken=called.set)
    thread.start()
    assert called.wait(5)
    assert thread.status == "broken"
    assert "GPU_SAFETY_MODEL" in thread.reason and "GPU_SAFETY=off" in thread.reason
    assert thread.reason.endswith("no such weights")
