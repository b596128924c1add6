"""Health, errors and headers of the whole site, and how it starts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from sqlalchemy import text

from core.health import Health
from core.storage import FolderStorage
from tests.support.children import child_environment, empty_folder
from tests.support.servers import free_port, process, wait_until


def test_a_well_house_answers_200(client):
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert response.json()["workers"] == 2


def test_a_house_without_workers_is_degraded_but_the_site_is_there(site):
    ill = Health("degraded", ["workers: none"], workers=0, polled_seconds_ago=None)
    response = site(health=lambda: ill).get("/healthz")
    assert response.status_code == 200
    assert response.json()["problems"] == ["workers: none"]


def test_a_silent_database_is_503(site):
    ill = Health("degraded", ["database: OperationalError"], workers=1, polled_seconds_ago=None)
    assert site(health=lambda: ill).get("/healthz").status_code == 503


@pytest.fixture
def without_tables(engine):
    with engine.begin() as connection:
        for name in ("picture", "creation"):
            connection.execute(text(f"DROP TABLE {name}"))


def test_a_database_that_does_not_answer_closes_the_gallery_for_a_moment(client, without_tables):
    response = client.get("/")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "closed for a moment" in response.text
    assert client.get("/api/creations").json()["status"] == 503


class Broken(FolderStorage):
    def path(self, key):
        raise ZeroDivisionError(key)


def test_a_bug_of_ours_is_a_page_in_the_sites_own_dress(site, tmp_path):
    response = site(storage=Broken(tmp_path)).get("/pictures/x")
    assert response.status_code == 500
    assert "That is our fault" in response.text
    assert "ZeroDivisionError" not in response.text
    assert "default-src 'self'" in response.headers["content-security-policy"]


def test_an_unknown_address_is_a_page_in_the_sites_own_dress(client):
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "Nothing hangs here." in response.text
    assert 'href="/"' in response.text


def test_every_answer_carries_the_protective_headers(client, wall):
    wall.hang()
    for path in ("/", "/c/1", "/@ada", "/nowhere", "/api/creations", "/healthz", "/robots.txt"):
        headers = client.get(path).headers
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_no_page_needs_inline_styles_or_scripts(client, wall):
    wall.hang()
    for path in ("/", "/c/1", "/@ada", "/nowhere"):
        html = client.get(path).text
        assert " style=" not in html
        assert "<style" not in html
        for script in re.findall("<script[^>]*>", html):
            assert 'src="/static/' in script or 'type="application/ld+json"' in script


def start(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "gallery", *arguments],
        env=child_environment(**environment),
        cwd=empty_folder(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_wrong_setting_stops_it_with_one_line_that_names_it(tmp_path):
    done = start(DATA_DIR=str(tmp_path), GALLERY_PORT="none")
    assert done.returncode == 2
    assert done.stderr.startswith("GALLERY_PORT is wrong")
    assert done.stderr.count("\n") == 1


def test_a_taken_port_stops_it_with_one_line_that_names_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = start("--port", str(taken.getsockname()[1]), DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "GALLERY_PORT" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_platforms_port_is_honored_on_all_interfaces_and_our_own_settings_win():
    def listens(**variables):
        code = "from gallery.__main__ import _with_port_of_platform as of; from core.settings import *; "
        code += "house = of(load(HouseSettings)); print(house.gallery_host, house.gallery_port)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=child_environment(**variables),
            cwd=empty_folder(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.strip()

    assert listens(PORT="7000") == "0.0.0.0 7000"
    assert listens(PORT="5000", HONCHO_PROCESS_NAME="web.1") == "127.0.0.1 5000"
    assert listens(PORT="7000", GALLERY_PORT="8142", GALLERY_HOST="::1") == "::1 8142"


def test_wrong_tables_close_the_gallery_until_they_are_migrated(site, engine):
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


def test_it_needs_no_secret_and_stops_within_seconds(tmp_path, engine):
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "GALLERY_PORT": str(port)}
    with process("-m", "gallery", environment=environment, log=tmp_path / "log") as site:
        wait_until(lambda: reaches(port), "the gallery did not start")
        health = httpx.get(f"http://127.0.0.1:{port}/healthz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        asked = time.monotonic()
        site.send_signal(signal.SIGTERM)
        site.wait(5)
        assert time.monotonic() - asked < 4


def reaches(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.processes
@pytest.mark.parametrize("given", [{}, {"GALLERY_ACCESS_LOG": "true"}])
def test_it_says_where_it_listens_and_logs_requests_where_the_operator_wants_that(tmp_path, given):
    port, log = free_port(), tmp_path / "log"
    environment = {"DATA_DIR": str(tmp_path), "GALLERY_PORT": str(port), "REDIS_URL": "redis://127.0.0.1:1", **given}
    with process("-m", "gallery", environment=environment, log=log):
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/favicon.svg").status_code, "it does not listen")
    assert f"address=http://127.0.0.1:{port}" in log.read_text()
    assert ("GET /favicon.svg" in log.read_text()) == bool(given)
