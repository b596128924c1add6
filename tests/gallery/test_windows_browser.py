"""Many windows of one browser: all load and hear what happens, though a browser opens six connections to a site."""

import pytest
from sqlalchemy import update

from core.clock import now
from core.database import transaction
from core.models import State, creations
from gallery.walls import hub
from tests.support import browsing
from tests.support.browsing import running_browser, window
from tests.support.served_site import Served

pytestmark = pytest.mark.browser


@pytest.fixture
def served(site, monkeypatch):
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.2)
    served = Served(site().app)
    yield served
    served.stop()


@pytest.fixture(params=["localhost", "plain http"])
def context(request, chromium, served, monkeypatch):
    """Browsers offer locks to https and to this machine only: elsewhere windows have to do without."""
    address = served.address
    if request.param == "plain http":
        monkeypatch.setattr(browsing, "FLAGS", [*browsing.FLAGS, "--host-resolver-rules=MAP paint.example 127.0.0.1"])
        address = address.replace("127.0.0.1", "paint.example")
    with running_browser(chromium) as browser:
        context = window(browser, address)
        context.is_secure = request.param == "localhost"
        yield context


def opened(context, path):
    page = context.new_page()
    page.goto(path, timeout=30_000)
    assert page.evaluate("Boolean(navigator.locks)") == context.is_secure
    return page


def hang_now(wall, prompt):
    return wall.hang(shown_at=now(), painted_at=now(), prompt=prompt)


def wait_for_news(pages, words):
    for page in pages:
        page.get_by_role("button", name=words).wait_for(timeout=30_000)


def test_twelve_windows_of_the_wall_load_and_all_hear_of_a_new_picture(context, wall):
    hang_now(wall, "the first")
    pages = [opened(context, "/") for _ in range(12)]
    hang_now(wall, "a lighthouse")
    wait_for_news(pages, "1 new picture")
    pages[3].get_by_role("button", name="1 new picture").click()
    assert pages[3].locator(".card", has_text="a lighthouse").count() == 1


def test_when_the_window_that_listens_is_closed_another_goes_on_and_nothing_is_missed(context, wall):
    hang_now(wall, "the first")
    pages = [opened(context, "/") for _ in range(3)]
    for number in range(2):
        pages.pop().close()
        hang_now(wall, f"picture {number}")
    wait_for_news(pages, "2 new pictures")


def test_a_window_that_comes_later_takes_nothing_from_the_others(context, wall):
    hang_now(wall, "the first")
    early = opened(context, "/")
    hang_now(wall, "before it came")
    wait_for_news([early], "1 new picture")
    late, top = opened(context, "/"), opened(context, "/top")
    hang_now(wall, "after it came")
    wait_for_news([early], "2 new pictures")
    wait_for_news([late], "1 new picture")
    assert not top.get_by_role("button", name="new picture").is_visible()
    late.close()
    top.close()
    hang_now(wall, "and alone again")
    wait_for_news([early], "3 new pictures")


def test_nine_windows_that_wait_for_creations_load_and_each_sees_its_own(context, wall, engine):
    if not context.is_secure:
        pytest.skip("without locks each of them has a stream")
    ids = [wall.creation(prompt=f"lighthouse {number}", created_at=now(), next_attempt_at=now()) for number in range(9)]
    pages = [opened(context, f"/c/{one}") for one in ids]
    with transaction(engine) as session:
        session.execute(update(creations).values(state=State.PAINTING.value))
    for page in pages:
        page.get_by_role("heading", name="Being painted now.").wait_for(timeout=60_000)


def test_the_strip_of_what_is_painted_is_the_same_in_all_windows(context, wall):
    hang_now(wall, "the first")
    pages = [opened(context, path) for path in ("/", "/top", "/")]
    wall.creation(prompt="a boat on the easel", next_attempt_at=now())
    for page in pages:
        page.locator("[data-easel]").get_by_text("a boat on the easel").wait_for(timeout=30_000)
