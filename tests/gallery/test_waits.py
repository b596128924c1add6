"""What pages and JSON tell of the wait: with a real queue, without one, and in a crowd."""

from datetime import timedelta
from functools import partial

import pytest
from rq import Worker

from core.clock import now
from core.health import look
from core.line.waiting import MOST_COUNTED, Wait, look_around
from core.models import State
from core.money.ledger import Cost, write_costs
from core.pace import ANSWER, Pace, Told
from core.queue import QUEUES, open_queue
from core.settings import MoneySettings, PaceSettings, load
from gallery import labels, waits

AWAY = "unix:///nowhere/queue.sock?db=0"


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """Tests look again at once."""
    monkeypatch.setattr(waits, "KEPT_SECONDS", 0.0)


@pytest.fixture
def pace(queue):
    Worker(QUEUES, connection=queue.connection).register_birth()
    return Pace(queue, load(PaceSettings))


@pytest.fixture
def waiting_site(site, engine, queue, pace):
    money = load(MoneySettings, budget_day_usd=10, budget_month_usd=None)
    return site(
        look_around=partial(look_around, engine, queue, pace, money),
        health=partial(look, engine, queue, pace, money),
    )


def use_up(pace, ends_in=720):
    at = now()
    pace.admit(ANSWER)
    pace.learn(ANSWER, Told(at, 100, 0, round(at.timestamp()) + ends_in))


def waits_for_answer(wall, **values):
    return wall.hang(**{"state": State.PAINTED, "reply_outcome": None, "next_attempt_at": now(), **values})


def test_a_painted_picture_says_when_its_answer_goes_out_and_how_many_are_before_it(waiting_site, wall, pace):
    use_up(pace)
    for _ in range(3):
        waits_for_answer(wall, turn=1, pictures=0)
    creation_id = waits_for_answer(wall, turn=2)
    html = waiting_site.get(f"/c/{creation_id}").text
    assert "The answer on X goes out in about 12 min; 3 are before it." in html


def test_what_x_stopped_is_told_in_plain_words(waiting_site, wall, pace):
    pace.learn(ANSWER, Told(now()), "x_no_credits")
    html = waiting_site.get(f"/c/{waits_for_answer(wall)}").text
    assert "The answer on X has to wait: X asks the host for money." in html


def test_an_answered_picture_says_nothing_of_waiting(waiting_site, wall):
    for creation_id in (wall.hang(), wall.hang(state=State.PAINTED, reply_outcome="x_not_summoned")):
        assert "The answer on X goes out" not in waiting_site.get(f"/c/{creation_id}").text
        assert waiting_site.get(f"/api/creations/{creation_id}").json()["wait"] is None


def test_a_waiting_prompt_says_how_many_are_before_it_and_how_long(waiting_site, wall):
    wall.hang(painting_seconds=3.0)
    for _ in range(12):
        wall.creation(turn=1, next_attempt_at=now())
    creation_id = wall.creation(turn=2, next_attempt_at=now())
    assert "12 before you, about 40 seconds." in waiting_site.get(f"/c/{creation_id}").text


def test_before_anything_was_painted_only_the_place_is_told(waiting_site, wall):
    wall.creation(turn=1, next_attempt_at=now())
    creation_id = wall.creation(turn=2, next_attempt_at=now())
    assert "1 before you.</p>" in waiting_site.get(f"/c/{creation_id}").text


def test_a_used_up_budget_is_told_to_who_waits(waiting_site, wall, engine):
    write_costs(engine, [Cost("a", "reply", 9_900_000)])
    html = waiting_site.get(f"/c/{wall.creation(next_attempt_at=now())}").text
    assert "It has to wait: the house&#39;s budget for today is used up; it goes on at 00:00 UTC." in html
    assert "9.9" not in html


def test_the_json_of_one_creation_has_its_wait(waiting_site, wall, pace):
    use_up(pace)
    waits_for_answer(wall, turn=1)
    item = waiting_site.get(f"/api/creations/{waits_for_answer(wall, turn=2)}").json()
    assert item["wait"].pop("seconds") == pytest.approx(720, abs=5)
    assert item["wait"] == {"ahead": 1, "why": ""}
    assert "wait" not in waiting_site.get("/api/creations").json()["items"][0]


def test_without_the_queue_the_pages_work_without_an_estimate(site, wall, engine):
    away = open_queue(AWAY)
    pace, money = Pace(away, load(PaceSettings)), load(MoneySettings)
    client = site(look_around=partial(look_around, engine, away, pace, money))
    painted, queued = waits_for_answer(wall), wall.creation(next_attempt_at=now())
    assert "goes out" not in client.get(f"/c/{painted}").text
    assert "before you" not in client.get(f"/c/{queued}").text
    assert client.get(f"/c/{queued}").status_code == 200
    assert client.get(f"/api/creations/{queued}").json()["wait"] is None


def test_a_queue_that_is_away_is_not_asked_for_every_page(site, wall, engine):
    asked = []
    away = open_queue(AWAY)
    pace, money = Pace(away, load(PaceSettings)), load(MoneySettings)

    def ask():
        asked.append(1)
        return look_around(engine, away, pace, money)

    client, creation_id = site(look_around=ask), waits_for_answer(wall)
    for _ in range(5):
        assert client.get(f"/c/{creation_id}").status_code == 200
    assert len(asked) == 1


