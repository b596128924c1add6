"""The engine thread: queue, batches, cancelling, failures."""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from concurrent.futures import CancelledError, wait

import pytest

from gpu.batching.engine_thread import EngineThread
from gpu.engine import Failure, Key, Limits, NotReady, Order, OutOfMemory, PaintFailed, Painting, Piece, QueueFull


@pytest.fixture
def toy(toy):
    """Four pictures of 64 x 64 in one batch."""
    toy.limits = Limits(width=64, height=64, batch=4)
    return toy


def order(prompt="sea", *seeds, width=64, steps=4, caller=""):
    key = Key("text", width, 64, steps, 0.0)
    return Order(key, tuple(Piece(prompt, seed) for seed in seeds or (1,)), caller)


def wait_for(true, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.002)


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
    toy.limits = Limits(width=64, height=64, batch=1)
    outcome = start_thread(toy).submit(order("sea", 1, 2, 3)).result(5)
    assert len(toy.batches) == 3
    assert [painting.image.getpixel((0, 0))[1] for painting in outcome.paintings] == [1, 2, 3]


def test_an_order_that_comes_after_a_pause_goes_at_once(toy, start_thread):
    began = time.monotonic()
    start_thread(toy, batch_wait=5.0).submit(order()).result(5)
    assert time.monotonic() - began < 2


def test_callers_who_were_answered_together_come_again_and_are_painted_together(toy, start_thread):
    toy.limits = Limits(width=64, height=64, batch=8)
    thread = start_thread(toy, batch_wait=0.2)
    first = hold_one(toy, thread)
    others = [thread.submit(order(f"p{i}")) for i in range(4)]
    toy.let_go()
    wait([first, *others], 5)
    again = []
    for _ in range(4):
        again.append(thread.submit(order("again")))
        time.sleep(0.002)
    assert [future.result(5).batch_size for future in again] == [4, 4, 4, 4]


def test_an_order_waits_a_moment_for_those_who_were_answered_but_not_longer(toy, start_thread):
    thread = start_thread(toy, batch_wait=0.1)
    first = hold_one(toy, thread)
    others = [thread.submit(order(f"p{i}")) for i in range(3)]
    toy.let_go()
    wait([first, *others], 5)
    assert thread.submit(order("alone")).result(5).batch_size == 1


def test_cancelling_while_a_batch_is_gathered_ends_the_wait_and_nothing_is_painted(toy, start_thread):
    thread = start_thread(toy, batch_wait=0.3)
    first = hold_one(toy, thread)
    others = [thread.submit(order(f"p{i}")) for i in range(3)]
    toy.let_go()
    wait([first, *others], 5)
    gathered = thread.submit(order("unwanted"))
    time.sleep(0.02)
    assert gathered.cancel()
    assert thread.waiting == 0
    assert thread.submit(order("wanted")).result(5)
    assert all("unwanted" not in batch for batch in toy.batches)


def test_a_full_batch_does_not_wait_for_company(toy, start_thread):
    thread = start_thread(toy, batch_wait=5.0)
    futures = [thread.submit(order("sea", 1, 2, 3, 4)) for _ in range(8)]
    began = time.monotonic()
    wait(futures, 5)
    assert time.monotonic() - began < 3


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


def test_the_first_batch_already_tells_how_long_a_full_queue_takes(toy, start_thread, monkeypatch):
    thread = start_thread(toy, queue_limit=40)
    clock = time.monotonic
    hold_one(toy, thread)
    # A CPU that takes nine seconds for a picture.
    monkeypatch.setattr("gpu.batching.engine_thread.time.monotonic", lambda: clock() + 9)
    toy.let_go()
    wait_for(lambda: thread.batches == 1)
    toy.hold()
    for number in range(4):
        thread.submit(order(f"p{number}", 1, 2, 3, 4))
    wait_for(lambda: thread.waiting == 3)
    assert thread._retry_after() == 60
    monkeypatch.undo()


def test_a_queue_full_of_one_caller_still_has_a_place_for_another(toy, start_thread):
    thread = start_thread(toy, queue_limit=2)
    hold_one(toy, thread)
    for _ in range(2):
        thread.submit(order(caller="crowd"))
    with pytest.raises(QueueFull):
        thread.check_room("crowd")
    newcomer = thread.submit(order("newcomer", caller="newcomer"))
    with pytest.raises(QueueFull):
        thread.submit(order(caller="third"))
    toy.let_go()
    assert newcomer.result(5)


