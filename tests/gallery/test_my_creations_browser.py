"""A member's own pages in a real browser: selecting many, seeing one finish, and all of it without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import State, creations
from core.publishing import publish
from gallery.web import sessions
from tests.support.browser import window
from tests.support.gallery_data import GalleryData
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    return gallery_data.person("ada")


@pytest.fixture
def look(
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    engine: Engine,
    browser: Browser,
    ada: int,
) -> Callable[..., Any]:
    """Open a page as Ada: `look(java_script_enabled=False)`."""
    address = serve_in_browser(site())

    def opened(**values: Any) -> Any:
        login = sessions.create(engine, ada, browser="a test").value
        return window(browser, address, login=login, **values).new_page()

    return opened


def test_hiding_all_selected_pictures_is_confirmed(look: Callable[..., Any], gallery_data: GalleryData) -> None:
    for _ in range(3):
        gallery_data.publish()
    page = look()
    page.goto("/me")
    assert not page.get_by_role("button", name="Hide").is_visible()
    page.get_by_role("checkbox", name="All on this page").check()
    assert page.get_by_text("3 selected").is_visible()
    page.get_by_role("button", name="Hide").click()
    page.get_by_text("3 pictures hidden.").first.wait_for()
    page.goto("/")
    assert page.locator(".card, .lead").count() == 0


def test_finished_picture_appears_and_the_selection_stays(
    look: Callable[..., Any], gallery_data: GalleryData, engine: Engine
) -> None:
    selected = gallery_data.publish(prompt="selected")
    waits = gallery_data.creation(next_attempt_at=now())
    page = look()
    page.goto("/me")
    page.locator(f"#c{selected} input").check()
    assert page.locator(f"#c{waits}").get_attribute("data-state") == "waiting"
    gallery_data.picture(waits)
    with write_session(engine) as session:
        values = {"state": State.PAINTED.value, "painted_at": now(), "next_attempt_at": None}
        session.execute(update(creations).where(creations.c.id == waits).values(**values))
        publish(session, creations.c.id == waits)
    page.locator(f'#c{waits}[data-state="public"] img.frame__picture').wait_for(timeout=15_000)
    assert page.get_by_role("status").get_by_text("A picture is ready.").is_visible()
    assert page.locator(f"#c{selected} input").is_checked()


def test_boards_and_deletion_work_without_scripts(look: Callable[..., Any], gallery_data: GalleryData) -> None:
    one = gallery_data.publish(prompt="a fox")
    page = look(java_script_enabled=False)
    page.goto(f"/me/boards/collect?creation={one}")
    page.get_by_label("New board").fill("Foxes <b>")
    page.get_by_role("button", name="Save").click()
    page.goto("/me/boards")
    page.get_by_role("link", name="Foxes <b>").click()
    assert page.get_by_role("link", name="a fox").is_visible()
    page.goto("/me")
    page.locator(f"#c{one} input").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    assert page.get_by_text("1 picture deleted.").is_visible()
    assert page.get_by_text("You haven’t made anything yet.").is_visible()
