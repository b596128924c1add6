"""The composer in a real browser: a draft is kept until it is sent, pictures come by choice, drop and paste, a double
click sends once; and without JavaScript all of it works but the comfort.
"""

import io
import threading
import time

import pytest
import uvicorn
from PIL import Image
from sqlalchemy import select

from core.database import transaction
from core.models import Creation, creations
from gallery.signing import logins

pytestmark = pytest.mark.browser

BRING = """([kind, name, bytes]) => {
    const data = new DataTransfer()
    data.items.add(new File([Uint8Array.from(bytes)], name, {type: "image/png"}))
    const event = kind === "paste"
        ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
        : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
    document.querySelector("#prompt").dispatchEvent(event)
}"""


@pytest.fixture
def address(site, wall):
    wall.hang(prompt="a lighthouse", person_id=wall.person("grace"))
    server = uvicorn.Server(uvicorn.Config(site().app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser, address, engine, wall):
    """Opens a page as Ada; complaints of the browser fail the test, but for answers that say no."""
    complaints, contexts = [], []

    def open_one(path, **values):
        context = browser.new_context(**values)
        contexts.append(context)
        login = logins.begin(engine, wall.person("ada")).value
        context.add_cookies([{"name": "login", "value": login, "url": address}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [words for words in complaints if "Failed to load resource" not in words] == []


@pytest.fixture
def painted(engine):
    """What Ada had painted, oldest first."""

    def read():
        with transaction(engine) as session:
            return list(session.scalars(select(Creation).where(creations.c.once.is_not(None)).order_by(creations.c.id)))

    return read


def png(colour="red"):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


def photograph():
    """24 million pixels, held upright: its left edge, which is blue, is the top."""
    picture, exif, buffer = Image.new("RGB", (6000, 4000), "red"), Image.Exif(), io.BytesIO()
    picture.paste("blue", (0, 0, 1000, 4000))
    exif[0x0112] = 6
    picture.save(buffer, "JPEG", exif=exif, quality=98)
    return buffer.getvalue()


def test_a_double_click_paints_once_and_one_watches_it_arrive(open_page, painted):
    page = open_page("/paint")
    page.fill("#prompt", "a red fox")
    page.get_by_role("button", name="Paint").dblclick()
    page.wait_for_url("**/c/*")
    assert [row.prompt for row in painted()] == ["a red fox"]


def test_a_draft_is_kept_until_it_is_sent(open_page, painted):
    page = open_page("/paint")
    page.fill("#prompt", "half a thou")
    page.locator("input[value='16:9']").check(force=True)
    page.reload()
    assert page.input_value("#prompt") == "half a thou"
    assert page.locator("input[value='16:9']").is_checked()
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert painted()[0].aspect_ratio == "16:9"
    page.goto(page.url.partition("/c/")[0] + "/paint")
    assert page.input_value("#prompt") == ""


@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_a_picture_is_taken_at_once_and_shown(open_page, painted, way):
    page = open_page("/paint")
    page.fill("#prompt", "a fox")
    if way == "choose":
        page.set_input_files("#file", {"name": "fox.png", "mimeType": "image/png", "buffer": png()})
    else:
        page.evaluate(BRING, [way, "fox.png", list(png())])
    page.locator(".pick__picture").wait_for()
    page.wait_for_function("document.querySelector('.pick__picture').naturalWidth === 64")
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert painted()[0].start_key is not None


def test_a_large_photograph_is_scaled_down_and_turned_before_it_is_sent(open_page, painted, storage):
    page, sent = open_page("/paint"), []
    page.on("request", lambda request: sent.insert(0, request))
    page.fill("#prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    page.locator(".pick__picture").wait_for()
    assert page.get_by_text("As that picture").is_visible()
    [upload] = [request for request in sent if request.url.endswith("/paint/start")]
    assert int(upload.header_value("content-length")) < 500_000
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    picture = Image.open(io.BytesIO(storage.get(painted()[0].start_key))).convert("RGB")
    assert picture.size == (1024, 1536)
    assert picture.getpixel((512, 100))[2] > 200, "its left edge is at the top now"


def test_without_a_start_any_shape_is_any(open_page):
    page = open_page("/paint")
    assert page.get_by_text("Any", exact=True).is_visible()
    assert not page.get_by_text("As that picture").is_visible()


def test_a_kind_that_only_the_browser_reads_is_taken_too(open_page, painted):
    icon = io.BytesIO()
    Image.new("RGB", (64, 64), "blue").save(icon, "ICO")
    page = open_page("/paint")
    page.fill("#prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.ico", "mimeType": "image/x-icon", "buffer": icon.getvalue()})
    page.locator(".pick__picture").wait_for()


def test_without_javascript_a_large_photograph_comes_with_the_form(open_page, painted, storage):
    page = open_page("/paint", java_script_enabled=False)
    page.fill("#prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert Image.open(io.BytesIO(storage.get(painted()[0].start_key))).size == (1024, 1536)


def test_what_is_no_picture_is_told_beside_the_field_and_the_words_stay(open_page):
    page = open_page("/paint")
    page.fill("#prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.locator("#start-error").wait_for()
    assert "could not be read as a picture" in page.inner_text("#start-error")
    assert page.input_value("#prompt") == "a fox"


def test_what_is_wrong_is_told_on_the_page_and_nothing_typed_is_lost(open_page, painted):
    page = open_page("/paint")
    page.fill("#prompt", "x" * 2001)
    assert page.inner_text("#prompt-count") == "1 too many of 2000 characters"
    page.get_by_role("button", name="Paint").click()
    page.locator("#prompt-error").wait_for()
    assert len(page.input_value("#prompt")) == 2001
    assert painted() == []


def test_without_javascript_it_paints_and_gives_back_what_is_wrong(open_page, painted):
    page = open_page("/paint?remix=1", java_script_enabled=False)
    assert page.input_value("#prompt") == "a lighthouse"
    page.locator("summary", has_text="More").click()
    page.fill("#seed", "none")
    page.set_input_files("#file", {"name": "fox.png", "mimeType": "image/png", "buffer": png()})
    page.get_by_role("button", name="Paint").click()
    assert page.inner_text("#seed-error").startswith("A whole number")
    page.fill("#seed", "7")
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    (row,) = painted()
    assert (row.prompt, row.seed, row.parent_id) == ("a lighthouse", 7, 1)
    assert row.start_key is not None


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_from_the_wall_it_is_one_step_or_more_with_the_words_brought_along(open_page, painted, java_script_enabled):
    page = open_page("/", java_script_enabled=java_script_enabled)
    page.fill("#prompt", "a fox from the wall")
    page.get_by_role("button", name="More").click()
    page.wait_for_url("**/paint")
    assert page.input_value("#prompt") == "a fox from the wall"
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert [row.prompt for row in painted()] == ["a fox from the wall"]


@pytest.mark.parametrize("trouble", ["offline", "lost", "503"])
def test_a_lost_connection_keeps_the_page_and_a_second_press_paints_one_picture(open_page, painted, trouble):
    page = open_page("/paint")
    page.evaluate("window.stayed = true")
    page.fill("#prompt", "a red fox")
    if trouble == "offline":
        page.context.set_offline(True)
    else:
        page.route(
            "**/paint", lambda route: route.abort() if trouble == "lost" else route.fulfill(status=503, body="{}")
        )
    button = page.get_by_role("button", name="Paint")
    button.click()
    words = "Something is down on our side." if trouble == "503" else "No connection."
    page.get_by_role("alert").get_by_text(words).wait_for()
    assert page.evaluate("window.stayed === true")
    assert (page.input_value("#prompt"), button.inner_text()) == ("a red fox", "Paint")
    page.context.set_offline(False)
    page.unroute("**/paint")
    button.click()
    page.wait_for_url("**/c/*")
    assert [row.prompt for row in painted()] == ["a red fox"]


def test_errors_get_the_focus_and_links_to_their_fields(open_page, painted):
    page = open_page("/paint", viewport={"width": 360, "height": 740})
    page.fill("#prompt", "a fox")
    page.locator("summary", has_text="More").click()
    page.fill("#seed", "minus five")
    page.fill("#steps", "999")
    page.get_by_role("button", name="Paint").click()
    summary = page.locator("[data-errors]")
    summary.wait_for()
    assert page.evaluate("document.activeElement.hasAttribute('data-errors')")
    assert summary.get_by_role("link").all_inner_texts() == ["Seed", "Steps"]
    summary.get_by_role("link", name="Steps").click()
    assert page.evaluate("document.activeElement.id") == "steps"
    assert page.locator("#steps").is_visible()
    assert painted() == []


def test_a_draft_never_brings_back_a_value_that_was_refused(open_page, painted):
    page = open_page("/paint")
    page.fill("#prompt", "a fox")
    page.locator("summary", has_text="More").click()
    page.fill("#negative", "people")
    page.fill("#seed", "minus five")
    page.get_by_role("button", name="Paint").click()
    page.locator("#seed-error").wait_for()
    page.goto(page.url)
    assert (page.input_value("#negative"), page.input_value("#seed")) == ("people", "")
    # A draft that an earlier version kept.
    key = page.evaluate("Object.keys(localStorage).find(key => key.startsWith('draft:'))")
    page.evaluate("key => localStorage.setItem(key, JSON.stringify({prompt: 'a fox', seed: 'minus five'}))", key)
    page.reload()
    assert (page.input_value("#prompt"), page.input_value("#seed")) == ("a fox", "")