def test_one_caller_is_painted_within_two_batches_of_sixty_orders_of_another(toy, start_thread):
    thread = start_thread(toy)
    hold_one(toy, thread)
    crowd = [thread.submit(order("crowd", caller="crowd")) for _ in range(60)]
    one = thread.submit(order("one", caller="one", steps=5))
    toy.let_go()
    one.result(5), wait(crowd, 5)
    assert ["one"] in toy.batches[1:4]


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


def batch_of(toy, thread, *orders):
    """Submit these so that they are painted together."""
    first = hold_one(toy, thread)
    futures = [thread.submit(each) for each in orders]
    toy.let_go()
    first.result(5)
    return futures


def test_an_order_that_raises_fails_alone_and_strangers_in_its_batch_are_painted(toy, start_thread):
    thread = start_thread(toy)
    before, crash, after = batch_of(toy, thread, order("before"), order("crash"), order("after", 1, 2))
    assert before.result(5) and len(after.result(5).paintings) == 2
    with pytest.raises(PaintFailed) as caught:
        crash.result(5)
    assert caught.value.only_this, "the engine painted the others of the batch"


def test_of_an_order_with_one_bad_picture_the_others_are_returned(toy, start_thread, monkeypatch):
    monkeypatch.setattr(toy, "paint", without_seed(toy.paint, 13))
    outcome = start_thread(toy).submit(order("sea", 1, 13, 3, 4)).result(5)
    assert outcome.paintings[1] == Failure("failed")
    painted = [result for result in outcome.paintings if isinstance(result, Painting)]
    assert [result.image.getpixel((0, 0))[1] for result in painted] == [1, 3, 4]


def without_seed(paint, seed):
    def painted(key, pieces):
        if any(piece.seed == seed for piece in pieces):
            raise ArithmeticError("the picture is not a number")
        return paint(key, pieces)

    return painted


def test_three_bad_pictures_in_a_crowd_cost_nobody_else_anything(toy, start_thread, monkeypatch):
    toy.limits = Limits(width=64, height=64, batch=16)
    monkeypatch.setattr(toy, "paint", without_seed(toy.paint, 13))
    futures = batch_of(toy, start_thread(toy), *(order(f"p{n}", 13 if n in (2, 7, 11) else n + 20) for n in range(12)))
    failed = [n for n, future in enumerate(futures) if future.exception(5)]
    assert failed == [2, 7, 11]
    assert all(futures[n].exception().only_this for n in failed)


def test_where_nothing_at_all_comes_out_the_engine_is_not_excused(toy, start_thread):
    for future in batch_of(toy, start_thread(toy), order("crash"), order("crash")):
        assert not future.exception(5).only_this


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


def test_a_cancelled_order_that_is_being_painted_is_dropped_and_the_others_are_answered(toy, start_thread):
    thread = start_thread(toy)
    hold_one(toy, thread)
    unwanted, wanted = thread.submit(order("unwanted")), thread.submit(order("wanted"))
    toy.painting.clear()
    toy.let_go()
    wait_for(lambda: ["unwanted", "wanted"] in toy.batches or unwanted.done())
    unwanted.cancel()
    assert wanted.result(5).batch_size == 2


def test_who_waits_for_a_cancelled_order_by_concurrent_futures_hears_of_it(toy, start_thread):
    thread = start_thread(toy)
    hold_one(toy, thread)
    future = thread.submit(order())
    future.cancel()
    assert wait([future], 5).done == {future}


def test_pieces_that_do_not_fit_into_memory_are_painted_in_halves(toy, start_thread, monkeypatch):
    monkeypatch.setattr(toy, "paint", small_memory(toy.paint, 1))
    thread = start_thread(toy)
    assert thread.submit(order("sea", 1, 2, 3, 4)).result(5).batch_size == 4
    assert thread.out_of_memory == 2 and thread.status == "ok"


