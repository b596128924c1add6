"""Many windows of one browser: all load and get updates, although a browser opens only six connections to a site."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import State, creations
from gallery.services import live_updates
from tests.support.browser import running_browser, window
from tests.support.gallery_data import GalleryData
from tests.support.servers import wait_until
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser


@pytest.fixture
def address(site: Callable[..., SiteClient], serve_in_browser: Serve, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(live_updates, "POLL_SECONDS", 0.2)
    return serve_in_browser(site())


class Windows:
    """The windows of one browser. `is_secure`: it offers locks, because the site is secure."""

    def __init__(self, context: BrowserContext, *, is_secure: bool) -> None:
        self.context, self.is_secure = context, is_secure

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.goto(path, timeout=30_000)
        assert page.evaluate("Boolean(navigator.locks)") == self.is_secure
        return page


@pytest.fixture(scope="module")
def module_browser(chromium: str) -> Iterator[Browser]:
    """A browser that finds the site under another name, too."""
    with running_browser(chromium, "--host-resolver-rules=MAP paint.example 127.0.0.1") as browser:
        yield browser


@pytest.fixture(params=["localhost", "plain http"])
def windows(request: pytest.FixtureRequest, browser: Browser, address: str) -> Windows:
    """Browsers offer locks only on https and localhost."""
    is_secure = request.param == "localhost"
    name = address if is_secure else address.replace("127.0.0.1", "paint.example")
    return Windows(window(browser, name), is_secure=is_secure)


def publish_now(gallery_data: GalleryData, prompt: str) -> Any:
    return gallery_data.publish(published_at=now(), painted_at=now(), prompt=prompt)


def wait_for_news(pages: Any, words: str) -> None:
    for page in pages:
        page.get_by_role("button", name=words).wait_for(timeout=30_000)


def test_eight_windows_of_the_feed_get_a_new_picture(windows: Windows, gallery_data: GalleryData) -> None:
    publish_now(gallery_data, "the first")
    pages = [windows.open("/") for _ in range(8)]
    publish_now(gallery_data, "a lighthouse")
    wait_for_news(pages, "1 new picture")
    pages[3].get_by_role("button", name="1 new picture").click()
    assert pages[3].locator(".card", has_text="a lighthouse").count() == 1


def test_another_window_takes_over_when_the_listening_one_closes(windows: Windows, gallery_data: GalleryData) -> None:
    publish_now(gallery_data, "the first")
    pages = [windows.open("/") for _ in range(3)]
    for number in range(2):
        pages.pop().close()
        publish_now(gallery_data, f"picture {number}")
    wait_for_news(pages, "2 new pictures")


def test_new_window_takes_nothing_from_the_others(windows: Windows, gallery_data: GalleryData) -> None:
    publish_now(gallery_data, "the first")
    early = windows.open("/")
    publish_now(gallery_data, "before it came")
    wait_for_news([early], "1 new picture")
    late, top = windows.open("/"), windows.open("/top")
    publish_now(gallery_data, "after it came")
    wait_for_news([early], "2 new pictures")
    wait_for_news([late], "1 new picture")
    assert not top.get_by_role("button", name="new picture").is_visible()
    late.close()
    top.close()
    publish_now(gallery_data, "and alone again")
    wait_for_news([early], "3 new pictures")


def test_eight_windows_each_get_their_own_creation(windows: Windows, gallery_data: GalleryData, engine: Engine) -> None:
    if not windows.is_secure:
        pytest.skip("without locks each of them has a stream")
    ids = [
        gallery_data.creation(prompt=f"lighthouse {number}", created_at=now(), next_attempt_at=now())
        for number in range(8)
    ]
    pages = [windows.open(f"/c/{one}") for one in ids]
    with write_session(engine) as session:
        session.execute(update(creations).values(state=State.PAINTING.value))
    for page in pages:
        page.get_by_role("heading", name="Painting now.").wait_for(timeout=60_000)


def test_activity_strip_is_the_same_in_all_windows(windows: Windows, gallery_data: GalleryData) -> None:
    publish_now(gallery_data, "the first")
    pages = [windows.open(path) for path in ("/", "/top", "/")]
    gallery_data.creation(prompt="a boat at sea", next_attempt_at=now())
    for page in pages:
        page.locator("[data-activity]").get_by_text("a boat at sea").wait_for(timeout=30_000)


def test_feed_waits_for_room_when_there_are_too_many_streams(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_updates, "FULL_RETRY_SECONDS", (0.2, 0.4))
    client = site()
    client.app.state.live.max_subscribers = 0
    publish_now(gallery_data, "the first")
    page = window(browser, serve_in_browser(client)).new_page()
    page.goto("/")
    publish_now(gallery_data, "while there was no room")
    wait_for_news([page], "1 new picture")
    client.app.state.live.max_subscribers = 1
    wait_until(lambda: not client.app.state.live.is_idle, "the browser did not come back")
    publish_now(gallery_data, "after there was")
    wait_for_news([page], "2 new pictures")


def test_feed_opens_its_stream_again_after_an_error(browser: Browser, address: str, gallery_data: GalleryData) -> None:
    """A proxy answers 502 while the site restarts; browsers do not reconnect after it."""
    publish_now(gallery_data, "the first")
    context = window(browser, address)
    context.route("**/live?*", lambda route: route.fulfill(status=502), times=1)
    page = context.new_page()
    page.clock.install()
    with page.expect_response("**/live?*") as refused:
        page.goto("/")
    assert refused.value.status == 502
    publish_now(gallery_data, "a lighthouse")

    def arrives_later() -> bool:
        page.clock.run_for(10_000)
        return page.get_by_role("button", name="1 new picture").is_visible()

    wait_until(arrives_later, "the stream was not opened again")
