"""A world in a folder goes on after a stop and after a kill; and the command line that serves it."""

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest
from typer.testing import CliRunner

from sandbox.__main__ import cli
from sandbox.app import create_app
from sandbox.settings import Settings


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(*arguments, **environment):
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(tmp_path / "world"), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
        started.append(process)
        url = re.search(r"http://\S+", process.stdout.readline())[0]
        return process, url

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_killed_world_goes_on_with_everything_it_answered(serve, picture):
    process, url = serve()
    said = [
        httpx.post(
            f"{url}/sandbox/posts", json={"author": f"p{n}", "text": f"@threadpaint {n}", "media": [picture.base64]}
        )
        for n in range(5)
    ]
    httpx.post(f"{url}/sandbox/samples")
    httpx.delete(f"{url}/sandbox/posts/{said[0].json()['id']}")
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, url = serve()
    posts = {post["id"]: post for post in httpx.get(f"{url}/sandbox/posts?limit=100").json()["data"]}
    for answer in said[1:]:
        before = answer.json()
        after = posts[before["id"]]
        assert after["text"] == before["text"]
        assert after["entities"] == before["entities"]
        served = httpx.get(url + httpx.URL(after["media"][0]["url"]).path)
        assert served.content == picture.data
    assert said[0].json()["id"] not in posts
    assert httpx.post(f"{url}/sandbox/samples").json() == {"data": {"posted": 0}}
    newer = httpx.post(f"{url}/sandbox/posts", json={"author": "p1", "text": "again"}).json()
    assert int(newer["id"]) > max(map(int, posts))


def test_it_stops_at_once_although_a_page_is_open(serve):
    process, url = serve()
    with httpx.stream("GET", f"{url}/page/bell") as events:
        next(events.iter_lines())
        process.terminate()
        process.wait(4)


def test_the_samples_command_posts_once(play):
    said = [CliRunner().invoke(cli, ["samples", "--url", play.url]).output.strip() for _ in range(2)]
    assert said == ["12 sample prompts posted", "0 sample prompts posted"]


@pytest.mark.parametrize(
    "environment, word",
    [
        ({"SANDBOX_PORT": "99999"}, "SANDBOX_PORT"),
        ({"SANDBOX_BOT": "a b"}, "SANDBOX_BOT"),
        ({"SANDBOX_DATA": "/dev/null/x"}, "SANDBOX_DATA"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(environment, word):
    done = CliRunner().invoke(cli, [], env={"SANDBOX_PORT": "0"} | environment)
    assert done.exit_code == 2
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_one_line_with_its_name(play):
    done = CliRunner().invoke(cli, ["--port", play.url.rpartition(":")[2]])
    assert done.exit_code == 2
    assert done.stderr.startswith("SANDBOX_PORT: can not listen on 127.0.0.1:")


def test_the_samples_command_names_a_sandbox_that_is_away():
    done = CliRunner().invoke(cli, ["samples", "--url", "http://127.0.0.1:1"])
    assert done.exit_code == 2
    assert done.stderr.startswith("SANDBOX_URL")


def test_a_world_opens_twice_the_same(tmp_path):
    first = create_app(Settings(data=tmp_path)).state.world
    people, posts = dict(first.people), dict(first.shelf.posts)
    first.store.close()
    second = create_app(Settings(data=tmp_path)).state.world
    assert (second.people, second.shelf.posts) == (people, posts)
    second.store.close()


def test_another_bot_can_move_into_an_old_world(tmp_path):
    first = create_app(Settings(data=tmp_path)).state.world
    first.store.close()
    second = create_app(Settings(data=tmp_path, bot="painter_two")).state.world
    assert second.bot.username == "painter_two"
    assert len(second.people) == len(first.people) + 1
    assert second.bot.pinned_post_id not in (None, first.bot.pinned_post_id)
    second.store.close()


def test_a_folder_belongs_to_one_process_at_a_time(tmp_path):
    first = create_app(Settings(data=tmp_path)).state.world
    done = CliRunner().invoke(cli, ["--port", "0", "--data", str(tmp_path)])
    first.store.close()
    assert done.exit_code == 2
    assert done.stderr.startswith("SANDBOX_DATA")


def test_a_burst_and_a_poll_stay_fast(play):
    for n in range(500):
        play.says(f"person_{n % 50}", f"@threadpaint prompt number {n} with a sea and a moon 🌊")
    fields = {
        "tweet.fields": "author_id,entities,conversation_id,referenced_tweets,note_tweet",
        "expansions": "author_id",
    }
    poll = play.get(f"/2/users/{play.bot.id}/mentions", max_results=100, **fields)
    search = play.get("/2/tweets/search/recent", query="@threadpaint -is:retweet", max_results=100, **fields)
    assert len(poll.json()["data"]) == len(search.json()["data"]) == 100
    assert poll.elapsed.total_seconds() < 0.5
    assert search.elapsed.total_seconds() < 0.5
