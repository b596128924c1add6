"""The composer: a form becomes one queued creation within the rules, or is rejected with the reason."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.errors import TryLater
from core.models import Creation, State, creations, daily_spend, people
from gallery.web.context import CreationConfig
from tests.support.composer import Member, ada, change, member, rows, shop
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context
from tests.support.site_client import SiteClient

__all__ = ["ada", "member", "rows", "shop"]


def test_form_creates_a_queued_creation_and_redirects_to_it(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    answer = ada.paint(
        prompt="  a red\r\nfox ",
        negative_prompt="people",
        style="ink",
        aspect_ratio="16:9",
        count="3",
        seed="42",
        steps="9",
    )
    (row,) = rows()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/{row.id}")
    assert (row.prompt, row.negative_prompt, row.style, row.aspect_ratio) == ("a red fox", "people", "ink", "16:9")
    assert (row.count, row.seed, row.steps, row.person_id, row.post_id) == (3, 42, 9, ada.id, None)
    assert (row.state, row.parent_id, row.reply_to_post_id) == (State.QUEUED, None, None)
    assert row.next_attempt_at is not None


def test_only_the_prompt_is_required(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    ada.paint()
    (row,) = rows()
    assert (row.count, row.style, row.aspect_ratio, row.steps, row.init_image_key) == (1, None, None, None, None)


def test_json_client_gets_the_url_of_the_creation(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    answer = ada.paint(json=True)
    assert answer.json() == {"id": 1, "url": "/c/1"}


def test_next_creation_is_dispatched_after_the_commit(
    member: Callable[..., Member], rows: Callable[[], list[Creation]], shop: Callable[..., CreationConfig]
) -> None:
    seen = []
    member(creation_config=shop(lambda: seen.append(len(rows())))).paint()
    assert seen == [1]


def test_unavailable_queue_loses_no_creation(
    member: Callable[..., Member], rows: Callable[[], list[Creation]], shop: Callable[..., CreationConfig]
) -> None:
    def away() -> None:
        raise TryLater("queue_away")

    assert member(creation_config=shop(away)).paint().status_code == 303
    assert len(rows()) == 1


def test_user_with_one_creation_is_next_in_the_queue(
    ada: Member, member: Callable[..., Member], engine: Engine, rows: Callable[[], list[Creation]]
) -> None:
    for number in range(5):
        ada.paint(prompt=f"fox {number}")
    member("grace").paint()
    turns = {row.person_id: row.queue_rank for row in rows()}
    assert turns[default_id("grace")] < turns[ada.id]


def default_id(username: str) -> Any:
    return 1000 + sum(username.encode())


def test_anonymous_user_signs_in_and_returns(client: SiteClient) -> None:
    answer = client.get("/paint?remix=17", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?next=/paint%3Fremix%3D17"


def test_form_requires_the_csrf_token(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    ada.token = "made.up"
    assert ada.paint().status_code == 403
    assert rows() == []


# once


def test_form_sent_twice_is_one_creation(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    first, second = ada.paint(), ada.paint()
    assert first.headers["location"] == second.headers["location"]
    assert len(rows()) == 1


def test_form_sent_ten_times_at_once_is_one_creation(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    at_once([ada.paint] * 10)
    assert len(rows()) == 1


def test_other_prompt_from_the_same_page_is_another_creation(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    ada.paint()
    ada.paint(prompt="a blue fox")
    assert len(rows()) == 2


def test_same_prompt_from_another_page_is_another_creation(
    ada: Member, rows: Callable[[], list[Creation]], sign_in: Callable[[SiteClient, int], str]
) -> None:
    ada.paint()
    ada.token = sign_in(ada.client, ada.id)
    ada.paint()
    assert len(rows()) == 2


def test_same_form_sent_later_is_another_creation(
    ada: Member, rows: Callable[[], list[Creation]], engine: Engine
) -> None:
    for _ in range(3):
        ada.paint()
        change(engine, creations, created_at=now() - timedelta(minutes=5))
    assert len(rows()) == 3


def test_double_click_on_the_last_picture_of_the_day_is_accepted(
    member: Callable[..., Member], rows: Callable[[], list[Creation]], shop: Callable[..., CreationConfig]
) -> None:
    ada = member(creation_config=shop(user_daily_limit=1))
    assert [ada.paint().status_code for _ in range(2)] == [303, 303]
    assert len(rows()) == 1


# the rules


def test_two_tabs_with_one_picture_left_get_one(
    member: Callable[..., Member], rows: Callable[[], list[Creation]], shop: Callable[..., CreationConfig]
) -> None:
    ada = member(creation_config=shop(user_daily_limit=3))
    ada.paint(prompt="one")
    ada.paint(prompt="two")
    answers = at_once([lambda n=n: ada.paint(prompt=f"tab {n}") for n in range(6)])
    assert sorted(answer.status_code for answer in answers) == [303] + [429] * 5
    assert len(rows()) == 3


def test_creations_from_x_count_towards_the_quota(
    member: Callable[..., Member], gallery_data: GalleryData, shop: Callable[..., CreationConfig]
) -> None:
    ada = member(creation_config=shop(user_daily_limit=2))
    for _ in range(2):
        gallery_data.creation(person_id=ada.id, created_at=now())
    answer = ada.paint(prompt="one too many")
    assert answer.status_code == 429
    assert "here and on X" in page_context(answer)["errors"]["form"]
    assert page_context(answer)["form"].prompt == "one too many"


def test_yesterdays_pictures_do_not_count(
    member: Callable[..., Member], gallery_data: GalleryData, shop: Callable[..., CreationConfig]
) -> None:
    ada = member(creation_config=shop(user_daily_limit=1))
    gallery_data.creation(person_id=ada.id, created_at=now() - timedelta(hours=25))
    assert ada.paint().status_code == 303


def test_pause_between_creations_is_enforced_if_set(
    member: Callable[..., Member], shop: Callable[..., CreationConfig]
) -> None:
    ada = member(creation_config=shop(user_cooldown_seconds=60))
    ada.paint()
    answer = ada.paint(prompt="quick")
    assert answer.status_code == 429
    assert "seconds" in page_context(answer)["errors"]["form"]


def test_opted_out_user_is_rejected_and_sees_how_to_opt_in(
    ada: Member, engine: Engine, rows: Callable[[], list[Creation]]
) -> None:
    change(engine, people, opted_out_at=now())
    answer = ada.paint()
    assert answer.status_code == 403
    assert "/me/settings" in answer.text
    assert rows() == []


def test_banned_user_cannot_create(ada: Member, engine: Engine, rows: Callable[[], list[Creation]]) -> None:
    change(engine, people, banned_at=now())
    assert ada.paint().headers["location"].startswith("/sign-in")
    assert rows() == []


def test_too_new_account_is_rejected(
    site: Callable[..., SiteClient],
    gallery_data: GalleryData,
    sign_in: Callable[[SiteClient, int], str],
    shop: Callable[..., CreationConfig],
    rows: Callable[[], list[Creation]],
) -> None:
    newborn = gallery_data.person("new", id=(int(now().timestamp() * 1000) - 1288834974657 - 5000) << 22)
    client = site(creation_config=shop(min_account_age_days=7))
    assert Member(client, newborn, sign_in(client, newborn)).paint().status_code == 403
    assert rows() == []


def test_used_up_budget_rejects_and_keeps_the_prompt(
    member: Callable[..., Member], engine: Engine, shop: Callable[..., CreationConfig]
) -> None:
    with write_session(engine) as session:
        session.execute(daily_spend.insert().values(day=f"{now():%Y-%m-%d}", item="gpu", count=1, micro_usd=2_000_000))
    answer = member(creation_config=shop(budget=1.0)).paint(prompt="a dear fox")
    assert answer.status_code == 429
    assert "a dear fox" in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", " \u200b\t"),
        ("prompt", "x" * 2001),
        ("negative_prompt", "x" * 2001),
        ("style", "nouveau"),
        ("aspect_ratio", "7:1"),
        ("strength", "0.5"),
        ("count", "5"),
        ("count", "0"),
        ("seed", "-1"),
        ("seed", "9" * 5000),
        ("seed", "²"),
        ("steps", "51"),
    ],
)
def test_invalid_field_shows_its_error_and_keeps_the_input(
    ada: Member, rows: Callable[[], list[Creation]], field: Any, value: Any
) -> None:
    typed = {"prompt": "a fox <b>", "negative_prompt": "fog", "seed": "7", "steps": "9"} | {field: value}
    answer = ada.paint(**typed)
    assert answer.status_code == 422
    assert list(page_context(answer)["errors"]) == [field]
    assert f'id="{field}-error"' in answer.text
    form = page_context(answer)["form"]
    assert {name: getattr(form, name) for name in typed} == typed
    assert rows() == []


def test_json_client_gets_errors_by_field(ada: Member) -> None:
    answer = ada.paint(json=True, prompt="", seed="x")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"prompt", "seed"}


def test_unsafe_prompt_is_rejected(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    answer = ada.paint(prompt="porn")
    assert (
        page_context(answer)["errors"]["prompt"]
        == "The bot can't paint that (adult or hateful content). Try something else."
    )
    assert rows() == []


def test_longest_allowed_prompt_is_accepted(
    member: Callable[..., Member], rows: Callable[[], list[Creation]], shop: Callable[..., CreationConfig]
) -> None:
    ada = member(creation_config=shop(prompt_limit=10))
    assert ada.paint(prompt="0123456789 ").status_code == 303
    assert ada.paint(prompt="0123456789a").status_code == 422


def test_hostile_prompt_is_escaped(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    words = '"><script>alert(1)</script> \u202e مرحبا 🦊 {{7*7}}'
    answer = ada.paint(prompt=words, seed="x")
    assert "<script>alert" not in answer.text
    ada.paint(prompt=words)
    assert rows()[0].prompt == '"><script>alert(1)</script> مرحبا 🦊 {{7*7}}'


# what is told


def test_hints_show_quota_and_cost(
    member: Callable[..., Member], engine: Engine, gallery_data: GalleryData, shop: Callable[..., CreationConfig]
) -> None:
    with write_session(engine) as session:
        session.execute(daily_spend.insert().values(day=f"{now():%Y-%m-%d}", item="gpu", count=10, micro_usd=4_120))
    ada = member(creation_config=shop(user_daily_limit=50))
    gallery_data.creation(person_id=ada.id, created_at=now())
    hints = page_context(ada.client.get("/paint"))["hints"]
    assert hints.summary == "49 of 50 pictures left today · costs the operator about $0.00041"


def test_more_options_keeps_the_prompt_of_the_feed(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    answer = ada.paint(prompt="a fox", more="yes")
    assert answer.status_code == 200
    assert page_context(answer)["form"].prompt == "a fox"
    assert rows() == []


def test_link_fills_in_the_form_but_no_upload(ada: Member) -> None:
    query = "prompt=a+fox&style=ink&aspect_ratio=16:9&init_image=own:abc&seed=%00"
    form = page_context(ada.client.get(f"/paint?{query}"))["form"]
    assert (form.prompt, form.style, form.aspect_ratio, form.init_image) == ("a fox", "ink", "16:9", "")


def test_a_style_has_a_former_name(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    assert page_context(ada.client.get("/paint?prompt=a+fox&style=watercolour"))["form"].style == "watercolor"
    ada.paint(style="watercolour")
    assert [row.style for row in rows()] == ["watercolor"]


def test_a_form_with_former_field_names_is_accepted(ada: Member, rows: Callable[[], list[Creation]]) -> None:
    paths = [ada.paint(negative="people", shape="16:9", once="k").headers["location"] for _ in range(2)]
    (row,) = rows()
    assert paths == [f"/c/{row.id}"] * 2
    assert (row.prompt, row.negative_prompt, row.aspect_ratio) == ("a red fox", "people", "16:9")


def test_a_link_with_former_parameter_names_redirects(ada: Member) -> None:
    query = "prompt=a+fox&negative=fog&shape=16%3A9&start=same&far=close"
    response = ada.client.get(f"/paint?{query}", follow_redirects=False)
    renamed = "prompt=a+fox&negative_prompt=fog&aspect_ratio=16%3A9&init_image=same&strength=close"
    assert (response.status_code, response.headers["location"]) == (308, f"/paint?{renamed}")


def test_feed_has_a_small_composer_for_members_only(
    ada: Member, client: SiteClient, gallery_data: GalleryData, site: Callable[..., SiteClient]
) -> None:
    gallery_data.publish()
    assert "compose--small" in ada.client.get("/").text
    assert "compose--small" not in site().get("/").text


def test_quotas_are_per_user(ada: Member, member: Callable[..., Member], rows: Callable[[], list[Creation]]) -> None:
    ada.paint()
    member("grace").paint()
    assert sorted(row.person_id for row in rows()) == sorted([ada.id, default_id("grace")])


def at_once(calls: Any) -> Any:
    """Run all functions at the same moment. Return their results."""
    gate, answers = threading.Barrier(len(calls)), []

    def run(call: Any) -> None:
        gate.wait()
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers
