"""Walking in Chromium: the viewer over a feed, keys, swipes, and the list of shortcuts."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from gallery.views.pagination import PAGE_SIZE
from gallery.web import sessions
from tests.support.browser import axe_violations, collect_complaints, load_axe, window
from tests.support.gallery_data import GalleryData
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

# Of what a user sees: their own key or click moves things, too.
SHIFTS = """() => new Promise(done => {
    let sum = 0
    const add = entry => { sum += entry.hadRecentInput ? 0 : entry.value }
    new PerformanceObserver(list => list.getEntries().forEach(add))
        .observe({type: "layout-shift", buffered: true})
    setTimeout(() => done(sum), 150)
})"""
FOCUSED = "document.activeElement.getAttribute('href')"


@pytest.fixture
def address(site: Callable[..., SiteClient], serve_in_browser: Serve, gallery_data: GalleryData) -> str:
    for number in range(PAGE_SIZE + 6):
        gallery_data.publish(prompt=f"a lighthouse, number {number}", color="navy")
    gallery_data.publish(prompt="a bare rock", sensitive=True)
    gallery_data.publish(prompt="four boats", pictures=4, color="olive")
    return serve_in_browser(site())


@pytest.fixture
def page(browser: Browser, address: str, engine: Engine, gallery_data: GalleryData) -> Iterator[Page]:
    login = sessions.create(engine, gallery_data.person("bob", "Bob"), browser="a test").value
    opened = window(browser, address, login=login)
    load_axe(opened)
    page = opened.new_page()
    complaints = collect_complaints(page)
    yield page
    opened.close()
    assert complaints == []


def open_first(page: Page) -> None:
    """Open the first card of the feed, and wait for its page."""
    page.goto("/")
    page.locator(".card").first.click()
    page.locator(".viewer [data-prompt]", has_text="four boats").wait_for()


def prompt(page: Page) -> str:
    return page.locator(".viewer [data-prompt]").inner_text()


def test_viewer_opens_over_the_feed_and_back_returns_to_the_card(page: Page, address: str) -> None:
    page.goto("/")
    page.evaluate("window.stays = true")
    page.mouse.wheel(0, 5000)
    expect(page.locator(".card")).to_have_count(PAGE_SIZE + 8)
    card = page.locator(".card").nth(20)
    card.hover()
    before, href = page.evaluate("scrollY"), card.locator("h2 a").get_attribute("href")
    card.click()
    expect(page.locator(".viewer .creation .frame__picture")).to_be_visible()
    page.wait_for_url(f"**{href}")
    expect(page).to_have_title("a lighthouse, number 11 · Threadpaint")
    page.go_back()
    expect(page.locator(".viewer")).to_be_hidden()
    expect(page).to_have_title("Threadpaint")
    assert page.evaluate("[stays, scrollY, location.pathname]") == [True, before, "/"]
    assert page.evaluate(FOCUSED) == href
    page.go_forward()
    expect(page.locator(".viewer")).to_be_visible()
    page.reload()
    expect(page.locator("main [data-prompt]")).to_have_text("a lighthouse, number 11")


def test_one_key_leads_to_the_next_picture_to_the_end_of_a_long_feed(page: Page) -> None:
    open_first(page)
    expect(page.locator(".viewer .creation__full")).to_have_count(4)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".viewer .sensitive-gate")).to_be_visible()
    page.get_by_role("link", name="Show it").click()
    expect(page.locator(".viewer .creation__full")).to_have_count(1)
    for number in reversed(range(PAGE_SIZE + 6)):
        page.keyboard.press("j")
        expect(page.locator(".viewer [data-prompt]")).to_have_text(f"a lighthouse, number {number}")
    page.keyboard.press("j")
    expect(page.locator(".viewer .toast")).to_have_text("That was the last picture.")
    page.keyboard.press("k")
    expect(page.locator(".viewer [data-prompt]")).to_have_text("a lighthouse, number 1")
    assert page.evaluate(SHIFTS) == 0
    page.keyboard.press("Escape")
    page.wait_for_url("**/")
    expect(page.locator(".card").nth(-2).locator("h2 a")).to_be_focused()


def test_keys_press_the_actions_of_the_picture_and_can_be_turned_off(page: Page) -> None:
    open_first(page)
    page.keyboard.press("l")
    expect(page.locator(".viewer .like")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("b")
    expect(page.get_by_label("New board")).to_be_visible()
    page.get_by_label("New board").fill("jkl?")  # typed text presses nothing
    page.keyboard.press("?")
    page.locator(".viewer__page").focus()
    page.keyboard.press("?")
    page.get_by_label("Use single keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert prompt(page) == "four boats"
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()
    expect(page.locator(".card__like").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card h2 a").nth(1)).to_be_focused()


def test_keys_press_the_actions_of_the_focused_card(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".card h2 a").nth(1)).to_be_focused()
    page.keyboard.press("l")
    expect(page.locator(".card__like").nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("r")
    words = page.locator("dialog textarea[name=prompt]")
    expect(words).to_have_value("a bare rock")
    page.keyboard.press("Escape")
    expect(page.locator(".card").nth(1).locator(":focus")).to_have_count(1)
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.locator(".viewer [data-prompt]", has_text="four boats").wait_for()
    page.keyboard.press("r")  # the composer opens over the viewer
    expect(words).to_have_value("four boats")


def test_full_size_walks_the_pictures_of_one_creation_in_the_viewer(page: Page) -> None:
    open_first(page)
    page.locator(".viewer .creation__full").nth(3).click()
    expect(page.locator(".zoom")).to_contain_text("4 of 4")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".zoom")).to_contain_text("1 of 4")
    page.keyboard.press("Escape")
    assert (page.locator(".zoom").is_visible(), page.locator(".viewer").is_visible()) == (False, True)


def test_viewer_and_shortcuts_pass_axe_in_both_themes(page: Page) -> None:
    open_first(page)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        assert axe_violations(page) == []
        page.keyboard.press("?")
        expect(page.locator("dialog.sheet")).to_be_visible()
        assert axe_violations(page) == []
        page.keyboard.press("Escape")


def test_swipes_and_keys_walk_on_the_page_itself(browser: Browser, address: str) -> None:
    opened = window(browser, address, has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740})
    page = opened.new_page()
    page.goto("/c/5")
    box = page.locator(".creation__full").bounding_box()
    assert box is not None
    client = opened.new_cdp_session(page)
    x, y = box["x"] + 200, box["y"] + box["height"] / 2
    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchMove", [{"x": x - 120, "y": y}]), ("touchEnd", [])):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_url("**/c/4")
    page.keyboard.press("k")
    page.wait_for_url("**/c/5")
    page.locator(".explore").scroll_into_view_if_needed()
    expect(page.locator(".explore__picture").first).to_be_visible()
    page.keyboard.press("/")
    page.wait_for_url("**/search")


def test_walk_goes_on_before_the_first_card_of_an_older_page(page: Page) -> None:
    page.goto("/")
    older = page.locator("head link[rel=next]").get_attribute("href")
    assert older is not None
    page.goto(older)
    page.locator(".card").first.click()
    page.locator(".viewer [data-prompt]", has_text="number 7").wait_for()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("main [data-prompt]")).to_have_text("a lighthouse, number 8")
    assert page.locator("dialog.viewer").count() == 0
