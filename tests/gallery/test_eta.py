"""Waits on pages and in the API: with a real queue, without one, and under load."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rq import Worker
from sqlalchemy import Engine

from core.budget.ledger import LedgerEntry, write_costs
from core.clock import now
from core.health import check_health
from core.models import State
from core.queue import QUEUES, WorkQueue, open_queue
from core.scheduling.eta import Eta, load_capacity
from core.settings import BudgetSettings, RateLimitSettings, load
from core.x.rate_limit import CREATE_POST, RateLimitHeaders, XRateLimiter
from gallery.queries import eta_cache
from gallery.views import formatting
from gallery.views.formatting import MAX_COUNTED
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context

AWAY = "unix:///nowhere/queue.sock?db=0"


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the cache of estimates."""
    monkeypatch.setattr(eta_cache, "CACHE_SECONDS", 0.0)


@pytest.fixture
def rate_limiter(queue: WorkQueue) -> XRateLimiter:
    Worker(QUEUES, connection=queue.connection).register_birth()
    return XRateLimiter(queue, load(RateLimitSettings))


@pytest.fixture
def waiting_site(
    site: Callable[..., TestClient], engine: Engine, queue: WorkQueue, rate_limiter: XRateLimiter
) -> TestClient:
    money = load(BudgetSettings, daily_budget_usd=10, monthly_budget_usd=None)
    return site(
        load_capacity=partial(load_capacity, engine, queue, rate_limiter, money),
        health=partial(check_health, engine, queue, rate_limiter, money),
    )


def use_up(rate_limiter: XRateLimiter, ends_in: int = 720) -> None:
    at = now()
    rate_limiter.acquire(CREATE_POST)
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(at, 100, 0, round(at.timestamp()) + ends_in))


def waits_for_answer(gallery_data: GalleryData, **values: Any) -> Any:
    return gallery_data.publish(**{"state": State.PAINTED, "reply_status": None, "next_attempt_at": now(), **values})


def test_painted_creation_shows_the_wait_for_its_reply(
    waiting_site: TestClient, gallery_data: GalleryData, rate_limiter: XRateLimiter
) -> None:
    use_up(rate_limiter)
    for _ in range(3):
        waits_for_answer(gallery_data, queue_rank=1, pictures=0)
    creation_id = waits_for_answer(gallery_data, queue_rank=2)
    html = waiting_site.get(f"/c/{creation_id}").text
    assert "Reply on X in about 12 min (3 ahead)." in html


def test_blocked_reply_shows_the_reason(
    waiting_site: TestClient, gallery_data: GalleryData, rate_limiter: XRateLimiter
) -> None:
    rate_limiter.update_from_response(CREATE_POST, RateLimitHeaders(now()), "x_no_credits")
    html = waiting_site.get(f"/c/{waits_for_answer(gallery_data)}").text
    assert "Reply on X delayed: the bot&#39;s X API credits are used up" in html


def test_replied_creation_shows_no_wait(waiting_site: TestClient, gallery_data: GalleryData) -> None:
    for creation_id in (
        gallery_data.publish(),
        gallery_data.publish(state=State.PAINTED, reply_status="x_not_summoned"),
    ):
        assert "Reply on X" not in waiting_site.get(f"/c/{creation_id}").text
        assert waiting_site.get(f"/api/creations/{creation_id}").json()["eta"] is None


