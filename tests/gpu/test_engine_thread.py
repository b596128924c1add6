"""The engine thread: queue, batches, cancelling, failures."""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from concurrent.futures import CancelledError, wait
from typing import Any

import pytest
from PIL import Image

from gpu.batching.engine_thread import EngineThread
from gpu.engine import (
    BatchKey,
    EngineLimits,
    Failure,
    GeneratedImage,
    GenerationFailed,
    GenerationRequest,
    ImageRequest,
    NotReady,
    OutOfMemory,
    QueueFull,
    Result,
)
from tests.support.toy_engine import StartThread, ToyChecker, ToyEngine


@pytest.fixture
def toy(toy: ToyEngine) -> Any:
    """An engine with four images of 64 x 64 in one batch."""
    toy.limits = EngineLimits(width=64, height=64, batch=4)
    return toy


def generation_request(prompt: str = "sea", *seeds: int, width: int = 64, steps: int = 4) -> Any:
    key = BatchKey("text", width, 64, steps, 0.0)
    return GenerationRequest(key, tuple(ImageRequest(prompt, seed) for seed in seeds or (1,)))


def image_of(result: Result) -> Image.Image:
    assert isinstance(result, GeneratedImage)
    return result.image


def pixel_of(image: Image.Image) -> tuple[int, ...]:
    pixel = image.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


def pixel(result: Result) -> tuple[int, ...]:
    return pixel_of(image_of(result))


def wait_for(true: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.002)


def hold_one(toy: ToyEngine, thread: EngineThread) -> Any:
    """Occupy the engine, so that later requests wait."""
    toy.hold()
    first = thread.submit(generation_request("first"))
    assert toy.painting.wait(5)
    return first


def test_results_follow_the_order_of_the_seeds(toy: ToyEngine, start_thread: StartThread) -> None:
    outcome = start_thread(toy).submit(generation_request("sea", 5, 6, 7)).result(5)
    assert [pixel(painting) for painting in outcome.results] == [(3, 5, 90), (3, 6, 90), (3, 7, 90)]
    assert outcome.batch_size == 3
    assert outcome.queued >= 0 and outcome.painting > 0


