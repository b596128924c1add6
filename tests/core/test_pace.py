"""When a call to X may go: shared by all, taught by X's headers, on a real queue server."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from core.clock import now
from core.errors import OutOfFunds, TryLater
from core.pace import ANSWER, UPLOAD, Pace, Told, read_told
from core.queue import WorkQueue, open_queue
from core.settings import PaceSettings, load

MENTIONS = "GET /2/users/:id/mentions"


@pytest.fixture
def pace(queue: WorkQueue) -> Pace:
    return Pace(queue, load(PaceSettings, probe_seconds=0.2, probe_longest_seconds=0.5))


def told(limit: int = 100, remaining: int = 99, reset: float = 900, at: datetime | None = None) -> Told:
    at = at or now()
    return Told(at, limit, remaining, round(at.timestamp() + reset))


def admitted(pace: Pace, call: str = ANSWER, most: int = 1000) -> int:
    """How many calls go right now."""
    for count in range(most):
        try:
            pace.admit(call)
        except TryLater:
            return count
    return most


def test_before_x_has_told_anything_its_documented_limits_hold(pace: Pace) -> None:
    assert admitted(pace) == 100
    assert admitted(pace, "GET /2/tweets/search/recent") == 300


def test_who_may_not_go_is_told_when(pace: Pace) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(remaining=0, reset=300))
    with pytest.raises(TryLater) as error:
        pace.admit(ANSWER)
    assert (error.value.code, error.value.counted) == ("pace", False)
    assert 298 < error.value.after <= 301


def test_x_knows_better_how_many_are_left(pace: Pace) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(limit=100, remaining=5))
    assert admitted(pace) == 5


def test_calls_under_way_are_counted_though_x_has_not_seen_them(pace: Pace) -> None:
    for _ in range(10):
        pace.admit(ANSWER)
    pace.learn(ANSWER, told(remaining=99))
    assert admitted(pace) == 90


def test_a_limit_that_x_has_changed_is_learned(pace: Pace) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(limit=20, remaining=19))
    assert admitted(pace) == 19


def test_when_the_window_ends_a_new_one_begins(pace: Pace) -> None:
    pace.admit(ANSWER)
    an_hour_ago = now() - timedelta(hours=1)
    pace.learn(ANSWER, told(remaining=0, reset=900, at=an_hour_ago))
    assert pace.look().free == 0
    pace.learn(MENTIONS, told(at=now()))  # any answer tells X's time
    assert pace.look().free == 100
    assert admitted(pace) == 100


def test_time_is_told_by_x_and_not_by_our_clock(pace: Pace) -> None:
    x_now = datetime(2031, 1, 1, tzinfo=UTC)
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(remaining=0, reset=60, at=x_now))
    assert abs((pace.x_time() - x_now).total_seconds()) < 5
    assert 55 < pace.look().ends_in <= 60
    pace.learn(MENTIONS, told(at=x_now + timedelta(seconds=61)))
    assert pace.look().free == 100


def test_a_late_answer_of_an_old_window_says_nothing_about_the_new_one(pace: Pace) -> None:
    late = told(limit=100, remaining=0, reset=-5)
    pace.admit(ANSWER)
    pace.learn(ANSWER, late)
    assert pace.look().free == 99


def test_a_429_without_a_reset_waits_a_pause_instead_of_storming(pace: Pace) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, Told(now()), "x_rate_limit", 60.0)
    with pytest.raises(TryLater) as error:
        pace.admit(ANSWER)
    assert 55 < error.value.after <= 60


def test_a_429_whose_reset_lies_in_the_past_waits_a_pause_too(pace: Pace) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(remaining=0, reset=-100), "x_rate_limit", 60.0)
    assert admitted(pace) == 0


def test_a_pause_after_a_429_ends(pace: Pace) -> None:
    pace.learn(ANSWER, Told(now()), "x_rate_limit", 0.05)
    assert admitted(pace) == 0
    wait(0.1)
    assert admitted(pace) == 100


def test_without_credits_that_kind_of_call_stops_and_is_probed_one_at_a_time(pace: Pace) -> None:
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    with pytest.raises(OutOfFunds, match="x_no_credits"):
        pace.admit(ANSWER)
    pace.admit(MENTIONS)  # reading is another kind
    assert pace.look().free == 0
    assert pace.look().stopped == "x_no_credits"
    wait(0.25)
    assert pace.look().free == 1
    assert admitted(pace) == 1


def test_since_when_x_stopped_us_is_known_through_all_probes(pace: Pace) -> None:
    assert pace.look().stopped_for == 0
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    wait(0.25)
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    assert 0.25 <= pace.look().stopped_for < 5
    pace.learn(ANSWER, told())
    assert pace.look().stopped_for == 0


def test_a_probe_that_fails_waits_longer_and_one_that_succeeds_opens_all(pace: Pace) -> None:
    pace.learn(ANSWER, Told(now()), "x_unauthorized")
    wait(0.25)
    pace.admit(ANSWER)
    pace.learn(ANSWER, Told(now()), "x_unauthorized")
    assert 0.3 < pace.look().ends_in <= 0.4
    wait(0.45)
    pace.admit(ANSWER)
    pace.learn(ANSWER, told())
    assert pace.look().stopped == ""
    assert admitted(pace) > 90


@pytest.mark.parametrize("call", [UPLOAD, "POST /2/media/metadata", "DELETE /2/tweets/:id", MENTIONS])
def test_another_kind_of_call_that_goes_well_lifts_no_suspension_and_restarts_no_since(pace: Pace, call: str) -> None:
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    wait(0.25)
    pace.admit(call)
    pace.learn(call, told())
    assert (pace.look().stopped, pace.look().free) == ("x_no_credits", 1), "the probe is left for a reply"
    assert pace.look().stopped_for > 0.2


def test_a_refusal_of_one_post_lifts_no_suspension(pace: Pace) -> None:
    pace.learn(ANSWER, Told(now()), "x_account_locked")
    pace.learn(ANSWER, told(), lifts=False)
    assert pace.look().stopped == "x_account_locked"


def test_every_suspended_call_is_listed(pace: Pace) -> None:
    pace.learn(ANSWER, Told(now()), "x_account_locked")
    pace.learn(UPLOAD, Told(now()), "x_forbidden")
    assert {call: window.stopped for call, window in pace.suspended().items()} == {
        ANSWER: "x_account_locked",
        UPLOAD: "x_forbidden",
    }
    pace.learn(UPLOAD, told())
    assert list(pace.suspended()) == [ANSWER]


def test_the_accounts_answers_of_a_day_are_capped_whatever_the_windows_say(queue: WorkQueue) -> None:
    pace = Pace(queue, load(PaceSettings, x_replies_per_day=7))
    assert admitted(pace) == 7
    with pytest.raises(TryLater) as error:
        pace.admit(ANSWER)
    assert error.value.code == "pace_day"
    assert error.value.after > 86_000
    assert admitted(pace, MENTIONS) == 300, "reading is not capped"


def test_the_cap_of_the_account_is_remembered_for_all(queue: WorkQueue) -> None:
    Pace(queue, load(PaceSettings)).remember_account("keys", 1, 3)
    assert admitted(Pace(queue, load(PaceSettings))) == 3


def test_whose_keys_these_are_is_remembered_for_these_keys_alone(pace: Pace, queue: WorkQueue) -> None:
    pace.remember_account("old keys", 7, 200)
    assert [pace.account_of(keys) for keys in ("old keys", "new keys")] == [7, None]
    assert 80_000 < queue.connection.ttl("pace:account:old keys") <= 86_400


def test_some_calls_may_be_spared_for_other_programs(queue: WorkQueue) -> None:
    assert admitted(Pace(queue, load(PaceSettings, pace_spare=10))) == 90


def test_of_many_who_ask_at_once_no_more_go_than_may(pace: Pace, queue_server: str) -> None:
    counts: list[int] = []

    def ask() -> None:
        counts.append(admitted(Pace(open_queue(queue_server), load(PaceSettings))))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 100


def test_what_is_lost_with_redis_is_learned_again_from_the_next_answer(pace: Pace, queue: WorkQueue) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(remaining=10))
    queue.connection.flushdb()
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(remaining=9))
    assert admitted(pace) == 9


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9", "٣", "9" * 40])
def test_headers_that_make_no_sense_say_nothing(value: str) -> None:
    headers = {"x-rate-limit-limit": value, "x-rate-limit-remaining": value, "x-rate-limit-reset": value}
    assert read_told(headers, now()).reset is None


@pytest.mark.parametrize("window", ["x-app-limit-24hour", "x-user-limit-24hour"])
def test_a_window_of_a_day_with_nothing_left_counts_beside_the_short_one(pace: Pace, window: str) -> None:
    at = now()
    tomorrow = round(at.timestamp()) + 80_000
    short = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "99", "x-rate-limit-reset": str(tomorrow - 79_500)}
    day = {f"{window}-limit": "10000", f"{window}-remaining": "0", f"{window}-reset": str(tomorrow)}
    pace.admit(ANSWER)
    pace.learn(ANSWER, read_told(short | day, at))
    assert pace.look().free == 0
    assert pace.look().ends_in > 79_000
    assert read_told(short | day | {f"{window}-remaining": "7"}, at).remaining == 99


def test_a_429_with_a_reset_in_a_hundred_years_stops_nobody_for_longer_than_a_day(pace: Pace) -> None:
    pace.admit(ANSWER)
    pace.learn(ANSWER, told(remaining=0, reset=100 * 365 * 86400), "x_rate_limit", 60.0)
    assert 86_000 < pace.look().ends_in <= 86_400


def test_when_the_servers_clock_is_put_back_a_stop_still_ends(pace: Pace, queue: WorkQueue) -> None:
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    in_a_year = 365 * 86400 * 1000
    queue.connection.hincrby(f"pace:stop:{ANSWER}", "until", in_a_year)
    queue.connection.hincrby(f"pace:stop:{ANSWER}", "since", in_a_year)
    assert (pace.look().free, pace.look().stopped_for) == (1, 0)
    pace.admit(ANSWER)
    with pytest.raises(OutOfFunds):
        pace.admit(ANSWER)


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)
