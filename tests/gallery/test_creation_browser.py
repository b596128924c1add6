"""The page of a creation in Chromium: zoom, copy buttons, menus, and the finished picture."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import State, creations
from core.publishing import publish
from tests.support.browser import (
    axe_violations,
    bounding_box,
    collect_complaints,
    load_axe,
    violations_in_both_themes,
    window,
)
from tests.support.gallery_data import GalleryData
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser


@pytest.fixture
def address(site: Callable[..., SiteClient], serve_in_browser: Serve) -> str:
    return serve_in_browser(site())


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = window(browser, address, permissions=["clipboard-read", "clipboard-write"])
    page = opened.new_page()
    complaints = collect_complaints(page)
    yield page
    opened.close()
    assert complaints == []


def paint(engine: Engine, gallery_data: GalleryData, creation_id: int) -> None:
    """Publish a creation with a picture, as the worker does."""
    gallery_data.picture(creation_id)
    moment = now()
    with write_session(engine) as session:
        painted = {"state": State.PAINTED.value, "painted_at": moment, "model": "sketch", "next_attempt_at": None}
        session.execute(update(creations).where(creations.c.id == creation_id).values(**painted))
        publish(session, creations.c.id == creation_id)


def test_zoom_opens_moves_on_and_closes(page: Page, gallery_data: GalleryData) -> None:
    load_axe(page.context)
    page.goto(f"/c/{gallery_data.publish(pictures=3)}")
    page.locator(".creation__full").nth(1).click()
    dialog = page.locator("dialog.zoom")
    assert dialog.is_visible()
    sources = page.locator(".creation__full").evaluate_all("links => links.map(link => link.href)")
    shown = dialog.locator("img")
    assert shown.get_attribute("src") == sources[1]
    page.keyboard.press("ArrowRight")
    assert shown.get_attribute("src") == sources[2]
    page.keyboard.press("ArrowRight")
    assert shown.get_attribute("src") == sources[0]
    assert "1 of 3" in dialog.inner_text()
    assert axe_violations(page) == []
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.href") == sources[0]


def test_full_size_is_larger_than_what_fits_and_can_be_undone(page: Page, gallery_data: GalleryData) -> None:
    page.goto(f"/c/{gallery_data.publish()}")
    page.locator(".creation__full").click()
    picture, button = page.locator(".zoom__picture"), page.get_by_role("button", name="Full size")
    page.locator(".zoom__picture[style]").wait_for()
    fitting = bounding_box(picture)["width"]
    button.click()
    assert bounding_box(picture)["width"] > fitting
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert bounding_box(picture)["width"] == pytest.approx(fitting)
    page.get_by_role("button", name="Close").click()
    assert not page.locator("dialog.zoom").is_visible()


def test_prompt_seed_and_link_are_copied_and_confirmed(page: Page, address: str, gallery_data: GalleryData) -> None:
    prompt = "two  spaces & <b>no markup</b>\nשורה"
    creation_id = gallery_data.publish(prompt=prompt)
    page.goto(f"/c/{creation_id}")
    page.get_by_role("button", name="Copy prompt").click()
    page.get_by_role("button", name="Copied").wait_for()
    page.get_by_text("Copied the prompt.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == prompt
    page.get_by_role("button", name="Copy the seed").click()
    page.get_by_text("Copied the seed.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "7"
    page.get_by_text("Share", exact=True).click()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied the link.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}/c/{creation_id}"


def test_escape_and_a_click_outside_close_a_menu(page: Page, gallery_data: GalleryData) -> None:
    page.goto(f"/c/{gallery_data.publish()}")
    share = page.locator(".menu summary")
    leaves: list[Callable[[], None]] = [lambda: page.keyboard.press("Escape"), lambda: page.locator("h1").click()]
    for leave in leaves:
        share.click()
        assert page.locator(".menu__list").is_visible()
        leave()
        assert not page.locator(".menu__list").is_visible()


def test_finished_picture_appears_without_reloading(page: Page, engine: Engine, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.creation(prompt="a lighthouse", created_at=now(), next_attempt_at=now())
    page.goto(f"/c/{creation_id}")
    page.evaluate("window.stayed = true")
    assert "In the queue." in page.inner_text("h1")
    with write_session(engine) as session:
        begun = update(creations).where(creations.c.id == creation_id)
        session.execute(begun.values(state=State.PAINTING.value))
    page.get_by_role("heading", name="Painting now.").wait_for()
    paint(engine, gallery_data, creation_id)
    page.locator(".creation .frame__picture").wait_for()
    assert page.inner_text("h1") == "a lighthouse"
    assert page.inner_text(".creation__status") == "The picture is ready."
    assert page.evaluate("window.stayed")
    page.locator(".creation__full").click()
    assert page.locator("dialog.zoom").is_visible()


def test_controls_of_scripts_are_hidden_without_scripts(
    browser: Browser, address: str, gallery_data: GalleryData
) -> None:
    creation_id = gallery_data.publish()
    page = window(browser, address, java_script_enabled=False).new_page()
    page.goto(f"/c/{creation_id}")
    page.get_by_text("Share", exact=True).click()
    assert page.get_by_role("link", name="Download as PNG").is_visible()
    assert page.locator("main button:visible").all() == []
    page.locator(".creation__full").click()
    page.wait_for_url("**/pictures/*/*")


def test_pages_of_a_creation_pass_axe(page: Page, gallery_data: GalleryData) -> None:
    root = gallery_data.publish(prompt="word " * 300)
    child = gallery_data.publish(parent_id=root, sensitive=True)
    waiting = gallery_data.creation(created_at=now(), next_attempt_at=now())
    refused = gallery_data.creation(state=State.REFUSED, reason_code="too_long")
    paths = [f"/c/{one}" for one in (root, child, waiting, refused)]
    load_axe(page.context)
    for path in (*paths, f"/c/{child}?show=1", f"/c/{root}/remixes", f"/c/{root}/report"):
        assert violations_in_both_themes(page, path) == []
