"""Remixes and re-runs: they store their parent, and get a reply on X if there is a post to reply to."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.models import Creation, State, creations, people, posts, watched_posts
from gallery.web.context import CreationConfig
from tests.support.composer import Member, ada, change, member, rows, shop
from tests.support.gallery_data import NOON, GalleryData
from tests.support.pages import page_context

__all__ = ["ada", "member", "rows", "shop"]


def test_remix_form_has_prompt_and_options_of_the_parent_without_seed(ada: Member, gallery_data: GalleryData) -> None:
    theirs = gallery_data.person("grace")
    parent = gallery_data.publish(
        prompt="a fox", person_id=theirs, style="ink", aspect_ratio="4:5", steps=9, count=2, pictures=2
    )
    answer = ada.client.get(f"/paint?remix={parent}")
    typed = page_context(answer)["form"]
    assert (typed.prompt, typed.style, typed.aspect_ratio, typed.steps, typed.count) == (
        "a fox",
        "ink",
        "4:5",
        "9",
        "2",
    )
    assert (typed.seed, typed.init_image) == ("", "picture:0")
    assert [start.value for start in page_context(answer)["init_images"]] == ["", "picture:0", "picture:1"]


def test_remix_stores_its_parent_and_the_chosen_init_image(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]], engine: Engine
) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace"))
    key = gallery_data.picture(parent, 1, "plum")
    ada.paint(remix=str(parent), init_image="picture:1")
    child = rows()[-1]
    assert (child.parent_id, child.init_image_key, child.person_id) == (parent, key, ada.id)


def test_strength_is_chosen_in_words_and_ignored_without_an_image(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = gallery_data.publish()
    ada.paint(remix=str(parent), init_image="picture:0", strength="close")
    ada.paint(prompt="without", strength="close")
    assert [row.strength for row in rows()[1:]] == [0.35, None]
    own = rows()[1].id
    assert own is not None
    assert page_context(ada.client.get(f"/paint?remix={own}"))["form"].strength == "close"
    ada.rerun(own)
    assert rows()[-1].strength == 0.35


def newest_id(rows: Callable[[], list[Creation]]) -> int:
    creation_id = rows()[-1].id
    assert creation_id is not None
    return creation_id


def brought(gallery_data: GalleryData, person_id: int, **values: Any) -> Any:
    """Publish a creation with an init image that its author uploaded."""
    key = gallery_data.storage.put(b"a photo of %d" % person_id, "webp")
    return gallery_data.publish(
        person_id=person_id, **{"init_image_key": key, "init_image_owner_id": person_id, "strength": 0.8, **values}
    )


def test_other_users_cannot_lower_the_strength_of_an_uploaded_image(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    theirs, own = brought(gallery_data, gallery_data.person("grace")), brought(gallery_data, ada.id)
    for parent in (theirs, own):
        ada.paint(remix=str(parent), init_image="same", strength="close")
    assert [(row.init_image_owner_id, row.strength) for row in rows()[2:]] == [
        (gallery_data.person("grace"), 0.8),
        (ada.id, 0.35),
    ]


def test_chain_of_remixes_cannot_lower_the_strength(
    ada: Member, member: Callable[..., Member], gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = brought(gallery_data, gallery_data.person("grace"))
    bea = member("bea")
    for who in (ada, ada, bea, ada):
        who.paint(remix=str(parent), init_image="same", strength="close")
        copy = rows()[-1]
        assert (copy.init_image_owner_id, copy.strength, copy.parent_id) == (gallery_data.person("grace"), 0.8, parent)
        shown(gallery_data, parent := newest_id(rows))
    ada.rerun(parent)
    assert rows()[-1].strength == 0.8
    ada.paint(remix=str(parent), init_image="same", strength="far")
    assert rows()[-1].strength == 0.8


def test_default_strength_counts_as_a_strength(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = brought(gallery_data, gallery_data.person("grace"), strength=None)
    for far, strength in (("close", None), ("halfway", None), ("far", 0.8), ("", None)):
        ada.paint(prompt=f"a {far} fox", remix=str(parent), init_image="same", strength=far)
        assert rows()[-1].strength == strength


def test_owner_of_the_image_may_use_any_strength(
    ada: Member, member: Callable[..., Member], gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = brought(gallery_data, ada.id)
    member("bea").paint(remix=str(parent), init_image="same", strength="close")
    copy = newest_id(rows)
    shown(gallery_data, copy)
    ada.paint(remix=str(copy), init_image="same", strength="close")
    assert (rows()[-1].init_image_owner_id, rows()[-1].strength) == (ada.id, 0.35)


@pytest.mark.parametrize("hides", ["creation", "person"])
def test_hidden_upload_cannot_be_used_through_a_remix(
    ada: Member,
    member: Callable[..., Member],
    gallery_data: GalleryData,
    rows: Callable[[], list[Creation]],
    engine: Engine,
    hides: Any,
) -> None:
    grace = gallery_data.person("grace")
    parent = brought(gallery_data, grace)
    ada.paint(remix=str(parent), init_image="same")
    copy = newest_id(rows)
    shown(gallery_data, copy)
    with write_session(engine) as session:
        if hides == "person":
            session.execute(people.update().where(people.c.id == grace).values(hidden_at=now()))
        else:
            session.execute(
                creations.update().where(creations.c.id == parent).values(hidden_at=now(), published_at=None)
            )
    bea = member("bea")
    for who in (ada, bea):
        assert [one.value for one in page_context(who.client.get(f"/paint?remix={copy}"))["init_images"]] == [""]
        assert "init_image" in page_context(who.paint(remix=str(copy), init_image="same"))["errors"]
        who.rerun(copy)
        assert (rows()[-1].init_image_key, rows()[-1].strength, rows()[-1].parent_id) == (None, None, copy)


def test_hidden_picture_cannot_be_used_through_a_remix(
    ada: Member,
    member: Callable[..., Member],
    gallery_data: GalleryData,
    rows: Callable[[], list[Creation]],
    engine: Engine,
) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace"))
    ada.paint(remix=str(parent), init_image="picture:0")
    copy = newest_id(rows)
    shown(gallery_data, copy)
    bea = member("bea")
    bea.rerun(copy)
    assert rows()[-1].init_image_key is not None
    with write_session(engine) as session:
        session.execute(creations.update().where(creations.c.id == parent).values(hidden_at=now(), published_at=None))
    bea.rerun(copy, idempotency_key="another")
    assert rows()[-1].init_image_key is None


def shown(gallery_data: GalleryData, creation_id: int) -> None:
    """Publish a creation with a picture, as the worker does."""
    with write_session(gallery_data.engine) as session:
        values = {"state": State.REPLIED, "published_at": now(), "painted_at": now(), "next_attempt_at": None}
        session.execute(creations.update().where(creations.c.id == creation_id).values(**values))


def test_flagged_picture_is_no_init_image_for_its_author_either(ada: Member, gallery_data: GalleryData) -> None:
    held = gallery_data.publish(person_id=ada.id, published_at=None)
    gallery_data.picture(held, 1, "plum", flagged=True)
    starts = page_context(ada.client.get(f"/paint?remix={held}"))["init_images"]
    assert [start.value for start in starts] == [""]
    assert "init_image" in page_context(ada.paint(remix=str(held), init_image="picture:1"))["errors"]


@pytest.mark.parametrize("start", ["picture:1", "picture:x", "picture:-1", "picture:٣", "ab/" + "0" * 30 + ".webp"])
def test_missing_picture_of_the_parent_is_rejected(ada: Member, gallery_data: GalleryData, start: Any) -> None:
    parent = gallery_data.publish()
    answer = ada.paint(remix=str(parent), init_image=start)
    assert "init_image" in page_context(answer)["errors"]


@pytest.mark.parametrize(
    "values",
    [
        {"published_at": None, "hidden_at": NOON},
        {"published_at": None, "deleted_at": NOON},
        {"published_at": None, "state": State.REFUSED, "reason_code": "too_long"},
    ],
)
def test_invisible_creation_cannot_be_remixed(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]], values: Any
) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace"), **values)
    assert ada.client.get(f"/paint?remix={parent}").status_code == 404
    assert ada.paint(remix=str(parent)).status_code == 404
    assert ada.rerun(parent).status_code == 404
    assert len(rows()) == 1


def test_creation_of_a_hidden_user_cannot_be_remixed(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace", hidden_at=NOON))
    assert ada.client.get(f"/paint?remix={parent}").status_code == 404


def test_own_refused_prompt_can_be_edited_unless_unsafe(ada: Member, gallery_data: GalleryData) -> None:
    own = gallery_data.creation(person_id=ada.id, state=State.REFUSED, reason_code="too_long", prompt="long")
    assert page_context(ada.client.get(f"/paint?remix={own}"))["form"].prompt == "long"
    unsafe = gallery_data.creation(person_id=ada.id, state=State.REFUSED, reason_code="unsafe")
    assert ada.client.get(f"/paint?remix={unsafe}").status_code == 404


@pytest.mark.parametrize("remix", ["0", "-1", "x", "9" * 40, "99"])
def test_unknown_creation_cannot_be_remixed(ada: Member, remix: Any) -> None:
    assert ada.client.get(f"/paint?remix={remix}").status_code == 404


def test_remix_of_a_sensitive_picture_is_sensitive(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace"), sensitive=True)
    page = ada.client.get(f"/paint?remix={parent}")
    assert all(start.url == "" for start in page_context(page)["init_images"])
    ada.paint(remix=str(parent))
    assert rows()[-1].sensitive


# an answer on X


def test_remix_under_an_own_post_may_get_a_reply_on_x(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]], engine: Engine
) -> None:
    own = gallery_data.publish(person_id=ada.id)
    assert page_context(ada.client.get(f"/paint?remix={own}"))["can_reply_on_x"]
    ada.paint(remix=str(own), reply_on_x="yes")
    assert rows()[-1].reply_to_post_id == rows()[0].post_id


def test_remix_of_a_remix_replies_to_the_original_post(
    ada: Member, member: Callable[..., Member], gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    own = gallery_data.publish(person_id=ada.id)
    theirs = gallery_data.publish(person_id=gallery_data.person("grace"), parent_id=own)
    ada.paint(remix=str(theirs), reply_on_x="yes")
    assert rows()[-1].reply_to_post_id == rows()[0].post_id


def test_remix_under_a_post_of_another_user_gets_no_reply(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    theirs = gallery_data.publish(person_id=gallery_data.person("grace"))
    assert not page_context(ada.client.get(f"/paint?remix={theirs}"))["can_reply_on_x"]
    answer = ada.paint(remix=str(theirs), reply_on_x="yes")
    assert "reply_on_x" in page_context(answer)["errors"]
    assert len(rows()) == 1


def test_remix_under_a_deleted_post_gets_no_reply(ada: Member, gallery_data: GalleryData, engine: Engine) -> None:
    own = gallery_data.publish(person_id=ada.id)
    change(engine, posts, deleted_on_x_at=now())
    assert "reply_on_x" in page_context(ada.paint(remix=str(own), reply_on_x="yes"))["errors"]


def test_reply_limit_of_a_conversation_applies_to_remixes(
    member: Callable[..., Member],
    gallery_data: GalleryData,
    engine: Engine,
    shop: Callable[..., CreationConfig],
    rows: Callable[[], list[Creation]],
) -> None:
    ada = member(creation_config=shop(conversation_limit=2))
    own = gallery_data.publish(person_id=ada.id)
    change(engine, posts, conversation_id=77, created_at=now())
    ada.paint(prompt="two", remix=str(own), reply_on_x="yes")
    answer = ada.paint(prompt="three", remix=str(own), reply_on_x="yes")
    assert "reply_on_x" in page_context(answer)["errors"]
    assert ada.paint(prompt="three", remix=str(own)).status_code == 303
    with write_session(engine) as session:
        session.execute(watched_posts.insert().values(post_id=77, since=now()))
    assert ada.paint(prompt="three", remix=str(own), reply_on_x="yes").status_code == 303


# the same again


def test_re_run_has_the_same_options_and_another_seed(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    options: dict[str, Any] = {"style": "ink", "aspect_ratio": "4:5", "steps": 9, "count": 2, "negative_prompt": "fog"}
    start: dict[str, Any] = {
        "init_image_key": "ab/" + "1" * 30 + ".webp",
        "init_image_url": "https://pbs.twimg.com/1.jpg",
    }
    parent = gallery_data.publish(person_id=gallery_data.person("grace"), seed=7, **options, **start)
    answer = ada.rerun(parent)
    child = rows()[-1]
    assert answer.headers["location"] == f"/c/{child.id}"
    assert (child.prompt, child.parent_id, child.person_id) == ("a cat", parent, ada.id)
    assert {name: getattr(child, name) for name in options | start} == options | start
    assert child.seed != 7


def test_re_run_clicked_twice_is_one_creation(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = gallery_data.publish()
    assert ada.rerun(parent).headers["location"] == ada.rerun(parent).headers["location"]
    assert len(rows()) == 2


def test_re_run_beyond_the_quota_shows_the_composer_with_the_reason(
    member: Callable[..., Member],
    gallery_data: GalleryData,
    shop: Callable[..., CreationConfig],
    rows: Callable[[], list[Creation]],
) -> None:
    ada = member(creation_config=shop(user_daily_limit=1))
    parent = gallery_data.publish(person_id=gallery_data.person("grace"), prompt="a fox")
    ada.paint()
    answer = ada.rerun(parent)
    assert answer.status_code == 429
    assert "form" in page_context(answer)["errors"]
    assert page_context(answer)["form"].prompt == "a fox"
    assert ada.rerun(parent, prompt="", json=True).json()["errors"]["form"]


@pytest.mark.parametrize("creation_id", ["0", "99", "x", "9" * 40])
def test_re_run_of_an_unknown_creation_is_not_found(ada: Member, creation_id: Any) -> None:
    assert ada.rerun(creation_id).status_code == 404
