"""The fault table: every fault of X at every call the bot makes. Never lost, never twice, never a storm of retries.

The house runs in one process, step by step, against the real sandbox, which spoils the calls and counts them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import open_database, reading, transaction
from core.errors import Suspended
from core.models import State, creations, posts
from core.pace import Told
from core.queue import PAINT
from core.schema import migrate
from core.storage import FolderStorage
from tests.support.little_house import LittleHouse
from tests.support.painter import sketch_service
from tests.support.sandbox_x import sandbox_x
from worker.rows import creation_with_post

ME = "GET /2/users/me"
LOOK_UP = "GET /2/tweets"
STATUS = "GET /2/media/upload"
DELETE = "DELETE /2/tweets/:id"
MENTIONS = "GET /2/users/:id/mentions"
SEARCH = "GET /2/tweets/search/recent"
OWN = "GET /2/users/:id/tweets"
UPLOAD = "POST /2/media/upload"
ALT = "POST /2/media/metadata"
ANSWER = "POST /2/tweets"
CALLS = (ME, MENTIONS, SEARCH, OWN, LOOK_UP, UPLOAD, STATUS, ALT, ANSWER)

FAULTS: dict[str, dict[str, Any]] = {
    "500": {"kind": "answer", "status": 500},
    "503 as a page": {"kind": "html_503"},
    "200 without a body": {"kind": "empty_200"},
    "200 with garbage": {"kind": "garbage_200"},
    "an error that is a list": {"kind": "list_body", "status": 500},
    "line breaks before": {"kind": "drop", "when": "before"},
    "line breaks after": {"kind": "drop", "when": "after"},
    "done, then 503": {"kind": "status_after", "status": 503},
    "too slow, undone": {"kind": "slow", "seconds": 0.8, "when": "before"},
    "done, but too slow": {"kind": "slow", "seconds": 0.8, "when": "after"},
    "429": {"kind": "answer", "status": 429},
    "429 without a reset": {"kind": "no_reset"},
    "429 with a reset in the past": {"kind": "reset_past"},
    "usage cap": {"kind": "usage_cap"},
    "no credits": {"kind": "no_credits"},
    "keys not accepted": {"kind": "unauthorized"},
    "404 of an outage": {"kind": "answer", "status": 404},
}
TIMES = 3
# Calls of one kind in one case: the looks of every round, the tries that were spoiled, the one that works.
MOST_CALLS = 40
ROUNDS = 30
people = count()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, queue_server: str) -> Iterator[LittleHouse]:
    """One house for the whole table: each case asks as somebody new."""
    from core.queue import open_queue

    folder: Path = tmp_path_factory.mktemp("table")
    engine = open_database(f"sqlite:///{folder / 'house.db'}")
    migrate(engine)
    with sandbox_x() as x, sketch_service() as painter:
        house = LittleHouse(engine, x, open_queue(queue_server), FolderStorage(folder / "pictures"), painter)
        house.queue.connection.flushdb()
        house.control("limits", off=True)
        house.poller.look()
        yield house


@pytest.fixture
def house(parts: LittleHouse) -> Iterator[LittleHouse]:
    parts.queue.connection.flushdb()
    parts.probe_every(0.01)
    parts.poller = parts.new_poller()  # what one case has put off must not reach the next
    yield parts
    parts.x.http.delete(f"{parts.x.url}/sandbox/faults")
    with transaction(parts.engine) as session:  # nor who still waits
        session.execute(update(creations).values(next_attempt_at=None, reply_forbidden_at=None))


def ask(house: LittleHouse) -> int:
    return house.x.post("@threadpaint a red fox --ar 1:1", author=f"asker_{next(people)}")


def spoil(house: LittleHouse, call: str, fault: dict[str, Any], times: int) -> None:
    house.control("faults", endpoint=call, times=times, **fault)


def calls(house: LittleHouse, name: str) -> int:
    return sum(house.x.state()["calls"].get(name, {}).values())


def run_until_answered(house: LittleHouse, post_id: int) -> int:
    """Rounds until the post is answered and nothing rests."""
    for rounds in range(1, ROUNDS):
        house.round()
        if house.x.replies(post_id) and state_of(house, post_id) == State.REPLIED:
            return rounds
    raise AssertionError(f"lost: {row_of(house, post_id)}")


def row_of(house: LittleHouse, post_id: int) -> Any:
    with reading(house.engine) as connection:
        return connection.execute(select(creations).where(creations.c.post_id == post_id)).one_or_none()


def state_of(house: LittleHouse, post_id: int) -> str | None:
    row = row_of(house, post_id)
    return row.state if row else None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_x_does_a_post_is_answered_once(house: LittleHouse, call: str, fault: str) -> None:
    before = calls(house, call)
    post_id = ask(house)
    lead_to(house, call)
    spoil(house, call, FAULTS[fault], TIMES)
    run_until_answered(house, post_id)
    house.round()
    assert len(house.x.replies(post_id)) == 1
    assert calls(house, call) - before <= MOST_CALLS


def lead_to(house: LittleHouse, call: str) -> None:
    """Some calls are made in some circumstances only."""
    if call == OWN:  # who does not know whether it has answered
        spoil(house, ANSWER, {"kind": "drop", "when": "after"}, 1)
    elif call == STATUS:  # X is not done with a picture
        spoil(house, UPLOAD, {"kind": "media_pending"}, 1)
    elif call == LOOK_UP:  # the post was read a while ago
        house.look()
        with transaction(house.engine) as session:
            session.execute(update(posts).values(checked_at=now() - timedelta(hours=1)))


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_x_does_what_is_deleted_goes(house: LittleHouse, fault: str) -> None:
    post_id = ask(house)
    run_until_answered(house, post_id)
    (answer,) = house.x.replies(post_id)
    asker = house.x.http.get(f"{house.x.url}/sandbox/posts/{post_id}").json()["author"]["username"]
    house.x.post("delete", author=asker, in_reply_to=answer["id"])
    before = calls(house, DELETE)
    spoil(house, DELETE, FAULTS[fault], TIMES)
    for _ in range(ROUNDS):
        house.round()
        house.keep()
        if row_of(house, post_id).forgotten_at:
            break
    assert house.x.replies(post_id) == []
    assert row_of(house, post_id).prompt == ""
    assert 1 <= calls(house, DELETE) - before <= TIMES + 2


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
def test_a_403_about_the_post_is_final_and_named(house: LittleHouse, wording: str) -> None:
    words, code = FINAL[wording]
    body = {"title": "Forbidden", "status": 403, "detail": words, "type": "about:blank"}
    before = calls(house, ANSWER)
    spoil(house, ANSWER, {"kind": "answer", "status": 403, "body": body}, 20)
    post_id = ask(house)
    for _ in range(6):
        house.round()
    row = row_of(house, post_id)
    assert (row.state, row.reply_outcome, row.next_attempt_at) == (State.PAINTED, code, None)
    assert row.shown_at is not None
    assert calls(house, ANSWER) - before == 1


def problem(detail: str, kind: str = "about:blank") -> dict[str, Any]:
    return {"title": "Forbidden", "status": 403, "detail": detail, "type": kind}


def code(number: int, message: str) -> dict[str, Any]:
    return {"errors": [{"code": number, "message": message}]}


GENERIC = problem("You are not permitted to perform this action.")
# What X has against our account or app, in its three ways to say it; and our code for it.
AGAINST_US: dict[str, tuple[dict[str, Any], str]] = {
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


@pytest.mark.parametrize("refusal", AGAINST_US)
def test_what_x_has_against_us_suspends_replies_keeps_them_all_and_is_an_alarm(
    house: LittleHouse, refusal: str
) -> None:
    house.probe_every(60)
    body, reason = AGAINST_US[refusal]
    posts = [ask(house) for _ in range(5)]
    house.look()
    spoil(house, ANSWER, {"kind": "answer", "status": 403, "body": body}, 1000)
    described = calls(house, ALT)
    for _ in range(6):
        house.round()
    rows = [row_of(house, post_id) for post_id in posts]
    assert [(row.state, row.reply_outcome) for row in rows] == [(State.PAINTED, None)] * 5
    assert calls(house, ALT) - described <= (3 if reason == "x_forbidden" else 1), "nothing is paid to be refused"
    window = house.pace.look()
    assert window.stopped == reason
    alarm = next(one for one in house.problems() if one.startswith("X: "))
    assert " for answers since " in alarm
    assert alarm in house.status()
    house.x.http.delete(f"{house.x.url}/sandbox/faults")
    for post_id in posts:
        run_until_answered(house, post_id)
    assert [len(house.x.replies(post_id)) for post_id in posts] == [1] * 5
    assert house.pace.look().stopped == ""


def test_alt_texts_that_x_takes_lift_no_suspension_of_replies(house: LittleHouse) -> None:
    """A partial 402: only replies are refused."""
    house.probe_every(60)
    posts = [ask(house) for _ in range(3)]
    house.look()
    spoil(house, ANSWER, FAULTS["no credits"], 1000)
    described, uploaded = calls(house, ALT), calls(house, UPLOAD)
    ages = []
    for _ in range(6):
        house.round()
        ages.append(house.pace.look().stopped_for)
    assert ages == sorted(ages), "the suspension lasts, and its beginning stays"
    assert ages[0] > 0
    assert (calls(house, ALT) - described, calls(house, UPLOAD) - uploaded) == (1, 1)
    house.x.http.delete(f"{house.x.url}/sandbox/faults")
    for post_id in posts:
        run_until_answered(house, post_id)
    assert sum(calls(house, one) for one in (ALT, UPLOAD)) - described - uploaded == 2 * 3


def test_a_403_without_a_reason_is_tried_once_more_and_no_more(house: LittleHouse) -> None:
    spoil(house, ANSWER, {"kind": "answer", "status": 403, "body": GENERIC}, 1)
    once = ask(house)
    run_until_answered(house, once)
    assert len(house.x.replies(once)) == 1

    before = calls(house, ANSWER)
    spoil(house, ANSWER, {"kind": "answer", "status": 403, "body": GENERIC}, 2)
    for_ever = ask(house)
    for _ in range(6):
        house.round()
    row = row_of(house, for_ever)
    assert (row.state, row.reply_outcome, row.next_attempt_at) == (State.PAINTED, "x_forbidden", None)
    assert row.shown_at is not None
    assert calls(house, ANSWER) - before == 2
    assert house.pace.look().stopped == ""


def test_final_refusals_without_a_reason_are_taken_back_once_they_turn_out_to_be_about_us(house: LittleHouse) -> None:
    spoil(house, ANSWER, {"kind": "answer", "status": 403, "body": GENERIC}, 1000)
    slowly = []
    for _ in range(2):
        slowly.append(ask(house))
        for _ in range(3):
            house.round()
    assert [row_of(house, one).reply_outcome for one in slowly] == ["x_forbidden"] * 2
    slowly.append(ask(house))
    for _ in range(3):
        house.round()
    assert house.pace.look().stopped == "x_forbidden"
    house.x.http.delete(f"{house.x.url}/sandbox/faults")
    for post_id in slowly:
        run_until_answered(house, post_id)
    assert [len(house.x.replies(post_id)) for post_id in slowly] == [1] * 3


def step_aside(house: LittleHouse, post_id: int, until: datetime | None) -> None:
    with transaction(house.engine) as session:
        session.execute(update(creations).where(creations.c.post_id == post_id).values(next_attempt_at=until))


def test_a_post_that_x_refuses_as_if_it_were_us_is_final_once_others_were_taken(house: LittleHouse) -> None:
    """`user-suspended` may mean the author of the post."""
    body = AGAINST_US["suspended (type)"][0]
    strange = ask(house)
    house.control("faults", endpoint=ANSWER, kind="answer", status=403, body=body, calls=[1, 3])
    house.round()
    assert house.pace.look().stopped == "x_suspended"
    step_aside(house, strange, None)
    fine = ask(house)
    house.round()
    step_aside(house, strange, now())
    house.round()
    assert (len(house.x.replies(fine)), len(house.x.replies(strange))) == (1, 0)
    assert row_of(house, strange).reply_outcome == "x_suspended"


def test_who_finds_replies_suspended_at_the_last_moment_was_not_refused_by_x(house: LittleHouse) -> None:
    """Another job took the probe while this one uploaded its picture."""
    post_id = ask(house)
    house.look()
    house.line.call_up(PAINT)
    house.work_off(PAINT)
    house.probe_every(60)
    house.pace.learn(ANSWER, Told(now()), "x_forbidden")
    row = row_of(house, post_id)
    step = house._reply()
    claim = step.claim(row.id)
    assert claim is not None
    before = calls(house, ANSWER)
    with pytest.raises(Suspended):
        step._answer(claim, creation_with_post(house.engine, row.id), [])
    assert calls(house, ANSWER) == before
    assert row_of(house, post_id).reply_forbidden_at is None


@pytest.mark.parametrize("call", [UPLOAD, MENTIONS, OWN, LOOK_UP, ME])
def test_a_403_without_a_reason_to_a_call_about_no_post_is_about_us(house: LittleHouse, call: str) -> None:
    post_id = ask(house)
    lead_to(house, call)
    spoil(house, call, {"kind": "answer", "status": 403, "body": GENERIC}, TIMES)
    house.round()
    run_until_answered(house, post_id)
    assert len(house.x.replies(post_id)) == 1


@pytest.mark.parametrize("fault", ["no credits", "keys not accepted", "usage cap"])
def test_while_x_wants_something_of_the_host_all_work_is_kept_and_x_hardly_called(
    house: LittleHouse, fault: str
) -> None:
    spoil(house, ANSWER, FAULTS[fault], 5)
    before = calls(house, ANSWER)
    posts = [ask(house) for _ in range(6)]
    for post_id in posts:
        run_until_answered(house, post_id)
    assert [len(house.x.replies(post_id)) for post_id in posts] == [1] * 6
    assert calls(house, ANSWER) - before == 6 + 5, "one look at a time, and none more than needed"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "media_lag", "seconds": 100},
        {"kind": "media_pending"},
        {"kind": "media_failed", "times": 2},
    ],
)
def test_pictures_that_x_does_not_know_yet_are_waited_for_or_brought_again(
    house: LittleHouse, fault: dict[str, Any]
) -> None:
    house.control("faults", endpoint=UPLOAD, **fault)
    post_id = ask(house)
    run_until_answered(house, post_id)
    (answer,) = house.x.replies(post_id)
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
def test_a_mention_that_the_timeline_loses_delays_or_doubles_is_answered_once(
    house: LittleHouse, fault: dict[str, Any]
) -> None:
    house.control("faults", **fault)
    posts = [ask(house) for _ in range(3)]
    for post_id in posts:
        run_until_answered(house, post_id)
    house.round()
    assert [len(house.x.replies(post_id)) for post_id in posts] == [1, 1, 1]
