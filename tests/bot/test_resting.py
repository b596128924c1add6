"""Between two looks the bot rests shortly while people ask, longer while nobody does, longest while X is away."""

from bot.resting import BUSY_FOR, LONGEST, Rest
from core.settings import PollSettings, load


def a_rest(**settings: float) -> Rest:
    return Rest(load(PollSettings, **({"poll_seconds": 5, "poll_idle_seconds": 30} | settings)))


def test_it_looks_often_for_a_while_after_there_was_news() -> None:
    rest = a_rest()
    assert rest.after_look(0, news=True) == 5
    assert rest.after_look(BUSY_FOR - 1, news=False) == 5


def test_while_nobody_asks_it_rests_longer_and_longer_up_to_a_bound() -> None:
    rest = a_rest()
    rest.after_look(0, news=True)
    assert [rest.after_look(BUSY_FOR + n, news=False) for n in range(5)] == [10, 20, 30, 30, 30]
    assert rest.after_look(BUSY_FOR + 9, news=True) == 5


def test_it_begins_as_if_people_were_about() -> None:
    assert a_rest().after_look(1000, news=False) == 5


def test_the_idle_rest_is_never_shorter_than_the_busy_one() -> None:
    rest = a_rest(poll_idle_seconds=1)
    rest.after_look(0, news=True)
    assert rest.after_look(BUSY_FOR + 1, news=False) == 5


def test_while_x_is_away_it_doubles_its_rest_up_to_a_bound_and_waits_as_long_as_x_says() -> None:
    rest = a_rest()
    assert [rest.after_failure() for _ in range(3)] == [10, 20, 40]
    assert max(rest.after_failure() for _ in range(20)) == LONGEST
    assert rest.after_failure(at_least=900) == 900
    assert rest.after_look(0, news=False) == 5
    assert rest.after_failure() == 10