def test_requests_with_the_same_key_are_generated_together(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = [thread.submit(generation_request(f"p{i}")) for i in range(3)]
    toy.let_go()
    assert [future.result(5).batch_size for future in (first, *waiting)] == [1, 3, 3, 3]
    assert toy.batches == [["first"], ["p0", "p1", "p2"]]


def test_requests_with_different_keys_are_never_mixed(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    others = [thread.submit(generation_request(f"p{i}", width=64 + 8 * (i % 2), steps=4 + i // 4)) for i in range(8)]
    toy.let_go()
    for future in (first, *others):
        future.result(5)
    assert toy.batches[1:] == [["p0", "p2"], ["p1", "p3"], ["p4", "p6"], ["p5", "p7"]]


def test_a_batch_never_exceeds_the_engines_limit(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    hold_one(toy, thread)
    futures = [thread.submit(generation_request(f"p{i}", 1, 2)) for i in range(5)]
    toy.let_go()
    assert [future.result(5).batch_size for future in futures] == [4, 4, 4, 4, 2]


def test_a_request_larger_than_a_batch_is_generated_in_slices(
    make_toy: type[ToyEngine], start_thread: StartThread
) -> None:
    toy = make_toy(batch=1)
    toy.limits = EngineLimits(width=64, height=64, batch=1)
    outcome = start_thread(toy).submit(generation_request("sea", 1, 2, 3)).result(5)
    assert len(toy.batches) == 3
    assert [pixel(painting)[1] for painting in outcome.results] == [1, 2, 3]


def test_a_request_after_a_pause_starts_at_once(toy: ToyEngine, start_thread: StartThread) -> None:
    started = time.monotonic()
    start_thread(toy, batch_wait=5.0).submit(generation_request()).result(5)
    assert time.monotonic() - started < 2


def test_callers_answered_together_share_the_next_batch(toy: ToyEngine, start_thread: StartThread) -> None:
    toy.limits = EngineLimits(width=64, height=64, batch=8)
    thread = start_thread(toy, batch_wait=0.2)
    first = hold_one(toy, thread)
    others = [thread.submit(generation_request(f"p{i}")) for i in range(4)]
    toy.let_go()
    wait([first, *others], 5)
    again = []
    for _ in range(4):
        again.append(thread.submit(generation_request("again")))
        time.sleep(0.002)
    assert [future.result(5).batch_size for future in again] == [4, 4, 4, 4]


def test_a_request_waits_a_moment_for_answered_callers(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy, batch_wait=0.1)
    first = hold_one(toy, thread)
    others = [thread.submit(generation_request(f"p{i}")) for i in range(3)]
    toy.let_go()
    wait([first, *others], 5)
    assert thread.submit(generation_request("alone")).result(5).batch_size == 1


def test_cancelling_during_the_gathering_generates_nothing(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy, batch_wait=0.3)
    first = hold_one(toy, thread)
    others = [thread.submit(generation_request(f"p{i}")) for i in range(3)]
    toy.let_go()
    wait([first, *others], 5)
    gathered = thread.submit(generation_request("unwanted"))
    time.sleep(0.02)
    assert gathered.cancel()
    assert thread.waiting == 0
    assert thread.submit(generation_request("wanted")).result(5)
    assert all("unwanted" not in batch for batch in toy.batches)


def test_a_full_batch_does_not_wait(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy, batch_wait=5.0)
    futures = [thread.submit(generation_request("sea", 1, 2, 3, 4)) for _ in range(8)]
    started = time.monotonic()
    wait(futures, 5)
    assert time.monotonic() - started < 3


def test_concurrent_callers_get_their_own_pictures(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy, queue_limit=1000)
    wrong = []

    def caller(number: int) -> None:
        for turn in range(20):
            prompt, seed = "x" * number, number * 20 + turn
            painted = image_of(
                thread.submit(generation_request(prompt, seed, width=64 + 8 * (turn % 3))).result(20).results[0]
            )
            if pixel_of(painted) != (number, seed % 256, 90) or painted.width != 64 + 8 * (turn % 3):
                wrong.append((number, turn))

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(1, 13)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert wrong == []
    assert len(toy.batches) < 240, "nothing was batched"


def test_a_full_queue_raises_with_retry_after(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy, queue_limit=2)
    hold_one(toy, thread)
    for _ in range(2):
        thread.submit(generation_request())
    with pytest.raises(QueueFull) as refused:
        thread.submit(generation_request())
    assert 1 <= refused.value.retry_after <= 60


def test_retry_after_follows_the_first_batch(
    toy: ToyEngine, start_thread: StartThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = start_thread(toy, queue_limit=3)
    clock = time.monotonic
    hold_one(toy, thread)
    # A CPU that takes nine seconds for a picture.
    monkeypatch.setattr("gpu.batching.batch_runner.time.monotonic", lambda: clock() + 9)
    toy.let_go()
    wait_for(lambda: thread.runner.batches == 1)
    toy.hold()
    thread.submit(generation_request("in work", 1, 2, 3, 4))
    wait_for(lambda: thread.waiting == 0)
    for number in range(3):
        thread.submit(generation_request(f"p{number}", 1, 2, 3, 4))
    with pytest.raises(QueueFull) as refused:
        thread.submit(generation_request())
    assert refused.value.retry_after == 60
    monkeypatch.undo()


def test_a_cancelled_request_leaves_the_queue_and_is_never_generated(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy, queue_limit=2)
    first = hold_one(toy, thread)
    unwanted, wanted = thread.submit(generation_request("unwanted")), thread.submit(generation_request("wanted"))
    assert unwanted.cancel()
    assert thread.waiting == 1
    thread.submit(generation_request("in its place"))
    toy.let_go()
    first.result(5), wanted.result(5)
    assert ["unwanted"] not in toy.batches and all("unwanted" not in batch for batch in toy.batches)


def test_an_engine_exception_fails_only_its_own_batch(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    with pytest.raises(GenerationFailed):
        thread.submit(generation_request("crash")).result(5)
    assert thread.status == "ok"
    assert thread.submit(generation_request()).result(5).batch_size == 1


def batch_of(toy: ToyEngine, thread: EngineThread, *requests: GenerationRequest) -> Any:
    """Submit requests so that they share a batch."""
    first = hold_one(toy, thread)
    futures = [thread.submit(each) for each in requests]
    toy.let_go()
    first.result(5)
    return futures


def test_a_request_that_raises_fails_alone(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    before, crash, after = batch_of(
        toy, thread, generation_request("before"), generation_request("crash"), generation_request("after", 1, 2)
    )
    assert before.result(5) and len(after.result(5).results) == 2
    with pytest.raises(GenerationFailed) as caught:
        crash.result(5)
    assert caught.value.only_this, "the engine painted the others of the batch"


def test_a_bad_picture_fails_alone_in_its_request(
    toy: ToyEngine, start_thread: StartThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "generate", without_seed(toy.generate, 13))
    outcome = start_thread(toy).submit(generation_request("sea", 1, 13, 3, 4)).result(5)
    assert outcome.results[1] == Failure("failed")
    painted = [result for result in outcome.results if isinstance(result, GeneratedImage)]
    assert [pixel(result)[1] for result in painted] == [1, 3, 4]


def without_seed(generate: Any, seed: int) -> Any:
    def painted(key: BatchKey, images: Any) -> Any:
        if any(piece.seed == seed for piece in images):
            raise ArithmeticError("the picture is not a number")
        return generate(key, images)

    return painted


def test_three_bad_pictures_of_a_batch_fail_alone(
    toy: ToyEngine, start_thread: StartThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.limits = EngineLimits(width=64, height=64, batch=16)
    monkeypatch.setattr(toy, "generate", without_seed(toy.generate, 13))
    futures = batch_of(
        toy, start_thread(toy), *(generation_request(f"p{n}", 13 if n in (2, 7, 11) else n + 20) for n in range(12))
    )
    failed = [n for n, future in enumerate(futures) if future.exception(5)]
    assert failed == [2, 7, 11]
    assert all(futures[n].exception().only_this for n in failed)


def test_if_all_requests_fail_none_is_the_only_cause(toy: ToyEngine, start_thread: StartThread) -> None:
    for future in batch_of(toy, start_thread(toy), generation_request("crash"), generation_request("crash")):
        assert not future.exception(5).only_this


def test_a_broken_engine_fails_waiting_and_new_requests(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    toy.hold()
    broken = thread.submit(generation_request("break"))
    assert toy.painting.wait(5)
    waiting = thread.submit(generation_request("waiting", width=128))
    toy.let_go()
    with pytest.raises(GenerationFailed):
        broken.result(5)
    with pytest.raises(NotReady, match="broken"):
        waiting.result(5)
    with pytest.raises(NotReady, match="broken"):
        thread.submit(generation_request())


def test_an_engine_that_does_not_load_is_broken(make_toy: type[ToyEngine], start_thread: StartThread) -> None:
    assert start_thread(make_toy(loads=False)).status == "broken"


def test_requests_are_rejected_while_loading(toy: ToyEngine) -> None:
    toy.loaded.clear()
    thread = EngineThread(toy)
    thread.start()
    with pytest.raises(NotReady, match="loading"):
        thread.submit(generation_request())
    toy.loaded.set()
    assert thread.wait_settled(5) == "ok"
    thread.stop()


def test_stopping_fails_waiting_requests(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = thread.submit(generation_request())
    stopper = threading.Thread(target=thread.stop, args=(5,))
    stopper.start()
    with pytest.raises(NotReady, match="stopped"):
        waiting.result(5)
    toy.let_go()
    stopper.join(5)
    assert first.result(1).batch_size == 1


def test_stopping_while_loading_generates_nothing(toy: ToyEngine) -> None:
    toy.loaded.clear()
    thread = EngineThread(toy)
    thread.start()
    thread.stop(timeout=0.01)
    toy.loaded.set()
    assert thread.wait_settled(5) == "stopped"


def test_an_engine_that_returns_too_few_pictures_is_an_error(toy: ToyEngine, start_thread: StartThread) -> None:
    toy.generate = lambda key, images: []  # type: ignore[method-assign]
    with pytest.raises(GenerationFailed):
        start_thread(toy).submit(generation_request()).result(5)


def test_a_bug_in_the_thread_breaks_the_service(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    toy.limits = None  # type: ignore[assignment]  # a bug as good as any
    future = thread.submit(generation_request())
    with pytest.raises(NotReady, match="broken"):
        future.result(5)


def test_an_engine_that_calls_exit_settles_all_requests(
    toy: ToyEngine, start_thread: StartThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    later = thread.submit(generation_request("later", width=128))
    monkeypatch.setattr(toy, "_painting", lambda *_: sys.exit(1))
    toy.let_go()
    with pytest.raises(GenerationFailed):
        first.result(5)
    with pytest.raises(NotReady, match="broken"):
        later.result(5)


def test_a_request_cancelled_in_work_is_dropped_alone(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    hold_one(toy, thread)
    unwanted, wanted = thread.submit(generation_request("unwanted")), thread.submit(generation_request("wanted"))
    toy.painting.clear()
    toy.let_go()
    wait_for(lambda: ["unwanted", "wanted"] in toy.batches or unwanted.done())
    unwanted.cancel()
    assert wanted.result(5).batch_size == 2


def test_concurrent_futures_wait_sees_a_cancelled_request(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    hold_one(toy, thread)
    future = thread.submit(generation_request())
    future.cancel()
    assert wait([future], 5).done == {future}


def test_images_that_do_not_fit_run_in_halves(
    toy: ToyEngine, start_thread: StartThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "generate", small_memory(toy.generate, 1))
    thread = start_thread(toy)
    assert thread.submit(generation_request("sea", 1, 2, 3, 4)).result(5).batch_size == 4
    assert thread.runner.out_of_memory == 2 and thread.status == "ok"


def test_an_image_that_does_not_fit_alone_fails_its_own_request_only(
    toy: ToyEngine, start_thread: StartThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "generate", small_memory(toy.generate, 4, too_large="huge"))
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    huge, other = thread.submit(generation_request("huge")), thread.submit(generation_request("sea", 1, 2))
    toy.let_go()
    assert first.result(5) and len(other.result(5).results) == 2
    with pytest.raises(GenerationFailed):
        huge.result(5)


def small_memory(generate: Any, room: Any, too_large: Any = None) -> Any:
    def painted(key: BatchKey, images: Any) -> Any:
        if len(images) > room or any(piece.prompt == too_large for piece in images):
            raise OutOfMemory
        return generate(key, images)

    return painted


def test_the_shares_of_the_device_add_up_to_its_life(toy: ToyEngine, start_thread: StartThread) -> None:
    started = time.monotonic()
    thread = start_thread(toy, scaledown_seconds=100.0)
    outcomes = [thread.submit(generation_request(f"p{i}", *range(1 + i % 4))).result(5) for i in range(20)]
    toy.hold()
    crash = thread.submit(generation_request("crash"))
    assert toy.painting.wait(5)
    time.sleep(0.2)
    toy.let_go()
    with pytest.raises(GenerationFailed):
        crash.result(5)
    outcomes.append(thread.submit(generation_request("last")).result(5))
    total = sum(outcome.gpu + outcome.idle for outcome in outcomes)
    assert total - 100 == pytest.approx(time.monotonic() - started, abs=0.1)
    assert outcomes[0].idle >= 100 and max(outcome.idle for outcome in outcomes[1:]) < 1


def test_the_share_of_a_picture_that_did_not_fit_is_carried_by_the_others(
    toy: ToyEngine, start_thread: StartThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(key: BatchKey, images: Any) -> Any:
        time.sleep(0.1)
        return generate(key, images)

    started, generate = time.monotonic(), small_memory(toy.generate, 4, too_large="huge")
    monkeypatch.setattr(toy, "generate", slow)
    thread = start_thread(toy)
    first = thread.submit(generation_request("first", width=128))
    wait_for(lambda: thread.waiting == 0)
    futures = [thread.submit(generation_request("huge", 1, 2)), thread.submit(generation_request("sea"))]
    outcomes = [first.result(5), futures[1].result(5)]
    total = sum(outcome.gpu + outcome.idle for outcome in outcomes)
    assert futures[0].exception() and total == pytest.approx(time.monotonic() - started, abs=0.1)


def test_requests_share_the_device_time_and_one_carries_the_idle_time(
    toy: ToyEngine, start_thread: StartThread
) -> None:
    thread = start_thread(toy)
    hold_one(toy, thread)
    futures = [thread.submit(generation_request("one")), thread.submit(generation_request("three", 1, 2, 3))]
    time.sleep(0.05)
    toy.let_go()
    one, three = (future.result(5) for future in futures)
    assert three.gpu == pytest.approx(3 * one.gpu)
    assert one.painting == three.painting and one.gpu + three.gpu == pytest.approx(one.painting, abs=0.05)


def test_the_time_of_a_cancelled_request_becomes_idle(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    toy.hold()
    gone = thread.submit(generation_request("gone"))
    assert toy.painting.wait(5)
    time.sleep(0.1)
    gone.cancel()
    toy.let_go()
    assert thread.submit(generation_request()).result(5).idle >= 0.1


def test_on_broken_is_called_once(toy: ToyEngine, start_thread: StartThread) -> None:
    calls = []
    thread = start_thread(toy, on_broken=lambda: calls.append(threading.current_thread().name))
    for _ in range(2):
        with pytest.raises((GenerationFailed, NotReady)):
            thread.submit(generation_request("break")).result(5)
        wait_for(lambda: calls)
    thread.stop()
    assert calls == ["engine"]
    assert (thread.status, thread.reason) == ("broken", "the card fell off")


def test_a_load_error_is_one_line_with_the_setting(make_toy: type[ToyEngine], caplog: pytest.LogCaptureFixture) -> None:
    called = threading.Event()
    with caplog.at_level(logging.INFO, logger="gpu"):
        thread = EngineThread(make_toy(loads=False), on_broken=called.set)
        thread.start()
        assert called.wait(5) and thread.wait_settled(5) == "broken"
    [line] = [record.getMessage() for record in caplog.records]
    assert "GPU_MODEL" in line and "no weights here" in line and "\n" not in line


def test_a_failing_on_broken_does_no_harm(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy, on_broken=lambda: 1 / 0)
    with pytest.raises(GenerationFailed):
        thread.submit(generation_request("break")).result(5)
    wait_for(lambda: thread.status == "broken")


def test_stopping_is_not_breaking(toy: ToyEngine, start_thread: StartThread) -> None:
    calls = []
    thread = start_thread(toy, on_broken=lambda: calls.append(1))
    thread.stop(5)
    assert calls == [] and thread.status == "stopped"


def test_requests_in_work_fail_if_stopping_takes_too_long(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    thread.stop(timeout=0.05)
    with pytest.raises(NotReady, match="stopped"):
        first.result(0)


def test_closing_finishes_the_batch_in_work(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = thread.submit(generation_request())
    thread.close()
    with pytest.raises(NotReady, match="stopped"):
        waiting.result(5)
    toy.let_go()
    assert first.result(5).batch_size == 1


def test_a_failed_batch_is_logged_without_the_error_message(
    toy: ToyEngine, start_thread: StartThread, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(GenerationFailed):
        start_thread(toy).submit(generation_request("crash")).result(5)
    assert "ValueError at " in caplog.text and "toy_engine.py" in caplog.text
    assert "cannot paint this" not in caplog.text


def test_pictures_and_waiting_images_are_counted(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = [thread.submit(generation_request("sea", 1, 2, 3)), thread.submit(generation_request())]
    assert (thread.waiting, thread.waiting_images) == (2, 4)
    toy.let_go()
    wait([first, *waiting], 5)
    assert (thread.runner.batches, thread.runner.images, thread.waiting_images) == (2, 5, 0)


def test_random_cancelling_mixes_up_no_pictures(
    toy: ToyEngine, start_thread: StartThread, toy_checker: ToyChecker
) -> None:
    thread = start_thread(toy, queue_limit=10_000, checker=toy_checker, batch_wait=0.002)
    wrong, painted = [], []

    def caller(number: int) -> None:
        dice = random.Random(number)
        for turn in range(20):
            seeds = [(number * 20 + turn + extra) % 256 for extra in range(1 + turn % 4)]
            future = thread.submit(generation_request("x" * number, *seeds, width=64 + 8 * (turn % 3)))
            if dice.random() < 0.3:
                time.sleep(dice.random() / 200)
                future.cancel()
            try:
                outcome = future.result(30)
            except CancelledError:
                continue
            painted.append(len(seeds))
            colors = [pixel(painting) for painting in outcome.results]
            reds = [safety.scores["red"] * 255 for safety in outcome.safety_results if safety]
            if colors != [(number, seed, 90) for seed in seeds] or reds != pytest.approx([number] * len(seeds)):
                wrong.append((number, turn))

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(1, 33)]
    for each in callers:
        each.start()
    for each in callers:
        each.join(60)
    assert wrong == [] and len(painted) > 200
    assert thread.runner.batches < sum(painted), "nothing was batched"
    wait_for(lambda: not thread._unsettled)
    assert (thread.waiting, thread.waiting_images, thread.status) == (0, 0, "ok")


@pytest.mark.parametrize("end", ["stop", "break"])
def test_no_future_stays_unresolved_when_it_ends_under_load(
    toy: ToyEngine, start_thread: StartThread, toy_checker: ToyChecker, end: str
) -> None:
    thread = start_thread(toy, queue_limit=10_000, checker=toy_checker)
    futures = []

    def caller(number: int) -> None:
        for turn in range(50):
            try:
                futures.append(thread.submit(generation_request(f"p{number}", width=64 + 8 * (turn % 4))))
            except NotReady:
                return
            time.sleep(0.0005)

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(8)]
    for each in callers:
        each.start()
    time.sleep(0.02)
    if end == "stop":
        thread.stop(5)
    else:
        futures.append(thread.submit(generation_request("break")))
    for each in callers:
        each.join(10)
    assert not wait(futures, 10).not_done
    assert thread.status == ("stopped" if end == "stop" else "broken")


def test_on_broken_may_stop_the_thread(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    called = threading.Event()

    def on_broken() -> None:
        thread.stop()
        called.set()

    thread.on_broken = on_broken
    with pytest.raises(GenerationFailed):
        thread.submit(generation_request("break")).result(5)
    assert called.wait(5)


def test_an_empty_request_fails_and_the_next_works(toy: ToyEngine, start_thread: StartThread) -> None:
    thread = start_thread(toy)
    with pytest.raises(GenerationFailed):
        thread.submit(GenerationRequest(generation_request().key, ())).result(5)
    assert thread.submit(generation_request()).result(5)