def test_queued_creation_shows_position_and_wait(waiting_site: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(painting_seconds=3.0)
    for _ in range(12):
        gallery_data.creation(queue_rank=1, next_attempt_at=now())
    creation_id = gallery_data.creation(queue_rank=2, next_attempt_at=now())
    assert "In the queue: 12 ahead of you, about 40 seconds." in waiting_site.get(f"/c/{creation_id}").text


def test_only_the_position_is_shown_before_the_first_picture(
    waiting_site: TestClient, gallery_data: GalleryData
) -> None:
    gallery_data.creation(queue_rank=1, next_attempt_at=now())
    creation_id = gallery_data.creation(queue_rank=2, next_attempt_at=now())
    assert "In the queue: 1 ahead of you.</p>" in waiting_site.get(f"/c/{creation_id}").text


def test_used_up_budget_is_shown_as_the_reason(
    waiting_site: TestClient, gallery_data: GalleryData, engine: Engine
) -> None:
    write_costs(engine, [LedgerEntry("a", "reply", 9_900_000)])
    html = waiting_site.get(f"/c/{gallery_data.creation(next_attempt_at=now())}").text
    assert "Delayed: today&#39;s budget is used up; work resumes at 00:00 UTC." in html
    assert "9.9" not in html


def test_api_of_one_creation_has_its_eta(
    waiting_site: TestClient, gallery_data: GalleryData, rate_limiter: XRateLimiter
) -> None:
    use_up(rate_limiter)
    waits_for_answer(gallery_data, queue_rank=1)
    item = waiting_site.get(f"/api/creations/{waits_for_answer(gallery_data, queue_rank=2)}").json()
    assert item["eta"].pop("seconds") == pytest.approx(720, abs=5)
    assert item["eta"] == {"position": 1, "reason": ""}
    assert "eta" not in waiting_site.get("/api/creations").json()["items"][0]


def test_pages_work_without_queue_and_estimate(
    site: Callable[..., TestClient], gallery_data: GalleryData, engine: Engine
) -> None:
    away = open_queue(AWAY)
    rate_limiter, money = XRateLimiter(away, load(RateLimitSettings)), load(BudgetSettings)
    client = site(load_capacity=partial(load_capacity, engine, away, rate_limiter, money))
    painted, queued = waits_for_answer(gallery_data), gallery_data.creation(next_attempt_at=now())
    assert "Reply on X" not in client.get(f"/c/{painted}").text
    assert "ahead of you" not in client.get(f"/c/{queued}").text
    assert client.get(f"/c/{queued}").status_code == 200
    assert client.get(f"/api/creations/{queued}").json()["eta"] is None


def test_unreachable_queue_is_not_asked_for_every_page(
    site: Callable[..., TestClient], gallery_data: GalleryData, engine: Engine
) -> None:
    asked = []
    away = open_queue(AWAY)
    rate_limiter, money = XRateLimiter(away, load(RateLimitSettings)), load(BudgetSettings)

    def ask() -> Any:
        asked.append(1)
        return load_capacity(engine, away, rate_limiter, money)

    client, creation_id = site(load_capacity=ask), waits_for_answer(gallery_data)
    for _ in range(5):
        assert client.get(f"/c/{creation_id}").status_code == 200
    assert len(asked) == 1


def test_estimates_are_cached_for_a_second(
    waiting_site: TestClient, gallery_data: GalleryData, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eta_cache, "CACHE_SECONDS", 60.0)
    creation_id = gallery_data.creation(next_attempt_at=now())
    waiting_site.get(f"/c/{creation_id}")
    statements.clear()
    for _ in range(5):
        assert "Next in the queue" in waiting_site.get(f"/c/{creation_id}").text
    assert len(statements) == 5, "the creation itself, and nothing else"


def test_health_has_rate_limits_but_no_costs(
    waiting_site: TestClient, rate_limiter: XRateLimiter, engine: Engine
) -> None:
    use_up(rate_limiter)
    write_costs(engine, [LedgerEntry("a", "reply", 9_900_000)])
    health = waiting_site.get("/healthz").json()
    assert health["x"].pop("window_ends_in") == pytest.approx(720, abs=5)
    assert health["x"] == {"free": 0, "calls": 100, "stopped": ""}
    assert set(health) == {"status", "problems", "workers", "polled_seconds_ago", "states", "x", "instance"}
    assert "9.9" not in str(health)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Eta(0, 5.0), "Next in the queue, a few seconds."),
        (Eta(1, None), "In the queue: 1 ahead of you."),
        (Eta(12, 40.0), "In the queue: 12 ahead of you, about 40 seconds."),
        (Eta(0, None, "X is away"), "Next in the queue. Delayed: X is away."),
        (Eta(MAX_COUNTED, 7200.0), "In the queue: 999 ahead of you, about 2 hours."),
        (Eta(MAX_COUNTED + 1, 7200.0), "In the queue: more than 999 ahead of you, more than 2 hours."),
        (Eta(MAX_COUNTED + 1, 5.0), "In the queue: more than 999 ahead of you, more than 5 seconds."),
        (Eta(MAX_COUNTED + 1, None), "In the queue: more than 999 ahead of you."),
    ],
)
def test_describe_queue_wait(wait: Any, words: Any) -> None:
    assert formatting.describe_queue_wait(wait) == words


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Eta(0, 2.0), "Reply on X in a few seconds."),
        (Eta(1, 720.0), "Reply on X in about 12 min (1 ahead)."),
        (Eta(310, 7200.0), "Reply on X in about 2 hours (310 ahead)."),
        (Eta(MAX_COUNTED + 1, 7200.0), "Reply on X in more than 2 hours (more than 999 ahead)."),
        (Eta(0, None, "X is away"), "Reply on X delayed: X is away."),
        (Eta(3, None, "X is away"), "Reply on X delayed: X is away (3 ahead)."),
    ],
)
def test_describe_reply_wait(wait: Any, words: Any) -> None:
    assert formatting.describe_reply_wait(wait) == words


