"""The page in a real Chromium: what a person does on it, and what appears by itself."""

import shutil
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, play):
    context = chromium.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(play.url)
    page.wait_for_selector(".live:not([hidden])")
    yield page
    context.close()
    assert complaints == []


def newest(play):
    return play.http.get("/sandbox/posts?limit=1").json()["data"][0]


def test_one_posts_and_sees_the_answer_with_its_picture_without_reloading(page, play, picture):
    page.evaluate("window.sameDocument = true")
    page.select_option("select[name=author]", "anya_z")
    page.fill(".big textarea", "@threadpaint <script>alert(1)</script> a red sea")
    page.click(".big button")
    page.wait_for_selector("text=a red sea")
    asked = newest(play)
    assert asked["author"]["username"] == "anya_z"
    play.says(
        "threadpaint", "Here.", in_reply_to=asked["id"], media=[{"image": picture.base64, "alt_text": "a red sea"}]
    )
    page.wait_for_selector(f"#t-{asked['id']} .pictures img[alt='a red sea']")
    page.click(f"#t-{asked['id']} .alt summary")
    assert page.locator(f"#t-{asked['id']} .alt p").inner_text() == "a red sea"
    assert page.evaluate("window.sameDocument")


def test_a_half_written_reply_survives_what_comes_in(page, play):
    opening = play.bot.pinned_post_id
    page.click(f"#p-{opening} > .body details.reply summary")
    page.fill(f"#p-{opening} details.reply textarea", "half of a")
    play.says("oldtomcat", "me first", in_reply_to=str(opening))
    page.wait_for_selector("text=me first")
    assert page.input_value(f"#p-{opening} details.reply textarea") == "half of a"
    page.click(f"#p-{opening} details.reply button")
    page.wait_for_selector(".text:has-text('half of a')")
    assert newest(play)["referenced_tweets"] == [{"type": "replied_to", "id": str(opening)}]


def test_one_deletes_ones_own_post_and_it_is_gone(page, play):
    mine = play.says("mira_paints", "a post to be deleted")
    theirs = play.says("anya_z", "a post of somebody else")
    page.wait_for_selector(f"#p-{theirs['id']}")
    assert not page.locator(f"#p-{theirs['id']} .unsay").is_visible()
    page.click(f"#p-{mine['id']} .unsay button")
    page.wait_for_selector(f"#p-{mine['id']}", state="detached")


def test_it_fits_a_small_screen_whatever_people_write(page, play):
    play.says("mira_paints", "x" * 3000 + " https://example.com/" + "y" * 300)
    page.wait_for_selector("text=xxxxxxxx")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_it_works_without_scripts(chromium, play):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(play.url)
    page.fill(".big textarea", "@threadpaint a quiet wood")
    page.click(".big button")
    assert page.locator(".thread").first.locator(".text").inner_text() == "@threadpaint a quiet wood"
    context.close()


def test_one_lets_an_app_act_by_the_enter_key_and_is_sent_back_to_it(page, play):
    app = play.url.replace("127.0.0.1", "localhost")  # another origin, as an app is
    asked = {
        "response_type": "code",
        "client_id": "sandbox-client-id",
        "redirect_uri": f"{app}/healthz",
        "scope": "tweet.read users.read",
        "state": "s1",
        "code_challenge": "c" * 43,
    }
    page.goto(f"{play.url}/i/oauth2/authorize?{urlencode(asked)}")
    page.get_by_placeholder("handle").fill("glacierdan")
    page.get_by_placeholder("handle").press("Enter")
    page.wait_for_url(f"{app}/healthz?*")
    assert "code=" in page.url
    assert "state=s1" in page.url
