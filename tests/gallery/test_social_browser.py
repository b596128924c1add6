"""Likes, follows and replies in a real browser, with and without scripts."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from gallery.services.comments import NewComment, add_comment
from gallery.services.follows import follow
from gallery.services.likes import like
from gallery.web import sessions
from tests.support.browser import window
from tests.support.gallery_data import GalleryData
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser


@pytest.fixture
def bob(gallery_data: GalleryData) -> int:
    return gallery_data.person("bob", "Bob")


@pytest.fixture
def creation_id(gallery_data: GalleryData, ada: int, engine: Engine) -> int:
    creation_id = gallery_data.publish(person_id=ada, prompt="a lighthouse")
    add_comment(engine, ada, creation_id, NewComment("what do you think", ""))
    return creation_id


@pytest.fixture
def open_page(
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    browser: Browser,
    engine: Engine,
    bob: int,
) -> Callable[..., Any]:
    """Open a page as Bob, or as an anonymous user."""
    address = serve_in_browser(site())

    def open_(path: str, *, member: bool = True, **values: Any) -> Any:
        login = sessions.create(engine, bob, browser="Chromium").value if member else None
        page = window(browser, address, login=login, **values).new_page()
        page.goto(path)
        return page

    return open_


def stamp(page: Page) -> None:
    """Mark the page. A reload or another page has no mark."""
    page.evaluate("window.stayed = true")


def stayed(page: Page) -> Any:
    return page.evaluate("window.stayed === true")


def test_like_counts_without_a_reload_and_is_announced(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page(f"/c/{creation_id}")
    stamp(page)
    heart = page.locator("button.like")
    heart.click()
    page.wait_for_selector("button.like[aria-pressed=true]")
    count = page.locator(f"[data-likes='{creation_id}']")
    count.get_by_text("1 like", exact=True).wait_for()
    page.get_by_role("status").get_by_text("Liked. 1 like.").wait_for(state="attached")
    heart.press("Enter")
    page.wait_for_selector("button.like[aria-pressed=false]")
    count.get_by_text("No likes yet").wait_for()
    assert stayed(page)


def test_heart_on_a_feed_works_in_place(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page("/@ada")
    stamp(page)
    page.locator(".card__like").first.click()
    page.wait_for_selector(".card__like[aria-pressed=true]")
    assert page.locator(".card__like").first.inner_text() == "1"
    assert stayed(page)


def test_follow_counts_without_a_reload(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page("/@ada")
    stamp(page)
    page.get_by_role("button", name="Follow").click()
    page.get_by_role("button", name="Following").wait_for()
    page.get_by_role("link", name="1 follower").wait_for()
    assert stayed(page)


def test_heart_fills_before_the_response(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page("/@ada")
    held = []
    page.route("**/like", lambda route: held.append(route))  # noqa: PLW0108  # playwright cannot wrap a builtin
    heart = page.locator(".card__like").first
    heart.click()
    page.wait_for_selector(".card__like[aria-pressed=true]")
    assert heart.inner_text() == "1"
    assert len(held) == 1
    held[0].continue_()
    page.get_by_role("status").get_by_text("Liked. 1 like.").wait_for(state="attached")


@pytest.mark.parametrize("trouble", ["offline", "lost", "429", "503"])
def test_failed_like_is_reverted_with_a_visible_message(
    open_page: Callable[..., Any], creation_id: int, trouble: Any
) -> None:
    page = open_page("/@ada")
    stamp(page)
    if trouble == "offline":
        page.context.set_offline(True)
    elif trouble == "lost":
        page.route("**/like", lambda route: route.abort())
    else:
        page.route("**/like", lambda route: route.fulfill(status=int(trouble)))
    page.locator(".card__like").first.click()
    words = {"offline": "No connection.", "lost": "No connection.", "429": "Too fast.", "503": "That did not work."}
    message = page.get_by_role("alert").get_by_text(words[trouble])
    message.wait_for()
    assert message.bounding_box()["height"] > 20
    page.wait_for_selector(".card__like[aria-pressed=false]")
    assert page.locator(".card__like").first.inner_text() == ""
    assert stayed(page)


def test_comment_typed_offline_stays_in_its_field(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page(f"/c/{creation_id}")
    stamp(page)
    page.context.set_offline(True)
    page.locator("textarea[name=text]").fill("It is very tall.")
    page.get_by_role("button", name="Post", exact=True).click()
    page.get_by_role("alert").get_by_text("No connection.").wait_for()
    assert page.locator("textarea[name=text]").input_value() == "It is very tall."
    assert stayed(page)


def test_signed_out_member_signs_in_to_like(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page(f"/c/{creation_id}")
    page.context.clear_cookies()
    page.locator("button.like").click()
    page.wait_for_url(f"**/sign-in?next=%2Fc%2F{creation_id}%2Flike")


def test_reply_form_opens_under_its_comment(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page(f"/c/{creation_id}")
    page.locator(".comment__reply").click()
    assert page.evaluate("document.activeElement.name") == "text"
    assert page.get_by_label("Reply to Ada").count() == 1
    page.keyboard.type("It is very tall.")
    page.get_by_role("button", name="Post", exact=True).click()
    page.wait_for_selector("#comment-2.comment--1")
    assert page.locator("#comment-2 .comment__text").inner_text() == "It is very tall."


def test_cancel_restores_the_form(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page(f"/c/{creation_id}")
    page.locator(".comment__reply").click()
    page.get_by_role("button", name="Cancel").click()
    assert page.get_by_label("Add a comment").count() == 1
    assert page.locator("#comment-form input[name=parent]").input_value() == ""


def test_social_forms_work_without_scripts(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page(f"/c/{creation_id}", java_script_enabled=False)
    page.locator("button.like").click()
    assert page.locator("button.like").get_attribute("aria-pressed") == "true"
    page.locator(".comment__reply").click()
    page.locator("textarea[name=text]").fill("It is very tall.")
    page.get_by_role("button", name="Post", exact=True).click()
    assert page.url.endswith(f"/c/{creation_id}#comment-2")
    page.locator("#comment-2 summary").click()
    page.get_by_role("button", name="Delete comment").click()
    assert page.locator("#comment-2").count() == 0
    page.goto("/@ada")
    page.get_by_role("button", name="Follow").click()
    assert page.get_by_role("button", name="Following").count() == 1


def test_unread_notifications_are_counted_in_menu_and_title_of_all_windows(
    open_page: Callable[..., Any], creation_id: int, engine: Engine, gallery_data: GalleryData, ada: int, bob: int
) -> None:
    own = gallery_data.publish(person_id=bob, prompt="a fox")
    page = open_page(f"/c/{creation_id}")
    other = page.context.new_page()
    other.goto("/")
    like(engine, ada, own)
    for window_ in (page, other):
        expect(window_).to_have_title(re.compile(r"^\(1\) "))
        assert window_.locator("[data-unread]").inner_text().startswith("1")
    other.goto("/me/notifications")
    expect(page).to_have_title(re.compile(r"^a lighthouse"))
    assert not page.locator("[data-unread]").is_visible()
    follow(engine, ada, bob)
    other.get_by_role("link", name="Show new notifications").click()
    other.get_by_text("Ada followed you").wait_for()


def test_a_name_shows_who_it_is_and_lets_one_follow_and_mute(
    open_page: Callable[..., Any], gallery_data: GalleryData, creation_id: int, ada: int
) -> None:
    gallery_data.publish(person_id=gallery_data.person("cleo", "Cleo"), prompt="a fox")
    page = open_page("/")
    stamp(page)
    page.locator(".card__foot a.author", has_text="Ada").hover()
    card = page.get_by_role("dialog", name="Ada")
    card.get_by_role("button", name="Follow").click()
    card.get_by_role("button", name="Following").wait_for()
    card.get_by_text("1 follower").wait_for()
    card.get_by_role("button", name="Mute").click()
    page.get_by_text("@ada is muted.").wait_for()
    expect(page.locator(".feed > .card:visible")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".feed > .card:visible")).to_have_count(2)
    assert stayed(page)


def test_dots_on_a_creation_open_the_card_by_keyboard(open_page: Callable[..., Any], creation_id: int) -> None:
    page = open_page(f"/c/{creation_id}")
    dots = page.get_by_role("link", name="Follow or mute Ada")
    dots.press("Enter")
    card = page.get_by_role("dialog", name="Ada")
    card.get_by_role("button", name="Follow").wait_for()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(dots).to_be_focused()
