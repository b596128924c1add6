"""The composer: what is typed becomes one creation that waits, within the rules, or is given back with the reason."""

import threading
from datetime import timedelta

import pytest

from core.clock import now
from core.database import transaction
from core.errors import TryLater
from core.models import State, creations, people, spendings
from tests.support.composing import Member, ada, change, member, rows, shop

__all__ = ["ada", "member", "rows", "shop"]


def test_what_is_typed_becomes_a_creation_that_waits_and_its_page_is_shown(ada, rows):
    answer = ada.paint(
        prompt="  a red\r\nfox ", negative="people", style="ink", shape="16:9", count="3", seed="42", steps="9"
    )
    (row,) = rows()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/{row.id}")
    assert (row.prompt, row.negative_prompt, row.style, row.aspect_ratio) == ("a red fox", "people", "ink", "16:9")
    assert (row.count, row.seed, row.steps, row.person_id, row.post_id) == (3, 42, 9, ada.id, None)
    assert (row.state, row.parent_id, row.answers_post_id) == (State.QUEUED, None, None)
    assert row.next_attempt_at is not None


def test_only_the_words_are_needed(ada, rows):
    ada.paint()
    (row,) = rows()
    assert (row.count, row.style, row.aspect_ratio, row.steps, row.start_key) == (1, None, None, None, None)


def test_a_script_is_told_where_it_hangs(ada, rows):
    answer = ada.paint(json=True)
    assert answer.json() == {"id": 1, "url": "/c/1"}


def test_who_is_first_in_line_is_called_up_once_it_is_written(member, rows, shop):
    seen = []
    member(workshop=shop(lambda: seen.append(len(rows())))).paint()
    assert seen == [1]


def test_a_queue_that_is_away_loses_nothing(member, rows, shop):
    def away():
        raise TryLater("queue_away")

    assert member(workshop=shop(away)).paint().status_code == 303
    assert len(rows()) == 1


def test_who_asks_once_stands_right_behind_who_is_served(ada, member, engine, rows):
    for number in range(5):
        ada.paint(prompt=f"fox {number}")
    member("grace").paint()
    turns = {row.person_id: row.turn for row in rows()}
    assert turns[wall_id("grace")] < turns[ada.id]


def wall_id(username):
    return 1000 + sum(username.encode())


