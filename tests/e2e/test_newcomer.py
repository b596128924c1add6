"""Test a first visit in a real browser: post on the sandbox, see the reply, find it in the gallery."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.demo import Demo

pytestmark = [pytest.mark.processes, pytest.mark.browser]

TIMEOUT_MS = 20_000


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        yield browser.new_page()
        browser.close()


def test_a_newcomer_posts_and_finds_the_picture_in_the_gallery(demo: Demo, page: Page) -> None:
    prompt = "a red lighthouse & a storm"
    page.goto(demo.sandbox)
    loads: list[str] = []
    page.get_by_label("Post as").select_option("oldtomcat")
    page.get_by_label("What should be painted?").fill(f"@threadpaint {prompt}")
    page.get_by_role("button", name="Post", exact=True).click()
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    thread = page.get_by_role("region", name="Thread").filter(has_text=prompt)
    picture = thread.get_by_role("img", name=f"{prompt} – prompted by", exact=False)
    expect(picture).to_be_visible(timeout=TIMEOUT_MS)
    assert [url for url in loads if "#" not in url] == [], "the page was reloaded"
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 512

    page.goto(demo.gallery)
    page.get_by_role("link", name=prompt).first.click()
    expect(page.get_by_role("heading", name=prompt, level=1)).to_be_visible()
    expect(page.get_by_role("img", name=prompt).first).to_be_visible()
    page.get_by_role("link", name="Reply on X").click()
    expect(page.get_by_role("img", name=prompt).first).to_be_visible()
    assert page.url.startswith(demo.sandbox)


def test_a_newcomer_starts_from_a_photo_and_remixes_the_result(demo: Demo, page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (320, 200), "navy").save(tmp_path / "sea.png")
    page.goto(demo.sandbox)
    page.get_by_label("What should be painted?").fill("@threadpaint a calm sea --n 4")
    page.get_by_label("A photo to start from").set_input_files(tmp_path / "sea.png")
    page.get_by_role("button", name="Post", exact=True).click()
    thread = page.get_by_role("region", name="Thread").filter(has_text="a calm sea --n 4")
    expect(thread.get_by_role("img", name="a calm sea – prompted by", exact=False)).to_have_count(4, timeout=TIMEOUT_MS)
    answer = thread.locator("article.bot")
    answer.locator("summary", has_text="Reply").click()
    answer.get_by_label("Your reply").fill("remix: at night")
    answer.get_by_role("button", name="Reply").click()
    remixed = thread.get_by_role("img", name="a calm sea, at night – prompted by", exact=False)
    expect(remixed).to_have_count(4, timeout=TIMEOUT_MS)
