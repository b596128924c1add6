"""The doctor tells apart what is wrong, and says what to do; it never tells a secret."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from bot.doctor.examination import _examined, examine
from bot.doctor.findings import Finding, ok
from core.clock import now
from core.database import open_database
from core.instance import instance_key, require_storage
from core.lease import Lease
from core.models import State
from core.money import ledger
from core.money.prices import REPLY_WITH_LINK
from core.polling import LEASE, note_look
from core.queue import WorkQueue
from core.schema import migrate
from core.watching import watch
from gpu.engines import make_app
from gpu.settings import GpuSettings
from gpu.sketch.engine import SketchEngine
from gpu.web.contract import Cost
from gpu.web.service import create_app
from tests.support.children import child_environment, empty_folder
from tests.support.painter import BadPainter, Said, ScriptedPainter, sketch_service
from tests.support.rows import make_creation, make_post
from tests.support.sandbox_x import KEYS, SandboxX, answers
from tests.support.servers import serving, serving_tls, wait_until

Examined = Callable[..., list[str]]


@pytest.fixture(scope="session")
def painter() -> Iterator[str]:
    with sketch_service() as url:
        yield url


@pytest.fixture
def environment(tmp_path: Path, x: SandboxX, painter: str, queue_server: str) -> dict[str, str]:
    """A house in which all is well."""
    migrate(open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}"))
    keys = {name.upper(): value for name, value in KEYS.items()}
    places = {"X_API_URL": x.url, "GPU_URL": painter, "GPU_TOKEN": "secret", "REDIS_URL": queue_server}
    return {"DATA_DIR": str(tmp_path), "GPU_USD_PER_HOUR": "0.8", **places, **keys}


@pytest.fixture
def database(environment: dict[str, str], tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'threadpaint.db'}")


@pytest.fixture
def examined(
    environment: dict[str, str], queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Examined:
    """Examines the house with some settings changed; None takes one away."""

    def run(**changes: str | None) -> list[str]:
        monkeypatch.chdir(tmp_path)
        for name, value in (environment | changes).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        return [str(finding) for finding in examine()]

    return run


def line(lines: list[str], words: str) -> str:
    """The one line that holds these words."""
    found = [each for each in lines if words in each]
    assert len(found) == 1, "\n".join(lines)
    return found[0]


def change(x: SandboxX, **values: Any) -> None:
    x.http.patch(f"{x.url}/sandbox/people/threadpaint", json=values).raise_for_status()


# --- all is well ---


def test_a_house_in_order_has_no_fail(examined: Examined) -> None:
    lines = examined()
    assert [each for each in lines if each.startswith("FAIL")] == []
    for words in ("the keys are of @threadpaint", "may read and write", "the painter accepts", "up to date"):
        assert line(lines, words).startswith("ok"), words


def test_it_says_what_an_answer_costs_and_how_far_the_budget_reaches(examined: Examined) -> None:
    lines = examined(BUDGET_DAY_USD="10", BUDGET_MONTH_USD="none")
    assert line(lines, "an answered prompt costs").startswith("ok    an answered prompt costs about $0.0172")
    assert line(lines, "answers a day within").startswith("ok    about 495 answers a day within BUDGET_DAY_USD=10")
    assert line(lines, "BUDGET_MONTH_USD is none").startswith("warn")


def test_it_says_what_replies_with_a_link_cost_and_what_to_compare(examined: Examined, database: Engine) -> None:
    linked = {"REPLY_LINK": "gallery", "GALLERY_URL": "https://paint.example.com"}
    told = line(examined(**linked), "replies link to the gallery")
    assert told.startswith("warn")
    assert "at $0.010 each by our price list; none was sent yet" in told
    ledger.write_costs(database, [ledger.Cost("answer:1", REPLY_WITH_LINK, 200_000)])
    told = line(examined(**linked, PRICES='{"reply_with_link": 0.2}'), "replies link to the gallery")
    assert told.startswith("ok")
    assert "at $0.200 each by our price list; 1 so far for $0.200 in our ledger" in told
    assert not [each for each in examined(REPLY_LINK="off") if "link" in each]


def test_it_says_if_a_reply_cannot_link_to_the_gallery(examined: Examined) -> None:
    lines = examined(REPLY_LINK="gallery", GALLERY_URL=None)
    assert line(lines, "REPLY_LINK=gallery needs GALLERY_URL").startswith("FAIL")
    lines = examined(REPLY_LINK="gallery", GALLERY_URL="http://localhost:8000")
    assert line(lines, "X makes no link of http://localhost:8000").startswith("warn")


def test_it_reminds_of_what_only_x_can_say(examined: Examined) -> None:
    lines = examined()
    assert line(lines, "X wants to approve").startswith("warn")
    assert line(lines, "labelled 'Automated'").startswith("warn")


def test_it_ends_with_1_on_a_fail_and_0_otherwise_and_tells_no_secret(
    environment: dict[str, str], queue: WorkQueue
) -> None:
    for changes, status in (({}, 0), ({"GPU_TOKEN": "another-secret"}, 1)):
        given = child_environment(**environment | changes)
        command = [sys.executable, "-m", "bot", "doctor"]
        done = subprocess.run(
            command, cwd=empty_folder(), env=given, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        secrets = [*KEYS.values(), "another-secret"]
        assert [secret for secret in secrets if secret in done.stdout + done.stderr] == []
        assert done.stderr == ""


# --- keys ---


def test_a_missing_key_is_named(examined: Examined) -> None:
    lines = examined(X_CONSUMER_KEY=None, BUDGET_DAY_USD="-1")
    assert line(lines, "X_CONSUMER_KEY is missing").startswith("FAIL")
    assert line(lines, "BUDGET_DAY_USD is wrong").startswith("FAIL")


@pytest.mark.parametrize("value", ["", "  ", "sandbox-consumer-key\n", " x"])
def test_an_empty_or_badly_copied_key_is_named_before_x_is_asked(examined: Examined, x: SandboxX, value: str) -> None:
    assert line(examined(X_CONSUMER_KEY=value), "X_CONSUMER_KEY").startswith("FAIL")
    assert x.state()["calls"] == {}


@pytest.mark.parametrize("name", ["X_CONSUMER_KEY", "X_CONSUMER_SECRET"])
def test_a_wrong_consumer_key_is_told_from_a_wrong_token(examined: Examined, name: str) -> None:
    assert line(examined(**{name: "wrong"}), "X_CONSUMER_KEY or its secret").startswith("FAIL  X does not know")


@pytest.mark.parametrize("name", ["X_ACCESS_TOKEN", "X_ACCESS_TOKEN_SECRET"])
def test_a_wrong_access_token_is_told_from_a_wrong_consumer_key(examined: Examined, name: str) -> None:
    found = line(examined(**{name: "wrong"}), "X_ACCESS_TOKEN")
    assert found.startswith("FAIL  X knows the app, but not X_ACCESS_TOKEN")
    assert "create the access token anew" in found


def test_keys_of_another_account_are_told_by_name(examined: Examined, x: SandboxX) -> None:
    x.post("hello", author="ada")
    keys = {"X_ACCESS_TOKEN": "sandbox-token-ada", "X_ACCESS_TOKEN_SECRET": "sandbox-token-secret-ada"}
    found = line(examined(**keys), "@ada")
    assert found.startswith("FAIL  the keys are of @ada, but the gallery tells people to mention @threadpaint")
    assert "BOT_HANDLE=ada" in found
    assert line(examined(**keys, BOT_HANDLE="@Ada"), "the keys are of @ada").startswith("ok")


def test_a_read_only_token_is_told(examined: Examined) -> None:
    keys = {
        "X_ACCESS_TOKEN": "sandbox-token-threadpaint-readonly",
        "X_ACCESS_TOKEN_SECRET": "sandbox-token-secret-threadpaint-readonly",
    }
    found = line(examined(**keys), "the keys may only read")
    assert found.startswith("FAIL")
    assert "read and write" in found


# --- X ---


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid", "http://["])
def test_an_x_that_does_not_answer_is_told(examined: Examined, url: str) -> None:
    assert line(examined(X_API_URL=url), "X does not answer").startswith("FAIL")


def test_what_is_no_address_of_x_is_named(examined: Examined) -> None:
    assert line(examined(X_API_URL="not an address"), "X_API_URL is wrong").startswith("FAIL")


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (120, "warn"), (400, "FAIL")])
def test_a_wrong_clock_is_told_against_xs(examined: Examined, x: SandboxX, seconds: int, level: str) -> None:
    x.http.post(f"{x.url}/sandbox/clock", json={"advance": seconds}).raise_for_status()
    assert line(examined(), "this machine's clock").startswith(level)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (402, b'{"title":"CreditsDepleted"}', "X wants money"),
        (503, b"<html>", "X cannot be asked"),
        (200, b"<html>", "X cannot be asked"),
        (403, b'{"title":"Client Forbidden","type":"https://x/client-forbidden"}', "belongs to no project"),
        (403, b'{"detail":"?"}', "X does not let us ask"),
    ],
)
def test_what_x_refuses_is_told_apart(examined: Examined, x: SandboxX, status: int, body: bytes, words: str) -> None:
    # The first call is the unsigned one.
    x.spoil("GET", "/2/users/me", answers(401), answers(status, body))
    assert line(examined(), words).startswith("FAIL")


# --- the account ---


def test_a_suspended_account_is_a_fail(examined: Examined, x: SandboxX) -> None:
    change(x, suspended=True)
    lines = examined()
    assert [each for each in lines if each.startswith("FAIL") and "suspended" in each], "\n".join(lines)


def test_a_protected_account_is_a_fail(examined: Examined, x: SandboxX) -> None:
    change(x, protected=True)
    assert line(examined(), "is protected").startswith("FAIL")


@pytest.mark.parametrize(
    ("verified", "level", "words"), [(True, "ok", "2,400 answers"), (False, "warn", "200 answers")]
)
def test_what_the_account_may_answer_in_a_day_is_told(
    examined: Examined, x: SandboxX, verified: bool, level: str, words: str
) -> None:
    change(x, verified=verified)
    assert line(examined(), words).startswith(level)


def test_a_cap_above_what_x_allows_is_told(examined: Examined, x: SandboxX) -> None:
    change(x, verified=False)
    assert line(examined(X_REPLIES_PER_DAY="1000"), "X_REPLIES_PER_DAY=1000").startswith("warn")


@pytest.mark.parametrize(
    ("description", "level"),
    [("Paints. Run by @ada", "ok"), ("A bot operated by Ada", "ok"), ("I paint", "warn"), ("mail a@b.example", "warn")],
)
def test_a_description_that_names_nobody_is_told(examined: Examined, x: SandboxX, description: str, level: str) -> None:
    change(x, description=description)
    assert line(examined(), "who runs the bot").startswith(level)


def test_watched_posts_that_are_gone_or_of_others_are_told(examined: Examined, x: SandboxX) -> None:
    mine, theirs, gone = x.post("mine", author="threadpaint"), x.post("theirs"), x.post("gone", author="threadpaint")
    x.http.delete(f"{x.url}/sandbox/posts/{gone}").raise_for_status()
    lines = examined(X_WATCHED_POSTS=f"{mine},{theirs},{gone}")
    assert line(lines, f"{theirs} is not the bot's own").startswith("warn")
    assert line(lines, f"{gone} is not there (gone)").startswith("warn")
    assert [each for each in lines if str(mine) in each] == []


def test_what_was_announced_is_watched_too(examined: Examined, x: SandboxX, database: Engine) -> None:
    watch(database, [x.post("theirs")])
    assert line(examined(), "is not the bot's own").startswith("warn")


# --- the house ---


def test_a_painter_that_is_away_or_none_is_told(examined: Examined) -> None:
    assert line(examined(GPU_URL="http://127.0.0.1:1"), "the painter does not answer").startswith("FAIL")
    with serving(BadPainter(200, b"<html>")) as url:
        assert line(examined(GPU_URL=url), "is no painter").startswith("FAIL")


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_painter_that_does_not_accept_the_token_is_told(examined: Examined, token: str) -> None:
    assert line(examined(GPU_TOKEN=token), "does not accept GPU_TOKEN").startswith("FAIL")


def test_a_painter_that_paints_for_anybody_is_told(examined: Examined) -> None:
    with serving(make_app(GpuSettings(engine="sketch"))) as url:
        assert line(examined(GPU_URL=url, GPU_TOKEN=""), "paints for anybody").startswith("warn")


def test_several_painters_are_looked_at_one_by_one(examined: Examined, painter: str) -> None:
    lines = examined(GPU_URL=f"{painter}, http://user:hidden@127.0.0.1:1")
    assert line(lines, f"the painter at {painter} accepts GPU_TOKEN").startswith("ok")
    assert line(lines, "the painter at http://127.0.0.1:1 does not answer").startswith("warn"), "the other one paints"
    assert "hidden" not in "".join(lines)
    lines = examined(GPU_URL="http://127.0.0.1:1 http://127.0.0.1:2")
    for number in (1, 2):
        assert line(lines, f"the painter at http://127.0.0.1:{number} does not answer").startswith("FAIL")


@pytest.mark.parametrize(
    ("answers_", "level", "words"),
    [
        (BadPainter(200, b'{"status": "ok", "model": "sd-turbo"}'), "ok", "the painter is ready: sd-turbo"),
        (BadPainter(503, b'{"status": "loading"}'), "warn", "the painter is loading"),
        (BadPainter(503, b'{"status": "broken"}'), "FAIL", "the painter is broken"),
        (BadPainter(401, b"modal-http: missing credentials"), "FAIL", "GPU_MODAL_KEY and GPU_MODAL_SECRET"),
        (BadPainter(303, location="http://127.0.0.1:1/"), "FAIL", "is no painter"),
        (BadPainter(200, b"[" * 100_000), "FAIL", "is no painter"),
    ],
)
def test_how_a_painter_is_is_told_apart(examined: Examined, answers_: BadPainter, level: str, words: str) -> None:
    with serving(answers_) as url:
        assert line(examined(GPU_URL=url), words).startswith(level)


@pytest.mark.parametrize(
    ("safety", "unchecked", "level", "words"),
    [
        ("flag", "refuse", "ok", "the painter checks its pictures"),
        ("refuse", "publish", "ok", "the painter checks its pictures"),
        ("off", "refuse", "FAIL", "the painter checks no picture, so none of them is published"),
        ("off", "publish", "warn", "the painter checks no picture, and they are published"),
        (None, "refuse", "warn", "the painter does not say whether it checks pictures; without a verdict none"),
        (None, "publish", "warn", "the painter does not say whether it checks pictures, and they are published"),
    ],
)
def test_whether_pictures_are_checked_is_told(
    examined: Examined, safety: str | None, unchecked: str, level: str, words: str
) -> None:
    told = {"status": "ok", "model": "sd-turbo"} | ({"safety": safety} if safety else {})
    with serving(BadPainter(200, json.dumps(told).encode())) as url:
        assert line(examined(GPU_URL=url, GPU_UNCHECKED=unchecked), words).startswith(level)


@pytest.mark.parametrize(
    "answers_",
    [
        BadPainter(302, b"<html>log in</html>", location="https://login.example/"),
        BadPainter(404, b"not found"),
        BadPainter(200, b"x" * 70_000),
        ScriptedPainter(Said(200), health=Said(200, endless=True)),
    ],
)
def test_whatever_else_answers_at_its_address_is_no_painter(examined: Examined, answers_: object) -> None:
    with serving(answers_) as url:
        assert line(examined(GPU_URL=url), "is no painter").startswith("FAIL")


def test_a_certificate_that_nobody_vouches_for_is_told(examined: Examined, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    with serving_tls(BadPainter(200), tmp_path) as url:
        found = line(examined(GPU_URL=url), "the painter does not answer")
    assert found.startswith("FAIL")
    assert "self-signed certificate" in found


def test_each_painter_is_told_its_own_token_only(examined: Examined, painter: str) -> None:
    other = ScriptedPainter(Said(422))
    with serving(other) as url:
        lines = examined(GPU_URL=f"{painter} {url.replace('http://', 'http://:hidden@')}")
    assert line(lines, f"the painter at {painter} accepts GPU_TOKEN").startswith("ok")
    assert {heard.headers.get("authorization") for heard in other.empties} == {"Bearer hidden"}
    assert "hidden" not in "".join(lines)


def test_a_proxy_before_the_painter_gets_its_token(examined: Examined) -> None:
    proxy = ScriptedPainter(Said(200, b'{"status": "ok", "model": "m"}'))
    with serving(proxy) as url:
        examined(GPU_URL=url, GPU_MODAL_KEY="wk-1", GPU_MODAL_SECRET="ws-2")
    assert {(heard.path, heard.headers["modal-key"]) for heard in [*proxy.looks, *proxy.empties]} == {
        ("/healthz", "wk-1"),
        ("/v1/paint", "wk-1"),
    }


def test_the_painters_price_is_told_and_counts_where_the_host_sets_none(examined: Examined) -> None:
    real = create_app(SketchEngine(), token="secret", cost=Cost(card="L4", usd_per_second=0.001))
    with serving(real) as url:
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the painter is not ready")
        lines = examined(GPU_URL=url, GPU_USD_PER_HOUR=None, BUDGET_DAY_USD="10", BUDGET_MONTH_USD="none")
    assert line(lines, "the painter costs $3.60 an hour while it runs").startswith("ok")
    assert "$0.0195, $0.0030 of it for 3 s of painting" in line(lines, "an answered prompt costs")
    assert line(lines, "answers a day within").startswith("ok    about 435 answers")
    assert "the painter tells no price" in line(examined(GPU_USD_PER_HOUR=None), "an answered prompt costs")


def test_a_queue_that_is_away_is_told(examined: Examined) -> None:
    assert line(examined(REDIS_URL="redis://:hidden@127.0.0.1:1/0"), "the queue does not answer").startswith("FAIL")
    assert line(examined(), "no worker is at work").startswith("warn")


def test_a_database_without_tables_or_away_is_told(examined: Examined, tmp_path: Path) -> None:
    lines = examined(DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    assert line(lines, "not up to date").startswith("FAIL")
    lines = examined(DATABASE_URL="postgresql://somebody:hidden@127.0.0.1:1/none")
    assert line(lines, "DATABASE_URL").startswith("FAIL")
    assert "hidden" not in "".join(lines)


def test_a_folder_that_cannot_be_written_is_told(examined: Examined, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert line(examined(STORAGE_URL=str(tmp_path / "file" / "x")), "cannot be kept").startswith("FAIL")


def test_posts_that_nobody_looks_up_are_told(examined: Examined, database: Engine) -> None:
    post_id = make_post(database, checked_at=now() - timedelta(hours=30))
    make_creation(database, post_id=post_id, with_post=False, state=State.REPLIED, next_attempt_at=None)
    assert line(examined(), "1 posts were not looked up").startswith("warn")


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("POLL_SECONDS", "0.5", "X allows a look every 3 s"),
        ("TELL_ON_X", "help,nonsense", "nonsense is no code"),
        ("PRICES", '{"coffee": 1}', "coffee is not sold"),
        ("BUDGET_DAY_USD", "500", "larger than BUDGET_MONTH_USD"),
    ],
)
def test_settings_that_make_no_sense_are_told(examined: Examined, setting: str, value: str, words: str) -> None:
    assert words in line(examined(**{setting: value}), words)


# --- the gallery, the poller, and whatever else is wrong with the settings ---


class Site:
    """What answers at GALLERY_URL: `/healthz` with this body."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __call__(self, _scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.body})


