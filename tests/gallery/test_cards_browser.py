"""Cards in a real browser: how much of a screen they fill, their actions by pointer, keyboard and finger, and size."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, select

from core.clock import now
from core.database import read_connection
from core.models import State, creations
from gallery.web import sessions
from tests.support.browser import bounding_box, visit, window
from tests.support.feed_figures import fill, measure_screens
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.servers import wait_until
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
FOCUSED = "[document.activeElement.className, document.activeElement.closest('.card')?.id ?? '']"
PROMPT = "a lighthouse at night, " * 20


@pytest.fixture
def open_page(
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    browser: Browser,
    engine: Engine,
    gallery_data: GalleryData,
) -> Callable[..., Page]:
    """Open a page as Bob, or as an anonymous user."""
    address = serve_in_browser(site(settings=SETTINGS_WITH_SIGN_IN))
    bob = gallery_data.person("bob", "Bob")

    def open_(path: str = "/", *, member: bool = True, **values: Any) -> Page:
        login = sessions.create(engine, bob, browser="Chromium").value if member else None
        context = window(browser, address, login=login, **values)
        page = context.new_page()
        visit(page, path)
        return page

    return open_


@pytest.mark.parametrize(
    ("width", "height", "min_pictures", "min_share"),
    [(360, 740, 4, 0.6), (1440, 900, 12, 0.75), (2560, 1440, 20, 0.75)],
)
def test_pictures_cover_the_screen_and_do_not_shift_on_scroll(
    open_page: Callable[..., Page],
    gallery_data: GalleryData,
    width: int,
    height: int,
    min_pictures: int,
    min_share: float,
) -> None:
    fill(gallery_data, 110)
    page = open_page(member=False, viewport={"width": width, "height": height})
    figures = measure_screens(page, screens=6)
    assert figures.pictures >= min_pictures
    assert figures.share >= min_share
    assert figures.shift == 0


def test_card_has_two_tab_stops_and_arrows_reach_all_actions(
    open_page: Callable[..., Page], gallery_data: GalleryData
) -> None:
    first, second = gallery_data.publish(), gallery_data.publish()
    page = open_page()
    page.locator(f"#c{second} .label__title a").focus()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == ["card__like", f"c{second}"]
    actions = []
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        actions.append(page.evaluate("document.activeElement.dataset.action"))
    assert actions == ["remix", "rerun", "copy", "board"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"/c/{first}"


def test_actions_of_the_card_under_the_pointer(
    open_page: Callable[..., Page], gallery_data: GalleryData, engine: Engine
) -> None:
    creation_id = gallery_data.publish(prompt=PROMPT)
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = page.locator(f"#c{creation_id}")
    card.hover()
    assert card.locator("[data-action=remix]").get_attribute("href") == f"/paint?remix={creation_id}"
    assert f"creation={creation_id}&" in str(card.locator("[data-action=board]").get_attribute("href"))
    card.locator("[data-action=copy]").click()
    page.get_by_role("alert").get_by_text("Prompt copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == PROMPT
    card.locator("[data-action=rerun]").click()
    page.get_by_role("alert").get_by_role("link", name="View").wait_for()
    with read_connection(engine) as connection:
        parents = connection.execute(select(creations.c.parent_id).where(creations.c.id > creation_id)).scalars().all()
    assert parents == [creation_id]


def test_anonymous_user_is_sent_to_the_sign_in_by_an_action(
    open_page: Callable[..., Page], gallery_data: GalleryData
) -> None:
    creation_id = gallery_data.publish()
    page = open_page(member=False)
    card = page.locator(f"#c{creation_id}")
    card.hover()
    card.locator("[data-action=board]").click()
    page.wait_for_url(re.compile(rf"/sign-in\?next=.*collect.*{creation_id}"))


def test_finger_gets_the_actions_as_a_list_and_always_sees_the_prompt(
    open_page: Callable[..., Page], gallery_data: GalleryData
) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse")
    page = open_page(**PHONE)
    for density in ("Small", "Large", "Medium"):
        page.get_by_role("button", name=f"{density} pictures").tap()
        assert bounding_box(page.get_by_role("link", name="a lighthouse", exact=True))["height"] > 10
    page.get_by_role("button", name="More actions").tap()
    items = page.get_by_role("dialog").locator("[data-action]")
    assert items.evaluate_all("items => items.map(item => item.innerText)") == [
        *("Like", "Remix", "Run again", "Copy prompt", "Add to a board")
    ]
    items.first.tap()
    expect(page.locator(f"#c{creation_id} .card__like")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False])
def test_size_of_the_cards_is_stored_with_and_without_scripts(
    open_page: Callable[..., Page], gallery_data: GalleryData, scripts: bool
) -> None:
    for _ in range(5):
        gallery_data.publish()
    page = open_page("/@ada", java_script_enabled=scripts)
    page.get_by_role("button", name="Large pictures").click()
    expect(page.locator("html")).to_have_attribute("data-density", "large")
    large = bounding_box(page.locator(".card").first)["height"]
    visit(page, "/@ada")
    assert bounding_box(page.locator(".card").first)["height"] == large
    page.get_by_role("button", name="Medium pictures").click()
    wait_until(lambda: bounding_box(page.locator(".card").first)["height"] < large, "the cards are as large as before")


def test_bar_of_a_phone_covers_neither_the_end_of_a_page_nor_the_focus(
    open_page: Callable[..., Page], gallery_data: GalleryData
) -> None:
    for _ in range(12):
        gallery_data.publish()
    page = open_page(**PHONE)
    bar = page.get_by_role("navigation", name="Main")
    assert bar.get_by_role("link").all_inner_texts() == ["Home", "Search", "Create", "Notifications", "Me"]
    top = bounding_box(bar)["y"]
    for link in page.locator(".card .label__title a").all():
        link.focus()
        box = bounding_box(link)
        assert box["y"] + box["height"] <= top
    last = page.locator(".footer a").last
    last.scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    box = bounding_box(last)
    assert box["y"] + box["height"] <= top


def test_strip_of_a_busy_site_does_not_overlap(open_page: Callable[..., Page], gallery_data: GalleryData) -> None:
    gallery_data.publish()
    for number in range(12):
        person_id = gallery_data.person(f"p{number}", "A rather long name of a person")
        gallery_data.creation(prompt="a heron " * 12, person_id=person_id, state=State.QUEUED, next_attempt_at=now())
    for width in (360, 1024, 1440):
        page = open_page(member=False, viewport={"width": width, "height": 800})
        boxes = [bounding_box(page.locator(f".activity__{part}")) for part in ("title", "list", "more")]
        for left, right in pairwise(boxes):
            assert left["x"] + left["width"] <= right["x"] + 1, width
        assert boxes[-1]["x"] + boxes[-1]["width"] <= width
