"""Exactly one answer: against the real sandbox, over a line that breaks at every place."""

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
from sqlalchemy import Engine

from core.clock import now
from core.database import open_database, transaction
from core.errors import SettingsError
from core.instance import adopt_storage
from core.line import Line
from core.models import Creation, State, pictures
from core.money import ledger
from core.pace import Pace
from core.pace.toll import TollGate
from core.queue import WorkQueue
from core.schema import migrate
from core.settings import MoneySettings, PaceSettings, WorkSettings, load
from core.storage import FolderStorage
from core.x.links import links_in
from core.x.weighing import harmless, weight
from tests.support.children import child_environment, empty_folder
from tests.support.rows import make_creation, make_due, make_person, make_post, read_creation
from tests.support.sandbox_x import KEYS, SandboxX, answers, lost_answer, lost_call
from tests.support.servers import wait_until
from worker.jobs import _work
from worker.manners import Manners, manners_of
from worker.replying import ReplyStep, may_be_of, reply_text
from worker.settings import read_settings

POST = ("POST", "/2/tweets")
UPLOAD = ("POST", "/2/media/upload")
ALT = ("POST", "/2/media/metadata")


class House:
    """One painted creation in answer to a real post of the sandbox."""

    def __init__(self, engine: Engine, x: SandboxX, storage: FolderStorage, line: Line, settings: WorkSettings) -> None:
        self.engine, self.x = engine, x
        self.step = ReplyStep(engine, x.client(), storage, line, settings, Manners())
        self.post_id = x.post("@threadpaint a red fox")
        self.creation_id = self._painted(storage)

    def work(self) -> Creation:
        """Run the reply job once, as if it were due now."""
        make_due(self.engine)
        _work(replace(self.step), self.creation_id)
        return read_creation(self.engine, self.creation_id)

    def answers(self) -> list[dict[str, Any]]:
        return self.x.replies(self.post_id)

    def _painted(self, storage: FolderStorage) -> int:
        person = make_person(self.engine, name="Ada")
        post = make_post(self.engine, id=self.post_id, author_id=person)
        values = {"person_id": person, "state": State.PAINTED, "prompt": "a red fox", "with_post": False}
        creation_id = make_creation(self.engine, pictures=1, **values)
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(buffer, "WEBP")
        key = storage.put(buffer.getvalue(), "webp")
        with transaction(self.engine) as session:
            session.execute(pictures.update().values(key=key))
            session.get_one(Creation, creation_id).post_id = post
        return creation_id


@pytest.fixture
def house(engine: Engine, x: SandboxX, storage: FolderStorage, line: Line, settings: WorkSettings) -> House:
    return House(engine, x, storage, line, settings)


def test_it_answers_in_the_thread_with_picture_and_alt_text(house: House) -> None:
    row = house.work()
    (answer,) = house.answers()
    assert (row.state, row.reply_outcome, row.reply_post_id) == (State.REPLIED, "answered", int(answer["id"]))
    assert answer["author"]["username"] == "threadpaint"
    (media,) = answer["media"]
    assert media["alt_text"] == "a red fox – prompted by Ada"
    assert house.x.http.get(media["url"]).content[:4] == b"RIFF"


def test_a_job_that_comes_twice_answers_once(house: House) -> None:
    for _ in range(3):
        house.work()
    assert len(house.answers()) == 1
    assert house.x.state()["duplicates"] == 0


@pytest.mark.parametrize("fault", [lost_answer, lost_call, answers(503, b"<html>down"), answers(200, b"")])
def test_when_the_end_of_the_post_is_unclear_it_looks_before_it_posts_again(house: House, fault: Any) -> None:
    house.x.spoil(*POST, fault)
    row = house.work()
    assert (row.state, row.claim) == (State.REPLYING, None)
    row = house.work()
    assert (row.state, row.attempts) == (State.REPLIED, 2)
    assert len(house.answers()) == 1
    assert row.reply_post_id == int(house.answers()[0]["id"])


