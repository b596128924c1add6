"""Test every fault of X in every call of the bot: no reply is lost or doubled, and retries are few.

The bot runs in one process, step by step, against the real sandbox, which injects the faults and counts the calls.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import read_connection, write_session
from core.errors import Suspended
from core.models import State, creations, posts
from core.queue import PAINT, open_queue
from core.storage import FolderStorage
from core.x.rate_limit import RateLimitHeaders
from tests.support.databases import SqliteTemplate
from tests.support.gpu_service import sketch_service
from tests.support.in_process_bot import InProcessBot
from tests.support.sandbox_x import sandbox_x
from tests.support.servers import app_server
from worker.queries import load_reply_task

ME = "GET /2/users/me"
LOOK_UP = "GET /2/tweets"
STATUS = "GET /2/media/upload"
DELETE = "DELETE /2/tweets/:id"
MENTIONS = "GET /2/users/:id/mentions"
SEARCH = "GET /2/tweets/search/recent"
OWN = "GET /2/users/:id/tweets"
UPLOAD_MEDIA = "POST /2/media/upload"
ALT = "POST /2/media/metadata"
CREATE_POST = "POST /2/tweets"
CALLS = (ME, MENTIONS, SEARCH, OWN, LOOK_UP, UPLOAD_MEDIA, STATUS, ALT, CREATE_POST)

# Seconds. Used while calls to X are slow; short, because the table waits for it 60 times.
TIMEOUT = 0.2
SLOW = {"kind": "slow", "seconds": TIMEOUT + 0.2}
FAULTS: dict[str, dict[str, Any]] = {
    "500": {"kind": "answer", "status": 500},
    "503 as a page": {"kind": "html_503"},
    "200 without a body": {"kind": "empty_200"},
    "200 with garbage": {"kind": "garbage_200"},
    "an error that is a list": {"kind": "list_body", "status": 500},
    "line breaks before": {"kind": "drop", "when": "before"},
    "line breaks after": {"kind": "drop", "when": "after"},
    "done, then 503": {"kind": "status_after", "status": 503},
    "too slow, undone": SLOW | {"when": "before"},
    "done, but too slow": SLOW | {"when": "after"},
    "429": {"kind": "answer", "status": 429},
    "429 without a reset": {"kind": "no_reset"},
    "429 with a reset in the past": {"kind": "reset_past"},
    "usage cap": {"kind": "usage_cap"},
    "no credits": {"kind": "no_credits"},
    "keys not accepted": {"kind": "unauthorized"},
    "404 of an outage": {"kind": "answer", "status": 404},
}
TIMES = 3
# Maximum of calls of one kind in one case: one per round, the failed ones, and the one that works.
MAX_CALLS = 40
ROUNDS = 30
people = count()


@pytest.fixture(scope="module")
def parts(
    tmp_path_factory: pytest.TempPathFactory, migrated_template: SqliteTemplate, queue_server: str
) -> Iterator[InProcessBot]:
    """Create one bot for the whole table. Each case posts as a new user."""
    folder: Path = tmp_path_factory.mktemp("table")
    with (
        migrated_template.open_copy(folder) as engine,
        app_server() as server,
        sandbox_x(server) as x,
        sketch_service(small=True) as gpu_url,
    ):
        bot = InProcessBot(engine, x, open_queue(queue_server), FolderStorage(folder / "pictures"), gpu_url)
        bot.queue.connection.flushdb()
        bot.control("limits", off=True)
        bot.poller.poll_once()
        yield bot


@pytest.fixture
def bot(parts: InProcessBot) -> Iterator[InProcessBot]:
    parts.queue.connection.flushdb()
    parts.probe_every(0.01)
    parts.x_timeout_seconds = 2.0
    parts.poller = parts.new_poller()  # backoff of one case must not reach the next
    yield parts
    parts.x.http.delete(f"{parts.x.url}/sandbox/faults")
    with write_session(parts.engine) as session:  # nor waiting work
        session.execute(update(creations).values(next_attempt_at=None, reply_forbidden_at=None))


def ask(bot: InProcessBot) -> int:
    return bot.x.post("@threadpaint a red fox --ar 1:1", author=f"asker_{next(people)}")


def inject(bot: InProcessBot, call: str, fault: dict[str, Any], times: int) -> None:
    bot.control("faults", endpoint=call, times=times, **fault)
    if fault["kind"] == "slow":
        bot.x_timeout_seconds = TIMEOUT
        bot.poller = bot.new_poller()


def calls(bot: InProcessBot, name: str) -> int:
    return sum(bot.x.state()["calls"].get(name, {}).values())


def run_until_answered(bot: InProcessBot, post_id: int) -> None:
    """Run rounds until the post has its reply."""
    for _ in range(ROUNDS):
        if state_of(bot, post_id) == State.REPLIED and bot.x.replies(post_id):
            return
        bot.round()
    raise AssertionError(f"lost: {row_of(bot, post_id)}")


def row_of(bot: InProcessBot, post_id: int) -> Any:
    with read_connection(bot.engine) as connection:
        return connection.execute(select(creations).where(creations.c.post_id == post_id)).one_or_none()


def state_of(bot: InProcessBot, post_id: int) -> str | None:
    row = row_of(bot, post_id)
    return row.state if row else None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_post_gets_one_reply_despite_any_fault(bot: InProcessBot, call: str, fault: str) -> None:
    before = calls(bot, call)
    post_id = ask(bot)
    provoke(bot, call)
    inject(bot, call, FAULTS[fault], TIMES)
    run_until_answered(bot, post_id)
    bot.round()
    assert len(bot.x.replies(post_id)) == 1
    assert calls(bot, call) - before <= MAX_CALLS


def provoke(bot: InProcessBot, call: str) -> None:
    """Create the circumstances in which the bot makes this call."""
    if call == OWN:  # made if it is unknown whether the reply was posted
        inject(bot, CREATE_POST, {"kind": "drop", "when": "after"}, 1)
    elif call == STATUS:  # made while X processes a picture
        inject(bot, UPLOAD_MEDIA, {"kind": "media_pending"}, 1)
    elif call == LOOK_UP:  # made if the post was read some time ago
        bot.poll_once()
        with write_session(bot.engine) as session:
            session.execute(update(posts).values(last_checked_on_x_at=now() - timedelta(hours=1)))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_deleted_creation_is_purged_despite_any_fault(bot: InProcessBot, fault: str) -> None:
    post_id = ask(bot)
    run_until_answered(bot, post_id)
    (answer,) = bot.x.replies(post_id)
    asker = bot.x.http.get(f"{bot.x.url}/sandbox/posts/{post_id}").json()["author"]["username"]
    bot.x.post("delete", author=asker, in_reply_to=answer["id"])
    before = calls(bot, DELETE)
    inject(bot, DELETE, FAULTS[fault], TIMES)
    for _ in range(ROUNDS):
        bot.round()
        bot.purge()
        if row_of(bot, post_id).purged_at:
            break
    assert bot.x.replies(post_id) == []
    assert row_of(bot, post_id).prompt == ""
    assert 1 <= calls(bot, DELETE) - before <= TIMES + 2


FINAL = {
    "not summoned": (
        "You can only reply to or quote posts where you are mentioned or are the author.",
        "x_not_summoned",
    ),
    "old wording": ("you have not been mentioned or otherwise engaged by the author of the post", "x_not_summoned"),
    "gone": ("You attempted to reply to a Tweet that is deleted or not visible to you.", "x_post_gone"),
    "restricted": ("The original Tweet author restricted who can reply to this Tweet.", "x_not_allowed"),
}


@pytest.mark.parametrize("wording", FINAL)
def test_a_403_about_the_post_is_final_and_has_a_reason_code(bot: InProcessBot, wording: str) -> None:
    words, code = FINAL[wording]
    body = {"title": "Forbidden", "status": 403, "detail": words, "type": "about:blank"}
    before = calls(bot, CREATE_POST)
    inject(bot, CREATE_POST, {"kind": "answer", "status": 403, "body": body}, 20)
    post_id = ask(bot)
    for _ in range(6):
        bot.round()
    row = row_of(bot, post_id)
    assert (row.state, row.reply_status, row.next_attempt_at) == (State.PAINTED, code, None)
    assert row.published_at is not None
    assert calls(bot, CREATE_POST) - before == 1


def problem(detail: str, kind: str = "about:blank") -> dict[str, Any]:
    return {"title": "Forbidden", "status": 403, "detail": detail, "type": kind}


def code(number: int, message: str) -> dict[str, Any]:
    return {"errors": [{"code": number, "message": message}]}


GENERIC = problem("You are not permitted to perform this action.")
# How X refuses our account or app (by code, type or text), and our reason code.
ACCOUNT_REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "locked (326)": (code(326, "To protect our users this account is temporarily locked."), "x_account_locked"),
    "suspended (64)": (code(64, "Your account is suspended and is not permitted to access this feature."),
                       "x_account_suspended"),
    "may not write (261)": (code(261, "Application cannot perform write actions."), "x_app_restricted"),
    "automated (226)": (code(226, "This request looks like it might be automated."), "x_looks_automated"),
    "no access (453)": (code(453, "You may need a different access level."), "x_no_access"),
    "locked (type)": (problem("Forbidden", "https://api.x.com/2/problems/account-locked"), "x_account_locked"),
    "suspended (type)": (problem("Forbidden", "https://api.x.com/2/problems/user-suspended"), "x_suspended"),
    "not enrolled (type)": (problem("Forbidden", "https://api.twitter.com/2/problems/client-forbidden"),
                            "x_not_enrolled"),
    "locked (words)": (problem("Your account has been locked."), "x_account_locked"),
    "restricted (words)": (problem("This application has been suspended."), "x_app_restricted"),
    "without a reason": (GENERIC, "x_forbidden"),
}  # fmt: skip


@pytest.mark.parametrize("refusal", ACCOUNT_REFUSALS)
def test_a_refused_account_suspends_replies_loses_none_and_is_reported(bot: InProcessBot, refusal: str) -> None:
    bot.probe_every(60)
    body, reason = ACCOUNT_REFUSALS[refusal]
    posts = [ask(bot) for _ in range(4)]
    bot.poll_once()
    inject(bot, CREATE_POST, {"kind": "answer", "status": 403, "body": body}, 1000)
    described = calls(bot, ALT)
    for _ in range(6):
        bot.round()
    rows = [row_of(bot, post_id) for post_id in posts]
    assert [(row.state, row.reply_status) for row in rows] == [(State.PAINTED, None)] * 4
    assert calls(bot, ALT) - described <= (3 if reason == "x_forbidden" else 1), "no alt text for refused replies"
    window = bot.rate_limiter.peek()
    assert window.blocked_reason == reason
    alarm = next(one for one in bot.problems() if one.startswith("X: "))
    assert " for replies since " in alarm
    assert alarm in bot.status()
    bot.x.http.delete(f"{bot.x.url}/sandbox/faults")
    for post_id in posts:
        run_until_answered(bot, post_id)
    assert [len(bot.x.replies(post_id)) for post_id in posts] == [1] * 4
    assert bot.rate_limiter.peek().blocked_reason == ""


def test_accepted_alt_texts_lift_no_suspension_of_replies(bot: InProcessBot) -> None:
    """A partial 402: only replies are refused."""
    bot.probe_every(60)
    posts = [ask(bot) for _ in range(3)]
    bot.poll_once()
    inject(bot, CREATE_POST, FAULTS["no credits"], 1000)
    described, uploaded = calls(bot, ALT), calls(bot, UPLOAD_MEDIA)
    ages = []
    for _ in range(6):
        bot.round()
        ages.append(bot.rate_limiter.peek().blocked_for)
    assert ages == sorted(ages), "the suspension lasts, and keeps its start time"
    assert ages[0] > 0
    assert (calls(bot, ALT) - described, calls(bot, UPLOAD_MEDIA) - uploaded) == (1, 1)
    bot.x.http.delete(f"{bot.x.url}/sandbox/faults")
    for post_id in posts:
        run_until_answered(bot, post_id)
    assert sum(calls(bot, one) for one in (ALT, UPLOAD_MEDIA)) - described - uploaded == 2 * 3


def test_a_403_without_a_reason_is_retried_once(bot: InProcessBot) -> None:
    inject(bot, CREATE_POST, {"kind": "answer", "status": 403, "body": GENERIC}, 1)
    once = ask(bot)
    run_until_answered(bot, once)
    assert len(bot.x.replies(once)) == 1

    before = calls(bot, CREATE_POST)
    inject(bot, CREATE_POST, {"kind": "answer", "status": 403, "body": GENERIC}, 2)
    refused_twice = ask(bot)
    for _ in range(6):
        bot.round()
    row = row_of(bot, refused_twice)
    assert (row.state, row.reply_status, row.next_attempt_at) == (State.PAINTED, "x_forbidden", None)
    assert row.published_at is not None
    assert calls(bot, CREATE_POST) - before == 2
    assert bot.rate_limiter.peek().blocked_reason == ""


def test_refusals_without_a_reason_are_retried_if_the_account_was_refused(bot: InProcessBot) -> None:
    inject(bot, CREATE_POST, {"kind": "answer", "status": 403, "body": GENERIC}, 1000)
    refused = []
    for _ in range(2):
        refused.append(ask(bot))
        for _ in range(3):
            bot.round()
    assert [row_of(bot, one).reply_status for one in refused] == ["x_forbidden"] * 2
    refused.append(ask(bot))
    for _ in range(3):
        bot.round()
    assert bot.rate_limiter.peek().blocked_reason == "x_forbidden"
    bot.x.http.delete(f"{bot.x.url}/sandbox/faults")
    for post_id in refused:
        run_until_answered(bot, post_id)
    assert [len(bot.x.replies(post_id)) for post_id in refused] == [1] * 3


def postpone(bot: InProcessBot, post_id: int, until: datetime | None) -> None:
    with write_session(bot.engine) as session:
        session.execute(update(creations).where(creations.c.post_id == post_id).values(next_attempt_at=until))


def test_an_account_refusal_of_one_post_is_final_once_others_were_accepted(bot: InProcessBot) -> None:
    """`user-suspended` may mean the author of the post."""
    body = ACCOUNT_REFUSALS["suspended (type)"][0]
    strange = ask(bot)
    bot.control("faults", endpoint=CREATE_POST, kind="answer", status=403, body=body, calls=[1, 3])
    bot.round()
    assert bot.rate_limiter.peek().blocked_reason == "x_suspended"
    postpone(bot, strange, None)
    fine = ask(bot)
    bot.round()
    postpone(bot, strange, now())
    bot.round()
    assert (len(bot.x.replies(fine)), len(bot.x.replies(strange))) == (1, 0)
    assert row_of(bot, strange).reply_status == "x_suspended"


def test_a_suspension_just_before_the_reply_is_no_refusal_by_x(bot: InProcessBot) -> None:
    """Another job took the probe while this one uploaded its picture."""
    post_id = ask(bot)
    bot.poll_once()
    bot.dispatcher.dispatch(PAINT)
    bot.run_jobs(PAINT)
    bot.probe_every(60)
    bot.rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_forbidden")
    row = row_of(bot, post_id)
    step = bot._reply()
    lease = step.acquire(row.id)
    assert lease is not None
    before = calls(bot, CREATE_POST)
    with pytest.raises(Suspended):
        step._send(lease, load_reply_task(bot.engine, row.id), post_id, [])
    assert calls(bot, CREATE_POST) == before
    assert row_of(bot, post_id).reply_forbidden_at is None


@pytest.mark.parametrize("call", [UPLOAD_MEDIA, MENTIONS, OWN, LOOK_UP, ME])
def test_a_403_without_a_reason_for_a_call_without_post_concerns_the_account(bot: InProcessBot, call: str) -> None:
    post_id = ask(bot)
    provoke(bot, call)
    inject(bot, call, {"kind": "answer", "status": 403, "body": GENERIC}, TIMES)
    bot.round()
    run_until_answered(bot, post_id)
    assert len(bot.x.replies(post_id)) == 1


@pytest.mark.parametrize("fault", ["no credits", "keys not accepted", "usage cap"])
def test_a_blocked_account_loses_no_work_and_makes_few_calls(bot: InProcessBot, fault: str) -> None:
    inject(bot, CREATE_POST, FAULTS[fault], 5)
    before = calls(bot, CREATE_POST)
    posts = [ask(bot) for _ in range(6)]
    for post_id in posts:
        run_until_answered(bot, post_id)
    assert [len(bot.x.replies(post_id)) for post_id in posts] == [1] * 6
    assert calls(bot, CREATE_POST) - before == 6 + 5, "one probe at a time, and none more than needed"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "media_lag", "seconds": 100},
        {"kind": "media_pending"},
        {"kind": "media_failed", "times": 2},
    ],
)
def test_pictures_that_x_is_processing_are_awaited_or_uploaded_again(bot: InProcessBot, fault: dict[str, Any]) -> None:
    bot.control("faults", endpoint=UPLOAD_MEDIA, **fault)
    post_id = ask(bot)
    run_until_answered(bot, post_id)
    (answer,) = bot.x.replies(post_id)
    assert len(answer["media"]) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost", "rate": 1.0, "endpoint": MENTIONS},
        {"kind": "late", "seconds": 200, "rate": 1.0, "endpoint": MENTIONS},
        {"kind": "duplicates", "endpoint": MENTIONS},
        {"kind": "index_delay", "seconds": 100},
    ],
)
def test_a_lost_late_or_doubled_mention_is_answered_once(bot: InProcessBot, fault: dict[str, Any]) -> None:
    bot.control("faults", **fault)
    posts = [ask(bot) for _ in range(3)]
    for post_id in posts:
        run_until_answered(bot, post_id)
    bot.round()
    assert [len(bot.x.replies(post_id)) for post_id in posts] == [1, 1, 1]
