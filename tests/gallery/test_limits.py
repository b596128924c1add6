"""How often somebody may do something: per member, or per address; who does too much is told when to come back."""

import pytest
from fastapi import Request
from starlette.routing import Route

from gallery import app as site_app
from gallery.limits import RATES, Limits, within_limits
from tests.gallery.conftest import SETTINGS  # noqa: F401  # the gallery's settings are read without an `.env`


def test_after_so_many_one_has_to_wait_until_the_first_is_past():
    limits = Limits({"comment": "3/minute"})
    assert [limits.take("comment", "ada") for _ in range(3)] == [0, 0, 0]
    assert 50 < limits.take("comment", "ada") <= 60


def test_who_has_to_wait_is_not_counted():
    limits = Limits({"comment": "1/minute;2/hour"})
    for _ in range(50):
        limits.take("comment", "ada")
    assert limits.take("comment", "ada") <= 60


def test_the_narrower_of_two_rates_says_how_long():
    limits = Limits({"comment": "5/minute;2/hour"})
    limits.take("comment", "ada")
    limits.take("comment", "ada")
    assert limits.take("comment", "ada") > 3500


def test_one_does_not_wait_for_another_nor_one_kind_for_another():
    limits = Limits({"comment": "1/minute", "like": "1/minute"})
    assert [limits.take(kind, who) for kind in ("comment", "like") for who in ("ada", "bob")] == [0, 0, 0, 0]


def test_a_kind_without_a_rate_of_its_own_is_a_write_like_all():
    limits = Limits(RATES)
    assert [limits.take("something", "ada") for _ in range(30)] == [0] * 30
    assert limits.take("something", "ada") > 0


def test_people_who_came_once_do_not_stay_in_memory(monkeypatch):
    monkeypatch.setattr("gallery.limits.MOST_KEPT", 100)
    limits = Limits({"comment": "1/second"})
    for number in range(200):
        limits.take("comment", str(number))
    events = limits._storage.events
    for key in events:
        events[key] = []
    limits.take("comment", "ada")
    assert len(events) == 1


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
    from fastapi.testclient import TestClient

    first, second = TestClient(app, client=(one, 1)), TestClient(app, client=(other, 2))
    assert [first.get("/limited").status_code for _ in range(2)] == [200, 200]
    assert second.get("/limited").status_code == (429 if same else 200)


def test_an_address_that_a_stranger_only_claims_to_have_does_not_count(limited):
    client = limited()
    answers = [client.get("/limited", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(3)]
    assert answers[-1].status_code == 429
