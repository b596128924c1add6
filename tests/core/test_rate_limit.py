"""Rate limits of X calls: shared by all processes, corrected by X's headers, with a real queue server."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from core.clock import now
from core.errors import CallsSuspended, TryLater
from core.queue import WorkQueue, open_queue
from core.settings import RateLimitSettings, load
from core.x.rate_limit import CREATE_POST, UPLOAD_MEDIA, RateLimitHeaders, XRateLimiter, parse_rate_limit_headers

MENTIONS = "GET /2/users/:id/mentions"


@pytest.fixture
def rate_limiter(queue: WorkQueue) -> XRateLimiter:
    return XRateLimiter(queue, load(RateLimitSettings, x_blocked_retry_seconds=0.2, x_blocked_retry_max_seconds=0.5))


def headers(limit: int = 100, remaining: int = 99, reset: float = 900, at: datetime | None = None) -> RateLimitHeaders:
    at = at or now()
    return RateLimitHeaders(at, limit, remaining, round(at.timestamp() + reset))


def admitted(rate_limiter: XRateLimiter, call: str = CREATE_POST, most: int = 1000) -> int:
    """Return how many calls are allowed now."""
    for count in range(most):
        try:
            rate_limiter.acquire(call)
        except TryLater:
            return count
    return most


def test_documented_limits_hold_before_the_first_response(rate_limiter: XRateLimiter) -> None:
    assert admitted(rate_limiter) == 100
    assert admitted(rate_limiter, "GET /2/tweets/search/recent") == 300


def test_a_call_beyond_the_limit_raises_with_the_seconds_to_wait(rate_limiter: XRateLimiter) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=0, reset=300))
    with pytest.raises(TryLater) as error:
        rate_limiter.acquire(CREATE_POST)
    assert (error.value.code, error.value.counted) == ("rate_limited", False)
    assert 298 < error.value.after <= 301


def test_headers_override_the_own_count(rate_limiter: XRateLimiter) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(limit=100, remaining=5))
    assert admitted(rate_limiter) == 5


def test_calls_under_way_are_counted(rate_limiter: XRateLimiter) -> None:
    for _ in range(10):
        rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=99))
    assert admitted(rate_limiter) == 90


def test_a_changed_limit_is_taken_from_the_headers(rate_limiter: XRateLimiter) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(limit=20, remaining=19))
    assert admitted(rate_limiter) == 19


def test_a_new_window_begins_when_the_old_one_ends(rate_limiter: XRateLimiter) -> None:
    rate_limiter.acquire(CREATE_POST)
    an_hour_ago = now() - timedelta(hours=1)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=0, reset=900, at=an_hour_ago))
    assert rate_limiter.peek().remaining == 0
    rate_limiter.update_from_response(MENTIONS, headers(at=now()))  # any response contains X's time
    assert rate_limiter.peek().remaining == 100
    assert admitted(rate_limiter) == 100


def test_windows_follow_the_clock_of_x(rate_limiter: XRateLimiter) -> None:
    x_now = datetime(2031, 1, 1, tzinfo=UTC)
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=0, reset=60, at=x_now))
    assert abs((rate_limiter.x_now() - x_now).total_seconds()) < 5
    assert 55 < rate_limiter.peek().resets_in <= 60
    rate_limiter.update_from_response(MENTIONS, headers(at=x_now + timedelta(seconds=61)))
    assert rate_limiter.peek().remaining == 100


def test_a_late_response_of_an_old_window_is_ignored(rate_limiter: XRateLimiter) -> None:
    late_headers = headers(limit=100, remaining=0, reset=-5)
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, late_headers)
    assert rate_limiter.peek().remaining == 99


def test_a_429_without_a_reset_pauses(rate_limiter: XRateLimiter) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_rate_limit", 60.0)
    with pytest.raises(TryLater) as error:
        rate_limiter.acquire(CREATE_POST)
    assert 55 < error.value.after <= 60


def test_a_429_with_a_past_reset_pauses(rate_limiter: XRateLimiter) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=0, reset=-100), "x_rate_limit", 60.0)
    assert admitted(rate_limiter) == 0


def test_a_pause_after_a_429_ends(rate_limiter: XRateLimiter) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_rate_limit", 0.05)
    assert admitted(rate_limiter) == 0
    wait(0.1)
    assert admitted(rate_limiter) == 100


def test_a_blocked_call_is_probed_one_at_a_time(rate_limiter: XRateLimiter) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    with pytest.raises(CallsSuspended, match="x_no_credits"):
        rate_limiter.acquire(CREATE_POST)
    rate_limiter.acquire(MENTIONS)  # reads have their own limit
    assert rate_limiter.peek().remaining == 0
    assert rate_limiter.peek().blocked_reason == "x_no_credits"
    wait(0.25)
    assert rate_limiter.peek().remaining == 1
    assert admitted(rate_limiter) == 1


def test_failed_probes_keep_the_start_of_a_block(rate_limiter: XRateLimiter) -> None:
    assert rate_limiter.peek().blocked_for == 0
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    wait(0.25)
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    assert 0.25 <= rate_limiter.peek().blocked_for < 5
    rate_limiter.update_from_response(CREATE_POST, headers())
    assert rate_limiter.peek().blocked_for == 0


def test_a_failed_probe_doubles_the_pause_and_a_success_unblocks(rate_limiter: XRateLimiter) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_unauthorized")
    wait(0.25)
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_unauthorized")
    assert 0.3 < rate_limiter.peek().resets_in <= 0.4
    wait(0.45)
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers())
    assert rate_limiter.peek().blocked_reason == ""
    assert admitted(rate_limiter) > 90


@pytest.mark.parametrize("call", [UPLOAD_MEDIA, "POST /2/media/metadata", "DELETE /2/tweets/:id", MENTIONS])
def test_success_of_another_call_lifts_no_block(rate_limiter: XRateLimiter, call: str) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    wait(0.25)
    rate_limiter.acquire(call)
    rate_limiter.update_from_response(call, headers())
    assert (rate_limiter.peek().blocked_reason, rate_limiter.peek().remaining) == ("x_no_credits", 1), (
        "the probe is left for a reply"
    )
    assert rate_limiter.peek().blocked_for > 0.2


def test_a_refusal_of_one_post_lifts_no_block(rate_limiter: XRateLimiter) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_account_locked")
    rate_limiter.update_from_response(CREATE_POST, headers(), lifts_block=False)
    assert rate_limiter.peek().blocked_reason == "x_account_locked"


def test_blocked_calls_are_listed(rate_limiter: XRateLimiter) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_account_locked")
    rate_limiter.update_from_response(UPLOAD_MEDIA, RateLimitHeaders(now()), "x_forbidden")
    assert {call: window.blocked_reason for call, window in rate_limiter.blocked_calls().items()} == {
        CREATE_POST: "x_account_locked",
        UPLOAD_MEDIA: "x_forbidden",
    }
    rate_limiter.update_from_response(UPLOAD_MEDIA, headers())
    assert list(rate_limiter.blocked_calls()) == [CREATE_POST]


def test_daily_reply_cap_limits_replies_in_an_open_window(queue: WorkQueue) -> None:
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings, x_replies_per_day=7))
    assert admitted(rate_limiter) == 7
    with pytest.raises(TryLater) as error:
        rate_limiter.acquire(CREATE_POST)
    assert error.value.code == "daily_reply_cap"
    assert error.value.after > 86_000
    assert admitted(rate_limiter, MENTIONS) == 300, "reading is not capped"


def test_reply_cap_is_shared_by_all_processes(queue: WorkQueue) -> None:
    XRateLimiter(queue, load(RateLimitSettings)).remember_account("keys", 1, 3)
    assert admitted(XRateLimiter(queue, load(RateLimitSettings))) == 3


def test_account_is_remembered_per_keys(rate_limiter: XRateLimiter, queue: WorkQueue) -> None:
    rate_limiter.remember_account("old keys", 7, 200)
    assert [rate_limiter.account_id(keys) for keys in ("old keys", "new keys")] == [7, None]
    assert 80_000 < queue.connection.ttl("x-rate-limit:account:old keys") <= 86_400


def test_reserve_is_left_for_other_programs(queue: WorkQueue) -> None:
    assert admitted(XRateLimiter(queue, load(RateLimitSettings, x_rate_limit_reserve=10))) == 90


def test_concurrent_callers_do_not_exceed_the_limit(rate_limiter: XRateLimiter, queue_server: str) -> None:
    counts: list[int] = []

    def ask() -> None:
        counts.append(admitted(XRateLimiter(open_queue(queue_server), load(RateLimitSettings))))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 100


def test_state_lost_with_redis_is_restored_from_the_next_response(rate_limiter: XRateLimiter, queue: WorkQueue) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=10))
    queue.connection.flushdb()
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=9))
    assert admitted(rate_limiter) == 9


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9", "٣", "9" * 40])
def test_invalid_headers_are_ignored(value: str) -> None:
    headers = {"x-rate-limit-limit": value, "x-rate-limit-remaining": value, "x-rate-limit-reset": value}
    assert parse_rate_limit_headers(headers, now()).reset is None


@pytest.mark.parametrize("window", ["x-app-limit-24hour", "x-user-limit-24hour"])
def test_a_used_up_24_hour_window_wins(rate_limiter: XRateLimiter, window: str) -> None:
    at = now()
    tomorrow = round(at.timestamp()) + 80_000
    short = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "99", "x-rate-limit-reset": str(tomorrow - 79_500)}
    day = {f"{window}-limit": "10000", f"{window}-remaining": "0", f"{window}-reset": str(tomorrow)}
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, parse_rate_limit_headers(short | day, at))
    assert rate_limiter.peek().remaining == 0
    assert rate_limiter.peek().resets_in > 79_000
    assert parse_rate_limit_headers(short | day | {f"{window}-remaining": "7"}, at).remaining == 99


def test_a_reset_in_a_hundred_years_blocks_for_a_day_at_most(rate_limiter: XRateLimiter) -> None:
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, headers(remaining=0, reset=100 * 365 * 86400), "x_rate_limit", 60.0)
    assert 86_000 < rate_limiter.peek().resets_in <= 86_400


def test_a_block_ends_after_the_clock_of_redis_is_set_back(rate_limiter: XRateLimiter, queue: WorkQueue) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    in_a_year = 365 * 86400 * 1000
    queue.connection.hincrby(f"x-rate-limit:blocked:{CREATE_POST}", "until", in_a_year)
    queue.connection.hincrby(f"x-rate-limit:blocked:{CREATE_POST}", "since", in_a_year)
    assert (rate_limiter.peek().remaining, rate_limiter.peek().blocked_for) == (1, 0)
    rate_limiter.acquire(CREATE_POST)
    with pytest.raises(CallsSuspended):
        rate_limiter.acquire(CREATE_POST)


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)
