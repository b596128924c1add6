"""The composer in a real browser: a draft is kept until it is sent, pictures come by choice, drop and paste, a double
click sends once; and without JavaScript all of it works but the comfort.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine, select

from core.database import write_session
from core.models import Creation, creations
from core.storage import FolderStorage
from gallery.web import sessions
from tests.support.gallery_data import GalleryData
from tests.support.servers import wait_until
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

BRING = """([kind, name, bytes]) => {
    const data = new DataTransfer()
    data.items.add(new File([Uint8Array.from(bytes)], name, {type: "image/png"}))
    const event = kind === "paste"
        ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
        : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
    document.querySelector("#paint-prompt").dispatchEvent(event)
}"""


@pytest.fixture
def address(site: Callable[..., SiteClient], serve_in_browser: Serve, gallery_data: GalleryData) -> str:
    gallery_data.publish(prompt="a lighthouse", person_id=gallery_data.person("grace"))
    return serve_in_browser(site())


@pytest.fixture
def open_page(
    browser: Browser, address: str, engine: Engine, gallery_data: GalleryData
) -> Iterator[Callable[..., Any]]:
    """Open a page as Ada. Console messages fail the test, except those about error responses."""
    complaints, contexts = [], []

    def open_one(path: str, **values: Any) -> Any:
        context = browser.new_context(**values)
        contexts.append(context)
        login = sessions.create(engine, gallery_data.person("ada")).value
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
def painted(engine: Engine) -> Callable[..., Any]:
    """Load the creations that the form made, oldest first."""

    def read() -> Any:
        with write_session(engine) as session:
            return list(
                session.scalars(
                    select(Creation).where(creations.c.idempotency_key.is_not(None)).order_by(creations.c.id)
                )
            )

    return read


def png(color: str = "red") -> Any:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), color).save(buffer, "PNG")
    return buffer.getvalue()


def photograph() -> Any:
    """Return a photo of 24 megapixels, rotated by EXIF: its blue left edge is the top."""
    picture, exif, buffer = Image.new("RGB", (6000, 4000), "red"), Image.Exif(), io.BytesIO()
    picture.paste("blue", (0, 0, 1000, 4000))
    exif[0x0112] = 6
    picture.save(buffer, "JPEG", exif=exif, quality=98)
    return buffer.getvalue()


def test_double_click_creates_one_picture_which_appears_on_its_page(
    open_page: Callable[..., Any], painted: Callable[..., Any]
) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "a red fox")
    page.get_by_role("button", name="Paint").dblclick()
    page.wait_for_url("**/c/*")
    assert [row.prompt for row in painted()] == ["a red fox"]


def test_draft_is_stored_until_it_is_sent(open_page: Callable[..., Any], painted: Callable[..., Any]) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "half a thou")
    page.locator("input[value='16:9']").check(force=True)
    page.reload()
    assert page.input_value("#paint-prompt") == "half a thou"
    assert page.locator("input[value='16:9']").is_checked()
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert painted()[0].aspect_ratio == "16:9"
    page.goto(page.url.partition("/c/")[0] + "/paint")
    assert page.input_value("#paint-prompt") == ""


@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_picture_is_uploaded_at_once_and_shown(
    open_page: Callable[..., Any], painted: Callable[..., Any], way: Any
) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "a fox")
    if way == "choose":
        page.set_input_files("#file", {"name": "fox.png", "mimeType": "image/png", "buffer": png()})
    else:
        page.evaluate(BRING, [way, "fox.png", list(png())])
    page.locator(".pick__picture").wait_for()
    expect(page.locator(".pick__picture")).to_have_js_property("naturalWidth", 64)
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert painted()[0].init_image_key is not None


def open_stored(storage: FolderStorage, key: str) -> Image.Image:
    content = storage.get(key)
    assert content is not None
    return Image.open(io.BytesIO(content))


def test_large_photo_is_scaled_and_rotated_before_the_upload(
    open_page: Callable[..., Any], painted: Callable[..., Any], storage: FolderStorage
) -> None:
    page, sent = open_page("/paint"), list[Any]()
    page.on("request", lambda request: sent.insert(0, request))
    page.fill("#paint-prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    page.locator(".pick__picture").wait_for()
    assert page.get_by_text("Same as the image").is_visible()
    [upload] = [request for request in sent if request.url.endswith("/uploads")]
    assert int(upload.header_value("content-length")) < 500_000
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    picture = open_stored(storage, painted()[0].init_image_key).convert("RGB")
    assert picture.size == (1024, 1536)
    assert picture.crop((512, 100, 513, 101)).tobytes()[2] > 200, "its left edge is at the top now"


def test_aspect_ratio_has_a_default_without_init_image(open_page: Callable[..., Any]) -> None:
    page = open_page("/paint")
    assert page.get_by_text("Default", exact=True).is_visible()
    assert not page.get_by_text("Same as the image").is_visible()


def test_format_that_only_the_browser_reads_is_accepted(
    open_page: Callable[..., Any], painted: Callable[..., Any]
) -> None:
    icon = io.BytesIO()
    Image.new("RGB", (64, 64), "blue").save(icon, "ICO")
    page = open_page("/paint")
    page.fill("#paint-prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.ico", "mimeType": "image/x-icon", "buffer": icon.getvalue()})
    page.locator(".pick__picture").wait_for()


def test_large_photo_is_sent_with_the_form_without_scripts(
    open_page: Callable[..., Any], painted: Callable[..., Any], storage: FolderStorage
) -> None:
    page = open_page("/paint", java_script_enabled=False)
    page.fill("#paint-prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert open_stored(storage, painted()[0].init_image_key).size == (1024, 1536)


def test_unreadable_image_shows_an_error_at_its_field_and_keeps_the_prompt(open_page: Callable[..., Any]) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.locator("#init_image-error").wait_for()
    assert "not a picture we can read" in page.inner_text("#init_image-error")
    assert page.input_value("#paint-prompt") == "a fox"


def test_errors_are_shown_on_the_page_and_keep_the_input(
    open_page: Callable[..., Any], painted: Callable[..., Any]
) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "x" * 2002)
    assert page.inner_text("#prompt-count") == "2 characters over the 2,000 limit"
    page.fill("#paint-prompt", "x" * 2001)
    assert page.inner_text("#prompt-count") == "1 character over the 2,000 limit"
    page.get_by_role("button", name="Paint").click()
    page.locator("#prompt-error").wait_for()
    assert len(page.input_value("#paint-prompt")) == 2001
    assert painted() == []


def test_form_works_without_scripts_and_shows_errors(
    open_page: Callable[..., Any], painted: Callable[..., Any]
) -> None:
    page = open_page("/paint?remix=1", java_script_enabled=False)
    assert page.input_value("#paint-prompt") == "a lighthouse"
    page.locator("summary", has_text="More").click()
    page.fill("#seed", "none")
    page.set_input_files("#file", {"name": "fox.png", "mimeType": "image/png", "buffer": png()})
    page.get_by_role("button", name="Paint").click()
    assert page.inner_text("#seed-error").startswith("Enter a whole number")
    page.fill("#seed", "7")
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    (row,) = painted()
    assert (row.prompt, row.seed, row.parent_id) == ("a lighthouse", 7, 1)
    assert row.init_image_key is not None


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_feed_composer_opens_the_full_form_with_its_prompt(
    open_page: Callable[..., Any], painted: Callable[..., Any], java_script_enabled: Any
) -> None:
    page = open_page("/", java_script_enabled=java_script_enabled)
    page.fill("#prompt", "a fox from the feed")
    page.get_by_role("button", name="Style, shape, image").click()
    expect(page.locator("#paint-prompt")).to_have_value("a fox from the feed")
    if java_script_enabled:
        page = page.get_by_role("dialog")
    page.get_by_role("button", name="Paint").click()
    (page.get_by_role("heading", level=1) if not java_script_enabled else page.page.get_by_role("alert")).wait_for()
    wait_until(lambda: [row.prompt for row in painted()] == ["a fox from the feed"], "nothing was created")


@pytest.mark.parametrize("trouble", ["offline", "lost", "503"])
def test_retry_after_a_lost_connection_creates_one_picture(
    open_page: Callable[..., Any], painted: Callable[..., Any], trouble: Any
) -> None:
    page = open_page("/paint")
    page.evaluate("window.stayed = true")
    page.fill("#paint-prompt", "a red fox")
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
    assert (page.input_value("#paint-prompt"), button.inner_text()) == ("a red fox", "Paint")
    page.context.set_offline(False)
    page.unroute("**/paint")
    button.click()
    page.wait_for_url("**/c/*")
    assert [row.prompt for row in painted()] == ["a red fox"]


def test_error_summary_gets_the_focus_and_links_to_fields(
    open_page: Callable[..., Any], painted: Callable[..., Any]
) -> None:
    page = open_page("/paint", viewport={"width": 360, "height": 740})
    page.fill("#paint-prompt", "a fox")
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


def test_draft_never_restores_a_rejected_value(open_page: Callable[..., Any], painted: Callable[..., Any]) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "a fox")
    page.locator("summary", has_text="More").click()
    page.fill("#negative_prompt", "people")
    page.fill("#seed", "minus five")
    page.get_by_role("button", name="Paint").click()
    page.locator("#seed-error").wait_for()
    page.goto(page.url)
    assert (page.input_value("#negative_prompt"), page.input_value("#seed")) == ("people", "")
    store_draft(page, {"prompt": "a fox", "seed": "minus five"})
    page.reload()
    assert (page.input_value("#paint-prompt"), page.input_value("#seed")) == ("a fox", "")


def test_a_draft_with_former_field_names_is_restored(open_page: Callable[..., Any]) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "a fox")
    store_draft(page, {"prompt": "a fox", "negative": "people", "shape": "16:9"})
    page.reload()
    assert (page.input_value("#paint-prompt"), page.input_value("#negative_prompt")) == ("a fox", "people")
    assert page.locator("input[value='16:9']").is_checked()


def test_a_draft_with_an_upload_is_restored(open_page: Callable[..., Any], painted: Callable[..., Any]) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "a fox")
    page.set_input_files("#file", {"name": "fox.png", "mimeType": "image/png", "buffer": png()})
    page.locator(".pick__picture").wait_for()
    page.reload()
    expect(page.locator(".pick__picture")).to_have_js_property("naturalWidth", 64)
    assert page.inner_text("#prompt-count") == "5 of 2,000 characters"
    page.get_by_role("button", name="Paint").click()
    page.wait_for_url("**/c/*")
    assert painted()[0].init_image_key is not None


def store_draft(page: Any, draft: dict[str, str]) -> None:
    """Replace the draft that the page has saved."""
    key = page.evaluate("Object.keys(localStorage).find(key => key.startsWith('draft:'))")
    page.evaluate("([key, draft]) => localStorage.setItem(key, JSON.stringify(draft))", [key, draft])