def test_a_crowd_is_told_from_what_is_kept_for_a_second(waiting_site, wall, statements, monkeypatch):
    monkeypatch.setattr(waits, "KEPT_SECONDS", 60.0)
    creation_id = wall.creation(next_attempt_at=now())
    waiting_site.get(f"/c/{creation_id}")
    statements.clear()
    for _ in range(5):
        assert "Next in line" in waiting_site.get(f"/c/{creation_id}").text
    assert len(statements) == 5, "the creation itself, and nothing else"


def test_health_tells_what_x_allows_and_no_sum_of_money(waiting_site, pace, engine):
    use_up(pace)
    write_costs(engine, [Cost("a", "reply", 9_900_000)])
    health = waiting_site.get("/healthz").json()
    assert health["x"].pop("window_ends_in") == pytest.approx(720, abs=5)
    assert health["x"] == {"free": 0, "calls": 100, "stopped": ""}
    assert set(health) == {"status", "problems", "workers", "polled_seconds_ago", "states", "x", "instance"}
    assert "9.9" not in str(health)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(0, 5.0), "Next in line, a few seconds."),
        (Wait(1, None), "1 before you."),
        (Wait(12, 40.0), "12 before you, about 40 seconds."),
        (Wait(0, None, "X is away"), "Next in line. It has to wait: X is away."),
        (Wait(MOST_COUNTED + 1, 7200.0), "More than 9,999 before you, about 2 hours."),
    ],
)
def test_the_wait_for_a_picture_in_words(wait, words):
    assert labels.until_painted(wait) == words


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(0, 2.0), "The answer on X goes out in a few seconds."),
        (Wait(1, 720.0), "The answer on X goes out in about 12 min; 1 is before it."),
        (Wait(1310, 7200.0), "The answer on X goes out in about 2 hours; 1,310 are before it."),
        (Wait(MOST_COUNTED + 1, 7200.0), "The answer on X goes out in about 2 hours; more than 9,999 are before it."),
        (Wait(0, None, "X is away"), "The answer on X has to wait: X is away."),
        (Wait(3, None, "X is away"), "The answer on X has to wait: X is away. 3 are before it."),
    ],
)
def test_the_wait_for_the_answer_in_words(wait, words):
    assert labels.until_answered(wait) == words


def test_the_label_names_what_was_chosen(client, wall):
    creation_id = wall.hang(style="ink", negative_prompt="people, text", steps=30)
    html = client.get(f"/c/{creation_id}").text
    for words in ("<dd>ink</dd>", "people, text</dd>", "<dd>30</dd>"):
        assert words in html
    item = client.get(f"/api/creations/{creation_id}").json()
    assert (item["style"], item["negative_prompt"], item["steps"]) == ("ink", "people, text", 30)


def test_what_was_not_chosen_is_not_named(client, wall):
    html = client.get(f"/c/{wall.hang()}").text
    for name in ("Style", "Without", "Steps", "After"):
        assert f"<dt>{name}</dt>" not in html


def test_a_remix_names_whose_picture_it_comes_from(client, wall):
    parent = wall.hang(person_id=wall.person("grace"))
    html = client.get(f"/c/{wall.hang(parent_id=parent)}").text
    assert f'<a href="/c/{parent}">a picture by <bdi>@grace</bdi></a>' in html


def test_a_remix_of_what_is_taken_back_or_hidden_leads_nowhere(client, wall):
    taken_back = wall.hang(deleted_at=now(), shown_at=None)
    hidden = wall.hang(shown_at=None, person_id=wall.person("eve", hidden_at=now() - timedelta(days=1)))
    for parent in (taken_back, hidden):
        html = client.get(f"/c/{wall.hang(parent_id=parent)}").text
        assert "a picture that does not hang here any more" in html
        assert f'href="/c/{parent}"' not in html
        assert "@eve" not in html


def test_a_picture_that_came_with_the_post_is_named(client, wall):
    html = client.get(f"/c/{wall.hang(start_url='https://pbs.example/a.jpg')}").text
    assert "a picture that came with the post" in html
    assert "pbs.example" not in html


def test_the_composer_says_how_long_one_more_would_take(waiting_site, wall, sign_in):
    for number in range(40):
        wall.hang(painting_seconds=10.0, painted_at=now(), prompt=f"lately {number}")
    for number in range(2):
        wall.creation(person_id=wall.person(f"p{number}"), next_attempt_at=now(), turn=1)
    sign_in(waiting_site, wall.person("ada"))
    assert waiting_site.get("/paint").context["told"].wait == "about 30 seconds"


def test_the_composer_says_why_it_would_have_to_wait(site, engine, queue, wall, sign_in):
    pace, money = Pace(queue, load(PaceSettings)), load(MoneySettings)
    client = site(look_around=partial(look_around, engine, queue, pace, money))
    sign_in(client, wall.person("ada"))
    assert client.get("/paint").context["told"].wait == "has to wait: nobody is at work in the house"
