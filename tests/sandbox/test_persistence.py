"""The data folder keeps a world across stops and kills; and the command line that serves it."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from sandbox import store
from sandbox.__main__ import cli
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.support.forked_process import ForkedProcess, forked_process
from tests.support.sandbox_world import Picture, SandboxWorld
from tests.support.servers import wait_until

Serve = Callable[[], tuple[ForkedProcess, str]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start `python -m sandbox` on the same folder. Return the process and its URL."""
    with ExitStack() as started:

        def start() -> tuple[ForkedProcess, str]:
            log, options = tmp_path / f"log{next(numbers)}", ("--port", "0", "--data", str(tmp_path / "world"))
            process = started.enter_context(forked_process("sandbox", *options, environment={}, log=log))
            url = wait_until(lambda: re.search(r"http://\S+", log.read_text()), "the sandbox did not start")
            return process, str(url[0])

        numbers = count()
        yield start


def test_a_killed_sandbox_loses_nothing_it_confirmed(serve: Serve, picture: Picture) -> None:
    process, url = serve()
    responses = [
        httpx.post(
            f"{url}/sandbox/posts", json={"author": f"p{n}", "text": f"@threadpaint {n}", "media": [picture.base64]}
        )
        for n in range(5)
    ]
    httpx.post(f"{url}/sandbox/samples")
    httpx.delete(f"{url}/sandbox/posts/{responses[0].json()['id']}")
    process.kill()
    process.wait()
    _, url = serve()
    posts = {post["id"]: post for post in httpx.get(f"{url}/sandbox/posts?limit=100").json()["data"]}
    for response in responses[1:]:
        before = response.json()
        after = posts[before["id"]]
        assert after["text"] == before["text"]
        assert after["entities"] == before["entities"]
        served = httpx.get(url + httpx.URL(after["media"][0]["url"]).path)
        assert served.content == picture.data
    assert responses[0].json()["id"] not in posts
    assert httpx.post(f"{url}/sandbox/samples").json() == {"data": {"posted": 0}}
    newer = httpx.post(f"{url}/sandbox/posts", json={"author": "p1", "text": "again"}).json()
    assert int(newer["id"]) > max(map(int, posts))


def test_the_sandbox_stops_while_a_page_is_open(serve: Serve) -> None:
    process, url = serve()
    with httpx.stream("GET", f"{url}/page/events") as events:
        next(events.iter_lines())
        process.terminate()
        process.wait(4)


def test_the_samples_command_posts_once(world: SandboxWorld) -> None:
    outputs = [CliRunner().invoke(cli, ["samples", "--url", world.url]).output.strip() for _ in range(2)]
    assert outputs == ["12 sample prompts posted", "0 sample prompts posted"]


@pytest.mark.parametrize(
    "environment, name",
    [
        ({"SANDBOX_PORT": "99999"}, "SANDBOX_PORT"),
        ({"SANDBOX_BOT": "a b"}, "SANDBOX_BOT"),
        ({"SANDBOX_DATA": "/dev/null/x"}, "SANDBOX_DATA"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(environment: dict[str, str], name: str) -> None:
    result = CliRunner().invoke(cli, [], env={"SANDBOX_PORT": "0"} | environment)
    assert result.exit_code == 2
    assert name in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_one_line_with_its_name(world: SandboxWorld) -> None:
    result = CliRunner().invoke(cli, ["--port", world.url.rpartition(":")[2]])
    assert result.exit_code == 2
    assert result.stderr.startswith("SANDBOX_PORT: cannot listen on 127.0.0.1:")


def test_the_samples_command_names_the_url_of_an_unreachable_sandbox() -> None:
    result = CliRunner().invoke(cli, ["samples", "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 2
    assert result.stderr.startswith("SANDBOX_URL")


def test_a_reopened_world_is_unchanged(tmp_path: Path) -> None:
    first = create_app(SandboxSettings(data=tmp_path)).state.world
    people, posts = dict(first.people), dict(first.post_index.posts)
    first.store.close()
    second = create_app(SandboxSettings(data=tmp_path)).state.world
    assert (second.people, second.post_index.posts) == (people, posts)
    second.store.close()


def test_an_existing_world_accepts_another_bot(tmp_path: Path) -> None:
    first = create_app(SandboxSettings(data=tmp_path)).state.world
    first.store.close()
    second = create_app(SandboxSettings(data=tmp_path, bot="painter_two")).state.world
    assert second.bot.username == "painter_two"
    assert len(second.people) == len(first.people) + 1
    assert second.bot.pinned_post_id not in (None, first.bot.pinned_post_id)
    second.store.close()


def test_a_folder_is_used_by_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_TIMEOUT_SECONDS", 0.1)
    first = create_app(SandboxSettings(data=tmp_path)).state.world
    result = CliRunner().invoke(cli, ["--port", "0", "--data", str(tmp_path)])
    first.store.close()
    assert result.exit_code == 2
    assert result.stderr.startswith("SANDBOX_DATA")


def test_reads_stay_fast_after_500_posts(world: SandboxWorld) -> None:
    text = "@threadpaint prompt number {} with a sea and a moon 🌊"
    world.post_many([{"author": f"person_{n % 50}", "text": text.format(n)} for n in range(500)])
    fields = {
        "tweet.fields": "author_id,entities,conversation_id,referenced_tweets,note_tweet",
        "expansions": "author_id",
    }
    started = time.process_time()  # of this process, which serves, too
    poll = world.get(f"/2/users/{world.bot.id}/mentions", max_results=100, **fields)
    search = world.get("/2/tweets/search/recent", query="@threadpaint -is:retweet", max_results=100, **fields)
    assert len(poll.json()["data"]) == len(search.json()["data"]) == 100
    assert time.process_time() - started < 0.5
