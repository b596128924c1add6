"""How often somebody may do something: per member, or per address; who does too much is told when to come back."""

import asyncio

import httpx
import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from starlette.routing import Route
from structlog.testing import capture_logs

from core.recent_hits import RedisHits
from gallery import app as site_app
from gallery import limits as limits_module
from gallery.limits import RATES, Limits, within_limits
from tests.gallery.conftest import SETTINGS  # noqa: F401  # the gallery's settings are read without an `.env`
from tests.support.served_site import Served


def taken(limits, kind, who, **given):
    return asyncio.run(limits.take(kind, who, **given))


def test_who_does_too_much_waits_a_second_at_least():
    limits = Limits({"comment": "3/minute", "like": "1/second"})
    assert [taken(limits, "comment", "ada") for _ in range(3)] == [0, 0, 0]
    assert 50 < taken(limits, "comment", "ada") <= 60
    taken(limits, "like", "ada")
    assert taken(limits, "like", "ada") == 1


def test_one_does_not_wait_for_another_nor_one_kind_for_another():
    limits = Limits({"comment": "1/minute", "like": "1/minute"})
    assert [taken(limits, kind, who) for kind in ("comment", "like") for who in ("ada", "bob")] == [0, 0, 0, 0]


def test_a_kind_without_a_rate_of_its_own_is_a_write_like_all():
    limits = Limits(RATES)
    assert [taken(limits, "something", "ada") for _ in range(30)] == [0] * 30
    assert taken(limits, "something", "ada") > 0


@pytest.fixture
def limited(site, monkeypatch):
    """A site with a page that may be asked for twice a minute."""

    async def page(request: Request):
        from starlette.responses import PlainTextResponse

        await within_limits(request, "test")
        return PlainTextResponse("fine")

    monkeypatch.setattr(site_app, "PAGES", [Route("/limited", page), *site_app.PAGES])

    def make(**values):
        client = site(**values)
        client.app.state.limits = Limits({"test": "2/minute"})
        return client

    return make


def test_too_much_is_a_page_that_says_when(limited):
    client = limited()
    answers = [client.get("/limited") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert "That was quick" in answers[2].text
    assert 0 < int(answers[2].headers["retry-after"]) <= 60


def test_too_much_of_a_script_is_a_problem_in_json(limited):
    client = limited()
    answers = [client.get("/limited", headers={"Accept": "application/json"}) for _ in range(3)]
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert answers[2].json()["status"] == 429
    assert answers[2].headers["retry-after"]


def test_members_are_counted_by_themselves_wherever_they_are(limited, wall, sign_in):
    client = limited()
    sign_in(client, wall.person("ada"))
    assert [client.get("/limited").status_code for _ in range(3)] == [200, 200, 429]
    client.cookies.clear()
    sign_in(client, wall.person("grace"))
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
def test_strangers_are_counted_by_their_address_or_their_network(limited, one, other, same):
    app = limited().app
    first, second = TestClient(app, client=(one, 1)), TestClient(app, client=(other, 2))
    assert [first.get("/limited").status_code for _ in range(2)] == [200, 200]
    assert second.get("/limited").status_code == (429 if same else 200)


def test_an_address_that_a_stranger_only_claims_to_have_does_not_count(limited):
    client = limited()
    answers = [client.get("/limited", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(3)]
    assert answers[-1].status_code == 429


def test_whoever_rents_many_networks_does_not_have_as_many_limits(site, monkeypatch):
    monkeypatch.setattr(limits_module, "NETWORKS_TOGETHER", 3)
    app = site().app
    app.state.limits = Limits({"search": "2/minute"})
    statuses = [
        TestClient(app, client=(f"2001:db8:1:{number}::5", 1)).get("/search?q=fox").status_code for number in range(8)
    ]
    assert statuses == [200] * 6 + [429] * 2
    # Another who has 48 bits of their own is not held up.
    assert TestClient(app, client=("2001:db8:2:1::5", 1)).get("/search?q=fox").status_code == 200


@pytest.fixture
def two_processes(site, queue_server, queue):
    """Two sites that know nothing of each other but the same Redis."""
    served = []
    for _ in range(2):
        app = site().app
        app.state.limits = Limits({"search": "3/minute"}, shared=RedisHits(queue_server, "limits:test"))
        served.append(Served(app))
    yield served
    for one in served:
        one.stop()


def search(served):
    return httpx.get(f"{served.address}/search?q=fox", trust_env=False).status_code


def test_all_processes_count_together(two_processes):
    one, other = two_processes
    assert [search(one), search(other), search(one), search(other), search(one)] == [200, 200, 200, 429, 429]


def test_without_redis_each_process_counts_by_itself_and_says_so_once(site, tmp_path):
    app = site().app
    app.state.limits = Limits({"search": "3/minute"}, shared=RedisHits(f"unix://{tmp_path}/nobody.sock", "limits:test"))
    served = Served(app)
    with capture_logs() as logged:
        assert [search(served) for _ in range(5)] == [200, 200, 200, 429, 429]
    served.stop()
    assert sum("counted by this process alone" in entry["event"] for entry in logged) == 1


def test_redis_that_comes_back_counts_again(monkeypatch, tmp_path, queue_server, queue):
    monkeypatch.setattr(limits_module, "AWAY_SECONDS", 0.0)
    link = tmp_path / "queue.sock"

    async def count():
        limits = Limits({"search": "1/minute"}, shared=RedisHits(f"unix://{link}", "limits:test"))
        alone = await limits.take("search", "ada")
        link.symlink_to(queue_server.removeprefix("unix://").partition("?")[0])
        together = await limits.take("search", "ada")
        return alone, together, len(queue.connection.keys("limits:test:*"))

    assert asyncio.run(count()) == (0, 0, 1)
