"""The page of a creation in a real Chromium: looking closely, copying, the menus, and the picture that arrives."""

import threading
import time

import pytest
import uvicorn
from sqlalchemy import update

from core.clock import now
from core.database import transaction
from core.models import State, creations
from core.visibility import show
from tests.support.browsing import found_by_axe, running_browser, window

pytestmark = pytest.mark.browser


@pytest.fixture
def address(site):
    server = uvicorn.Server(uvicorn.Config(site().app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def page(chromium, address):
    with running_browser(chromium) as browser:
        opened = window(browser, address, permissions=["clipboard-read", "clipboard-write"])
        page = opened.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda told: page.complaints.append(told.text) if told.type == "error" else None)
        yield page
        assert page.complaints == []


def paint(engine, wall, creation_id):
    """What the worker does when it has painted."""
    wall.picture(creation_id)
    moment = now()
    with transaction(engine) as session:
        painted = {"state": State.PAINTED.value, "painted_at": moment, "model": "sketch", "next_attempt_at": None}
        session.execute(update(creations).where(creations.c.id == creation_id).values(**painted))
        show(session, creations.c.id == creation_id)


def test_a_click_shows_a_picture_closely_arrows_go_on_and_escape_comes_back(page, wall):
    page.goto(f"/c/{wall.hang(pictures=3)}")
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
    assert found_by_axe(page) == []
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.href") == sources[0]


def test_full_size_is_larger_than_what_fits_and_can_be_undone(page, wall):
    page.goto(f"/c/{wall.hang()}")
    page.locator(".creation__full").click()
    picture, button = page.locator(".zoom__picture"), page.get_by_role("button", name="Full size")
    page.locator(".zoom__picture[style]").wait_for()
    fitting = picture.bounding_box()["width"]
    button.click()
    assert picture.bounding_box()["width"] > fitting
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert picture.bounding_box()["width"] == pytest.approx(fitting)
    page.get_by_role("button", name="Close").click()
    assert not page.locator("dialog.zoom").is_visible()


def test_prompt_seed_and_link_are_copied_and_it_is_told(page, address, wall):
    prompt = "two  spaces & <b>no markup</b>\nשורה"
    creation_id = wall.hang(prompt=prompt)
    page.goto(f"/c/{creation_id}")
    page.get_by_role("button", name="Copy the prompt").click()
    page.get_by_text("Copied the prompt.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == prompt
    page.get_by_role("button", name="Copy the seed").click()
    page.get_by_text("Copied the seed.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "7"
    page.get_by_text("Share", exact=True).click()
    page.get_by_role("button", name="Copy the link").click()
    page.get_by_text("Copied the link.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}/c/{creation_id}"


def test_escape_closes_a_menu_and_a_click_beside_it_too(page, wall):
    page.goto(f"/c/{wall.hang()}")
    share = page.locator(".menu summary")
    for leave in (lambda: page.keyboard.press("Escape"), lambda: page.locator("h1").click()):
        share.click()
        assert page.locator(".menu__list").is_visible()
        leave()
        assert not page.locator(".menu__list").is_visible()


def test_the_picture_arrives_without_reloading(page, engine, wall):
    creation_id = wall.creation(prompt="a lighthouse", created_at=now(), next_attempt_at=now())
    page.goto(f"/c/{creation_id}")
    page.evaluate("window.stayed = true")
    assert "Waiting for the painter." in page.inner_text("h1")
    with transaction(engine) as session:
        begun = update(creations).where(creations.c.id == creation_id)
        session.execute(begun.values(state=State.PAINTING.value))
    page.get_by_role("heading", name="Being painted now.").wait_for()
    paint(engine, wall, creation_id)
    page.locator(".creation .frame__picture").wait_for()
    assert page.inner_text("h1") == "a lighthouse"
    assert page.inner_text(".said-here") == "The picture is there."
    assert page.evaluate("window.stayed")
    page.locator(".creation__full").click()
    assert page.locator("dialog.zoom").is_visible()


def test_without_scripts_nothing_is_offered_that_only_scripts_can_do(chromium, address, wall):
    creation_id = wall.hang()
    with running_browser(chromium) as browser:
        page = window(browser, address, java_script_enabled=False).new_page()
        page.goto(f"/c/{creation_id}")
        page.get_by_text("Share", exact=True).click()
        assert page.get_by_role("link", name="Download the picture").is_visible()
        assert page.locator("main button:visible").all() == []
        page.locator(".creation__full").click()
        page.wait_for_url("**/pictures/*/*")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_a_creation(chromium, address, wall, scheme):
    root = wall.hang(prompt="word " * 300)
    child = wall.hang(parent_id=root, sensitive=True)
    waiting = wall.creation(created_at=now(), next_attempt_at=now())
    refused = wall.creation(state=State.REFUSED, code="too_long")
    paths = [f"/c/{one}" for one in (root, child, waiting, refused)]
    with running_browser(chromium) as browser:
        page = window(browser, address, color_scheme=scheme).new_page()
        for path in (*paths, f"/c/{child}?show=1", f"/c/{root}/family", f"/c/{root}/report"):
            page.goto(path)
            assert found_by_axe(page) == [], path
