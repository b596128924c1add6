"""Test the delay between polls: short after new posts, longer when idle, longest while X fails."""

from bot.poll_interval import ACTIVE_SECONDS, MAX_DELAY_SECONDS, PollBackoff
from core.settings import PollSettings, load


def a_rest(**settings: float) -> PollBackoff:
    return PollBackoff(load(PollSettings, **({"poll_seconds": 5, "poll_max_seconds": 30} | settings)))


def test_polls_are_frequent_after_new_posts() -> None:
    rest = a_rest()
    assert rest.next_delay(0, found_new=True) == 5
    assert rest.next_delay(ACTIVE_SECONDS - 1, found_new=False) == 5


def test_idle_delay_grows_up_to_a_maximum() -> None:
    rest = a_rest()
    rest.next_delay(0, found_new=True)
    assert [rest.next_delay(ACTIVE_SECONDS + n, found_new=False) for n in range(5)] == [10, 20, 30, 30, 30]
    assert rest.next_delay(ACTIVE_SECONDS + 9, found_new=True) == 5


def test_first_polls_are_frequent() -> None:
    assert a_rest().next_delay(1000, found_new=False) == 5


def test_idle_delay_is_never_shorter_than_the_active_one() -> None:
    rest = a_rest(poll_max_seconds=1)
    rest.next_delay(0, found_new=True)
    assert rest.next_delay(ACTIVE_SECONDS + 1, found_new=False) == 5


def test_failure_delay_doubles_up_to_a_maximum_and_follows_retry_after() -> None:
    rest = a_rest()
    assert [rest.delay_after_failure() for _ in range(3)] == [10, 20, 40]
    assert max(rest.delay_after_failure() for _ in range(20)) == MAX_DELAY_SECONDS
    assert rest.delay_after_failure(at_least=900) == 900
    assert rest.next_delay(0, found_new=False) == 5
    assert rest.delay_after_failure() == 10