def test_while_x_cannot_be_looked_at_nothing_is_posted_again(house: House) -> None:
    me = house.step.x.me().author.id
    house.x.spoil(*POST, lost_answer)
    house.work()
    for fault in (answers(503), lost_call, answers(429, x_rate_limit_reset="1")):
        house.x.spoil("GET", f"/2/users/{me}/tweets", fault)
        assert house.work().state == State.REPLYING
    assert house.work().state == State.REPLIED
    assert len(house.answers()) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 301])
def test_an_answer_that_the_timeline_shows_is_found_whatever_search_says(house: House, status: int) -> None:
    house.x.spoil(*POST, lost_answer)
    house.work()
    house.x.spoil("GET", "/2/tweets/search/recent", answers(status))
    assert house.work().state == State.REPLIED
    assert len(house.answers()) == 1


def test_a_timeline_read_to_its_end_needs_no_search(house: House) -> None:
    house.x.spoil(*POST, lost_call)
    house.work()
    house.x.spoil("GET", "/2/tweets/search/recent", answers(400))
    assert house.work().state == State.REPLIED


@pytest.mark.parametrize("status", [400, 403, 404, 302, 503])
def test_when_x_does_not_let_us_look_that_says_nothing_of_the_answer(house: House, status: int) -> None:
    me = house.step.x.me().author.id
    house.x.spoil(*POST, lost_answer)
    house.work()
    house.x.spoil("GET", f"/2/users/{me}/tweets", answers(status))
    row = house.work()
    assert (row.state, row.reply_outcome) == (State.REPLYING, None)
    assert house.work().state == State.REPLIED
    assert len(house.answers()) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"errors":[{"message":"?"}]}', b'{"data":[{"id":"?"}],"meta":{"result_count":1}}']
)
def test_an_answer_of_x_that_says_nothing_is_no_proof_that_there_is_none(house: House, body: bytes) -> None:
    me = house.step.x.me().author.id
    house.x.spoil(*POST, lost_answer)
    house.work()
    empty = answers(200, body, content_type="application/json")
    house.x.spoil("GET", f"/2/users/{me}/tweets", empty)
    house.x.spoil("GET", "/2/tweets/search/recent", empty)
    assert house.work().state == State.REPLYING
    assert house.work().state == State.REPLIED
    assert len(house.answers()) == 1


@pytest.mark.parametrize("status", [301, 302, 408])
def test_a_proxy_that_speaks_for_x_ends_nothing(house: House, status: int) -> None:
    house.x.spoil(*UPLOAD, answers(status, location="http://portal.invalid/"))
    assert house.work().state == State.PAINTED
    assert house.work().state == State.REPLIED


def test_alt_texts_that_never_work_do_not_hold_the_answer_back(house: House) -> None:
    house.x.spoil(*ALT, *[answers(404)] * 3)
    states = [house.work().state for _ in range(3)]
    assert states == [State.PAINTED, State.PAINTED, State.REPLIED]
    assert house.answers()[0]["media"][0]["alt_text"] == ""


def test_what_x_says_can_be_written_into_any_database(house: House) -> None:
    body = b'{"title":"Forbidden","detail":"no \\u0000 and \\ud800 please"}'
    house.x.spoil(*POST, *[answers(403, body, content_type="application/json")] * 2)
    house.work()
    row = house.work()
    assert (row.state, row.reply_outcome) == (State.PAINTED, "x_forbidden")


def test_a_refusal_without_a_reason_is_tried_once_more_minutes_later(house: House) -> None:
    body = b'{"title":"Forbidden","detail":"You are not permitted to perform this action."}'
    house.x.spoil(*POST, answers(403, body, content_type="application/json"))
    row = house.work()
    assert (row.state, row.reply_outcome, row.attempts) == (State.PAINTED, None, 1)
    assert row.next_attempt_at is not None
    assert timedelta(minutes=4) < row.next_attempt_at - now() < timedelta(minutes=6)
    row = house.work()
    assert (row.state, row.reply_forbidden_at) == (State.REPLIED, None)


def test_a_second_post_refused_as_duplicate_is_looked_for(house: House) -> None:
    body = b'{"detail":"You are not allowed to create a Tweet with duplicate content.","status":403}'
    house.x.spoil(*POST, answers(403, body, content_type="application/json"))
    assert house.work().state == State.REPLYING
    assert house.work().state == State.REPLIED


