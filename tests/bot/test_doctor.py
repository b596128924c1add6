"""Test that the doctor finds what is wrong, gives a hint, and prints no secret."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from bot.doctor import infrastructure, runner
from bot.doctor.results import CheckResult, ok
from bot.doctor.runner import _guard, run_checks
from core.budget import ledger
from core.budget.prices import REPLY_WITH_LINK
from core.clock import now
from core.database import open_database
from core.database_lease import ProcessLease
from core.instance import instance_key, require_storage
from core.models import State
from core.poll_status import LEASE, record_poll
from core.queue import WorkQueue
from core.watched_posts import watch_posts
from gpu.api.contract import Cost
from gpu.api.service import create_app
from gpu.factory import make_app
from gpu.settings import ServiceSettings
from gpu.sketch.engine import SketchEngine
from tests.support.child_processes import child_environment
from tests.support.databases import SqliteTemplate
from tests.support.forked_process import run_forked
from tests.support.gpu_service import FixedService, Scripted, ScriptedService, sketch_service
from tests.support.rows import make_creation, make_post
from tests.support.sandbox_x import KEYS, SandboxX, answers
from tests.support.servers import on_shared_server, serving, serving_tls, wait_until

Doctor = Callable[..., list[str]]


@pytest.fixture(scope="session")
def painter() -> Iterator[str]:
    with sketch_service() as url:
        yield url


@pytest.fixture
def environment(
    migrated_engine: Engine, tmp_path: Path, x: SandboxX, painter: str, queue_server: str
) -> dict[str, str]:
    """Return the settings of a healthy instance."""
    keys = {name.upper(): value for name, value in KEYS.items()}
    places = {"X_API_URL": x.url, "GPU_URL": painter, "GPU_TOKEN": "secret", "REDIS_URL": queue_server}
    return {"DATA_DIR": str(tmp_path), "GPU_USD_PER_HOUR": "0.8", **places, **keys}


@pytest.fixture
def database(migrated_engine: Engine) -> Engine:
    return migrated_engine


@pytest.fixture
def doctor(
    environment: dict[str, str],
    queue: WorkQueue,
    migrated_template: SqliteTemplate,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Doctor:
    """Run all checks with changed settings; None removes a setting."""

    def open_with_compiled_statements(url: str) -> Engine:
        engine = open_database(url)
        if engine.name == "sqlite":
            migrated_template.statements.share(engine)
        return engine

    for module in (infrastructure, runner):
        monkeypatch.setattr(module, "open_database", open_with_compiled_statements)
    # The doctor compares each variable with all settings.
    for name in os.environ.keys() - child_environment().keys():
        monkeypatch.delenv(name)

    def run(**changes: str | None) -> list[str]:
        monkeypatch.chdir(tmp_path)
        for name, value in (environment | changes).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        return [str(result) for result in run_checks()]

    return run


def line(lines: list[str], words: str) -> str:
    """Return the one line that contains this text."""
    found = [result_line for result_line in lines if words in result_line]
    assert len(found) == 1, "\n".join(lines)
    return found[0]


def change(x: SandboxX, **values: Any) -> None:
    x.http.patch(f"{x.url}/sandbox/people/threadpaint", json=values).raise_for_status()


# --- healthy ---


def test_healthy_instance_has_no_failure(doctor: Doctor) -> None:
    lines = doctor()
    assert [result_line for result_line in lines if result_line.startswith("FAIL")] == []
    for words in ("the keys belong to @threadpaint", "may read and write", "the GPU service accepts", "up to date"):
        assert line(lines, words).startswith("ok"), words


def test_costs_per_reply_and_budget_are_reported(doctor: Doctor) -> None:
    lines = doctor(DAILY_BUDGET_USD="10", MONTHLY_BUDGET_USD="none")
    assert line(lines, "an answered prompt costs").startswith("ok    an answered prompt costs about $0.0172")
    assert line(lines, "answers a day within").startswith("ok    about 495 answers a day within DAILY_BUDGET_USD=10")
    assert line(lines, "MONTHLY_BUDGET_USD is none").startswith("warn")


def test_costs_of_replies_with_a_link_are_reported(doctor: Doctor, database: Engine) -> None:
    linked = {"REPLY_LINK": "gallery", "GALLERY_URL": "https://paint.example.com"}
    result = line(doctor(**linked), "replies link to the gallery")
    assert result.startswith("warn")
    assert "at $0.010 each by our price list; none was sent yet" in result
    ledger.write_costs(database, [ledger.LedgerEntry("answer:1", REPLY_WITH_LINK, 200_000)])
    result = line(doctor(**linked, X_PRICES='{"reply_with_link": 0.2}'), "replies link to the gallery")
    assert result.startswith("ok")
    assert "at $0.200 each by our price list; 1 so far for $0.200 in our ledger" in result
    assert not [result_line for result_line in doctor(REPLY_LINK="off") if "link" in result_line]


def test_reply_link_without_public_gallery_is_reported(doctor: Doctor) -> None:
    lines = doctor(REPLY_LINK="gallery", GALLERY_URL=None)
    assert line(lines, "REPLY_LINK=gallery needs GALLERY_URL").startswith("FAIL")
    lines = doctor(REPLY_LINK="gallery", GALLERY_URL="http://localhost:8000")
    assert line(lines, "X does not turn http://localhost:8000 into a link").startswith("warn")


def test_approval_and_label_are_always_mentioned(doctor: Doctor) -> None:
    lines = doctor()
    assert line(lines, "X must approve").startswith("warn")
    assert line(lines, "labeled 'Automated'").startswith("warn")


@pytest.mark.processes
def test_exit_code_follows_failures_and_output_has_no_secret(environment: dict[str, str], queue: WorkQueue) -> None:
    for changes, status in (({}, 0), ({"GPU_TOKEN": "another-secret"}, 1)):
        done = run_forked("bot", "doctor", environment=environment | changes)
        assert done.returncode == status, done.stdout + done.stderr
        secrets = [*KEYS.values(), "another-secret"]
        assert [secret for secret in secrets if secret in done.stdout + done.stderr] == []
        assert done.stderr == ""


# --- keys ---


def test_missing_key_is_named(doctor: Doctor) -> None:
    lines = doctor(X_CONSUMER_KEY=None, DAILY_BUDGET_USD="-1")
    assert line(lines, "X_CONSUMER_KEY is missing").startswith("FAIL")
    assert line(lines, "DAILY_BUDGET_USD is wrong").startswith("FAIL")


@pytest.mark.parametrize("value", ["", "  ", "sandbox-consumer-key\n", " x"])
def test_malformed_key_is_named_without_calling_x(doctor: Doctor, x: SandboxX, value: str) -> None:
    assert line(doctor(X_CONSUMER_KEY=value), "X_CONSUMER_KEY").startswith("FAIL")
    assert x.state()["calls"] == {}


@pytest.mark.parametrize("name", ["X_CONSUMER_KEY", "X_CONSUMER_SECRET"])
def test_wrong_consumer_key_is_identified(doctor: Doctor, name: str) -> None:
    assert line(doctor(**{name: "wrong"}), "X_CONSUMER_KEY or its secret").startswith("FAIL  X does not know")


@pytest.mark.parametrize("name", ["X_ACCESS_TOKEN", "X_ACCESS_TOKEN_SECRET"])
def test_wrong_access_token_is_identified(doctor: Doctor, name: str) -> None:
    found = line(doctor(**{name: "wrong"}), "X_ACCESS_TOKEN")
    assert found.startswith("FAIL  X knows the app, but not X_ACCESS_TOKEN")
    assert "regenerate the access token" in found


def test_keys_of_another_account_name_that_account(doctor: Doctor, x: SandboxX) -> None:
    x.post("hello", author="ada")
    keys = {"X_ACCESS_TOKEN": "sandbox-token-ada", "X_ACCESS_TOKEN_SECRET": "sandbox-token-secret-ada"}
    found = line(doctor(**keys), "@ada")
    assert found.startswith("FAIL  the keys belong to @ada, but the gallery asks users to mention @threadpaint")
    assert "BOT_HANDLE=ada" in found
    assert line(doctor(**keys, BOT_HANDLE="@Ada"), "the keys belong to @ada").startswith("ok")


def test_read_only_token_fails(doctor: Doctor) -> None:
    keys = {
        "X_ACCESS_TOKEN": "sandbox-token-threadpaint-readonly",
        "X_ACCESS_TOKEN_SECRET": "sandbox-token-secret-threadpaint-readonly",
    }
    found = line(doctor(**keys), "the keys may only read")
    assert found.startswith("FAIL")
    assert "read and write" in found


# --- X ---


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid", "http://["])
def test_unreachable_x_fails(doctor: Doctor, url: str) -> None:
    assert line(doctor(X_API_URL=url), "X does not respond").startswith("FAIL")


def test_invalid_x_address_fails(doctor: Doctor) -> None:
    assert line(doctor(X_API_URL="not an address"), "X_API_URL is wrong").startswith("FAIL")


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (120, "warn"), (400, "FAIL")])
def test_clock_skew_is_reported(doctor: Doctor, x: SandboxX, seconds: int, level: str) -> None:
    x.http.post(f"{x.url}/sandbox/clock", json={"advance": seconds}).raise_for_status()
    assert line(doctor(), "this machine's clock").startswith(level)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (402, b'{"title":"CreditsDepleted"}', "credits are used up"),
        (503, b"<html>", "X cannot be asked for the account"),
        (200, b"<html>", "X cannot be asked for the account"),
        (403, b'{"title":"Client Forbidden","type":"https://x/client-forbidden"}', "belongs to no project"),
        (403, b'{"detail":"?"}', "X denies access to the account"),
    ],
)
def test_rejections_by_x_are_distinguished(doctor: Doctor, x: SandboxX, status: int, body: bytes, words: str) -> None:
    # The first call is the unsigned one.
    x.spoil("GET", "/2/users/me", answers(401), answers(status, body))
    assert line(doctor(), words).startswith("FAIL")


# --- the account ---


def test_suspended_account_fails(doctor: Doctor, x: SandboxX) -> None:
    change(x, suspended=True)
    lines = doctor()
    assert [result_line for result_line in lines if result_line.startswith("FAIL") and "suspended" in result_line], (
        "\n".join(lines)
    )


def test_protected_account_fails(doctor: Doctor, x: SandboxX) -> None:
    change(x, protected=True)
    assert line(doctor(), "is protected").startswith("FAIL")


@pytest.mark.parametrize(
    ("verified", "level", "words"), [(True, "ok", "2,400 replies"), (False, "warn", "200 replies")]
)
def test_replies_per_day_are_reported(doctor: Doctor, x: SandboxX, verified: bool, level: str, words: str) -> None:
    change(x, verified=verified)
    assert line(doctor(), words).startswith(level)


def test_reply_limit_above_xs_cap_warns(doctor: Doctor, x: SandboxX) -> None:
    change(x, verified=False)
    assert line(doctor(X_REPLIES_PER_DAY="1000"), "X_REPLIES_PER_DAY=1000").startswith("warn")


@pytest.mark.parametrize(
    ("description", "level"),
    [("Paints. Run by @ada", "ok"), ("A bot operated by Ada", "ok"), ("I paint", "warn"), ("mail a@b.example", "warn")],
)
def test_bio_without_operator_warns(doctor: Doctor, x: SandboxX, description: str, level: str) -> None:
    change(x, description=description)
    assert line(doctor(), "the operator").startswith(level)


def test_watched_posts_that_are_missing_or_foreign_warn(doctor: Doctor, x: SandboxX) -> None:
    mine, theirs, gone = x.post("mine", author="threadpaint"), x.post("theirs"), x.post("gone", author="threadpaint")
    x.http.delete(f"{x.url}/sandbox/posts/{gone}").raise_for_status()
    lines = doctor(X_WATCHED_POSTS=f"{mine},{theirs},{gone}")
    assert line(lines, f"{theirs} is not the bot's own").startswith("warn")
    assert line(lines, f"{gone} does not exist (deleted)").startswith("warn")
    assert [result_line for result_line in lines if str(mine) in result_line] == []


def test_announced_posts_are_checked_too(doctor: Doctor, x: SandboxX, database: Engine) -> None:
    watch_posts(database, [x.post("theirs")])
    assert line(doctor(), "is not the bot's own").startswith("warn")


# --- infrastructure ---


def test_unreachable_or_foreign_gpu_service_fails(doctor: Doctor) -> None:
    assert line(doctor(GPU_URL="http://127.0.0.1:1"), "the GPU service does not respond").startswith("FAIL")
    with on_shared_server(FixedService(200, b"<html>")) as url:
        assert line(doctor(GPU_URL=url), "is no GPU service").startswith("FAIL")


@pytest.mark.parametrize("token", ["", "wrong"])
def test_wrong_gpu_token_fails(doctor: Doctor, token: str) -> None:
    assert line(doctor(GPU_TOKEN=token), "does not accept GPU_TOKEN").startswith("FAIL")


def test_unprotected_gpu_service_warns(doctor: Doctor) -> None:
    with serving(make_app(ServiceSettings(engine="sketch"))) as url:
        assert line(doctor(GPU_URL=url, GPU_TOKEN=""), "accepts every caller").startswith("warn")


def test_each_gpu_backend_is_checked(doctor: Doctor, painter: str) -> None:
    lines = doctor(GPU_URL=f"{painter}, http://user:hidden@127.0.0.1:1")
    assert line(lines, f"the GPU service at {painter} accepts GPU_TOKEN").startswith("ok")
    assert line(lines, "the GPU service at http://127.0.0.1:1 does not respond").startswith("warn"), (
        "the other one paints"
    )
    assert "hidden" not in "".join(lines)
    lines = doctor(GPU_URL="http://127.0.0.1:1 http://127.0.0.1:2")
    for number in (1, 2):
        assert line(lines, f"the GPU service at http://127.0.0.1:{number} does not respond").startswith("FAIL")


@pytest.mark.parametrize(
    ("answers_", "level", "words"),
    [
        (FixedService(200, b'{"status": "ok", "model": "sd-turbo"}'), "ok", "the GPU service is ready: sd-turbo"),
        (FixedService(503, b'{"status": "loading"}'), "warn", "the GPU service is loading"),
        (FixedService(503, b'{"status": "broken"}'), "FAIL", "the GPU service is broken"),
        (FixedService(401, b"modal-http: missing credentials"), "FAIL", "GPU_MODAL_KEY and GPU_MODAL_SECRET"),
        (FixedService(303, location="http://127.0.0.1:1/"), "FAIL", "is no GPU service"),
        (FixedService(200, b"[" * 100_000), "FAIL", "is no GPU service"),
    ],
)
def test_gpu_service_states_are_distinguished(doctor: Doctor, answers_: FixedService, level: str, words: str) -> None:
    with on_shared_server(answers_) as url:
        assert line(doctor(GPU_URL=url), words).startswith(level)


@pytest.mark.parametrize(
    ("safety", "unchecked", "level", "words"),
    [
        ("flag", "refuse", "ok", "the GPU service checks its pictures"),
        ("refuse", "publish", "ok", "the GPU service checks its pictures"),
        ("off", "refuse", "FAIL", "the GPU service checks no picture, so none of them is published"),
        ("off", "publish", "warn", "the GPU service checks no picture, and they are published"),
        (None, "refuse", "warn", "the GPU service does not say whether it checks pictures; unchecked pictures are not"),
        (None, "publish", "warn", "the GPU service does not say whether it checks pictures, and they are published"),
    ],
)
def test_safety_check_of_pictures_is_reported(
    doctor: Doctor, safety: str | None, unchecked: str, level: str, words: str
) -> None:
    body = {"status": "ok", "model": "sd-turbo"} | ({"safety": safety} if safety else {})
    with on_shared_server(FixedService(200, json.dumps(body).encode())) as url:
        assert line(doctor(GPU_URL=url, GPU_UNCHECKED=unchecked), words).startswith(level)


@pytest.mark.parametrize(
    "answers_",
    [
        FixedService(302, b"<html>log in</html>", location="https://login.example/"),
        FixedService(404, b"not found"),
        FixedService(200, b"x" * 70_000),
        ScriptedService(Scripted(200), health=Scripted(200, endless=True)),
    ],
)
def test_other_servers_are_no_gpu_service(doctor: Doctor, answers_: object) -> None:
    with on_shared_server(answers_) as url:
        assert line(doctor(GPU_URL=url), "is no GPU service").startswith("FAIL")


def test_untrusted_certificate_fails(doctor: Doctor, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    with serving_tls(FixedService(200), tmp_path) as url:
        found = line(doctor(GPU_URL=url), "the GPU service does not respond")
    assert found.startswith("FAIL")
    assert "self-signed certificate" in found


def test_each_gpu_backend_gets_only_its_own_token(doctor: Doctor, painter: str) -> None:
    other = ScriptedService(Scripted(422))
    with on_shared_server(other) as url:
        lines = doctor(GPU_URL=f"{painter} {url.replace('http://', 'http://:hidden@')}")
    assert line(lines, f"the GPU service at {painter} accepts GPU_TOKEN").startswith("ok")
    assert {call.headers.get("authorization") for call in other.empty_requests} == {"Bearer hidden"}
    assert "hidden" not in "".join(lines)


def test_proxy_token_is_sent(doctor: Doctor) -> None:
    proxy = ScriptedService(Scripted(200, b'{"status": "ok", "model": "m"}'))
    with on_shared_server(proxy) as url:
        doctor(GPU_URL=url, GPU_MODAL_KEY="wk-1", GPU_MODAL_SECRET="ws-2")
    assert {(call.path, call.headers["modal-key"]) for call in [*proxy.health_checks, *proxy.empty_requests]} == {
        ("/healthz", "wk-1"),
        ("/v1/paint", "wk-1"),
    }


def test_reported_gpu_price_counts_without_a_setting(doctor: Doctor) -> None:
    real = create_app(SketchEngine(), token="secret", cost=Cost(card="L4", usd_per_second=0.001))
    with serving(real) as url:
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the painter is not ready")
        lines = doctor(GPU_URL=url, GPU_USD_PER_HOUR=None, DAILY_BUDGET_USD="10", MONTHLY_BUDGET_USD="none")
    assert line(lines, "the GPU service costs $3.60 an hour while it runs").startswith("ok")
    assert "$0.0195, $0.0030 of it for 3 s of GPU time" in line(lines, "an answered prompt costs")
    assert line(lines, "answers a day within").startswith("ok    about 435 answers")
    assert "the GPU service reports no price" in line(doctor(GPU_USD_PER_HOUR=None), "an answered prompt costs")


def test_unreachable_queue_fails(doctor: Doctor) -> None:
    assert line(doctor(REDIS_URL="redis://:hidden@127.0.0.1:1/0"), "the queue does not respond").startswith("FAIL")
    assert line(doctor(), "no worker is running").startswith("warn")


def test_empty_or_unreachable_database_fails(doctor: Doctor, tmp_path: Path) -> None:
    lines = doctor(DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    assert line(lines, "not up to date").startswith("FAIL")
    lines = doctor(DATABASE_URL="postgresql://somebody:hidden@127.0.0.1:1/none")
    assert line(lines, "DATABASE_URL").startswith("FAIL")
    assert "hidden" not in "".join(lines)


def test_unwritable_folder_fails(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert line(doctor(STORAGE_URL=str(tmp_path / "file" / "x")), "cannot be stored").startswith("FAIL")


def test_overdue_post_rechecks_warn(doctor: Doctor, database: Engine) -> None:
    post_id = make_post(database, last_checked_on_x_at=now() - timedelta(hours=30))
    make_creation(database, post_id=post_id, with_post=False, state=State.REPLIED, next_attempt_at=None)
    assert line(doctor(), "1 posts were not looked up").startswith("warn")


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("POLL_SECONDS", "0.5", "X allows a poll every 3 s"),
        ("REPLY_WITH_TEXT_FOR", "help,nonsense", "'nonsense' is not a reason code"),
        ("X_PRICES", '{"coffee": 1}', "unknown item 'coffee'"),
        ("DAILY_BUDGET_USD", "500", "larger than MONTHLY_BUDGET_USD"),
    ],
)
def test_inconsistent_settings_are_reported(doctor: Doctor, setting: str, value: str, words: str) -> None:
    assert words in line(doctor(**{setting: value}), words)


# --- gallery, poller, other settings ---


class Site:
    """A server whose `/healthz` has this body."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __call__(self, _scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.body})


