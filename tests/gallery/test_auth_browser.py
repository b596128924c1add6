"""Sign-in and sign-out in Chromium against the sandbox: cookies and form rules, without scripts too."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.gallery.test_auth import settings_for
from tests.support.browser import running_browser
from tests.support.gallery_data import GalleryData
from tests.support.sandbox_x import SandboxX
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def module_browser(chromium: str) -> Iterator[Browser]:
    # As people have it: pages that were left are kept for a step back.
    with running_browser(chromium, ignore_default_args=["--disable-back-forward-cache"]) as browser:
        yield browser


@pytest.fixture
def address(
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    x: SandboxX,
) -> str:
    gallery_data.publish(prompt="a quiet fox", person_id=gallery_data.person("grace"))
    return serve_in_browser(site(settings=settings_for(x)))


def step_back(page: Page) -> None:
    """Go back in history. Playwright's own function waits for a load, which a cached page does not do."""
    session = page.context.new_cdp_session(page)
    history = session.send("Page.getNavigationHistory")
    entry = history["entries"][history["currentIndex"] - 1]
    session.send("Page.navigateToHistoryEntry", {"entryId": entry["id"]})


@pytest.mark.parametrize("with_scripts", [False, True])
def test_sign_in_and_sign_out(browser: Browser, address: str, with_scripts: Any) -> None:
    context = browser.new_context(java_script_enabled=with_scripts)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/@grace")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_role("link", name="Continue with X").click()
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


def test_sign_out_deletes_unsent_drafts(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/auth/x/login")
    page.get_by_label("Or anybody else, new or old").fill("ada")
    page.get_by_role("button", name="Authorize app").click()
    page.wait_for_url(f"{address}/")  # loaded: the script that stores drafts listens
    page.get_by_label("Describe your picture").fill("a surprise for Grace")
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
    assert page.get_by_label("Describe your picture").count() == 0


def test_menu_opens_with_the_keyboard(browser: Browser, address: str, x: SandboxX) -> None:
    page = browser.new_page()
    page.goto(f"{address}/auth/x/login")
    page.get_by_role("button", name="Authorize app").click()
    menu = page.locator(".member__menu")
    assert not menu.is_visible()
    page.locator("summary.member__name").focus()
    page.keyboard.press("Enter")
    assert menu.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "My pictures"