def test_a_stranger_is_asked_to_sign_in_and_comes_back(client):
    answer = client.get("/paint?remix=17", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?next=/paint%3Fremix%3D17"


def test_a_form_without_its_token_is_no_form(ada, rows):
    ada.token = "made.up"
    assert ada.paint().status_code == 403
    assert rows() == []


# once


def test_the_same_form_sent_twice_is_one_creation(ada, rows):
    first, second = ada.paint(), ada.paint()
    assert first.headers["location"] == second.headers["location"]
    assert len(rows()) == 1


def test_the_same_form_sent_ten_times_at_once_is_one_creation(ada, rows):
    at_once([ada.paint] * 10)
    assert len(rows()) == 1


def test_other_words_from_the_same_page_are_another_creation(ada, rows):
    ada.paint()
    ada.paint(prompt="a blue fox")
    assert len(rows()) == 2


def test_the_same_words_from_another_page_are_another_creation(ada, rows, sign_in):
    ada.paint()
    ada.token = sign_in(ada.client, ada.id)
    ada.paint()
    assert len(rows()) == 2


def test_who_comes_back_to_the_page_later_means_another_picture(ada, rows, engine):
    for _ in range(3):
        ada.paint()
        change(engine, creations, created_at=now() - timedelta(minutes=5))
    assert len(rows()) == 3


def test_a_double_click_on_the_last_picture_of_the_day_is_no_refusal(member, rows, shop):
    ada = member(workshop=shop(person_daily_limit=1))
    assert [ada.paint().status_code for _ in range(2)] == [303, 303]
    assert len(rows()) == 1


# the rules


def test_two_tabs_with_one_picture_left_get_one(member, rows, shop):
    ada = member(workshop=shop(person_daily_limit=3))
    ada.paint(prompt="one")
    ada.paint(prompt="two")
    answers = at_once([lambda n=n: ada.paint(prompt=f"tab {n}") for n in range(6)])
    assert sorted(answer.status_code for answer in answers) == [303] + [429] * 5
    assert len(rows()) == 3


def test_what_was_asked_on_x_counts_too(member, wall, shop):
    ada = member(workshop=shop(person_daily_limit=2))
    for _ in range(2):
        wall.creation(person_id=ada.id, created_at=now())
    answer = ada.paint(prompt="one too many")
    assert answer.status_code == 429
    assert "here and on X" in answer.context["errors"]["form"]
    assert answer.context["typed"].prompt == "one too many"


def test_yesterdays_pictures_do_not_count(member, wall, shop):
    ada = member(workshop=shop(person_daily_limit=1))
    wall.creation(person_id=ada.id, created_at=now() - timedelta(hours=25))
    assert ada.paint().status_code == 303


def test_between_two_there_is_a_pause_where_the_host_wants_one(member, shop):
    ada = member(workshop=shop(person_cooldown_seconds=60))
    ada.paint()
    answer = ada.paint(prompt="quick")
    assert answer.status_code == 429
    assert "seconds" in answer.context["errors"]["form"]


def test_for_who_asked_to_be_left_alone_nothing_is_painted_and_the_way_back_is_shown(ada, engine, rows):
    change(engine, people, opted_out_at=now())
    answer = ada.paint()
    assert answer.status_code == 403
    assert "/me/settings" in answer.text
    assert rows() == []


def test_who_is_banned_meanwhile_gets_nothing(ada, engine, rows):
    change(engine, people, banned_at=now())
    assert ada.paint().headers["location"].startswith("/sign-in")
    assert rows() == []


def test_an_account_that_is_too_new_for_x_is_too_new_here(site, wall, sign_in, shop, rows):
    newborn = wall.person("new", id=(int(now().timestamp() * 1000) - 1288834974657 - 5000) << 22)
    client = site(workshop=shop(account_min_days=7))
    assert Member(client, newborn, sign_in(client, newborn)).paint().status_code == 403
    assert rows() == []


def test_with_the_budget_spent_the_words_are_kept_for_tomorrow(member, engine, shop):
    with transaction(engine) as session:
        session.execute(spendings.insert().values(day=f"{now():%Y-%m-%d}", item="gpu", count=1, micro_usd=2_000_000))
    answer = member(workshop=shop(budget=1.0)).paint(prompt="a dear fox")
    assert answer.status_code == 429
    assert "a dear fox" in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", " \u200b\t"),
        ("prompt", "x" * 2001),
        ("negative", "x" * 2001),
        ("style", "nouveau"),
        ("shape", "7:1"),
        ("far", "0.5"),
        ("count", "5"),
        ("count", "0"),
        ("seed", "-1"),
        ("seed", "9" * 5000),
        ("seed", "²"),
        ("steps", "51"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_all_that_was_typed_stays(ada, rows, field, value):
    typed = {"prompt": "a fox <b>", "negative": "fog", "seed": "7", "steps": "9"} | {field: value}
    answer = ada.paint(**typed)
    assert answer.status_code == 422
    assert list(answer.context["errors"]) == [field]
    assert f'id="{field}-error"' in answer.text
    kept = answer.context["typed"]
    assert {name: getattr(kept, name) for name in typed} == typed
    assert rows() == []


def test_a_script_is_told_what_is_wrong_with_which_field(ada):
    answer = ada.paint(json=True, prompt="", seed="x")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"prompt", "seed"}


def test_unsafe_words_are_not_painted(ada, rows):
    answer = ada.paint(prompt="porn")
    assert answer.context["errors"]["prompt"] == "The bot does not paint this."
    assert rows() == []


def test_a_prompt_as_long_as_the_host_allows_is_painted(member, rows, shop):
    ada = member(workshop=shop(prompt_limit=10))
    assert ada.paint(prompt="0123456789 ").status_code == 303
    assert ada.paint(prompt="0123456789a").status_code == 422


def test_hostile_words_are_text(ada, rows):
    words = '"><script>alert(1)</script> \u202e مرحبا 🦊 {{7*7}}'
    answer = ada.paint(prompt=words, seed="x")
    assert "<script>alert" not in answer.text
    ada.paint(prompt=words)
    assert rows()[0].prompt == '"><script>alert(1)</script> مرحبا 🦊 {{7*7}}'


# what is told


def test_it_is_told_how_many_are_left_and_what_one_costs(member, engine, wall, shop):
    with transaction(engine) as session:
        session.execute(spendings.insert().values(day=f"{now():%Y-%m-%d}", item="gpu", count=10, micro_usd=4_120))
    ada = member(workshop=shop(person_daily_limit=50))
    wall.creation(person_id=ada.id, created_at=now())
    told = ada.client.get("/paint").context["told"]
    assert told.line == "49 of 50 left today · costs the house about $0.00041"


def test_more_brings_the_words_from_the_wall_along(ada, rows):
    answer = ada.paint(prompt="a fox", more="yes")
    assert answer.status_code == 200
    assert answer.context["typed"].prompt == "a fox"
    assert rows() == []


def test_a_link_can_fill_it_in_but_not_name_an_upload(ada):
    typed = ada.client.get("/paint?prompt=a+fox&style=ink&shape=16:9&start=own:abc&seed=%00").context["typed"]
    assert (typed.prompt, typed.style, typed.shape, typed.start) == ("a fox", "ink", "16:9", "")


def test_the_wall_has_a_small_composer_for_members_alone(ada, client, wall, site):
    wall.hang()
    assert "compose--small" in ada.client.get("/").text
    assert "compose--small" not in site().get("/").text


def test_counting_stays_with_the_person(ada, member, rows):
    ada.paint()
    member("grace").paint()
    assert sorted(row.person_id for row in rows()) == sorted([ada.id, wall_id("grace")])


def at_once(calls):
    """Run all at the same moment; their answers."""
    gate, answers = threading.Barrier(len(calls)), []

    def run(call):
        gate.wait()
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers
