"""A creation prints as one page without controls, a feed with all its pictures."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from core.database import write_session
from core.models import Comment
from tests.support.browser import window
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

CONTROLS = "a.button:visible, button:visible, summary:visible, form:visible, nav:visible, textarea:visible"


@pytest.fixture
def page(browser: Browser, site: Callable[..., SiteClient], serve_in_browser: Serve) -> Page:
    served = site(public_url="https://paint.example", settings=SETTINGS_WITH_SIGN_IN)
    return window(browser, serve_in_browser(served), color_scheme="dark").new_page()


def count_pages(page: Page) -> int:
    return len(re.findall(rb"/Type */Page\b", page.pdf(format="A4")))


@pytest.mark.parametrize(
    ("prompt", "pictures"), [("a lighthouse", 1), ("a lighthouse", 4), ("a lighthouse at night " * 90, 4)]
)
def test_a_creation_prints_as_one_page(page: Page, gallery_data: GalleryData, prompt: str, pictures: int) -> None:
    creation_id = gallery_data.publish(prompt=prompt, pictures=0)
    for position in range(pictures):
        gallery_data.picture(creation_id, position, width=512, height=1024)
    bob = gallery_data.person("bob")
    with write_session(gallery_data.engine) as session:
        session.add_all(Comment(creation_id=creation_id, person_id=bob, text=f"{line}\n" * 9) for line in range(15))
    page.goto(f"/c/{creation_id}")
    assert count_pages(page) == 1
    page.emulate_media(media="print")
    assert page.locator(CONTROLS).all() == []
    assert page.locator("main").inner_text().split("\n")[-1] == f"https://paint.example/c/{creation_id}"
    assert page.locator(".frame__picture:visible").count() == pictures
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 24, 27)"


def test_a_feed_prints_as_a_contact_sheet(page: Page, gallery_data: GalleryData) -> None:
    for number in range(12):
        gallery_data.publish(prompt=f"a lighthouse {number}")
    page.goto("/")
    page.emulate_media(media="print")
    assert page.locator(CONTROLS).all() == []
    assert page.locator(".card:visible").count() == 12
