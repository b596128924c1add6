"""Exactly one reply: against the real sandbox, over a connection that breaks at every point."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine, update

from core.budget import ledger
from core.clock import now
from core.database import open_database, write_session
from core.errors import SettingsError
from core.instance import adopt_storage
from core.migrate import migrate
from core.models import Creation, Person, State, creations, pictures
from core.queue import WorkQueue
from core.reply_numbers import may_reply_for, parse_numbers
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, JobSettings, RateLimitSettings, load
from core.storage import FolderStorage
from core.twittertext.length import strip_entities, weighted_length
from core.twittertext.links import find_links
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import XRateLimiter
from tests.support.child_processes import child_environment, empty_folder
from tests.support.rows import make_creation, make_due, make_person, make_post, read_creation
from tests.support.sandbox_x import KEYS, SandboxX, answers, lost_call, lost_response
from tests.support.servers import wait_until
from worker.jobs import run_step
from worker.queries import load_reply_task
from worker.reply_policy import ReplyPolicy
from worker.replying import ReplyStep, reply_text
from worker.settings import read_settings

POST = ("POST", "/2/tweets")
UPLOAD = ("POST", "/2/media/upload")
ALT = ("POST", "/2/media/metadata")


class Demo:
    """One painted creation for a real post of the sandbox."""

    def __init__(
        self, engine: Engine, x: SandboxX, storage: FolderStorage, dispatcher: Dispatcher, settings: JobSettings
    ) -> None:
        self.engine, self.x = engine, x
        self.step = ReplyStep(engine, x.client(), storage, dispatcher, settings, ReplyPolicy())
        self.post_id = x.post("@threadpaint a red fox")
        self.creation_id = self._painted(storage)

    def work(self) -> Creation:
        """Run the reply job once, as if it were due now."""
        make_due(self.engine)
        run_step(replace(self.step), self.creation_id)
        return read_creation(self.engine, self.creation_id)

    def answers(self) -> list[dict[str, Any]]:
        return self.x.replies(self.post_id)

    def _painted(self, storage: FolderStorage) -> int:
        person = make_person(self.engine, name="Ada")
        post = make_post(self.engine, id=self.post_id, author_id=person)
        values: dict[str, Any] = {
            "person_id": person,
            "state": State.PAINTED,
            "prompt": "a red fox",
            "with_post": False,
        }
        creation_id = make_creation(self.engine, pictures=1, **values)
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(buffer, "WEBP")
        key = storage.put(buffer.getvalue(), "webp")
        with write_session(self.engine) as session:
            session.execute(pictures.update().values(key=key))
            session.get_one(Creation, creation_id).post_id = post
        return creation_id


@pytest.fixture
def setup(engine: Engine, x: SandboxX, storage: FolderStorage, dispatcher: Dispatcher, settings: JobSettings) -> Demo:
    return Demo(engine, x, storage, dispatcher, settings)


def test_the_reply_has_the_picture_and_alt_text(setup: Demo) -> None:
    row = setup.work()
    (answer,) = setup.answers()
    assert (row.state, row.reply_status, row.reply_post_id) == (State.REPLIED, "answered", int(answer["id"]))
    assert answer["author"]["username"] == "threadpaint"
    (media,) = answer["media"]
    assert media["alt_text"] == "a red fox – prompted by Ada"
    assert setup.x.http.get(media["url"]).content[:4] == b"RIFF"


def test_a_repeated_job_replies_once(setup: Demo) -> None:
    for _ in range(3):
        setup.work()
    assert len(setup.answers()) == 1
    assert setup.x.state()["duplicates"] == 0


@pytest.mark.parametrize("fault", [lost_response, lost_call, answers(503, b"<html>down"), answers(200, b"")])
def test_an_unclear_outcome_is_looked_up_before_posting_again(setup: Demo, fault: Any) -> None:
    setup.x.spoil(*POST, fault)
    row = setup.work()
    assert (row.state, row.lease_token) == (State.REPLYING, None)
    row = setup.work()
    assert (row.state, row.attempts) == (State.REPLIED, 2)
    assert len(setup.answers()) == 1
    assert row.reply_post_id == int(setup.answers()[0]["id"])


def test_nothing_is_posted_again_while_lookups_fail(setup: Demo) -> None:
    me = setup.step.x.get_me().author.id
    setup.x.spoil(*POST, lost_response)
    setup.work()
    for fault in (answers(503), lost_call, answers(429, x_rate_limit_reset="1")):
        setup.x.spoil("GET", f"/2/users/{me}/tweets", fault)
        assert setup.work().state == State.REPLYING
    assert setup.work().state == State.REPLIED
    assert len(setup.answers()) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 301])
def test_a_reply_in_the_timeline_is_found_without_search(setup: Demo, status: int) -> None:
    setup.x.spoil(*POST, lost_response)
    setup.work()
    setup.x.spoil("GET", "/2/tweets/search/recent", answers(status))
    assert setup.work().state == State.REPLIED
    assert len(setup.answers()) == 1


def test_a_timeline_read_to_its_end_needs_no_search(setup: Demo) -> None:
    setup.x.spoil(*POST, lost_call)
    setup.work()
    setup.x.spoil("GET", "/2/tweets/search/recent", answers(400))
    assert setup.work().state == State.REPLIED


@pytest.mark.parametrize("status", [400, 403, 404, 302, 503])
def test_a_refused_lookup_says_nothing_about_the_reply(setup: Demo, status: int) -> None:
    me = setup.step.x.get_me().author.id
    setup.x.spoil(*POST, lost_response)
    setup.work()
    setup.x.spoil("GET", f"/2/users/{me}/tweets", answers(status))
    row = setup.work()
    assert (row.state, row.reply_status) == (State.REPLYING, None)
    assert setup.work().state == State.REPLIED
    assert len(setup.answers()) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"errors":[{"message":"?"}]}', b'{"data":[{"id":"?"}],"meta":{"result_count":1}}']
)
def test_an_empty_response_does_not_prove_a_missing_reply(setup: Demo, body: bytes) -> None:
    me = setup.step.x.get_me().author.id
    setup.x.spoil(*POST, lost_response)
    setup.work()
    empty = answers(200, body, content_type="application/json")
    setup.x.spoil("GET", f"/2/users/{me}/tweets", empty)
    setup.x.spoil("GET", "/2/tweets/search/recent", empty)
    assert setup.work().state == State.REPLYING
    assert setup.work().state == State.REPLIED
    assert len(setup.answers()) == 1


@pytest.mark.parametrize("status", [301, 302, 408])
def test_an_error_page_of_a_proxy_ends_no_reply(setup: Demo, status: int) -> None:
    setup.x.spoil(*UPLOAD, answers(status, location="http://portal.invalid/"))
    assert setup.work().state == State.PAINTED
    assert setup.work().state == State.REPLIED


def test_failing_alt_texts_do_not_stop_the_reply(setup: Demo) -> None:
    setup.x.spoil(*ALT, *[answers(404)] * 3)
    states = [setup.work().state for _ in range(3)]
    assert states == [State.PAINTED, State.PAINTED, State.REPLIED]
    assert setup.answers()[0]["media"][0]["alt_text"] == ""


def test_error_texts_of_x_can_be_stored(setup: Demo) -> None:
    body = b'{"title":"Forbidden","detail":"no \\u0000 and \\ud800 please"}'
    setup.x.spoil(*POST, *[answers(403, body, content_type="application/json")] * 2)
    setup.work()
    row = setup.work()
    assert (row.state, row.reply_status) == (State.PAINTED, "x_forbidden")


def test_a_refusal_without_a_reason_is_retried_once(setup: Demo) -> None:
    body = b'{"title":"Forbidden","detail":"You are not permitted to perform this action."}'
    setup.x.spoil(*POST, answers(403, body, content_type="application/json"))
    row = setup.work()
    assert (row.state, row.reply_status, row.attempts) == (State.PAINTED, None, 1)
    assert row.next_attempt_at is not None
    assert timedelta(minutes=4) < row.next_attempt_at - now() < timedelta(minutes=6)
    row = setup.work()
    assert (row.state, row.reply_forbidden_at) == (State.REPLIED, None)


def test_a_reply_refused_as_duplicate_is_looked_up(setup: Demo) -> None:
    body = b'{"detail":"You are not allowed to create a Tweet with duplicate content.","status":403}'
    setup.x.spoil(*POST, answers(403, body, content_type="application/json"))
    assert setup.work().state == State.REPLYING
    assert setup.work().state == State.REPLIED


@pytest.mark.parametrize(
    ("call", "fault"),
    [(call, fault) for call in (UPLOAD, ALT) for fault in (lost_response, lost_call, answers(503))]
    + [(UPLOAD, answers(200, b"{}")), (UPLOAD, answers(200, b""))],
)
def test_a_failure_before_posting_is_retried(setup: Demo, call: tuple[str, str], fault: Any) -> None:
    setup.x.spoil(*call, fault)
    assert setup.work().state == State.PAINTED
    assert setup.work().state == State.REPLIED
    assert len(setup.answers()) == 1
    assert setup.answers()[0]["media"][0]["alt_text"] == "a red fox – prompted by Ada"


def test_a_rate_limit_costs_no_attempt_and_the_limiter_schedules(setup: Demo) -> None:
    setup.x.spoil(*POST, answers(429, b"{}", x_rate_limit_reset=str(int(time.time()) + 300)))
    row = setup.work()
    assert (row.state, row.attempts) == (State.PAINTED, 0)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at <= now()
    assert setup.work().state == State.REPLIED


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (402, b'{"title":"CreditsDepleted","detail":"no credits"}', "x_no_credits"),
        (401, b'{"title":"Unauthorized"}', "x_unauthorized"),
        (429, b'{"title":"UsageCapExceeded","detail":"Usage cap exceeded"}', "x_usage_cap"),
    ],
)
def test_a_restricted_account_loses_no_reply(setup: Demo, status: int, body: bytes, code: str) -> None:
    setup.x.spoil(*POST, answers(status, body, content_type="application/json"))
    row = setup.work()
    assert (row.state, row.attempts, row.reply_status) == (State.PAINTED, 0, None)
    assert row.last_error is not None
    assert row.last_error.startswith(code)
    assert setup.work().state == State.REPLIED


def test_a_post_gone_on_x_leaves_the_picture_in_the_gallery_only(setup: Demo) -> None:
    setup.x.http.delete(f"{setup.x.url}/sandbox/posts/{setup.post_id}")
    row = setup.work()
    assert (row.state, row.reply_status, row.next_attempt_at) == (State.PAINTED, "x_post_gone", None)
    calls = setup.x.state()["calls"]["POST /2/tweets"]
    setup.work()
    assert setup.x.state()["calls"]["POST /2/tweets"] == calls, "a 403 is final"


def test_a_refused_reply_has_its_reason(setup: Demo) -> None:
    body = b'{"detail":"You can only reply to or quote posts where you are mentioned or are the author.","status":403}'
    setup.x.spoil(*POST, answers(403, body, content_type="application/json"))
    row = setup.work()
    assert (row.state, row.reply_status) == (State.PAINTED, "x_not_summoned")


def test_a_refused_alt_text_does_not_stop_the_reply(setup: Demo) -> None:
    setup.x.spoil(*ALT, answers(400, b'{"title":"Invalid Request"}', content_type="application/json"))
    assert setup.work().state == State.REPLIED


def test_after_the_last_attempt_the_picture_is_in_the_gallery_only(setup: Demo) -> None:
    limit = setup.step.settings.reply_attempts
    setup.x.spoil(*UPLOAD, *[answers(503)] * limit)
    for _ in range(limit):
        row = setup.work()
    assert (row.state, row.reply_status, row.next_attempt_at) == (State.PAINTED, "x_gave_up", None)


def test_a_job_killed_after_posting_does_not_reply_twice(
    tmp_path: Path, x: SandboxX, storage: FolderStorage, queue: WorkQueue, settings: JobSettings
) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kill.db'}")
    migrate(engine)
    dispatcher = Dispatcher(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings))
    setup = Demo(engine, x, storage, dispatcher, settings)
    adopt_storage(engine, storage.folder)
    job: list[subprocess.Popen[bytes]] = []

    async def kill_after_commit(_scope: Any, call: Callable[[], Awaitable[None]], _send: Any) -> None:
        await call()
        os.kill(job[0].pid, signal.SIGKILL)

    x.spoil(*POST, kill_after_commit)
    environment = (
        child_environment()
        | {name.upper(): value for name, value in KEYS.items()}
        | {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'kill.db'}",
            "STORAGE_URL": str(storage.folder),
            "X_API_URL": x.url,
            "REDIS_URL": f"unix://{queue.connection.connection_pool.connection_kwargs['path']}?db=0",
            "LEASE_SECONDS": "2",
            "X_TIMEOUT_SECONDS": "0.5",
        }
    )
    code = f"from worker.jobs import reply; reply({setup.creation_id})"
    job.append(subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=empty_folder()))
    assert job[0].wait(20) == -signal.SIGKILL
    assert read_creation(engine, setup.creation_id).state == State.REPLYING
    assert len(setup.answers()) == 1
    wait_until(lambda: setup.work().state == State.REPLIED, "it was not found")
    assert len(setup.answers()) == 1


def test_the_reply_text_has_no_handle_and_no_paid_link() -> None:
    text = reply_text(17)
    assert text == "No. 17. Reply “again” for another, or “remix: …” to change it."
    assert not any(c in text for c in "@/#$")
    assert (find_links(text), strip_entities(text)) == ([], text)
    assert weighted_length(reply_text(10**18, "https://paint.example.com")) < 120


def test_a_remix_names_the_original_by_another_user(setup: Demo, engine: Engine) -> None:
    text = reply_text(17, remix_of=12)
    assert text.startswith("No. 17, a remix of 12. ")
    assert parse_numbers(text) == [17], "it is the reply of no other creation"
    with write_session(engine) as session:
        session.add(Person(id=77, username="grace", handle="grace", name="Grace"))
        session.flush()
        session.add(original := Creation(person_id=77, prompt="a boat", seed=1, published_at=now(), reply_post_id=9))
        session.flush()
        original_id = original.id
        session.execute(update(creations).where(creations.c.id == setup.creation_id).values(parent_id=original_id))
    assert load_reply_task(engine, setup.creation_id).credited_id == original_id
    setup.work()
    assert f"a remix of {original_id}." in setup.answers()[0]["text"]
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == original_id).values(published_at=None))
    assert load_reply_task(engine, setup.creation_id).credited_id is None


LINKED = ReplyPolicy(gallery_url="https://paint.example.com")


@pytest.mark.parametrize("policy", [ReplyPolicy(), LINKED])
@pytest.mark.parametrize("dollars", [None, 0.01, 0.2])
@pytest.mark.parametrize("fault", [None, lost_response])
def test_the_ledger_matches_the_bill_with_and_without_a_link(
    setup: Demo, queue: WorkQueue, policy: ReplyPolicy, dollars: float | None, fault: Any
) -> None:
    charged = {} if dollars is None else {"summoned_link": round(dollars * 1_000_000)}
    setup.x.http.post(f"{setup.x.url}/sandbox/money", json={"prices": charged}).raise_for_status()
    money = load(BudgetSettings, x_prices={} if dollars is None else {"reply_with_link": dollars})
    guard = MeteredCallGuard(XRateLimiter(queue, load(RateLimitSettings)), setup.engine, money)
    setup.step = replace(setup.step, policy=policy, x=setup.x.client(guard))
    if fault:
        setup.x.spoil(*POST, fault)
        setup.work()
    assert setup.work().state == State.REPLIED
    bill = setup.x.http.get(f"{setup.x.url}/sandbox/money").json()
    assert sum(micro for _, micro in ledger.totals_by_item(setup.engine).values()) == bill["total_micro"]
    item = "summoned_link" if policy is LINKED else "reply"
    expected = round((dollars or 0.01) * 1_000_000) if policy is LINKED else 10_000
    assert bill["by_item"][item] == {"count": 1, "micro": expected}
    assert ("reply_with_link" in ledger.totals_by_item(setup.engine)) is (policy is LINKED)


def test_a_reply_links_to_the_gallery_if_configured(setup: Demo) -> None:
    setup.step = replace(setup.step, policy=LINKED)
    setup.work()
    (answer,) = setup.answers()
    link, _picture = answer["entities"]["urls"]
    assert link["expanded_url"] == f"https://paint.example.com/c/{setup.creation_id}"


def test_the_picture_in_a_reply_is_not_charged_as_a_link(setup: Demo) -> None:
    setup.work()
    me = setup.step.x.get_me().author.id
    [own] = setup.step.x.get_own_posts(me, since_id=setup.post_id).posts
    assert (len(own.links), own.has_link) == (1, False)


def test_a_gallery_link_needs_the_gallery_url(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("REPLY_LINK", "gallery")
    monkeypatch.delenv("GALLERY_URL", raising=False)
    read_settings.cache_clear()
    with pytest.raises(SettingsError, match="GALLERY_URL is missing"):
        read_settings()
    monkeypatch.setenv("GALLERY_URL", "https://paint.example.com/")
    settings = read_settings()
    read_settings.cache_clear()
    assert ReplyPolicy.from_settings(settings.x, settings.app.gallery_url).gallery_url == "https://paint.example.com"


@pytest.mark.parametrize("status", [400, 403, 405, 413])
def test_a_web_page_in_place_of_x_ends_no_reply(setup: Demo, status: int) -> None:
    page = answers(status, b"<html>Attention Required!</html>", content_type="text/html")
    setup.x.spoil(*POST, page)
    setup.x.spoil(*UPLOAD, page)
    assert setup.work().reply_status is None
    assert setup.work().reply_status is None
    assert setup.work().state == State.REPLIED
    assert len(setup.answers()) == 1


def test_a_post_refused_as_suspended_lets_others_go_first(setup: Demo) -> None:
    body = (
        b'{"title":"Forbidden","type":"https://api.x.com/2/problems/user-suspended","detail":"User has been suspended"}'
    )
    setup.x.spoil(*POST, answers(403, body, content_type="application/json"))
    row = setup.work()
    assert (row.state, row.attempts, row.reply_status) == (State.PAINTED, 0, None)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > now() + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ("Painting No. 17, seed 4", True),
        ("Painting No. 17, seed 4 https://t.co/x", True),
        ("No. 17. Reply “again” for another", True),
        ("No. 17. Reply “again” for another https://t.co/x https://t.co/y", True),
        ("No. 170. Reply “again” for another", False),
        ("OK, I'll stop. (No. 17)", True),
        ("Painting No. 170, seed 17", False),
        ("Painting No. 1, seed 17", False),
        ("words that name none", True),
        ("", True),
    ],
)
def test_a_reply_is_recognized_by_its_number(text: str, is_ours: bool) -> None:
    assert may_reply_for(17, text) is is_ours
