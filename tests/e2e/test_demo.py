"""`make demo` as its user meets it: ready in one line, wrong in one line, ended at once, gone on with the same data."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.house import House, running_house, start
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("demo")) as house:
        yield house


def test_it_says_ready_in_one_line(house: House) -> None:
    (ready,) = [line for line in house.lines if line.startswith("ready:")]
    assert ready.startswith(f"ready: gallery {house.gallery}  sandbox {house.sandbox}")


def test_a_mention_is_answered_with_a_picture_that_hangs_in_the_gallery(house: House) -> None:
    post_id = house.post("@threadpaint a lighthouse & a storm over the sea", author="grace")
    replies = f"{house.sandbox}/sandbox/posts/{post_id}/replies"
    (answer,) = wait_until(lambda: house.http.get(replies).json()["data"], "no answer", within=20)
    (media,) = answer["media"]
    assert media["alt_text"] == "a lighthouse & a storm over the sea – prompted by grace"
    assert house.http.get(media["url"]).headers["content-type"] == "image/webp"
    (item,) = [one for one in house.creations() if one["post_id"] == post_id]
    assert item["prompt"] == "a lighthouse & a storm over the sea"
    assert item["url"] == f"{house.gallery}/c/{item['id']}", "links lead to the demo's own gallery"
    page = house.http.get(item["url"])
    assert "a lighthouse &amp; a storm over the sea" in page.text
    assert house.http.get(item["pictures"][0]["url"]).content[:4] == b"RIFF"


def test_a_reply_to_the_opening_thread_is_answered(house: House) -> None:
    posts = house.http.get(f"{house.sandbox}/sandbox/posts", params={"limit": 100}).json()["data"]
    opening = min((post for post in posts if post["author"]["username"] == "threadpaint"), key=lambda p: int(p["id"]))
    post_id = house.post("a garden of paper flowers", author="noor", in_reply_to=opening["id"])
    wait_until(lambda: house.answers().get(post_id) == 1, "no answer", within=20)


def test_the_samples_of_the_first_start_are_answered_once(house: House) -> None:
    wait_until(lambda: len(house.creations()) >= 12, "the samples were not painted", within=30)
    wait_until(lambda: len(house.answers()) >= 12, "the samples were not answered", within=30)
    assert house.state()["duplicates"] == 0


def test_the_house_says_how_it_is(house: House) -> None:
    health = house.http.get(f"{house.gallery}/healthz").json()
    assert (health["status"], health["workers"], health["problems"]) == ("ok", 3, [])


def test_a_taken_port_is_one_line_that_names_the_variable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for name in ("GALLERY_PORT", "SANDBOX_PORT", "GPU_PORT"):
            assert one_line(tmp_path, **{name: str(port)}).startswith(
                f"threadpaint: {name}: port {port} on 127.0.0.1 is taken"
            )


def test_a_folder_that_cannot_be_written_is_one_line_that_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    line = one_line(tmp_path / "file" / "data")
    assert line.startswith(f"threadpaint: DATA_DIR: cannot write to {tmp_path}/file/data (Not a directory)")


def test_a_port_that_is_no_number_is_one_line(tmp_path: Path) -> None:
    assert one_line(tmp_path, GALLERY_PORT="many").startswith("threadpaint: GALLERY_PORT is wrong")


def test_a_second_demo_in_the_same_folder_is_told_so(house: House) -> None:
    assert one_line(house.data).startswith("threadpaint: DATA_DIR: another demo uses")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_within_5_seconds_leaves_nothing_and_goes_on_with_the_same_data(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running_house(tmp_path) as first:
        wait_until(lambda: len(first.answers()) >= 12, "the samples were not answered", within=40)
        for n in range(5):
            first.post(f"@threadpaint boat number {n}")  # stopped in the middle of work
        family = psutil.Process(first.process.pid).children(recursive=True)
        assert len(family) >= 10
        assert first.stop(number) < 5
        assert first.process.returncode == 0
        assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    with running_house(tmp_path) as second:
        wait_until(lambda: len(second.answers()) == 17, "it did not go on", within=40)
        assert len(second.creations()) == 17
        assert second.state()["duplicates"] == 0


def test_it_stops_within_5_seconds_though_x_and_the_painter_hang(tmp_path: Path) -> None:
    with running_house(tmp_path) as house:
        for n in range(5):
            house.post(f"@threadpaint boat number {n}")
        for name in ("-m sandbox", "-m gpu"):
            house.processes(name)[0].suspend()
        family = psutil.Process(house.process.pid).children(recursive=True)
        assert house.stop() < 5
        assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def test_it_stops_within_5_seconds_while_it_is_still_getting_ready(tmp_path: Path) -> None:
    for patience in (0.3, 1.5, 3.0):
        house = start(tmp_path)
        time.sleep(patience)
        family = psutil.Process(house.process.pid).children(recursive=True)
        assert house.stop() < 5
        assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
        assert "Traceback" not in "\n".join(house.lines)


def test_nothing_is_left_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    with running_house(tmp_path) as house:
        family = psutil.Process(house.process.pid).children(recursive=True)
        house.process.kill()
        house.process.wait()
        _gone, alive = psutil.wait_procs(family, timeout=12)
        assert [" ".join(p.cmdline()) for p in alive] == []


def one_line(data: Path, **settings: str) -> str:
    """What a demo that cannot start says."""
    house = start(data, **settings)
    try:
        assert house.process.wait(30) == 1
    except subprocess.TimeoutExpired:
        house.stop()
        raise
    wait_until(lambda: house.lines, "it said nothing")
    (line,) = house.lines
    return line
