"""A member's own pages in a real browser: choosing many, watching one arrive, and all of it without scripts."""

import pytest
from sqlalchemy import update

from core.clock import now
from core.database import transaction
from core.models import State, creations
from core.visibility import show
from gallery.signing import logins
from tests.support.browsing import running_browser, window
from tests.support.servers import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def ada(wall):
    return wall.person("ada")


@pytest.fixture
def look(site, engine, chromium, ada):
    """Opens windows in which Ada is signed in: `look(java_script_enabled=False)`."""
    with serving(site().app) as address, running_browser(chromium) as browser:

        def opened(**values):
            login = logins.begin(engine, ada, browser="a test").value
            return window(browser, address, login=login, **values).new_page()

        yield opened


def test_all_are_chosen_hidden_and_told(look, wall):
    for _ in range(3):
        wall.hang()
    page = look()
    page.goto("/me")
    assert page.get_by_role("button", name="Hide").is_disabled()
    page.get_by_label("All").check()
    assert page.get_by_text("3 chosen").is_visible()
    page.get_by_role("button", name="Hide").click()
    page.get_by_text("3 pictures are hidden now.").wait_for()
    page.goto("/")
    assert page.locator(".card, .lead").count() == 0


def test_a_picture_arrives_on_the_open_page_and_what_is_chosen_stays_chosen(look, wall, engine):
    kept = wall.hang(prompt="kept")
    waits = wall.creation(next_attempt_at=now())
    page = look()
    page.goto("/me")
    page.locator(f"#c{kept} input").check()
    assert page.locator(f"#c{waits}").get_attribute("data-state") == "waiting"
    wall.picture(waits)
    with transaction(engine) as session:
        values = {"state": State.PAINTED.value, "painted_at": now(), "next_attempt_at": None}
        session.execute(update(creations).where(creations.c.id == waits).values(**values))
        show(session, creations.c.id == waits)
    page.locator(f'#c{waits}[data-state="wall"] img.frame__picture').wait_for(timeout=15_000)
    assert page.get_by_role("status").get_by_text("A picture is painted.").is_visible()
    assert page.locator(f"#c{kept} input").is_checked()


def test_without_scripts_one_collects_makes_a_board_and_deletes_with_a_second_look(look, wall):
    one = wall.hang(prompt="a fox")
    page = look(java_script_enabled=False)
    page.goto(f"/me/boards/collect?creation={one}")
    page.get_by_label("A new board").fill("Foxes <b>")
    page.get_by_role("button", name="Save").click()
    page.goto("/me/boards")
    page.get_by_role("link", name="Foxes <b>").click()
    assert page.get_by_role("link", name="a fox").is_visible()
    page.goto("/me")
    page.locator(f"#c{one} input").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    assert page.get_by_text("1 picture is deleted.").is_visible()
    assert page.get_by_text("Your wall is still empty.").is_visible()
