"""Test that two browsers with an open feed show a new picture without reloading."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.demo import Demo, forked_demo
from tests.support.servers import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.browser]

PROMPT = "a paper boat on a silver lake"


def test_two_browsers_see_a_new_picture_without_reloading(demo: Demo, chromium: str) -> None:
    demo.post_samples()
    with sync_playwright() as playwright:
        options = {"executable_path": chromium, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
        browsers = [playwright.chromium.launch(**options) for _ in range(2)]  # type: ignore[arg-type]
        pages = [browser.new_page() for browser in browsers]
        for page in pages:
            page.goto(demo.gallery)
            page.evaluate("window.sameAsBefore = true")
        demo.post(f"@threadpaint {PROMPT}", author="grace")
        for page in pages:
            wait_until(lambda page=page: is_published_in(page), "the new picture did not come", within=90)
            assert page.evaluate("window.sameAsBefore")
            assert (
                page.locator(".card", has_text=PROMPT).locator("img.frame__picture").evaluate("one => one.naturalWidth")
                > 0
            )
        for browser in browsers:
            browser.close()


def is_published_in(page: Page) -> bool:
    """Press the button for new pictures. Return whether the picture is in the feed."""
    button = page.locator("[data-new-pictures] button")
    if button.is_visible():
        button.click()
    page.wait_for_timeout(200)
    return page.locator(".card", has_text=PROMPT).count() == 1


def test_the_demo_stops_at_once_while_feeds_are_open(tmp_path: Path, chromium: str) -> None:
    with forked_demo(tmp_path) as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        browser.new_page().goto(demo.gallery)
        # The supervisor kills processes after this time.
        assert demo.stop() < 5
        assert not any("Cancel" in line for line in demo.lines), demo.lines
        browser.close()
