"""Health, errors and headers of the whole site, and how it starts."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from core.health import Health
from core.settings import AppSettings, load
from core.storage import FolderStorage
from gallery.__main__ import _apply_platform_port
from tests.support.forked_process import forked_process, run_forked
from tests.support.gallery_data import GalleryData
from tests.support.servers import free_port, wait_until


def test_healthz_of_a_healthy_instance_is_200(client: TestClient) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert response.json()["workers"] == 2


def test_healthz_without_workers_is_degraded_and_200(site: Callable[..., TestClient]) -> None:
    ill = Health("degraded", ["workers: none"], workers=0, polled_seconds_ago=None)
    response = site(health=lambda: ill).get("/healthz")
    assert response.status_code == 200
    assert response.json()["problems"] == ["workers: none"]


def test_healthz_with_unreachable_database_is_503(site: Callable[..., TestClient]) -> None:
    ill = Health("degraded", ["database: OperationalError"], workers=1, polled_seconds_ago=None)
    assert site(health=lambda: ill).get("/healthz").status_code == 503


@pytest.fixture
def without_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        for name in ("picture", "creation"):
            connection.execute(text(f"DROP TABLE {name}"))


def test_database_error_is_a_503_page(client: TestClient, without_tables: None) -> None:
    response = client.get("/")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "closed for a moment" in response.text
    assert client.get("/api/creations").json()["status"] == 503


class Broken(FolderStorage):
    def path(self, key: str) -> None:
        raise ZeroDivisionError(key)


def test_server_error_is_a_page_of_the_site(site: Callable[..., TestClient], tmp_path: Path) -> None:
    response = site(storage=Broken(tmp_path)).get("/pictures/x")
    assert response.status_code == 500
    assert "That is our fault" in response.text
    assert "ZeroDivisionError" not in response.text
    assert "default-src 'self'" in response.headers["content-security-policy"]


def test_unknown_path_is_a_404_page_of_the_site(client: TestClient) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "Page not found." in response.text
    assert 'href="/"' in response.text


def test_every_response_has_the_security_headers(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    for path in ("/", "/c/1", "/@ada", "/nowhere", "/api/creations", "/healthz", "/robots.txt"):
        headers = client.get(path).headers
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_no_page_needs_inline_styles_or_scripts(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    for path in ("/", "/c/1", "/@ada", "/nowhere"):
        html = client.get(path).text
        assert " style=" not in html
        assert "<style" not in html
        for script in re.findall("<script[^>]*>", html):
            assert 'src="/static/' in script or 'type="application/ld+json"' in script


def start(*arguments: Any, **environment: Any) -> Any:
    return run_forked("gallery", *arguments, environment=environment)


@pytest.mark.processes
def test_invalid_setting_exits_with_one_line(tmp_path: Path) -> None:
    done = start(DATA_DIR=str(tmp_path), GALLERY_PORT="none")
    assert done.returncode == 2
    assert done.stderr.startswith("GALLERY_PORT is wrong")
    assert done.stderr.count("\n") == 1


@pytest.mark.processes
def test_port_in_use_exits_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = start("--port", str(taken.getsockname()[1]), DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "GALLERY_PORT" in done.stderr
    assert done.stderr.count("\n") == 1


def test_platform_port_listens_on_all_interfaces_unless_set_explicitly() -> None:
    def listens(**variables: str) -> str:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            settings = _apply_platform_port(load(AppSettings))
        return f"{settings.gallery_host} {settings.gallery_port}"

    assert listens(PORT="7000") == "0.0.0.0 7000"
    assert listens(PORT="5000", HONCHO_PROCESS_NAME="web.1") == "127.0.0.1 5000"
    assert listens(PORT="7000", GALLERY_PORT="8142", GALLERY_HOST="::1") == "::1 8142"


def test_unmigrated_schema_answers_503_until_migrated(site: Callable[..., TestClient], engine: Engine) -> None:
    with engine.begin() as connection:
        right = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '0011'"))
    client = site()
    for path, status in (("/", 503), ("/api/creations", 503), ("/favicon.svg", 200), ("/healthz", 200)):
        assert client.get(path).status_code == status
    closed = client.get("/")
    assert "being updated" in closed.text
    assert closed.headers["retry-after"] == "5"
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :right"), {"right": right})
    wait_until(lambda: client.get("/").status_code == 200, "it stayed closed")


@pytest.mark.processes
def test_serves_without_secrets_and_stops_within_seconds(tmp_path: Path, engine: Engine) -> None:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "GALLERY_PORT": str(port)}
    with forked_process("gallery", environment=environment, log=tmp_path / "log") as site:
        wait_until(lambda: reaches(port), "the gallery did not start")
        health = httpx.get(f"http://127.0.0.1:{port}/healthz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        asked = time.monotonic()
        site.send_signal(signal.SIGTERM)
        site.wait(5)
        assert time.monotonic() - asked < 4


def reaches(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.processes
@pytest.mark.parametrize("given", [{}, {"GALLERY_ACCESS_LOG": "true"}])
def test_start_logs_address_and_access_log_is_optional(tmp_path: Path, given: Any) -> None:
    port, log = free_port(), tmp_path / "log"
    environment = {"DATA_DIR": str(tmp_path), "GALLERY_PORT": str(port), "REDIS_URL": "redis://127.0.0.1:1", **given}
    with forked_process("gallery", environment=environment, log=log):
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/favicon.svg").status_code, "it does not listen")
    assert f"address=http://127.0.0.1:{port}" in log.read_text()
    assert ("GET /favicon.svg" in log.read_text()) == bool(given)