@pytest.mark.parametrize(
    ("call", "fault"),
    [(call, fault) for call in (UPLOAD, ALT) for fault in (lost_answer, lost_call, answers(503))]
    + [(UPLOAD, answers(200, b"{}")), (UPLOAD, answers(200, b""))],
)
def test_a_failure_before_the_post_is_simply_tried_again(house: House, call: tuple[str, str], fault: Any) -> None:
    house.x.spoil(*call, fault)
    assert house.work().state == State.PAINTED
    assert house.work().state == State.REPLIED
    assert len(house.answers()) == 1
    assert house.answers()[0]["media"][0]["alt_text"] == "a red fox – prompted by Ada"


def test_a_rate_limit_costs_no_attempt_and_leaves_the_moment_to_the_pace(house: House) -> None:
    house.x.spoil(*POST, answers(429, b"{}", x_rate_limit_reset=str(int(time.time()) + 300)))
    row = house.work()
    assert (row.state, row.attempts) == (State.PAINTED, 0)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at <= now()
    assert house.work().state == State.REPLIED


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (402, b'{"title":"CreditsDepleted","detail":"no credits"}', "x_no_credits"),
        (401, b'{"title":"Unauthorized"}', "x_unauthorized"),
        (429, b'{"title":"UsageCapExceeded","detail":"Usage cap exceeded"}', "x_usage_cap"),
    ],
)
def test_when_the_account_may_not_post_everything_is_kept(house: House, status: int, body: bytes, code: str) -> None:
    house.x.spoil(*POST, answers(status, body, content_type="application/json"))
    row = house.work()
    assert (row.state, row.attempts, row.reply_outcome) == (State.PAINTED, 0, None)
    assert row.last_error is not None
    assert row.last_error.startswith(code)
    assert house.work().state == State.REPLIED


def test_a_post_that_is_gone_leaves_the_picture_in_the_gallery_only(house: House) -> None:
    house.x.http.delete(f"{house.x.url}/sandbox/posts/{house.post_id}")
    row = house.work()
    assert (row.state, row.reply_outcome, row.next_attempt_at) == (State.PAINTED, "x_post_gone", None)
    calls = house.x.state()["calls"]["POST /2/tweets"]
    house.work()
    assert house.x.state()["calls"]["POST /2/tweets"] == calls, "a 403 is final"


def test_a_reply_x_does_not_want_is_named(house: House) -> None:
    body = b'{"detail":"You can only reply to or quote posts where you are mentioned or are the author.","status":403}'
    house.x.spoil(*POST, answers(403, body, content_type="application/json"))
    row = house.work()
    assert (row.state, row.reply_outcome) == (State.PAINTED, "x_not_summoned")


def test_an_alt_text_x_refuses_does_not_hold_the_answer_back(house: House) -> None:
    house.x.spoil(*ALT, answers(400, b'{"title":"Invalid Request"}', content_type="application/json"))
    assert house.work().state == State.REPLIED


def test_after_enough_tries_it_hangs_in_the_gallery_only(house: House) -> None:
    limit = house.step.settings.reply_attempts
    house.x.spoil(*UPLOAD, *[answers(503)] * limit)
    for _ in range(limit):
        row = house.work()
    assert (row.state, row.reply_outcome, row.next_attempt_at) == (State.PAINTED, "x_gave_up", None)


def test_a_job_killed_right_after_the_post_landed_does_not_answer_twice(
    tmp_path: Path, x: SandboxX, storage: FolderStorage, queue: WorkQueue, settings: WorkSettings
) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kill.db'}")
    migrate(engine)
    line = Line(engine, queue, Pace(queue, load(PaceSettings)), load(MoneySettings))
    house = House(engine, x, storage, line, settings)
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
    code = f"from worker.jobs import reply; reply({house.creation_id})"
    job.append(subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=empty_folder()))
    assert job[0].wait(20) == -signal.SIGKILL
    assert read_creation(engine, house.creation_id).state == State.REPLYING
    assert len(house.answers()) == 1
    wait_until(lambda: house.work().state == State.REPLIED, "it was not found")
    assert len(house.answers()) == 1