def health(**values: object) -> bytes:
    return json.dumps({"status": "ok", "problems": []} | values).encode()


def test_gallery_of_this_instance_passes(doctor: Doctor, database: Engine) -> None:
    with on_shared_server(Site(health(instance=instance_key(database)))) as url:
        assert line(doctor(GALLERY_URL=url), "is this instance").startswith("ok    the gallery responds at 127.0.0.1")


def test_gallery_of_another_instance_fails(doctor: Doctor, x: SandboxX) -> None:
    with on_shared_server(Site(health(instance="another"))) as url:
        assert line(doctor(GALLERY_URL=url), "is another instance").startswith("FAIL")
    with on_shared_server(Site(b"<html>a parked domain</html>")) as url:
        assert line(doctor(GALLERY_URL=url), "is no gallery of this version").startswith("FAIL")


def test_gallery_with_another_storage_fails(doctor: Doctor, database: Engine) -> None:
    problems = ["workers: none", "storage: the folder is not the one of this instance"]
    with on_shared_server(Site(health(instance=instance_key(database), problems=problems))) as url:
        assert line(doctor(GALLERY_URL=url), "the gallery reports").startswith("FAIL  the gallery reports: storage")


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("", "warn  GALLERY_URL is empty"),
        ("paint.example", "FAIL  GALLERY_URL is not a valid address"),
        ("http://127.0.0.1:1", "warn  the gallery does not respond at GALLERY_URL (ConnectError)"),
        ("http://[::1", "FAIL  GALLERY_URL is not a valid address"),
    ],
)
def test_wrong_gallery_address_is_reported(doctor: Doctor, url: str, start: str) -> None:
    assert any(result_line.startswith(start) for result_line in doctor(GALLERY_URL=url))


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"GALLERY_SECRET_KEY": "short"}, "FAIL  GALLERY_SECRET_KEY is shorter than 32 characters"),
        ({"X_CLIENT_ID": "sandbox-client-id"}, "FAIL  GALLERY_SECRET_KEY is missing"),
        ({"X_CLIENT_SECRET": "wrong"}, "FAIL  X does not know X_CLIENT_ID or its secret"),
        ({"X_CLIENT_ID": "wrong"}, "FAIL  X does not know X_CLIENT_ID or its secret"),
        ({"X_CLIENT_ID": "wrong", "X_CLIENT_SECRET": None}, "FAIL  X does not know X_CLIENT_ID or its secret"),
        ({"X_CLIENT_SECRET": None}, "ok    X knows the OAuth client"),
        ({}, "ok    X knows the OAuth client"),
        ({"X_CLIENT_ID": ""}, "warn  X_CLIENT_ID is empty"),
    ],
)
def test_oauth_client_is_checked(doctor: Doctor, changes: dict[str, str | None], start: str) -> None:
    right: dict[str, str | None] = {
        "X_CLIENT_ID": "sandbox-client-id",
        "X_CLIENT_SECRET": "sandbox-client-secret",
        "GALLERY_SECRET_KEY": "s" * 32,
    }
    given = {"X_CLIENT_ID": changes["X_CLIENT_ID"]} if "missing" in start else right | changes
    lines = doctor(**given)
    assert any(result_line.startswith(start) for result_line in lines), "\n".join(lines)


