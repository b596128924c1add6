"""Rate limits per member or address."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends
from structlog.testing import capture_logs

from core.queue import WorkQueue
from core.sliding_window import RedisSlidingWindow
from gallery.web import rate_limits as limits_module
from gallery.web.rate_limits import RATES, RateLimiter, rate_limit
from tests.support.gallery_data import (
    SETTINGS,  # noqa: F401  # the gallery's settings are read without an `.env`
    GalleryData,
)
from tests.support.gallery_server import Served
from tests.support.site_client import SiteClient


def hit(limits: Any, kind: str, who: Any, **given: Any) -> Any:
    return asyncio.run(limits.hit(kind, who, **given))


def test_exceeded_rate_returns_at_least_one_second() -> None:
    limits = RateLimiter({"comment": "3/minute", "like": "1/second"})
    assert [hit(limits, "comment", "ada") for _ in range(3)] == [0, 0, 0]
    assert 50 < hit(limits, "comment", "ada") <= 60
    hit(limits, "like", "ada")
    assert hit(limits, "like", "ada") == 1


def test_clients_and_kinds_count_separately() -> None:
    limits = RateLimiter({"comment": "1/minute", "like": "1/minute"})
    assert [hit(limits, kind, who) for kind in ("comment", "like") for who in ("ada", "bob")] == [0, 0, 0, 0]


def test_unknown_kind_has_the_default_rate() -> None:
    limits = RateLimiter(RATES)
    assert [hit(limits, "something", "ada") for _ in range(30)] == [0] * 30
    assert hit(limits, "something", "ada") > 0


@pytest.fixture
def limited(site: Callable[..., SiteClient]) -> Any:
    """A site with a page that allows two requests a minute."""

    def make(**values: Any) -> Any:
        client = site(**values)
        client.app.get("/limited", dependencies=[Depends(rate_limit("test"))])(lambda: "fine")
        client.app.state.rate_limiter = RateLimiter({"test": "2/minute"})
        return client

    return make


def test_429_page_has_retry_after(limited: Any) -> None:
    client = limited()
    answers = [client.get("/limited") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert "Too fast" in answers[2].text
    assert 0 < int(answers[2].headers["retry-after"]) <= 60


def test_429_of_a_script_is_problem_json(limited: Any) -> None:
    client = limited()
    answers = [client.get("/limited", headers={"Accept": "application/json"}) for _ in range(3)]
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert answers[2].json()["status"] == 429
    assert answers[2].headers["retry-after"]


def test_members_count_by_id(
    limited: Any, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> None:
    client = limited()
    sign_in(client, gallery_data.person("ada"))
    assert [client.get("/limited").status_code for _ in range(3)] == [200, 200, 429]
    client.cookies.clear()
    sign_in(client, gallery_data.person("grace"))
    assert client.get("/limited").status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.5", "203.0.113.6", False),
        ("2001:db8:1:1::5", "2001:db8:1:1::6", True),
        ("2001:db8:1:1::5", "2001:db8:1:2::5", False),
        ("::ffff:203.0.113.5", "203.0.113.5", True),
        ("a-socket", "another", False),
    ],
)
def test_anonymous_clients_count_by_address_or_network(limited: Any, one: Any, other: Any, same: Any) -> None:
    app = limited().app
    first, second = SiteClient(app, client=(one, 1)), SiteClient(app, client=(other, 2))
    assert [first.get("/limited").status_code for _ in range(2)] == [200, 200]
    assert second.get("/limited").status_code == (429 if same else 200)


def test_forwarded_header_of_a_client_is_ignored(limited: Any) -> None:
    client = limited()
    answers = [client.get("/limited", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(3)]
    assert answers[-1].status_code == 429


def test_networks_of_one_customer_share_a_limit(
    site: Callable[..., SiteClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_module, "NETWORKS_TOGETHER", 3)
    app = site().app
    app.state.rate_limiter = RateLimiter({"search": "2/minute"})
    statuses = [
        SiteClient(app, client=(f"2001:db8:1:{number}::5", 1)).get("/search?q=fox").status_code for number in range(8)
    ]
    assert statuses == [200] * 6 + [429] * 2
    # Another who has 48 bits of their own is not held up.
    assert SiteClient(app, client=("2001:db8:2:1::5", 1)).get("/search?q=fox").status_code == 200


@pytest.fixture
def two_processes(site: Callable[..., SiteClient], queue_server: str, queue: WorkQueue) -> Iterator[Any]:
    """Two sites that share only Redis."""
    served = []
    for _ in range(2):
        app = site().app
        app.state.rate_limiter = RateLimiter(
            {"search": "3/minute"}, shared=RedisSlidingWindow(queue_server, "limits:test")
        )
        served.append(Served(app))
    yield served
    for one in served:
        one.stop()


def search(served: Served) -> Any:
    return httpx.get(f"{served.address}/search?q=fox", trust_env=False, verify=False).status_code


def test_processes_share_their_counts(two_processes: Any) -> None:
    one, other = two_processes
    assert [search(one), search(other), search(one), search(other), search(one)] == [200, 200, 200, 429, 429]


def test_without_redis_each_process_counts_alone_and_logs_once(site: Callable[..., SiteClient], tmp_path: Path) -> None:
    app = site().app
    app.state.rate_limiter = RateLimiter(
        {"search": "3/minute"}, shared=RedisSlidingWindow(f"unix://{tmp_path}/nobody.sock", "limits:test")
    )
    served = Served(app)
    with capture_logs() as logged:
        assert [search(served) for _ in range(5)] == [200, 200, 200, 429, 429]
    served.stop()
    assert sum("rate limits count per process" in entry["event"] for entry in logged) == 1


def test_counts_are_shared_again_after_an_outage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, queue_server: str, queue: WorkQueue
) -> None:
    monkeypatch.setattr(limits_module, "AWAY_SECONDS", 0.0)
    link = tmp_path / "queue.sock"

    async def count() -> Any:
        limits = RateLimiter({"search": "1/minute"}, shared=RedisSlidingWindow(f"unix://{link}", "limits:test"))
        alone = await limits.hit("search", "ada")
        link.symlink_to(queue_server.removeprefix("unix://").partition("?")[0])
        together = await limits.hit("search", "ada")
        return alone, together, len(queue.connection.keys("limits:test:*"))

    assert asyncio.run(count()) == (0, 0, 1)
