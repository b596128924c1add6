"""The rules thread: shown before it is posted, posted once whatever breaks, watched from then on."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from bot.announcing import TEMPLATE, Announcement, Part, parts_of, problems_of
from core.clock import now
from core.database import open_database
from core.errors import HouseError, OutcomeUnknown, TryLater
from core.money.ledger import spent
from core.queue import WorkQueue
from core.schema import migrate
from core.watching import watched_posts
from tests.support.children import child_environment, empty_folder
from tests.support.sandbox_x import KEYS, SandboxX, answers, lost_answer, lost_call

VALUES: dict[str, object] = {"handle": "threadpaint", "daily": 50, "gallery_url": ""}
PARTS = [Part(1, "first & <foremost>"), Part(2, "second,\nin two lines"), Part(3, "third 🎨")]


def thread_of(x: SandboxX) -> list[dict[str, Any]]:
    """The bot's own posts but its opening, oldest first."""
    posts = x.http.get(f"{x.url}/sandbox/posts").json()["data"]
    return [post for post in reversed(posts) if post["author"]["username"] == "threadpaint"][-3:]


def count(x: SandboxX) -> int:
    posts = x.http.get(f"{x.url}/sandbox/posts").json()["data"]
    return sum(post["author"]["username"] == "threadpaint" for post in posts)


def announce(x: SandboxX, engine: Engine, parts: list[Part] = PARTS) -> list[tuple[int, bool]]:
    return [(post_id, is_new) for _, post_id, is_new in Announcement(x.client(), engine).post(parts)]


# --- the template ---


def test_the_template_of_the_house_has_no_problem() -> None:
    parts = parts_of(TEMPLATE.read_text(), VALUES)
    assert len(parts) == 3
    assert list(problems_of(parts, handle="threadpaint", with_link=False)) == []
    assert "50 prompts a day" in parts[2].text


def test_the_template_of_the_house_fits_with_the_longest_handle_and_a_link() -> None:
    values = {"handle": "x" * 15, "daily": 10_000, "gallery_url": "https://a-very-long-name.paint.example.com/gallery"}
    parts = parts_of(TEMPLATE.read_text(), values)
    assert list(problems_of(parts, handle="x" * 15, with_link=True)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x" * 281, "part 1 weighs 281, X allows 280"),
        ("🎨" * 141, "part 1 weighs 282, X allows 280"),
        ("look at example.com", "part 1 holds a link"),
        ("ask @somebody", "part 1 names @somebody"),
        ("same\n---\nsame", "part 2 is said twice"),
        ("\n---\n \n", "the template holds no words"),
    ],
)
def test_what_x_or_the_purse_would_mind_is_told_before_anything_is_posted(text: str, problem: str) -> None:
    assert problem in " ".join(problems_of(parts_of(text, VALUES), handle="threadpaint", with_link=False))


@pytest.mark.parametrize("text", ["{{ handel }}", "{% if %}", "{{ handle.__class__.__mro__ }}", "{{ 1 / }}"])
def test_a_broken_template_is_one_clear_error(text: str) -> None:
    with pytest.raises(HouseError, match="the template cannot be read"):
        parts_of(text, VALUES)


# --- posting ---


def test_the_parts_become_a_thread_of_our_own_and_are_watched(x: SandboxX, engine: Engine) -> None:
    posted = announce(x, engine)
    thread = thread_of(x)
    assert [int(post["id"]) for post in thread] == [post_id for post_id, _ in posted]
    assert [post.get("referenced_tweets", [{}])[0].get("id") for post in thread[1:]] == [
        thread[0]["id"],
        thread[1]["id"],
    ]
    assert watched_posts(engine) == {post_id for post_id, _ in posted}


def test_run_twice_it_posts_once(x: SandboxX, engine: Engine) -> None:
    first = announce(x, engine)
    before = count(x)
    assert announce(x, engine) == [(post_id, False) for post_id, _ in first]
    assert count(x) == before