def test_label_names_the_chosen_options(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(style="ink", negative_prompt="people, text", steps=30)
    html = client.get(f"/c/{creation_id}").text
    for words in ("<dd>ink</dd>", "people, text</dd>", "<dd>30</dd>"):
        assert words in html
    item = client.get(f"/api/creations/{creation_id}").json()
    assert (item["style"], item["negative_prompt"], item["steps"]) == ("ink", "people, text", 30)


def test_label_omits_options_that_were_not_chosen(client: TestClient, gallery_data: GalleryData) -> None:
    html = client.get(f"/c/{gallery_data.publish()}").text
    for name in ("Style", "Negative prompt", "Steps", "Remix of", "Started from"):
        assert f"<dt>{name}</dt>" not in html


def test_remix_names_the_author_of_its_parent(client: TestClient, gallery_data: GalleryData) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace"))
    html = client.get(f"/c/{gallery_data.publish(parent_id=parent)}").text
    assert f'<a href="/c/{parent}">a picture by <bdi>@grace</bdi></a>' in html


def test_remix_of_a_deleted_or_hidden_creation_has_no_link(client: TestClient, gallery_data: GalleryData) -> None:
    taken_back = gallery_data.publish(deleted_at=now(), published_at=None)
    hidden = gallery_data.publish(
        published_at=None, person_id=gallery_data.person("eve", hidden_at=now() - timedelta(days=1))
    )
    for parent in (taken_back, hidden):
        html = client.get(f"/c/{gallery_data.publish(parent_id=parent)}").text
        assert "a deleted picture" in html
        assert f'href="/c/{parent}"' not in html
        assert "@eve" not in html


def test_init_image_of_the_post_is_mentioned(client: TestClient, gallery_data: GalleryData) -> None:
    html = client.get(f"/c/{gallery_data.publish(init_image_url='https://pbs.example/a.jpg')}").text
    assert "the photo in the post" in html
    assert "pbs.example" not in html


def test_composer_shows_the_wait_for_a_new_creation(
    waiting_site: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    for number in range(40):
        gallery_data.publish(painting_seconds=10.0, painted_at=now(), prompt=f"lately {number}")
    for number in range(2):
        gallery_data.creation(person_id=gallery_data.person(f"p{number}"), next_attempt_at=now(), queue_rank=1)
    sign_in(waiting_site, gallery_data.person("ada"))
    assert page_context(waiting_site.get("/paint"))["hints"].wait == "ready in about 30 seconds"


def test_composer_shows_why_a_new_creation_would_wait(
    site: Callable[..., TestClient],
    engine: Engine,
    queue: WorkQueue,
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    rate_limiter, money = XRateLimiter(queue, load(RateLimitSettings)), load(BudgetSettings)
    client = site(load_capacity=partial(load_capacity, engine, queue, rate_limiter, money))
    sign_in(client, gallery_data.person("ada"))
    assert page_context(client.get("/paint"))["hints"].wait == "has to wait: no worker is running"
