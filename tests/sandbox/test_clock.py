"""The sandbox's clock can be advanced and scaled. It is in every response, and survives a restart."""

import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from sandbox.app import create_app
from sandbox.clock import AdjustableClock, ManualClock
from sandbox.settings import SandboxSettings
from tests.support.sandbox_world import Json, SandboxWorld, WorldServer

DAY = 86_400


def change_clock(world: SandboxWorld, **changes: float) -> Json:
    response = world.http.post("/sandbox/clock", json=changes)
    assert response.status_code == 200, response.text
    return dict(response.json())


def parse_seconds(result: Json) -> float:
    return datetime.fromisoformat(result["now"]).timestamp()


def test_clock_returns_time_and_scale(world: SandboxWorld) -> None:
    result = world.http.get("/sandbox/clock").json()
    assert result["scale"] == 1
    assert parse_seconds(result) == pytest.approx(world.clock.now_ms() / 1000, abs=0.01)


def test_clock_advances_by_seconds(world: SandboxWorld) -> None:
    before = parse_seconds(world.http.get("/sandbox/clock").json())
    assert parse_seconds(change_clock(world, advance=3600)) == pytest.approx(before + 3600, abs=0.01)
    assert parse_seconds(change_clock(world, advance=0.5)) == pytest.approx(before + 3600.5, abs=0.01)


def test_scale_applies_from_the_moment_of_the_call(world: SandboxWorld) -> None:
    before = parse_seconds(change_clock(world, scale=100))
    world.clock.advance(10)
    assert parse_seconds(world.http.get("/sandbox/clock").json()) == pytest.approx(before + 1000, abs=0.01)
    change_clock(world, scale=1)
    world.clock.advance(10)
    assert parse_seconds(world.http.get("/sandbox/clock").json()) == pytest.approx(before + 1010, abs=0.01)


def test_clock_never_goes_back() -> None:
    wall = ManualClock(1_795_000_000_000)
    clock = AdjustableClock(wall)
    wall.advance(60)
    late = clock.now_ms()
    wall.advance(-50)
    assert clock.now_ms() == late


@pytest.mark.parametrize("changes", [{"advance": -1}, {"scale": 0}, {"scale": -2}, {"advance": "soon"}, {"speed": 2}])
def test_an_invalid_change_of_the_clock_is_named_in_the_error(world: SandboxWorld, changes: Json) -> None:
    response = world.http.post("/sandbox/clock", json=changes)
    assert response.status_code == 422
    assert response.json()["errors"][0]["where"][-1] == next(iter(changes))


def test_post_ids_and_dates_use_the_adjusted_time(world: SandboxWorld) -> None:
    change_clock(world, advance=DAY)
    post = world.post("mira_paints", "tomorrow")
    expected = world.clock.now_ms() / 1000 + DAY
    assert datetime.fromisoformat(post["created_at"]).timestamp() == pytest.approx(expected, abs=1)
    assert ((int(post["id"]) >> 22) + 1288834974657) / 1000 == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("path", ["/2/tweets/search/recent?query=tea", "/2/nothing", "/sandbox/state", "/healthz", "/"])
def test_every_response_has_one_date_header_with_the_adjusted_time(world: SandboxWorld, path: str) -> None:
    change_clock(world, advance=40 * DAY)
    response = world.http.get(path, headers={"authorization": "Bearer sandbox-bearer"})
    dates = response.headers.get_list("date")
    assert len(dates) == 1
    expected = world.clock.now_ms() / 1000 + 40 * DAY
    assert parsedate_to_datetime(dates[0]).timestamp() == pytest.approx(expected, abs=2)


def test_signatures_are_checked_against_the_real_time(world: SandboxWorld) -> None:
    change_clock(world, advance=400 * DAY, scale=1000)
    assert world.client().get_me().data.username == "threadpaint"


def test_rate_limit_reset_uses_the_adjusted_time(world: SandboxWorld) -> None:
    change_clock(world, advance=40 * DAY)
    reset = int(world.get("/2/tweets/search/recent", query="tea").headers["x-rate-limit-reset"])
    assert reset == pytest.approx(world.clock.now_ms() / 1000 + 40 * DAY + 900, abs=2)


def test_an_adjusted_clock_survives_a_restart(tmp_path: Path, server: WorldServer) -> None:
    wall = ManualClock(round(time.time() * 1000))
    first = create_app(SandboxSettings(data=tmp_path), wall).state.world
    first.clock.adjust(advance=5 * DAY, scale=10)
    first.save(clock=first.clock.state)
    first.store.close()
    wall.advance(60)
    second = create_app(SandboxSettings(data=tmp_path), wall).state.world
    assert second.clock.now_ms() == wall.now_ms() - 60_000 + 5 * DAY * 1000 + 600_000
    assert second.clock.scale == 10
    second.store.close()