def health(**values: object) -> bytes:
    return json.dumps({"status": "ok", "problems": []} | values).encode()


def test_a_gallery_that_answers_and_is_this_instance_is_ok(examined: Examined, database: Engine) -> None:
    with serving(Site(health(instance=instance_key(database)))) as url:
        assert line(examined(GALLERY_URL=url), "is this instance").startswith("ok    the gallery answers at 127.0.0.1")


def test_a_gallery_of_another_instance_or_none_is_a_fail(examined: Examined, x: SandboxX) -> None:
    with serving(Site(health(instance="another"))) as url:
        assert line(examined(GALLERY_URL=url), "is another instance").startswith("FAIL")
    with serving(Site(b"<html>a parked domain</html>")) as url:
        assert line(examined(GALLERY_URL=url), "is no gallery of this version").startswith("FAIL")


def test_a_gallery_that_sees_other_pictures_is_a_fail(examined: Examined, database: Engine) -> None:
    problems = ["workers: none", "storage: the folder is not the one of this instance"]
    with serving(Site(health(instance=instance_key(database), problems=problems))) as url:
        assert line(examined(GALLERY_URL=url), "the gallery says").startswith("FAIL  the gallery says: storage")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "warn  GALLERY_URL is empty"),
        ("paint.example", "FAIL  GALLERY_URL is no address"),
        ("http://127.0.0.1:1", "warn  the gallery does not answer at GALLERY_URL (ConnectError)"),
        ("http://[::1", "FAIL  GALLERY_URL is no address"),
    ],
)
def test_a_wrong_address_of_the_gallery_is_told(examined: Examined, url: str, told: str) -> None:
    assert any(each.startswith(told) for each in examined(GALLERY_URL=url))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"GALLERY_SECRET": "short"}, "FAIL  GALLERY_SECRET is shorter than 32 characters"),
        ({"X_CLIENT_ID": "sandbox-client-id"}, "FAIL  GALLERY_SECRET is missing"),
        ({"X_CLIENT_SECRET": "wrong"}, "FAIL  X does not know X_CLIENT_ID or its secret"),
        ({"X_CLIENT_ID": "wrong"}, "FAIL  X does not know X_CLIENT_ID or its secret"),
        ({"X_CLIENT_ID": "wrong", "X_CLIENT_SECRET": None}, "FAIL  X does not know X_CLIENT_ID or its secret"),
        ({"X_CLIENT_SECRET": None}, "ok    X knows the client for signing in"),
        ({}, "ok    X knows the client for signing in"),
        ({"X_CLIENT_ID": ""}, "warn  X_CLIENT_ID is empty"),
    ],
)
def test_the_means_of_signing_in_are_looked_at(examined: Examined, changes: dict[str, str | None], told: str) -> None:
    right = {"X_CLIENT_ID": "sandbox-client-id", "X_CLIENT_SECRET": "sandbox-client-secret", "GALLERY_SECRET": "s" * 32}
    given = {"X_CLIENT_ID": changes["X_CLIENT_ID"]} if "missing" in told else right | changes
    lines = examined(**given)
    assert any(each.startswith(told) for each in lines), "\n".join(lines)