def test_poller_state_is_reported(doctor: Doctor, database: Engine) -> None:
    assert line(doctor(), "poller:").startswith("warn  poller: no poll of X yet; no poller is running – start one")
    ProcessLease(database, LEASE).acquire()
    record_poll(database)
    assert line(doctor(), "poller:").startswith("ok    poller: last poll ")
    assert f"process {os.getpid()} on " in line(doctor(), "poller:")
    record_poll(database, code="x_down", error="x_down: X answered 503")
    assert "x_down: X answered 503" in line(doctor(), "poller:")
    assert line(doctor(), "poller:").startswith("warn")


def test_queue_that_denies_access_says_why(doctor: Doctor, queue_server: str, queue: WorkQueue) -> None:
    assert "Connection refused" in line(doctor(REDIS_URL="redis://127.0.0.1:1"), "the queue does not respond")
    queue.connection.config_set("requirepass", "right")  # this connection stays authenticated
    try:
        lines = doctor(REDIS_URL=f"unix://:wrong@{queue_server.removeprefix('unix://')}")
    finally:
        queue.connection.config_set("requirepass", "")
    result = line(lines, "the queue does not respond")
    assert result.startswith("FAIL  the queue does not respond (")
    assert "password" in result.lower()
    assert "wrong@" not in result


