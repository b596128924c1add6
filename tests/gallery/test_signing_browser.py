"""Signing in and out in a real Chromium against the real sandbox: its cookies, its rules for forms, with no script."""

import pytest

from tests.gallery.test_signing import settings_for
from tests.support.browsing import FLAGS
from tests.support.servers import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # As people have it: pages that were left are kept for a step back.
        as_usual = {"args": FLAGS, "ignore_default_args": ["--disable-back-forward-cache"]}
        started = playwright.chromium.launch(executable_path=chromium, **as_usual)
        yield started
        started.close()


@pytest.fixture
def address(site, wall, x):
    wall.hang(prompt="a quiet fox", person_id=wall.person("grace"))
    with serving(site(settings=settings_for(x)).app) as url:
        yield url


def step_back(page):
    """By the browser's own doing: Playwright's waits for a page to load, and a kept one does not."""
    session = page.context.new_cdp_session(page)
    history = session.send("Page.getNavigationHistory")
    entry = history["entries"][history["currentIndex"] - 1]
    session.send("Page.navigateToHistoryEntry", {"entryId": entry["id"]})


@pytest.mark.parametrize("with_scripts", [False, True])
def test_one_signs_in_comes_back_and_signs_out(browser, address, with_scripts):
    context = browser.new_context(java_script_enabled=with_scripts)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/@grace")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_role("link", name="Go on to X").click()
    page.get_by_label("Or anybody else, new or old").fill("ada")
    page.get_by_role("button", name="Authorize app").click()
    assert page.url == f"{address}/@grace"
    page.locator("summary.member__name").click()
    page.get_by_role("link", name="Settings").click()
    assert "@ada on X" in page.inner_text("main")
    page.locator("summary.member__name").click()
    page.locator(".member__menu").get_by_role("button", name="Sign out").click()
    assert page.url == f"{address}/"
    step_back(page)  # to the settings, which no browser has kept
    page.wait_for_url("**/sign-in?next=/me/settings")
    assert complaints == []
    context.close()


def test_words_that_were_not_sent_are_gone_with_who_wrote_them(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/sign-in/x")
    page.get_by_label("Or anybody else, new or old").fill("ada")
    page.get_by_role("button", name="Authorize app").click()
    page.get_by_label("What shall be painted?").fill("a surprise for Grace")
    assert "a surprise" in page.evaluate("JSON.stringify(localStorage)")
    page.locator("summary.member__name").click()
    page.get_by_role("link", name="Settings").click()
    page.locator("summary.member__name").click()
    page.locator(".member__menu").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{address}/")
    assert page.evaluate("localStorage.length") == 0
    step_back(page)
    page.wait_for_url("**/sign-in?next=/me/settings")
    step_back(page)
    page.wait_for_url(f"{address}/")
    assert page.get_by_role("banner").get_by_role("link", name="Sign in").is_visible()
    assert page.get_by_label("What shall be painted?").count() == 0


def test_the_menu_opens_with_the_keyboard(browser, address, x):
    page = browser.new_page()
    page.goto(f"{address}/sign-in/x")
    page.get_by_role("button", name="Authorize app").click()
    menu = page.locator(".member__menu")
    assert not menu.is_visible()
    page.locator("summary.member__name").focus()
    page.keyboard.press("Enter")
    assert menu.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "My pictures"