def test_no_poller_one_poller_and_one_that_fails_are_told(examined: Examined, database: Engine) -> None:
    assert line(examined(), "poller:").startswith(
        "warn  poller: has not looked at X yet; no poller runs now – start one"
    )
    Lease(database, LEASE).acquire()
    note_look(database)
    assert line(examined(), "poller:").startswith("ok    poller: last look ")
    assert f"process {os.getpid()} on " in line(examined(), "poller:")
    note_look(database, code="x_down", error="x_down: X answered 503")
    assert "x_down: X answered 503" in line(examined(), "poller:")
    assert line(examined(), "poller:").startswith("warn")


def test_a_queue_that_does_not_let_us_in_says_why(examined: Examined, queue_server: str, queue: WorkQueue) -> None:
    assert "Connection refused" in line(examined(REDIS_URL="redis://127.0.0.1:1"), "the queue does not answer")
    queue.connection.config_set("requirepass", "right")  # this connection stays
    try:
        lines = examined(REDIS_URL=f"unix://:wrong@{queue_server.removeprefix('unix://')}")
    finally:
        queue.connection.config_set("requirepass", "")
    told = line(lines, "the queue does not answer")
    assert told.startswith("FAIL  the queue does not answer (")
    assert "password" in told.lower()
    assert "wrong@" not in told


