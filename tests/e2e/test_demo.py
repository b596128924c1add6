"""Test `make demo`: one line if it is ready, one line per error, a quick stop, and a restart with the same data."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.models import State
from tests.support.demo import Demo, forked_demo, running_demo, start, start_fork
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        demo.post_samples()
        yield demo


def test_ready_is_one_line(demo: Demo) -> None:
    (ready,) = [line for line in demo.lines if line.startswith("ready:")]
    assert ready.startswith(f"ready: gallery {demo.gallery}  sandbox {demo.sandbox}")
    assert not [line for line in demo.lines if "sample" in line], "DEMO_EMPTY leaves them out"


def test_a_mention_gets_a_picture_that_is_in_the_gallery(demo: Demo) -> None:
    post_id = demo.post("@threadpaint a lighthouse & a storm over the sea", author="grace")
    replies = f"{demo.sandbox}/sandbox/posts/{post_id}/replies"
    (answer,) = wait_until(lambda: demo.http.get(replies).json()["data"], "no answer", within=90)
    (media,) = answer["media"]
    assert media["alt_text"] == "a lighthouse & a storm over the sea – prompted by grace"
    assert demo.http.get(media["url"]).headers["content-type"] == "image/webp"
    (item,) = [one for one in demo.creations() if one["post_id"] == post_id]
    assert item["prompt"] == "a lighthouse & a storm over the sea"
    assert item["url"] == f"{demo.gallery}/c/{item['id']}", "links lead to the demo's own gallery"
    page = demo.http.get(item["url"])
    assert "a lighthouse &amp; a storm over the sea" in page.text
    assert demo.http.get(item["pictures"][0]["url"]).content[:4] == b"RIFF"


def test_a_reply_to_the_announcement_is_answered(demo: Demo) -> None:
    posts = demo.http.get(f"{demo.sandbox}/sandbox/posts", params={"limit": 100}).json()["data"]
    first = min((post for post in posts if post["author"]["username"] == "threadpaint"), key=lambda p: int(p["id"]))
    post_id = demo.post("a garden of paper flowers", author="noor", in_reply_to=first["id"])
    wait_until(lambda: demo.answers().get(post_id) == 1, "no answer", within=90)


def test_the_samples_are_answered_once(demo: Demo) -> None:
    assert len(demo.creations()) >= 12
    assert demo.state()["duplicates"] == 0


def test_pages_show_avif_soon_after_the_reply(demo: Demo) -> None:
    pages = [demo.gallery, demo.creations()[-1]["url"]]
    for page in pages:
        wait_until(lambda: "image/avif" in demo.http.get(page).text, f"no AVIF copies on {page}", within=90)  # noqa: B023


def test_healthz_reports_all_parts(demo: Demo) -> None:
    health = demo.http.get(f"{demo.gallery}/healthz").json()
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


def test_a_second_demo_in_the_same_folder_is_refused(demo: Demo) -> None:
    assert one_line(demo.data).startswith("threadpaint: DATA_DIR: another demo uses")


def test_it_stops_within_5_seconds_while_x_and_the_gpu_service_stall(tmp_path: Path) -> None:
    with forked_demo(tmp_path) as demo:
        for n in range(5):
            demo.post(f"@threadpaint boat number {n}")
        for name in ("-m sandbox", "-m gpu"):
            demo.processes(name)[0].suspend()
        assert_stops_in_time(demo)


def test_it_stops_within_5_seconds_while_it_is_still_getting_ready(tmp_path: Path) -> None:
    for delay in (0.3, 1.5, 3.0):
        demo = start(tmp_path)
        time.sleep(delay)
        assert_stops_in_time(demo)
        assert "Traceback" not in "\n".join(demo.lines)


def test_no_process_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with forked_demo(tmp_path) as demo:
        family = psutil.Process(demo.process.pid).children(recursive=True)
        demo.process.kill()
        demo.process.wait()
        _gone, alive = psutil.wait_procs(family, timeout=12)
        assert [" ".join(p.cmdline()) for p in alive] == []


# The last test, because it stops the file's demo.
def test_it_stops_within_5_seconds_and_continues_with_the_same_data(demo: Demo) -> None:
    answered = set(demo.answers())
    answered |= stop_during_work(demo, signal.SIGINT)
    with forked_demo(demo.data) as second:
        assert_continues(second, answered)
        answered |= stop_during_work(second, signal.SIGTERM)
    with forked_demo(demo.data) as third:
        assert_continues(third, answered)


def stop_during_work(demo: Demo, number: signal.Signals) -> set[str]:
    """Stop it while it has work. Return the ids of the posts that it works on."""
    posted = {demo.post(f"@threadpaint boat number {n}") for n in range(5)}
    wait_until(lambda: demo.leases(State.PAINTING), "no painting starts")
    assert len(psutil.Process(demo.process.pid).children(recursive=True)) >= 10
    assert_stops_in_time(demo, number)
    assert demo.process.returncode == 0
    return posted


def assert_stops_in_time(demo: Demo, number: signal.Signals = signal.SIGTERM) -> None:
    """Check that it stops within 5 seconds, and that no process is left."""
    family = psutil.Process(demo.process.pid).children(recursive=True)
    assert demo.stop(number) < 5
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def assert_continues(demo: Demo, posts: set[str]) -> None:
    """Check that each of the posts gets one reply and one creation, and that no other post does."""
    wait_until(lambda: set(demo.answers()) == posts, "it did not continue", within=90)
    assert len(demo.creations()) == len(posts)
    assert demo.state()["duplicates"] == 0


def one_line(data: Path, **settings: str) -> str:
    """Return the one line of a demo that cannot start."""
    demo = start_fork(data, **settings)
    try:
        assert demo.process.wait(30) == 1
    except subprocess.TimeoutExpired:
        demo.stop()
        raise
    wait_until(lambda: demo.lines, "it printed nothing")
    (line,) = demo.lines
    return line
