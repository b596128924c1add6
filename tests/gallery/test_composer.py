"""The composer: what is typed becomes one creation that waits, within the rules, or is given back with the reason."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import now
from core.database import transaction
from core.errors import TryLater
from core.models import Creation, State, creations, people, posts, spendings, watched
from core.settings import MoneySettings, RuleSettings, load
from core.uploads import Uploads
from gallery.workshop import Workshop
from tests.gallery.conftest import NOON


@pytest.fixture
def shop(storage):
    """Makes a workshop; what matters is given."""

    def make(call_up=lambda: None, budget=None, prompt_limit=2000, **rules):
        money = load(MoneySettings, budget_day_usd=budget, budget_month_usd=None)
        return Workshop(Uploads(storage.folder), call_up, load(RuleSettings, **rules), money, prompt_limit)

    return make


class Member:
    """Somebody at the composer."""

    def __init__(self, client, person_id, token):
        self.client, self.id, self.token = client, person_id, token

    def paint(self, path="/paint", *, json=False, **typed):
        headers = {"Accept": "application/json"} if json else {}
        data = {"token": self.token, "prompt": "a red fox", **typed}
        return self.client.post(path, data=data, headers=headers, follow_redirects=False)

    def again(self, creation_id, **typed):
        return self.paint(f"/c/{creation_id}/again", **typed)


@pytest.fixture
def member(site, wall, sign_in):
    """Signs somebody in; what matters of the site is given."""

    def make(username="ada", **wired):
        client = site(**wired)
        person_id = wall.person(username)
        return Member(client, person_id, sign_in(client, person_id))

    return make


@pytest.fixture
def ada(member):
    return member()


@pytest.fixture
def rows(engine):
    """All creations, oldest first."""

    def read():
        with transaction(engine) as session:
            return list(session.scalars(select(Creation).order_by(creations.c.id)))

    return read


def change(engine, table, **values):
    with transaction(engine) as session:
        session.execute(table.update().values(**values))


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


# a remix


def test_a_remix_is_filled_in_with_the_words_and_options_of_its_parent_but_not_the_seed(ada, wall):
    theirs = wall.person("grace")
    parent = wall.hang(prompt="a fox", person_id=theirs, style="ink", aspect_ratio="4:5", steps=9, count=2, pictures=2)
    answer = ada.client.get(f"/paint?remix={parent}")
    typed = answer.context["typed"]
    assert (typed.prompt, typed.style, typed.shape, typed.steps, typed.count) == ("a fox", "ink", "4:5", "9", "2")
    assert (typed.seed, typed.start) == ("", "")
    assert [start.value for start in answer.context["starts"]] == ["", "picture:0", "picture:1"]


def test_a_remix_knows_its_parent_and_starts_from_the_chosen_picture(ada, wall, rows, engine):
    parent = wall.hang(person_id=wall.person("grace"))
    key = wall.picture(parent, 1, "plum")
    ada.paint(remix=str(parent), start="picture:1")
    child = rows()[-1]
    assert (child.parent_id, child.start_key, child.person_id) == (parent, key, ada.id)


def test_how_far_to_go_from_a_picture_is_chosen_in_words_and_of_no_use_without_one(ada, wall, rows):
    parent = wall.hang()
    ada.paint(remix=str(parent), start="picture:0", far="close")
    ada.paint(prompt="without", far="close")
    assert [row.strength for row in rows()[1:]] == [0.35, None]
    own = rows()[1].id
    assert ada.client.get(f"/paint?remix={own}").context["typed"].far == "close"
    ada.again(own)
    assert rows()[-1].strength == 0.35


def test_nobody_comes_closer_to_a_picture_that_somebody_else_brought_along(ada, wall, rows):
    theirs = wall.hang(person_id=wall.person("grace"), start_key="ab/photo.webp", strength=0.8)
    own = wall.hang(person_id=ada.id, start_key="ab/own.webp", strength=0.8)
    for parent in (theirs, own):
        ada.paint(remix=str(parent), start="same", far="close")
    assert [(row.start_key, row.strength) for row in rows()[2:]] == [("ab/photo.webp", 0.8), ("ab/own.webp", 0.35)]


def test_from_a_picture_that_a_check_held_back_its_author_does_not_start_either(ada, wall):
    held = wall.hang(person_id=ada.id, shown_at=None)
    wall.picture(held, 1, "plum", flagged=True)
    starts = ada.client.get(f"/paint?remix={held}").context["starts"]
    assert [start.value for start in starts] == [""]
    assert "start" in ada.paint(remix=str(held), start="picture:1").context["errors"]


@pytest.mark.parametrize("start", ["picture:1", "picture:x", "picture:-1", "picture:٣", "ab/" + "0" * 30 + ".webp"])
def test_a_picture_that_the_parent_does_not_have_is_no_start(ada, wall, start):
    parent = wall.hang()
    answer = ada.paint(remix=str(parent), start=start)
    assert "start" in answer.context["errors"]


@pytest.mark.parametrize(
    "values",
    [
        {"shown_at": None, "hidden_at": NOON},
        {"shown_at": None, "deleted_at": NOON},
        {"shown_at": None, "state": State.REFUSED, "code": "too_long"},
    ],
)
def test_what_a_member_may_not_see_they_cannot_go_on_from(ada, wall, rows, values):
    parent = wall.hang(person_id=wall.person("grace"), **values)
    assert ada.client.get(f"/paint?remix={parent}").status_code == 404
    assert ada.paint(remix=str(parent)).status_code == 404
    assert ada.again(parent).status_code == 404
    assert len(rows()) == 1


def test_what_x_hides_cannot_be_gone_on_from(ada, wall, rows):
    parent = wall.hang(person_id=wall.person("grace", hidden_at=NOON))
    assert ada.client.get(f"/paint?remix={parent}").status_code == 404


def test_ones_own_refused_words_can_be_changed_but_not_unsafe_ones(ada, wall):
    own = wall.creation(person_id=ada.id, state=State.REFUSED, code="too_long", prompt="long")
    assert ada.client.get(f"/paint?remix={own}").context["typed"].prompt == "long"
    unsafe = wall.creation(person_id=ada.id, state=State.REFUSED, code="unsafe")
    assert ada.client.get(f"/paint?remix={unsafe}").status_code == 404


@pytest.mark.parametrize("remix", ["0", "-1", "x", "9" * 40, "99"])
def test_what_is_not_there_cannot_be_remixed(ada, remix):
    assert ada.client.get(f"/paint?remix={remix}").status_code == 404


def test_what_is_made_of_a_sensitive_picture_hangs_behind_a_veil_too(ada, wall, rows):
    parent = wall.hang(person_id=wall.person("grace"), sensitive=True)
    page = ada.client.get(f"/paint?remix={parent}")
    assert all(start.url == "" for start in page.context["starts"])
    ada.paint(remix=str(parent))
    assert rows()[-1].sensitive


# an answer on X


def test_under_ones_own_post_it_may_be_answered_on_x(ada, wall, rows, engine):
    own = wall.hang(person_id=ada.id)
    assert ada.client.get(f"/paint?remix={own}").context["may_answer"]
    ada.paint(remix=str(own), on_x="yes")
    assert rows()[-1].answers_post_id == rows()[0].post_id


def test_a_remix_of_a_remix_answers_the_post_it_all_began_with(ada, member, wall, rows):
    own = wall.hang(person_id=ada.id)
    theirs = wall.hang(person_id=wall.person("grace"), parent_id=own)
    ada.paint(remix=str(theirs), on_x="yes")
    assert rows()[-1].answers_post_id == rows()[0].post_id


def test_under_somebody_elses_post_it_is_not_answered(ada, wall, rows):
    theirs = wall.hang(person_id=wall.person("grace"))
    assert not ada.client.get(f"/paint?remix={theirs}").context["may_answer"]
    answer = ada.paint(remix=str(theirs), on_x="yes")
    assert "on_x" in answer.context["errors"]
    assert len(rows()) == 1


def test_a_post_that_is_gone_is_not_answered(ada, wall, engine):
    own = wall.hang(person_id=ada.id)
    change(engine, posts, gone_at=now())
    assert "on_x" in ada.paint(remix=str(own), on_x="yes").context["errors"]


def test_where_the_bot_spoke_often_enough_it_is_painted_only_without_an_answer(member, wall, engine, shop, rows):
    ada = member(workshop=shop(conversation_limit=2))
    own = wall.hang(person_id=ada.id)
    change(engine, posts, conversation_id=77, created_at=now())
    ada.paint(prompt="two", remix=str(own), on_x="yes")
    answer = ada.paint(prompt="three", remix=str(own), on_x="yes")
    assert "on_x" in answer.context["errors"]
    assert ada.paint(prompt="three", remix=str(own)).status_code == 303
    with transaction(engine) as session:
        session.execute(watched.insert().values(post_id=77, since=now()))
    assert ada.paint(prompt="three", remix=str(own), on_x="yes").status_code == 303


# the same again


def test_again_is_the_same_with_another_seed(ada, wall, rows):
    options = {"style": "ink", "aspect_ratio": "4:5", "steps": 9, "count": 2, "negative_prompt": "fog"}
    start = {"start_key": "ab/" + "1" * 30 + ".webp", "start_url": "https://pbs.twimg.com/1.jpg"}
    parent = wall.hang(person_id=wall.person("grace"), seed=7, **options, **start)
    answer = ada.again(parent)
    child = rows()[-1]
    assert answer.headers["location"] == f"/c/{child.id}"
    assert (child.prompt, child.parent_id, child.person_id) == ("a cat", parent, ada.id)
    assert {name: getattr(child, name) for name in options | start} == options | start
    assert child.seed != 7


def test_again_clicked_twice_is_once(ada, wall, rows):
    parent = wall.hang()
    assert ada.again(parent).headers["location"] == ada.again(parent).headers["location"]
    assert len(rows()) == 2


def test_again_beyond_the_limit_shows_the_composer_with_the_reason(member, wall, shop, rows):
    ada = member(workshop=shop(person_daily_limit=1))
    parent = wall.hang(person_id=wall.person("grace"), prompt="a fox")
    ada.paint()
    answer = ada.again(parent)
    assert answer.status_code == 429
    assert "form" in answer.context["errors"]
    assert answer.context["typed"].prompt == "a fox"
    assert ada.again(parent, prompt="", json=True).json()["errors"]["form"]


@pytest.mark.parametrize("creation_id", ["0", "99", "x", "9" * 40])
def test_again_of_nothing_is_not_found(ada, creation_id):
    assert ada.again(creation_id).status_code == 404


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
