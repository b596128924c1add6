"""The pages in a real browser: no overflow, no policy violation, no layout shift, hostile text is escaped."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from core.clock import now
from core.models import State
from gallery.web import sessions
from tests.support.browser import bounding_box, collect_complaints, visit, window
from tests.support.gallery_data import GalleryData
from tests.support.servers import wait_until
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

PATHS = ("/", "/top", "/c/1", "/c/2", "/c/3", "/c/4", "/@ada", "/nowhere")
OWN_PATHS = ("/", "/c/1", "/following", "/paint", "/paint?remix=1", "/me", "/me/prompts", "/me/boards", "/me/settings")
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
JUMPS = """() => new Promise(done => {
    let sum = 0
    new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value }))
        .observe({type: "layout-shift", buffered: true})
    setTimeout(() => done(sum), 150)
})"""


@pytest.fixture
def address(site: Callable[..., SiteClient], serve_in_browser: Serve, gallery_data: GalleryData) -> str:
    gallery_data.publish(prompt="word" * 500, pictures=2)
    gallery_data.publish(prompt=HOSTILE, person_id=gallery_data.person("eve", HOSTILE))
    gallery_data.creation(prompt="x" * 2000)
    gallery_data.creation(state=State.REFUSED, reason_code="too_long", prompt="شمس " * 300)
    for number in range(12):
        gallery_data.publish(prompt=f"a lighthouse {number}", color="navy")
    return serve_in_browser(site())


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_and_violates_no_policy(browser: Browser, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints = collect_complaints(page)
    for path in PATHS:
        page.goto(address + path, wait_until="load")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        assert page.evaluate(JUMPS) == 0, path
    assert [text for text in complaints if "404" not in text] == []


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_pages_of_a_member_fit_and_do_not_shift_when_scripts_start(
    browser: Browser, address: str, gallery_data: GalleryData, engine: Engine, width: int
) -> None:
    login = sessions.create(engine, gallery_data.person(), browser="a test").value
    page = window(browser, address, login=login, viewport={"width": width, "height": 800}).new_page()
    for path in OWN_PATHS:
        assert visit(page, path).status == 200, path
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (over <= 0, page.evaluate(JUMPS)) == (True, 0), path


def test_adding_to_a_board_shows_the_result_on_the_same_page(
    browser: Browser, address: str, gallery_data: GalleryData, engine: Engine
) -> None:
    login = sessions.create(engine, gallery_data.person("bob", "Bob"), browser="a test").value
    page = window(browser, address, login=login).new_page()
    page.goto("/c/1")
    page.locator("summary", has_text="Add to a board").click()
    page.get_by_label("New board").fill("Words")
    page.evaluate("window.stays = true")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").filter(has_text="Added to “Words”.").wait_for()
    assert page.evaluate("[window.stays, document.activeElement.textContent]") == [True, "On 1 board"]
    page.keyboard.press("Enter")
    page.get_by_label("Words", exact=True).uncheck()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").filter(has_text="Removed from “Words”.").wait_for()


def test_controls_of_scripts_are_hidden_without_scripts(
    browser: Browser, address: str, gallery_data: GalleryData, engine: Engine
) -> None:
    login = sessions.create(engine, gallery_data.person(), browser="a test").value
    for scripts in (True, False):
        page = window(browser, address, login=login, java_script_enabled=scripts).new_page()
        page.goto("/me")
        assert page.locator(".bulk-actions__all").is_visible() is scripts
        page.goto("/paint")
        assert page.get_by_text("You can also drop an image").is_visible() is scripts


def test_comments_have_the_color_of_text_for_members_too(
    browser: Browser, address: str, gallery_data: GalleryData, engine: Engine
) -> None:
    """They were red on pages that also load the styles of own pictures."""
    login = sessions.create(engine, gallery_data.person("bob", "Bob"), browser="a test").value
    page = window(browser, address, login=login).new_page()
    page.goto("/c/1")
    page.get_by_label("Add a comment").fill("Quiet.")
    page.get_by_role("button", name="Post", exact=True).click()
    color = page.locator(".comment__text", has_text="Quiet.").evaluate("text => getComputedStyle(text).color")
    assert color == page.evaluate("getComputedStyle(document.body).color")


def test_feed_can_be_used_by_keyboard(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the pictures"
    page.keyboard.press("Enter")
    for _ in range(8):  # how it works, the size of the cards
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.card h2 a')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/*")
    assert page.locator(".viewer h1").inner_text() == "a lighthouse 11"


def test_card_links_to_its_creation_and_the_name_to_the_user(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.mouse.click(*center(page.locator(".card .frame").first))
    page.wait_for_url("**/c/*")
    page.go_back()
    page.locator(".card .author").first.click()
    page.wait_for_url("**/@ada")


CARDS = "document.querySelectorAll('.card').length"
IDS = "[...document.querySelectorAll('.card')].map(card => card.id)"


@pytest.fixture
def long_feed(gallery_data: GalleryData, address: str) -> Any:
    for number in range(70):
        gallery_data.publish(prompt=f"picture {number}", color="olive")
    return address


def test_times_on_screen_are_relative(browser: Browser, address: str, gallery_data: GalleryData) -> None:
    recent_id = gallery_data.publish(published_at=now())
    old_id = gallery_data.publish(published_at=now() - timedelta(days=100))
    page = browser.new_page()
    page.goto(address)
    recent, old = page.locator(f"#c{recent_id} time"), page.locator(f"#c{old_id} time")
    expect(recent).to_have_text("just now")
    expect(recent).to_have_attribute("title", re.compile("UTC$"))
    old.scroll_into_view_if_needed()
    expect(old).to_have_text(re.compile(r"^\d+ \w{3} \d{4}$"))


def test_feed_loads_more_on_scroll_and_restores_the_position(browser: Browser, long_feed: Any) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(long_feed)

    def has_grown() -> bool:
        page.mouse.wheel(0, 4000)
        return bool(page.evaluate(CARDS) > 82)

    wait_until(has_grown, "it did not grow")
    ids = page.evaluate(IDS)
    assert len(ids) == len(set(ids)) == 84
    card = page.locator(".card", has_text="picture 4").last
    card.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    card.locator("a").first.click()
    page.wait_for_url("**/c/*")
    page.go_back()
    wait_until(lambda: page.evaluate(CARDS) > 70, "not as long as it was")
    wait_until(lambda: abs(page.evaluate("scrollY") - place) < 60, "not at the same place")


def test_link_leads_to_older_pictures_without_scripts(browser: Browser, long_feed: Any) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(long_feed)
    page.get_by_role("link", name="Older pictures").click()
    assert page.locator("h1").inner_text() == "Older pictures"
    page.get_by_role("button", name="Dark mode").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert "cursor=" in page.url


def test_new_picture_is_announced_and_shown_on_click_without_layout_shift(
    browser: Browser, address: str, gallery_data: GalleryData
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.wait_for_timeout(1500)  # the first poll only records the pictures that are already there
    where = "document.querySelector('.card').getBoundingClientRect().top"
    before = page.evaluate(where)
    new = gallery_data.publish(prompt=HOSTILE + " new", published_at=now(), painted_at=now())
    button = page.get_by_role("button", name="1 new picture")
    button.wait_for(timeout=8000)
    assert page.evaluate(where) == before
    assert page.evaluate(JUMPS) == 0
    button.click()
    assert page.locator(".card").first.get_attribute("id") == f"c{new}"
    assert page.evaluate("document.activeElement.closest('.card').id") == f"c{new}"
    assert button.is_hidden()


def test_activity_strip_updates_and_keeps_its_height(browser: Browser, address: str, gallery_data: GalleryData) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(address)
    strip = page.locator("[data-activity]")
    height = bounding_box(strip)["height"]
    gallery_data.creation(prompt="a heron " * 100, state=State.PAINTING, next_attempt_at=now())
    page.get_by_text("a heron").wait_for(timeout=8000)
    assert bounding_box(strip)["height"] == height


def test_theme_changes_at_once_and_stays(browser: Browser, address: str) -> None:
    page = browser.new_page(color_scheme="light")
    page.goto(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark mode").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="Light mode").click()
    assert page.evaluate(ground) == light


def center(locator: Any) -> Any:
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
