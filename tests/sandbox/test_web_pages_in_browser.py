"""The web page in Chromium: forms, live updates, small screens."""

import shutil
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.sandbox_world import Json, Picture, SandboxWorld

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, world: SandboxWorld) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    problems: list[str] = []

    def record(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(message.text)

    page.on("console", record)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(world.url)
    page.wait_for_selector(".live:not([hidden])")
    yield page
    context.close()
    assert problems == []


def newest_post(world: SandboxWorld) -> Json:
    return dict(world.http.get("/sandbox/posts?limit=1").json()["data"][0])


def test_a_reply_with_its_picture_appears_without_reloading(page: Page, world: SandboxWorld, picture: Picture) -> None:
    page.evaluate("window.sameDocument = true")
    page.select_option("select[name=author]", "anya_z")
    page.fill(".big textarea", "@threadpaint <script>alert(1)</script> a red sea")
    page.click(".big button")
    page.wait_for_selector("text=a red sea")
    post = newest_post(world)
    assert post["author"]["username"] == "anya_z"
    media = [{"image": picture.base64, "alt_text": "a red sea"}]
    world.post("threadpaint", "Here.", in_reply_to=post["id"], media=media)
    page.wait_for_selector(f"#t-{post['id']} .pictures img[alt='a red sea']")
    page.click(f"#t-{post['id']} .alt summary")
    assert page.locator(f"#t-{post['id']} .alt p").inner_text() == "a red sea"
    assert page.evaluate("window.sameDocument")


def test_a_half_written_reply_survives_an_update(page: Page, world: SandboxWorld) -> None:
    opening = world.bot.pinned_post_id
    page.click(f"#p-{opening} > .body details.reply summary")
    page.fill(f"#p-{opening} details.reply textarea", "half of a")
    world.post("oldtomcat", "me first", in_reply_to=str(opening))
    page.wait_for_selector("text=me first")
    assert page.input_value(f"#p-{opening} details.reply textarea") == "half of a"
    page.click(f"#p-{opening} details.reply button")
    page.wait_for_selector(".text:has-text('half of a')")
    assert newest_post(world)["referenced_tweets"] == [{"type": "replied_to", "id": str(opening)}]


def test_a_deleted_post_disappears_from_the_page(page: Page, world: SandboxWorld) -> None:
    mine = world.post("mira_paints", "a post to be deleted")
    theirs = world.post("anya_z", "a post of another user")
    page.wait_for_selector(f"#p-{theirs['id']}")
    assert not page.locator(f"#p-{theirs['id']} .delete-form").is_visible()
    page.click(f"#p-{mine['id']} .delete-form button")
    page.wait_for_selector(f"#p-{mine['id']}", state="detached")


def test_long_texts_fit_a_small_screen(page: Page, world: SandboxWorld) -> None:
    world.post("mira_paints", "x" * 3000 + " https://example.com/" + "y" * 300)
    page.wait_for_selector("text=xxxxxxxx")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_works_without_javascript(chromium: Browser, world: SandboxWorld) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(world.url)
    page.fill(".big textarea", "@threadpaint a quiet wood")
    page.click(".big button")
    assert page.locator(".thread").first.locator(".text").inner_text() == "@threadpaint a quiet wood"
    context.close()


def test_the_enter_key_allows_an_app_and_redirects(page: Page, world: SandboxWorld) -> None:
    app = world.url.replace("127.0.0.1", "localhost")  # an app has another origin
    params = {
        "response_type": "code",
        "client_id": "sandbox-client-id",
        "redirect_uri": f"{app}/healthz",
        "scope": "tweet.read users.read",
        "state": "s1",
        "code_challenge": "c" * 43,
    }
    page.goto(f"{world.url}/i/oauth2/authorize?{urlencode(params)}")
    page.get_by_placeholder("handle").fill("glacierdan")
    page.get_by_placeholder("handle").press("Enter")
    page.wait_for_url(f"{app}/healthz?*")
    assert "code=" in page.url
    assert "state=s1" in page.url