def test_a_picture_that_does_not_fit_alone_fails_its_own_order_only(toy, start_thread, monkeypatch):
    monkeypatch.setattr(toy, "paint", small_memory(toy.paint, 4, too_large="huge"))
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    huge, other = thread.submit(order("huge")), thread.submit(order("sea", 1, 2))
    toy.let_go()
    assert first.result(5) and len(other.result(5).paintings) == 2
    with pytest.raises(PaintFailed):
        huge.result(5)


def small_memory(paint, room, too_large=None):
    def painted(key, pieces):
        if len(pieces) > room or any(piece.prompt == too_large for piece in pieces):
            raise OutOfMemory
        return paint(key, pieces)

    return painted


def test_the_shares_of_the_device_add_up_to_its_life(toy, start_thread):
    began = time.monotonic()
    thread = start_thread(toy, keeps=100.0)
    outcomes = [thread.submit(order(f"p{i}", *range(1 + i % 4))).result(5) for i in range(20)]
    toy.hold()
    crash = thread.submit(order("crash"))
    assert toy.painting.wait(5)
    time.sleep(0.2)
    toy.let_go()
    with pytest.raises(PaintFailed):
        crash.result(5)
    outcomes.append(thread.submit(order("last")).result(5))
    total = sum(outcome.gpu + outcome.idle for outcome in outcomes)
    assert total - 100 == pytest.approx(time.monotonic() - began, abs=0.1)
    assert outcomes[0].idle >= 100 and max(outcome.idle for outcome in outcomes[1:]) < 1


def test_the_share_of_a_picture_that_did_not_fit_is_carried_by_the_others(toy, start_thread, monkeypatch):
    def slow(key, pieces):
        time.sleep(0.1)
        return paint(key, pieces)

    began, paint = time.monotonic(), small_memory(toy.paint, 4, too_large="huge")
    monkeypatch.setattr(toy, "paint", slow)
    thread = start_thread(toy)
    first = thread.submit(order("first", width=128))
    wait_for(lambda: thread.waiting == 0)
    futures = [thread.submit(order("huge", 1, 2)), thread.submit(order("sea"))]
    outcomes = [first.result(5), futures[1].result(5)]
    total = sum(outcome.gpu + outcome.idle for outcome in outcomes)
    assert futures[0].exception() and total == pytest.approx(time.monotonic() - began, abs=0.1)


def test_orders_of_one_batch_share_it_by_pictures_and_one_of_them_carries_the_idle_time(toy, start_thread):
    thread = start_thread(toy)
    hold_one(toy, thread)
    futures = [thread.submit(order("one")), thread.submit(order("three", 1, 2, 3))]
    time.sleep(0.05)
    toy.let_go()
    one, three = (future.result(5) for future in futures)
    assert three.gpu == pytest.approx(3 * one.gpu)
    assert one.painting == three.painting and one.gpu + three.gpu == pytest.approx(one.painting, abs=0.05)


def test_what_a_cancelled_order_took_is_carried_by_another(toy, start_thread):
    thread = start_thread(toy)
    toy.hold()
    gone = thread.submit(order("gone"))
    assert toy.painting.wait(5)
    time.sleep(0.1)
    gone.cancel()
    toy.let_go()
    assert thread.submit(order()).result(5).idle >= 0.1


def test_it_says_once_that_it_broke(toy, start_thread):
    told = []
    thread = start_thread(toy, on_broken=lambda: told.append(threading.current_thread().name))
    for _ in range(2):
        with pytest.raises((PaintFailed, NotReady)):
            thread.submit(order("break")).result(5)
        wait_for(lambda: told)
    thread.stop()
    assert told == ["engine"]
    assert (thread.status, thread.reason) == ("broken", "the card fell off")


def test_an_engine_that_does_not_load_says_why_in_one_line_with_the_setting(make_toy, caplog):
    told = threading.Event()
    with caplog.at_level(logging.INFO, logger="gpu"):
        thread = EngineThread(make_toy(loads=False), on_broken=told.set)
        thread.start()
        assert told.wait(5) and thread.wait_settled(5) == "broken"
    [line] = [record.getMessage() for record in caplog.records]
    assert "GPU_MODEL" in line and "no weights here" in line and "\n" not in line


def test_a_listener_that_fails_harms_nobody(toy, start_thread):
    thread = start_thread(toy, on_broken=lambda: 1 / 0)
    with pytest.raises(PaintFailed):
        thread.submit(order("break")).result(5)
    wait_for(lambda: thread.status == "broken")


