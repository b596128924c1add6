"""The composer over another page: opened by links and dropped images, with errors in place, and nothing lost."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, select

from core.database import read_connection
from core.models import creations
from gallery.web import sessions
from tests.support.browser import axe_violations, load_axe, window
from tests.support.gallery_data import GalleryData
from tests.support.servers import wait_until
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

DROP = """([bytes]) => {
    const data = new DataTransfer()
    data.items.add(new File([Uint8Array.from(bytes)], "fox.png", {type: "image/png"}))
    const drop = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
    document.querySelector("footer").dispatchEvent(drop)
}"""


@pytest.fixture
def open_page(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    engine: Engine,
    gallery_data: GalleryData,
) -> Iterator[Callable[..., Page]]:
    """Open a page as Ada. Grace has published a creation with four pictures, number 1."""
    gallery_data.publish(prompt="a lighthouse", person_id=gallery_data.person("grace"), pictures=4)
    address = serve_in_browser(site())
    complaints: list[str] = []

    def open_one(path: str, **values: Any) -> Page:
        login = sessions.create(engine, gallery_data.person("ada")).value
        context = window(browser, address, login=login, **values)
        load_axe(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        page.evaluate("window.stayed = true")
        return page

    yield open_one
    assert complaints == []


@pytest.fixture
def created(engine: Engine) -> Callable[[], list[Any]]:
    """Read what the form created, oldest first."""
    made = select(creations).where(creations.c.idempotency_key.is_not(None)).order_by(creations.c.id)

    def read() -> list[Any]:
        with read_connection(engine) as connection:
            return list(connection.execute(made))

    return read


def open_remix(page: Page) -> Any:
    page.locator("main").get_by_role("link", name="Remix").first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("#paint-prompt").wait_for()
    return dialog


def test_a_remix_takes_two_clicks_and_leaves_the_page_open(
    open_page: Callable[..., Page], created: Callable[[], list[Any]]
) -> None:
    page = open_page("/c/1")
    dialog = open_remix(page)
    prompt = dialog.locator("#paint-prompt")
    expect(prompt).to_be_focused()
    assert prompt.evaluate("field => field.selectionStart") == len("a lighthouse")
    assert dialog.locator("[name=init_image]:checked").input_value() == "picture:0"
    dialog.get_by_role("button", name="Paint").click()
    page.get_by_role("alert").get_by_role("link", name="Show it").wait_for()
    [row] = created()
    assert (row.prompt, row.parent_id, row.init_image_key is not None) == ("a lighthouse", 1, True)
    assert page.evaluate("window.stayed") and page.get_by_role("dialog").count() == 0
    page.get_by_role("link", name="Show it").click()
    page.wait_for_url(f"**/c/{row.id}")


def test_escape_keeps_the_text_and_returns_to_the_link(open_page: Callable[..., Page]) -> None:
    page = open_page("/c/1")
    dialog = open_remix(page)
    dialog.get_by_role("button", name="At night").click()
    dialog.get_by_label("Picture 3").check(force=True)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent.trim()") == "Remix"
    dialog = open_remix(page)
    assert dialog.locator("#paint-prompt").input_value() == "a lighthouse, at night"
    assert dialog.locator("[name=init_image]:checked").input_value() == "picture:2"


def test_a_draft_can_be_dropped_and_never_hides_what_a_link_asks_for(open_page: Callable[..., Page]) -> None:
    page = open_page("/c/1")
    dialog = open_remix(page)
    assert not dialog.get_by_role("button", name="Start over").is_visible()
    dialog.locator("#paint-prompt").fill("half a thou")
    dialog.get_by_label("Oil").check(force=True)
    page.goto("/paint?remix=1&style=ink")
    assert page.locator("#paint-prompt").input_value() == "half a thou"
    assert page.locator("[name=style]:checked").input_value() == "ink"
    page.get_by_role("button", name="Start over").click()
    assert page.locator("#paint-prompt").input_value() == "a lighthouse"
    page.reload()
    assert page.locator("#paint-prompt").input_value() == "a lighthouse"


def test_from_a_card_it_takes_two_clicks_too(open_page: Callable[..., Page], created: Callable[[], list[Any]]) -> None:
    page = open_page("/")
    page.locator(".card").first.hover()
    page.locator(".card").first.get_by_role("link", name="Remix").click()
    page.get_by_role("dialog").get_by_role("button", name="Paint").click()
    page.get_by_role("alert").get_by_text("In the queue").wait_for()
    assert [row.parent_id for row in created()] == [1]


def test_tweaks_change_the_words_and_a_second_click_undoes_them(open_page: Callable[..., Page]) -> None:
    page = open_page("/c/1")
    dialog = open_remix(page)
    prompt, night = dialog.locator("#paint-prompt"), dialog.get_by_role("button", name="At night")
    night.click()
    dialog.get_by_role("button", name="In the snow").click()
    expect(prompt).to_have_value("a lighthouse, at night, in the snow")
    night.click()
    expect(prompt).to_have_value("a lighthouse, in the snow")
    prompt.fill("a lighthouse At Night, in fog")
    expect(night).to_have_attribute("aria-pressed", "true")
    wider, ratio = dialog.get_by_role("button", name="Wider"), dialog.locator("[name=aspect_ratio]:checked")
    wider.click()
    assert ratio.input_value() == "3:2"
    wider.click()
    assert ratio.input_value() == ""


def test_words_of_a_style_can_be_added_and_edited(open_page: Callable[..., Page]) -> None:
    page = open_page("/paint")
    page.fill("#paint-prompt", "a fox")
    add = page.get_by_role("button", name="Add details")
    assert not add.is_visible()
    page.get_by_label("Woodcut").check(force=True)
    add.click()
    expect(page.locator("#paint-prompt")).to_have_value("a fox, woodcut print, bold carved lines, two colors")
    assert page.locator("[name=style]:checked").input_value() == ""


def test_arrow_up_in_an_empty_prompt_walks_through_earlier_prompts(
    open_page: Callable[..., Page], gallery_data: GalleryData
) -> None:
    for words in ("a red fox", "a blue fox"):
        gallery_data.publish(prompt=words, person_id=gallery_data.person("ada"))
    prompt = open_page("/paint").locator("#paint-prompt")
    for key, words in (("ArrowUp", "a blue fox"), ("ArrowUp", "a red fox"), ("ArrowDown", "a blue fox")):
        prompt.press(key)
        expect(prompt).to_have_value(words)
    prompt.fill("a blue fox in snow")
    prompt.press("ArrowUp")
    expect(prompt).to_have_value("a blue fox in snow")


def test_errors_appear_in_the_dialog_and_get_the_focus(
    open_page: Callable[..., Page], created: Callable[[], list[Any]]
) -> None:
    page = open_page("/c/1")
    dialog = open_remix(page)
    dialog.locator("#paint-prompt").fill("x" * 2001)
    dialog.get_by_role("button", name="Paint").click()
    dialog.locator("[data-errors]").wait_for()
    assert page.evaluate("document.activeElement.hasAttribute('data-errors')")
    assert axe_violations(page) == []
    assert not dialog.locator(".compose__count").is_visible(), "the error says the same"
    dialog.locator("#paint-prompt").fill("a fox")
    assert not dialog.locator("#prompt-error").is_visible()
    dialog.get_by_role("button", name="Paint").click()
    page.get_by_role("alert").get_by_text("In the queue").wait_for()
    assert [row.prompt for row in created()] == ["a fox"]


def test_ctrl_enter_sends_the_prompt(open_page: Callable[..., Page], created: Callable[[], list[Any]]) -> None:
    page = open_page("/c/1")
    open_remix(page).locator("#paint-prompt").press("Control+Enter")
    page.get_by_role("alert").get_by_text("In the queue").wait_for()
    assert len(created()) == 1


def test_without_a_network_the_dialog_keeps_the_text(
    open_page: Callable[..., Page], created: Callable[[], list[Any]]
) -> None:
    page = open_page("/c/1")
    dialog = open_remix(page)
    dialog.locator("#paint-prompt").fill("a fox")
    page.route("**/paint", lambda route: route.abort())
    dialog.get_by_role("button", name="Paint").click()
    page.get_by_text("No connection. Your prompt is saved").wait_for()
    assert dialog.locator("#paint-prompt").input_value() == "a fox"
    page.unroute("**/paint")
    dialog.get_by_role("button", name="Paint").click()
    wait_until(lambda: len(created()) == 1, "nothing was created")


def test_an_image_dropped_anywhere_opens_the_composer_with_it(open_page: Callable[..., Page]) -> None:
    page, picture = open_page("/c/1"), io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(picture, "PNG")
    page.evaluate(DROP, [list(picture.getvalue())])
    chosen = page.get_by_role("dialog").locator("[name=init_image][value^='own:']")
    expect(chosen).to_be_checked()


def test_links_open_the_page_with_ctrl_and_for_anonymous_users(open_page: Callable[..., Page]) -> None:
    page = open_page("/c/1")
    with page.context.expect_page() as opened:
        page.locator("main").get_by_role("link", name="Remix").first.click(modifiers=["Control"])
    opened.value.wait_for_url("**/paint?remix=1")
    assert page.get_by_role("dialog").count() == 0


def test_the_button_is_in_reach_on_a_phone(open_page: Callable[..., Page]) -> None:
    page = open_page("/c/1", viewport={"width": 360, "height": 740}, has_touch=True)
    button = open_remix(page).get_by_role("button", name="Paint")
    expect(button).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
