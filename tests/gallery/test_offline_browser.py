"""Chromium takes the manifest without a complaint, and shows our own page when there is no connection."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import axe_violations, load_axe, window
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

STORED = """async () => {
    const open = await Promise.all((await caches.keys()).map(name => caches.open(name)))
    const requests = (await Promise.all(open.map(cache => cache.keys()))).flat()
    return requests.map(request => new URL(request.url).pathname.split("/").at(-1)).sort()
}"""


@pytest.fixture
def page(browser: Browser, site: Callable[..., SiteClient], serve_in_browser: Serve, gallery_data: GalleryData) -> Page:
    """Return a page of a window whose service worker is active."""
    gallery_data.publish(prompt="a lighthouse")
    context = window(browser, serve_in_browser(site(settings=SETTINGS_WITH_SIGN_IN)))
    load_axe(context)
    page = context.new_page()
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    return page


def test_chromium_can_install_the_site(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/manifest.webmanifest")
    assert manifest["errors"] == []
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []


def test_without_a_connection_there_is_a_page_of_ours(page: Page) -> None:
    page.goto("/top")
    page.context.set_offline(True)
    page.goto("/c/1")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).display") == "flex", "its style sheet is missing"
    assert axe_violations(page) == []
    assert page.evaluate(STORED) == ["gallery.css", "mark.svg", "offline", "offline.js"]
    page.context.set_offline(False)
    page.get_by_role("heading", name="a lighthouse").wait_for()
    assert page.url.endswith("/c/1")


def test_the_service_worker_leaves_downloads_and_the_way_back_alone(page: Page) -> None:
    page.goto("/")
    assert page.evaluate("Boolean(navigator.serviceWorker.controller)")
    page.goto("/c/1")
    page.get_by_text("Share", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as PNG").click()
    assert download.value.suggested_filename == "a-lighthouse-threadpaint-1.png"
    page.go_back()
    assert page.url.endswith("/")
    page.locator(".card").first.wait_for()
