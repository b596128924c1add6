"""The engine thread: queue, batches, cancelling, failures."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from gpu.engine import Key, NotReady, Order, PaintFailed, Piece, QueueFull
from gpu.engine_thread import EngineThread


def order(prompt="sea", *seeds, width=64, steps=4):
    key = Key("text", width, 64, steps, 0.0)
    return Order(key, tuple(Piece(prompt, seed) for seed in seeds or (1,)))


def hold_one(toy, thread):
    """Occupy the engine, so that everything submitted afterwards waits."""
    toy.hold()
    first = thread.submit(order("first"))
    assert toy.painting.wait(5)
    return first


def test_it_paints_every_seed_of_an_order_in_order(toy, start_thread):
    outcome = start_thread(toy).submit(order("sea", 5, 6, 7)).result(5)
    assert [painting.image.getpixel((0, 0)) for painting in outcome.paintings] == [(3, 5, 90), (3, 6, 90), (3, 7, 90)]
    assert outcome.batch_size == 3
    assert outcome.queued >= 0 and outcome.painting > 0


def test_orders_with_the_same_key_are_painted_together(toy, start_thread):
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = [thread.submit(order(f"p{i}")) for i in range(3)]
    toy.let_go()
    assert [future.result(5).batch_size for future in (first, *waiting)] == [1, 3, 3, 3]
    assert toy.batches == [["first"], ["p0", "p1", "p2"]]


def test_orders_with_different_keys_are_never_mixed(toy, start_thread):
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    others = [thread.submit(order(f"p{i}", width=64 + 8 * (i % 2), steps=4 + i // 4)) for i in range(8)]
    toy.let_go()
    for future in (first, *others):
        future.result(5)
    assert toy.batches[1:] == [["p0", "p2"], ["p1", "p3"], ["p4", "p6"], ["p5", "p7"]]


def test_a_batch_never_exceeds_the_engines_limit(toy, start_thread):
    thread = start_thread(toy)
    hold_one(toy, thread)
    futures = [thread.submit(order(f"p{i}", 1, 2)) for i in range(5)]
    toy.let_go()
    assert [future.result(5).batch_size for future in futures] == [4, 4, 4, 4, 2]


def test_an_order_larger_than_a_batch_is_painted_in_slices(make_toy, start_thread):
    toy = make_toy(batch=1)
    outcome = start_thread(toy).submit(order("sea", 1, 2, 3)).result(5)
    assert len(toy.batches) == 3
    assert [painting.image.getpixel((0, 0))[1] for painting in outcome.paintings] == [1, 2, 3]


def test_an_order_waits_a_moment_for_company_but_not_longer(toy, start_thread):
    thread = start_thread(toy, batch_wait=0.15)
    began = time.monotonic()
    one = thread.submit(order("one"))
    time.sleep(0.03)
    two = thread.submit(order("two"))
    assert (one.result(5).batch_size, two.result(5).batch_size) == (2, 2)
    assert 0.1 < time.monotonic() - began < 1.0


def test_a_full_batch_does_not_wait_for_company(toy, start_thread):
    began = time.monotonic()
    start_thread(toy, batch_wait=5.0).submit(order("sea", 1, 2, 3, 4)).result(5)
    assert time.monotonic() - began < 2


def test_many_callers_at_once_each_get_their_own_pictures(toy, start_thread):
    thread = start_thread(toy, queue_limit=1000)
    wrong = []

    def caller(number):
        for turn in range(20):
            prompt, seed = "x" * number, number * 20 + turn
            painted = thread.submit(order(prompt, seed, width=64 + 8 * (turn % 3))).result(20).paintings[0].image
            if painted.getpixel((0, 0)) != (number, seed % 256, 90) or painted.width != 64 + 8 * (turn % 3):
                wrong.append((number, turn))

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(1, 13)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert wrong == []
    assert len(toy.batches) < 240, "nothing was batched"


def test_a_full_queue_refuses_and_says_when_to_come_back(toy, start_thread):
    thread = start_thread(toy, queue_limit=2)
    hold_one(toy, thread)
    for _ in range(2):
        thread.submit(order())
    with pytest.raises(QueueFull) as refused:
        thread.submit(order())
    assert 1 <= refused.value.retry_after <= 60


def test_a_cancelled_order_leaves_the_queue_and_is_never_painted(toy, start_thread):
    thread = start_thread(toy, queue_limit=2)
    first = hold_one(toy, thread)
    unwanted, wanted = thread.submit(order("unwanted")), thread.submit(order("wanted"))
    assert unwanted.cancel()
    assert thread.waiting == 1
    thread.submit(order("in its place"))
    toy.let_go()
    first.result(5), wanted.result(5)
    assert ["unwanted"] not in toy.batches and all("unwanted" not in batch for batch in toy.batches)


def test_an_engine_exception_fails_only_its_own_batch(toy, start_thread):
    thread = start_thread(toy)
    with pytest.raises(PaintFailed):
        thread.submit(order("crash")).result(5)
    assert thread.status == "ok"
    assert thread.submit(order()).result(5).batch_size == 1


def test_a_broken_engine_fails_all_that_waits_and_takes_nothing_more(toy, start_thread):
    thread = start_thread(toy)
    toy.hold()
    broken = thread.submit(order("break"))
    assert toy.painting.wait(5)
    waiting = thread.submit(order("waiting", width=128))
    toy.let_go()
    with pytest.raises(PaintFailed):
        broken.result(5)
    with pytest.raises(NotReady, match="broken"):
        waiting.result(5)
    with pytest.raises(NotReady, match="broken"):
        thread.submit(order())


def test_an_engine_that_does_not_load_is_broken(make_toy, start_thread):
    assert start_thread(make_toy(loads=False)).status == "broken"


def test_nothing_is_taken_while_loading(toy):
    toy.loaded.clear()
    thread = EngineThread(toy)
    thread.start()
    with pytest.raises(NotReady, match="loading"):
        thread.submit(order())
    toy.loaded.set()
    assert thread.wait_settled(5) == "ok"
    thread.stop()


def test_stopping_fails_what_waits_and_ends_the_thread(toy, start_thread):
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = thread.submit(order())
    stopper = threading.Thread(target=thread.stop, args=(5,))
    stopper.start()
    with pytest.raises(NotReady, match="stopped"):
        waiting.result(5)
    toy.let_go()
    stopper.join(5)
    assert first.result(1).batch_size == 1


def test_stopping_while_loading_does_not_start_painting(toy):
    toy.loaded.clear()
    thread = EngineThread(toy)
    thread.start()
    thread.stop(timeout=0.01)
    toy.loaded.set()
    assert thread.wait_settled(5) == "stopped"


def test_an_engine_that_returns_too_few_pictures_is_an_error(toy, start_thread):
    toy.paint = lambda key, pieces: []
    with pytest.raises(PaintFailed):
        start_thread(toy).submit(order()).result(5)


def test_a_fault_of_the_thread_itself_is_broken_and_not_a_silent_hang(toy, start_thread):
    thread = start_thread(toy)
    toy.limits = None  # a bug as good as any
    future = thread.submit(order())
    with pytest.raises(NotReady, match="broken"):
        future.result(5)


def test_an_engine_that_calls_exit_leaves_nobody_waiting(toy, start_thread, monkeypatch):
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    later = thread.submit(order("later", width=128))
    monkeypatch.setattr(toy, "_painting", lambda *_: sys.exit(1))
    toy.let_go()
    with pytest.raises(PaintFailed):
        first.result(5)
    with pytest.raises(NotReady, match="broken"):
        later.result(5)