def test_stopping_is_not_breaking(toy, start_thread):
    told = []
    thread = start_thread(toy, on_broken=lambda: told.append(1))
    thread.stop(5)
    assert told == [] and thread.status == "stopped"


def test_what_is_not_painted_in_time_when_it_stops_fails_instead_of_hanging(toy, start_thread):
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    thread.stop(timeout=0.05)
    with pytest.raises(NotReady, match="stopped"):
        first.result(0)


def test_closing_leaves_the_batch_in_hand_to_its_end(toy, start_thread):
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = thread.submit(order())
    thread.close()
    with pytest.raises(NotReady, match="stopped"):
        waiting.result(5)
    toy.let_go()
    assert first.result(5).batch_size == 1


def test_a_failed_batch_is_logged_without_the_words_of_the_error(toy, start_thread, caplog):
    with pytest.raises(PaintFailed):
        start_thread(toy).submit(order("crash")).result(5)
    assert "ValueError at " in caplog.text and "conftest.py" in caplog.text
    assert "cannot paint this" not in caplog.text


def test_pictures_and_waiting_pictures_are_counted(toy, start_thread):
    thread = start_thread(toy)
    first = hold_one(toy, thread)
    waiting = [thread.submit(order("sea", 1, 2, 3)), thread.submit(order())]
    assert (thread.waiting, thread.waiting_pictures) == (2, 4)
    toy.let_go()
    wait([first, *waiting], 5)
    assert (thread.batches, thread.pictures, thread.waiting_pictures) == (2, 5, 0)


def test_under_a_crowd_that_cancels_at_random_each_gets_exactly_its_own_pictures(toy, start_thread, toy_checker):
    thread = start_thread(toy, queue_limit=10_000, checker=toy_checker, batch_wait=0.002)
    wrong, painted = [], []

    def caller(number):
        dice = random.Random(number)
        for turn in range(20):
            seeds = [(number * 20 + turn + extra) % 256 for extra in range(1 + turn % 4)]
            future = thread.submit(order("x" * number, *seeds, width=64 + 8 * (turn % 3), caller=str(number % 5)))
            if dice.random() < 0.3:
                time.sleep(dice.random() / 200)
                future.cancel()
            try:
                outcome = future.result(30)
            except CancelledError:
                continue
            painted.append(len(seeds))
            colours = [painting.image.getpixel((0, 0)) for painting in outcome.paintings]
            reds = [verdict.scores["red"] * 255 for verdict in outcome.verdicts]
            if colours != [(number, seed, 90) for seed in seeds] or reds != pytest.approx([number] * len(seeds)):
                wrong.append((number, turn))

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(1, 33)]
    for each in callers:
        each.start()
    for each in callers:
        each.join(60)
    assert wrong == [] and len(painted) > 200
    assert thread.batches < sum(painted), "nothing was batched"
    wait_for(lambda: not thread._open)
    assert (thread.waiting, thread.waiting_pictures, thread.status) == (0, 0, "ok")


@pytest.mark.parametrize("end", ["stop", "break"])
def test_no_future_stays_unresolved_when_it_ends_under_load(toy, start_thread, toy_checker, end):
    thread = start_thread(toy, queue_limit=10_000, checker=toy_checker)
    futures = []

    def caller(number):
        for turn in range(50):
            try:
                futures.append(thread.submit(order(f"p{number}", width=64 + 8 * (turn % 4), caller=str(number))))
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
        futures.append(thread.submit(order("break", caller="breaks")))
    for each in callers:
        each.join(10)
    assert not wait(futures, 10).not_done
    assert thread.status == ("stopped" if end == "stop" else "broken")


def test_who_is_told_that_it_broke_may_stop_it(toy, start_thread):
    thread = start_thread(toy)
    told = threading.Event()
    thread.on_broken = lambda: (thread.stop(), told.set())
    with pytest.raises(PaintFailed):
        thread.submit(order("break")).result(5)
    assert told.wait(5)


def test_an_order_of_nothing_fails_and_the_next_is_painted(toy, start_thread):
    thread = start_thread(toy)
    with pytest.raises(PaintFailed):
        thread.submit(Order(order().key, ())).result(5)
    assert thread.submit(order()).result(5)
