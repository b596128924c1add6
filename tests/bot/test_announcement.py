"""Test the rules thread: previewed, posted exactly once, and watched."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from bot.announcement import TEMPLATE, AnnouncementThread, ThreadPost, parse_thread, validate_thread
from core.budget.ledger import total_spent
from core.clock import now
from core.errors import OutcomeUnknown, ThreadpaintError, TryLater
from core.queue import WorkQueue
from core.watched_posts import watched_post_ids
from tests.support.forked_process import run_forked
from tests.support.sandbox_x import KEYS, SandboxX, answers, lost_call, lost_response

VALUES: dict[str, object] = {"handle": "threadpaint", "daily": 50, "gallery_url": ""}
PARTS = [ThreadPost(1, "first & <foremost>"), ThreadPost(2, "second,\nin two lines"), ThreadPost(3, "third 🎨")]


def thread_of(x: SandboxX) -> list[dict[str, Any]]:
    """Return the bot's newest three posts, oldest first."""
    posts = x.http.get(f"{x.url}/sandbox/posts").json()["data"]
    return [post for post in reversed(posts) if post["author"]["username"] == "threadpaint"][-3:]


def count(x: SandboxX) -> int:
    posts = x.http.get(f"{x.url}/sandbox/posts").json()["data"]
    return sum(post["author"]["username"] == "threadpaint" for post in posts)


def announce(x: SandboxX, engine: Engine, parts: list[ThreadPost] = PARTS) -> list[tuple[int, bool]]:
    return [(post_id, is_new) for _, post_id, is_new in AnnouncementThread(x.client(), engine).publish(parts)]


# --- the template ---


def test_default_template_is_valid() -> None:
    parts = parse_thread(TEMPLATE.read_text(), VALUES)
    assert len(parts) == 3
    assert list(validate_thread(parts, handle="threadpaint", with_link=False)) == []
    assert "50 prompts a day" in parts[2].text


def test_default_template_fits_with_the_longest_handle_and_a_link() -> None:
    values = {"handle": "x" * 15, "daily": 10_000, "gallery_url": "https://a-very-long-name.paint.example.com/gallery"}
    parts = parse_thread(TEMPLATE.read_text(), values)
    assert list(validate_thread(parts, handle="x" * 15, with_link=True)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x" * 281, "part 1 is 281 characters long, X allows 280"),
        ("🎨" * 141, "part 1 is 282 characters long, X allows 280"),
        ("look at example.com", "part 1 contains a link"),
        ("ask @somebody", "part 1 mentions @somebody"),
        ("same\n---\nsame", "part 2 repeats an earlier part"),
        ("\n---\n \n", "the template is empty"),
    ],
)
def test_invalid_thread_is_reported_before_posting(text: str, problem: str) -> None:
    assert problem in " ".join(validate_thread(parse_thread(text, VALUES), handle="threadpaint", with_link=False))


@pytest.mark.parametrize("text", ["{{ handel }}", "{% if %}", "{{ handle.__class__.__mro__ }}", "{{ 1 / }}"])
def test_broken_template_raises_one_error(text: str) -> None:
    with pytest.raises(ThreadpaintError, match="the template cannot be read"):
        parse_thread(text, VALUES)


# --- posting ---


def test_parts_become_a_watched_thread(x: SandboxX, engine: Engine) -> None:
    posted = announce(x, engine)
    thread = thread_of(x)
    assert [int(post["id"]) for post in thread] == [post_id for post_id, _ in posted]
    assert [post.get("referenced_tweets", [{}])[0].get("id") for post in thread[1:]] == [
        thread[0]["id"],
        thread[1]["id"],
    ]
    assert watched_post_ids(engine) == {post_id for post_id, _ in posted}


def test_second_run_posts_nothing(x: SandboxX, engine: Engine) -> None:
    first = announce(x, engine)
    before = count(x)
    assert announce(x, engine) == [(post_id, False) for post_id, _ in first]
    assert count(x) == before