@pytest.mark.parametrize("fault", [lost_answer, lost_call, answers(503)])
def test_a_post_of_unknown_outcome_is_looked_for_before_it_is_posted_again(
    x: SandboxX, engine: Engine, fault: Callable[..., Any]
) -> None:
    before = count(x)
    x.spoil("POST", "/2/tweets", fault)
    with pytest.raises(OutcomeUnknown):
        announce(x, engine)
    posted = announce(x, engine)
    assert count(x) == before + 3
    assert [int(post["id"]) for post in thread_of(x)] == [post_id for post_id, _ in posted]


def test_it_goes_on_where_it_was_stopped(x: SandboxX, engine: Engine) -> None:
    before = count(x)
    thread = Announcement(x.client(), engine).post(PARTS)
    next(thread)
    del thread
    assert [is_new for _, is_new in announce(x, engine)] == [False, True, True]
    assert count(x) == before + 3


def test_a_thread_that_was_deleted_on_x_is_posted_anew(x: SandboxX, engine: Engine) -> None:
    parts = PARTS[:1]
    ((post_id, _),) = announce(x, engine, parts)
    x.http.delete(f"{x.url}/sandbox/posts/{post_id}").raise_for_status()
    x.http.post(f"{x.url}/sandbox/clock", json={"advance": 3 * 86400}).raise_for_status()
    ((again, is_new),) = announce(x, engine, parts)
    assert is_new
    assert again != post_id


def test_an_x_that_cannot_say_whether_a_part_is_there_gets_no_second_one(x: SandboxX, engine: Engine) -> None:
    announce(x, engine)
    before = count(x)
    x.spoil("GET", "/2/tweets", answers(200, b"<html>"))
    with pytest.raises(TryLater):
        announce(x, engine)
    assert count(x) == before


def test_a_part_with_a_link_is_found_again(x: SandboxX, engine: Engine) -> None:
    parts = [Part(1, "All of them hang here: https://paint.example.com/wall & more")]
    x.spoil("POST", "/2/tweets", lost_answer)
    with pytest.raises(OutcomeUnknown):
        announce(x, engine, parts)
    ((_, is_new),) = announce(x, engine, parts)
    assert not is_new


# --- the command ---


@pytest.fixture
def run(tmp_path: Path, x: SandboxX, queue: WorkQueue, queue_server: str) -> Callable[..., Any]:
    migrate(open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}"))
    keys = {name.upper(): value for name, value in KEYS.items()}
    given = child_environment(DATA_DIR=str(tmp_path), X_API_URL=x.url, REDIS_URL=queue_server)

    def run(*options: str, **changes: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", "announce", *options]
        environment = given | keys | changes
        return subprocess.run(
            command, cwd=empty_folder(), env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_a_dry_run_shows_lengths_and_prices_and_posts_nothing(run: Callable[..., Any], x: SandboxX) -> None:
    before = count(x)
    done = run("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "of 280, $0.015" in done.stdout
    assert done.stdout.splitlines()[-1] == "--- 3 posts, $0.045"
    assert count(x) == before


def test_a_link_costs_and_says_so(run: Callable[..., Any]) -> None:
    done = run("--dry-run", "--with-link", GALLERY_URL="https://paint.example.com")
    assert "https://paint.example.com" in done.stdout
    assert done.stdout.splitlines()[-1] == "--- 3 posts, $0.230"
    assert (
        run("--dry-run", "--with-link").stderr == "bot: GALLERY_URL is missing (for example: https://paint.example)\n"
    )


def test_it_tells_what_it_posted_and_what_to_pin_and_writes_down_what_it_cost(
    run: Callable[..., Any], x: SandboxX, tmp_path: Path
) -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    first = thread_of(x)[0]["id"]
    assert done.stdout.splitlines()[-1].endswith(f"Pin the first one to the bot's profile: {first}")
    assert spent(open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}"), f"{now():%Y-%m}") >= 45_000


def test_a_template_that_cannot_be_read_is_one_line(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("--template", str(tmp_path / "none.txt"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "none.txt cannot be read" in done.stderr