def test_pictures_that_are_elsewhere_are_a_fail(examined: Examined, database: Engine, tmp_path: Path) -> None:
    require_storage(database, tmp_path / "pictures")
    assert line(examined(), "pictures are kept in").startswith("ok")
    told = line(examined(STORAGE_URL=str(tmp_path / "other")), "is not where this instance keeps its pictures")
    assert told.startswith("FAIL")
    assert "adopt-storage" in told


def test_misspelt_settings_are_named(examined: Examined) -> None:
    assert line(examined(POLL_SECOND="4"), "POLL_SECOND is no setting").startswith("warn")


@pytest.mark.parametrize("model", [None, "a-gallery"])
def test_a_gallery_is_no_painter(examined: Examined, model: str | None) -> None:
    with serving(Site(health(**({"model": model} if model else {})))) as url:
        lines = examined(GPU_URL=url)
    assert [each for each in lines if each.startswith("FAIL") and "GPU_URL" in each], "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis-host:6379"), ("REDIS_URL", "redis://h:port"), ("PRICES", "nonsense"), ("PRICES", "[1]"),
        ("STORAGE_URL", "s3://bucket"), ("DATABASE_URL", "mysql://h/d"), ("DATABASE_URL", "rubbish"),
        ("GPU_URL", "ftp://x"), ("GALLERY_URL", "http://[::1"), ("X_API_URL", "http://[::1"), ("DATA_DIR", "a#b"),
        ("X_API_URL", "rubbish"), ("GALLERY_URL", "https://☃.invalid:x"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_the_examination_goes_on_to_its_end(examined: Examined, name: str, value: str) -> None:
    lines = examined(**{name: value})
    assert any(each.startswith(("FAIL", "warn")) and name in each for each in lines), "\n".join(lines)
    assert lines[-1].startswith("warn  X wants to approve")


def test_an_exception_in_one_part_is_a_line_and_tells_no_secret() -> None:
    def broken() -> Iterator[Finding]:
        yield ok("well so far")
        raise RuntimeError("password=secret")

    first, second = [str(each) for each in _examined("the house", broken)]
    assert first == "ok    well so far"
    assert second.startswith("FAIL  the house cannot be examined to the end (RuntimeError in test_doctor.py, line ")
    assert "secret" not in second