def test_storage_of_another_instance_fails(doctor: Doctor, database: Engine, tmp_path: Path) -> None:
    require_storage(database, tmp_path / "pictures")
    assert line(doctor(), "pictures are stored in").startswith("ok")
    result = line(doctor(STORAGE_URL=str(tmp_path / "other")), "is not where this instance keeps its pictures")
    assert result.startswith("FAIL")
    assert "adopt-storage" in result


def test_misspelled_settings_are_named(doctor: Doctor) -> None:
    assert line(doctor(POLL_SECOND="4"), "POLL_SECOND is no setting").startswith("warn")


@pytest.mark.parametrize("model", [None, "a-gallery"])
def test_gallery_is_no_gpu_service(doctor: Doctor, model: str | None) -> None:
    with on_shared_server(Site(health(**({"model": model} if model else {})))) as url:
        lines = doctor(GPU_URL=url)
    assert [result_line for result_line in lines if result_line.startswith("FAIL") and "GPU_URL" in result_line], (
        "\n".join(lines)
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis-host:6379"), ("REDIS_URL", "redis://h:port"), ("X_PRICES", "nonsense"),
        ("X_PRICES", "[1]"), ("STORAGE_URL", "s3://bucket"), ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "rubbish"), ("GPU_URL", "ftp://x"), ("GALLERY_URL", "http://[::1"),
        ("X_API_URL", "http://[::1"), ("DATA_DIR", "a#b"),
        ("X_API_URL", "rubbish"), ("GALLERY_URL", "https://☃.invalid:x"),
    ],
)  # fmt: skip
def test_all_checks_run_even_if_all_fail(doctor: Doctor, name: str, value: str) -> None:
    lines = doctor(**{name: value})
    assert any(result_line.startswith(("FAIL", "warn")) and name in result_line for result_line in lines), "\n".join(
        lines
    )
    assert lines[-1].startswith("warn  X must approve")


def test_exception_in_a_check_is_one_line_without_secrets() -> None:
    def broken() -> Iterator[CheckResult]:
        yield ok("well so far")
        raise RuntimeError("password=secret")

    first, second = [str(result_line) for result_line in _guard("the house", broken)]
    assert first == "ok    well so far"
    assert second.startswith("FAIL  the house could not be checked completely (RuntimeError in test_doctor.py, line ")
    assert "secret" not in second