def test_the_answers_text_holds_nothing_that_costs_or_loops() -> None:
    text = reply_text(17)
    assert text == "No. 17. Reply “again” for another, or “remix: …” to change it."
    assert not any(c in text for c in "@/#$")
    assert (links_in(text), harmless(text)) == ([], text)
    assert weight(reply_text(10**18, "https://paint.example.com")) < 120


LINKED = Manners(link_home="https://paint.example.com")


@pytest.mark.parametrize("manners", [Manners(), LINKED])
@pytest.mark.parametrize("dollars", [None, 0.01, 0.2])
@pytest.mark.parametrize("fault", [None, lost_answer])
def test_the_ledger_is_the_bill_with_a_link_and_without_at_either_price(
    house: House, queue: WorkQueue, manners: Manners, dollars: float | None, fault: Any
) -> None:
    charged = {} if dollars is None else {"summoned_link": round(dollars * 1_000_000)}
    house.x.http.post(f"{house.x.url}/sandbox/money", json={"prices": charged}).raise_for_status()
    money = load(MoneySettings, prices={} if dollars is None else {"reply_with_link": dollars})
    toll = TollGate(Pace(queue, load(PaceSettings)), house.engine, money)
    house.step = replace(house.step, manners=manners, x=house.x.client(toll))
    if fault:
        house.x.spoil(*POST, fault)
        house.work()
    assert house.work().state == State.REPLIED
    bill = house.x.http.get(f"{house.x.url}/sandbox/money").json()
    assert sum(micro for _, micro in ledger.bill(house.engine).values()) == bill["total_micro"]
    item = "summoned_link" if manners is LINKED else "reply"
    expected = round((dollars or 0.01) * 1_000_000) if manners is LINKED else 10_000
    assert bill["by_item"][item] == {"count": 1, "micro": expected}
    assert ("reply_with_link" in ledger.bill(house.engine)) is (manners is LINKED)


def test_a_reply_leads_home_where_that_is_wanted(house: House) -> None:
    house.step = replace(house.step, manners=LINKED)
    house.work()
    (answer,) = house.answers()
    link, _picture = answer["entities"]["urls"]
    assert link["expanded_url"] == f"https://paint.example.com/c/{house.creation_id}"


def test_the_picture_in_a_reply_is_no_link_of_it(house: House) -> None:
    house.work()
    me = house.step.x.me().author.id
    [own] = house.step.x.own_posts(me, since_id=house.post_id).posts
    assert (len(own.links), own.has_link) == (1, False)


def test_a_link_home_needs_the_address_of_the_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert manners_of(settings.x, settings.house.gallery_url).link_home == "https://paint.example.com"


@pytest.mark.parametrize("status", [400, 403, 405, 413])
def test_a_page_instead_of_x_is_no_reason_to_end_anything(house: House, status: int) -> None:
    page = answers(status, b"<html>Attention Required!</html>", content_type="text/html")
    house.x.spoil(*POST, page)
    house.x.spoil(*UPLOAD, page)
    assert house.work().reply_outcome is None
    assert house.work().reply_outcome is None
    assert house.work().state == State.REPLIED
    assert len(house.answers()) == 1


def test_one_post_that_x_refuses_with_words_about_us_lets_others_go_first(house: House) -> None:
    body = (
        b'{"title":"Forbidden","type":"https://api.x.com/2/problems/user-suspended","detail":"User has been suspended"}'
    )
    house.x.spoil(*POST, answers(403, body, content_type="application/json"))
    row = house.work()
    assert (row.state, row.attempts, row.reply_outcome) == (State.PAINTED, 0, None)
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
        ("I leave you alone from now on. (No. 17)", True),
        ("Painting No. 170, seed 17", False),
        ("Painting No. 1, seed 17", False),
        ("words that name none", True),
        ("", True),
    ],
)
def test_an_answer_is_known_by_the_number_of_its_creation(text: str, is_ours: bool) -> None:
    assert may_be_of(17, text) is is_ours
