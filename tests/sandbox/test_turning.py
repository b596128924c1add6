"""The world's clock: turned forward, run faster, told in every answer, and still there after a restart."""

import time
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest

from sandbox.app import create_app
from sandbox.clock import HandClock, TurningClock
from sandbox.settings import Settings

DAY = 86_400


def turn(play, **how):
    answer = play.http.post("/sandbox/clock", json=how)
    assert answer.status_code == 200, answer.text
    return answer.json()


def seconds_of(told):
    return datetime.fromisoformat(told["now"]).timestamp()


def test_it_tells_the_worlds_time_and_how_fast_it_runs(play):
    told = play.http.get("/sandbox/clock").json()
    assert told["scale"] == 1
    assert seconds_of(told) == pytest.approx(play.clock.now_ms() / 1000, abs=0.01)


def test_it_is_turned_forward_by_seconds(play):
    before = seconds_of(play.http.get("/sandbox/clock").json())
    assert seconds_of(turn(play, advance=3600)) == pytest.approx(before + 3600, abs=0.01)
    assert seconds_of(turn(play, advance=0.5)) == pytest.approx(before + 3600.5, abs=0.01)


def test_it_runs_faster_from_the_moment_it_was_told_to(play):
    before = seconds_of(turn(play, scale=100))
    play.clock.advance(10)
    assert seconds_of(play.http.get("/sandbox/clock").json()) == pytest.approx(before + 1000, abs=0.01)
    turn(play, scale=1)
    play.clock.advance(10)
    assert seconds_of(play.http.get("/sandbox/clock").json()) == pytest.approx(before + 1010, abs=0.01)


def test_it_never_goes_back_even_when_the_machines_clock_does():
    wall = HandClock(1_795_000_000_000)
    clock = TurningClock(wall)
    wall.advance(60)
    late = clock.now_ms()
    wall.advance(-50)
    assert clock.now_ms() == late


@pytest.mark.parametrize("how", [{"advance": -1}, {"scale": 0}, {"scale": -2}, {"advance": "soon"}, {"speed": 2}])
def test_a_wrong_turn_is_refused_by_name(play, how):
    answer = play.http.post("/sandbox/clock", json=how)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"][-1] == next(iter(how))


def test_posts_get_ids_and_dates_of_the_worlds_time(play):
    turn(play, advance=DAY)
    post = play.says("mira_paints", "tomorrow")
    expected = play.clock.now_ms() / 1000 + DAY
    assert datetime.fromisoformat(post["created_at"]).timestamp() == pytest.approx(expected, abs=1)
    assert ((int(post["id"]) >> 22) + 1288834974657) / 1000 == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("path", ["/2/tweets/search/recent?query=tea", "/2/nothing", "/sandbox/state", "/healthz", "/"])
def test_every_answer_has_one_date_and_it_is_the_worlds(play, path):
    turn(play, advance=40 * DAY)
    answer = play.http.get(path, headers={"authorization": "Bearer sandbox-bearer"})
    dates = answer.headers.get_list("date")
    assert len(dates) == 1
    expected = play.clock.now_ms() / 1000 + 40 * DAY
    assert parsedate_to_datetime(dates[0]).timestamp() == pytest.approx(expected, abs=2)


def test_signatures_are_checked_against_the_clients_clock_however_far_the_world_is_turned(play):
    turn(play, advance=400 * DAY, scale=1000)
    assert play.client().get_me().data.username == "threadpaint"


def test_a_limits_reset_is_told_in_the_worlds_time(play):
    turn(play, advance=40 * DAY)
    reset = int(play.get("/2/tweets/search/recent", query="tea").headers["x-rate-limit-reset"])
    assert reset == pytest.approx(play.clock.now_ms() / 1000 + 40 * DAY + 900, abs=2)


def test_a_turned_clock_is_still_turned_after_a_restart(tmp_path, stage):
    wall = HandClock(round(time.time() * 1000))
    first = create_app(Settings(data=tmp_path), wall).state.world
    first.clock.turn(advance=5 * DAY, scale=10)
    first.save(clock=first.clock.fact)
    first.store.close()
    wall.advance(60)
    second = create_app(Settings(data=tmp_path), wall).state.world
    assert second.clock.now_ms() == wall.now_ms() - 60_000 + 5 * DAY * 1000 + 600_000
    assert second.clock.scale == 10
    second.store.close()