@pytest.mark.parametrize("fault", [lost_response, lost_call, answers(503)])
def test_post_with_unknown_outcome_is_searched_before_posting_again(
    x: SandboxX, engine: Engine, fault: Callable[..., Any]
) -> None:
    before = count(x)
    x.spoil("POST", "/2/tweets", fault)
    with pytest.raises(OutcomeUnknown):
        announce(x, engine)
    posted = announce(x, engine)
    assert count(x) == before + 3
    assert [int(post["id"]) for post in thread_of(x)] == [post_id for post_id, _ in posted]


def test_interrupted_run_is_continued(x: SandboxX, engine: Engine) -> None:
    before = count(x)
    thread = AnnouncementThread(x.client(), engine).publish(PARTS)
    next(thread)
    del thread
    assert [is_new for _, is_new in announce(x, engine)] == [False, True, True]
    assert count(x) == before + 3


def test_thread_deleted_on_x_is_posted_again(x: SandboxX, engine: Engine) -> None:
    parts = PARTS[:1]
    ((post_id, _),) = announce(x, engine, parts)
    x.http.delete(f"{x.url}/sandbox/posts/{post_id}").raise_for_status()
    x.http.post(f"{x.url}/sandbox/clock", json={"advance": 3 * 86400}).raise_for_status()
    ((again, is_new),) = announce(x, engine, parts)
    assert is_new
    assert again != post_id


def test_part_is_not_posted_twice_if_x_cannot_be_searched(x: SandboxX, engine: Engine) -> None:
    announce(x, engine)
    before = count(x)
    x.spoil("GET", "/2/tweets", answers(200, b"<html>"))
    with pytest.raises(TryLater):
        announce(x, engine)
    assert count(x) == before


def test_part_with_a_link_is_found_again(x: SandboxX, engine: Engine) -> None:
    parts = [ThreadPost(1, "All of them hang here: https://paint.example.com/wall & more")]
    x.spoil("POST", "/2/tweets", lost_response)
    with pytest.raises(OutcomeUnknown):
        announce(x, engine, parts)
    ((_, is_new),) = announce(x, engine, parts)
    assert not is_new


# --- the command ---


@pytest.fixture
def run(
    migrated_engine: Engine, tmp_path: Path, x: SandboxX, queue: WorkQueue, queue_server: str
) -> Callable[..., Any]:
    keys = {name.upper(): value for name, value in KEYS.items()}
    given = {"DATA_DIR": str(tmp_path), "X_API_URL": x.url, "REDIS_URL": queue_server, **keys}

    def run(*options: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return run_forked("bot", "announce", *options, environment=given | changes)

    return run


@pytest.mark.processes
def test_dry_run_shows_lengths_and_prices_and_posts_nothing(run: Callable[..., Any], x: SandboxX) -> None:
    before = count(x)
    done = run("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "of 280, $0.015" in done.stdout
    assert done.stdout.splitlines()[-1] == "--- 3 posts, $0.045"
    assert count(x) == before


@pytest.mark.processes
def test_link_price_is_shown(run: Callable[..., Any]) -> None:
    done = run("--dry-run", "--with-link", GALLERY_URL="https://paint.example.com")
    assert "https://paint.example.com" in done.stdout
    assert done.stdout.splitlines()[-1] == "--- 3 posts, $0.230"
    assert (
        run("--dry-run", "--with-link").stderr == "bot: GALLERY_URL is missing (for example: https://paint.example)\n"
    )


@pytest.mark.processes
def test_command_prints_posts_and_what_to_pin_and_records_costs(
    run: Callable[..., Any], x: SandboxX, migrated_engine: Engine
) -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    first = thread_of(x)[0]["id"]
    assert done.stdout.splitlines()[-1].endswith(f"Pin the first one to the bot's profile: {first}")
    assert total_spent(migrated_engine, f"{now():%Y-%m}") >= 45_000


@pytest.mark.processes
def test_unreadable_template_is_one_line(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("--template", str(tmp_path / "none.txt"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "none.txt cannot be read" in done.stderr
