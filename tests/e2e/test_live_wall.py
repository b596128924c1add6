"""Two people look at the wall of the whole demo; somebody posts; both see the new picture without reloading."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.house import House, running_house
from tests.support.servers import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.browser]

PROMPT = "a paper boat on a silver lake"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("live")) as house:
        yield house


def test_two_browsers_see_a_new_picture_without_reloading(house: House, chromium: str) -> None:
    wait_until(lambda: len(house.creations()) >= 12, "the samples were not painted", within=60)
    with sync_playwright() as playwright:
        options = {"executable_path": chromium, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
        browsers = [playwright.chromium.launch(**options) for _ in range(2)]  # type: ignore[arg-type]
        pages = [browser.new_page() for browser in browsers]
        for page in pages:
            page.goto(house.gallery)
            page.evaluate("window.sameAsBefore = true")
        house.post(f"@threadpaint {PROMPT}", author="grace")
        for page in pages:
            wait_until(lambda page=page: hangs_in(page), "the new picture did not come", within=30)
            assert page.evaluate("window.sameAsBefore")
            assert (
                page.locator(".card", has_text=PROMPT).locator("img.frame__picture").evaluate("one => one.naturalWidth")
                > 0
            )
        for browser in browsers:
            browser.close()


def hangs_in(page: Page) -> bool:
    """Press what tells of new pictures, as its visitor does, and look."""
    button = page.locator("[data-news] button")
    if button.is_visible():
        button.click()
    page.wait_for_timeout(200)
    return page.locator(".card", has_text=PROMPT).count() == 1


def test_the_demo_stops_at_once_while_people_listen(tmp_path: Path, chromium: str) -> None:
    with running_house(tmp_path) as house, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        browser.new_page().goto(house.gallery)
        # What the supervisor gives every process before it kills.
        assert house.stop() < 5
        assert not any("Cancel" in line for line in house.lines), house.lines
        browser.close()
