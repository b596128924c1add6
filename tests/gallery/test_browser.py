"""The pages in a real browser: nothing overflows, nothing is blocked, nothing jumps, hostile text stays text."""

import threading
import time

import pytest
import uvicorn

from core.clock import now
from core.models import State
from gallery.serving import Server
from gallery.signing import logins
from tests.support.browsing import window
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

PATHS = ("/", "/top", "/c/1", "/c/2", "/c/3", "/c/4", "/@ada", "/nowhere")
OWN_PATHS = ("/", "/c/1", "/following", "/paint", "/paint?remix=1", "/me", "/me/prompts", "/me/boards", "/me/settings")
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
JUMPS = """() => new Promise(done => {
    let sum = 0
    new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value }))
        .observe({type: "layout-shift", buffered: true})
    setTimeout(() => done(sum), 150)
})"""


@pytest.fixture
def address(site, wall):
    wall.hang(prompt="word" * 500, pictures=2)
    wall.hang(prompt=HOSTILE, person_id=wall.person("eve", HOSTILE))
    wall.creation(prompt="x" * 2000)
    wall.creation(state=State.REFUSED, code="too_long", prompt="شمس " * 300)
    for number in range(12):
        wall.hang(prompt=f"a lighthouse {number}", colour="navy")
    app = site().app
    server = Server(uvicorn.Config(app, port=0, log_level="error"), app.state.live)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_and_nothing_is_blocked(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints = []
    page.on("dialog", lambda dialog: (complaints.append("a dialog"), dialog.dismiss()))
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PATHS:
        page.goto(address + path, wait_until="load")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        assert page.evaluate(JUMPS) == 0, path
    assert [text for text in complaints if "404" not in text] == []


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_pages_of_a_member_fit_and_do_not_jump_when_scripts_begin(browser, address, wall, engine, width):
    login = logins.begin(engine, wall.person(), browser="a test").value
    page = window(browser, address, login=login, viewport={"width": width, "height": 800}).new_page()
    for path in OWN_PATHS:
        assert page.goto(path, wait_until="load").status == 200, path
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (over <= 0, page.evaluate(JUMPS)) == (True, 0), path


def test_putting_a_picture_on_a_board_tells_its_result_and_stays_on_the_page(browser, address, wall, engine):
    login = logins.begin(engine, wall.person("bob", "Bob"), browser="a test").value
    page = window(browser, address, login=login).new_page()
    page.goto("/c/1")
    page.locator("summary", has_text="Add to a board").click()
    page.get_by_label("A new board").fill("Words")
    page.evaluate("window.stays = true")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").filter(has_text="It is on “Words” now.").wait_for()
    assert page.evaluate("[window.stays, document.activeElement.textContent]") == [True, "On 1 board"]
    page.keyboard.press("Enter")
    page.get_by_label("Words", exact=True).uncheck()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").filter(has_text="It is not on “Words” any more.").wait_for()


def test_what_only_a_script_can_do_is_not_offered_without_one(browser, address, wall, engine):
    login = logins.begin(engine, wall.person(), browser="a test").value
    for scripts in (True, False):
        page = window(browser, address, login=login, java_script_enabled=scripts).new_page()
        page.goto("/me")
        assert page.locator(".deeds__all").is_visible() is scripts
        page.goto("/paint")
        assert page.get_by_text("or drop one here").is_visible() is scripts


def test_comments_have_the_colour_of_text_for_members_too(browser, address, wall, engine):
    """They were red where the styles of one's own pictures came along."""
    login = logins.begin(engine, wall.person("bob", "Bob"), browser="a test").value
    page = window(browser, address, login=login).new_page()
    page.goto("/c/1")
    page.get_by_label("Say something about this picture").fill("Quiet.")
    page.get_by_role("button", name="Say it").click()
    colour = page.locator(".said__text", has_text="Quiet.").evaluate("said => getComputedStyle(said).color")
    assert colour == page.evaluate("getComputedStyle(document.body).color")


def test_the_wall_can_be_walked_by_keyboard(browser, address):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the pictures"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "New here? How to ask for a picture"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/*")
    assert page.locator("h1").inner_text() == "a lighthouse 11"


def test_a_whole_card_leads_to_its_creation_and_the_name_to_the_person(browser, address):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.mouse.click(*centre(page.locator(".card .frame").first))
    page.wait_for_url("**/c/*")
    page.go_back()
    page.locator(".card .author").first.click()
    page.wait_for_url("**/@ada")


CARDS = "document.querySelectorAll('.card').length"
IDS = "[...document.querySelectorAll('.card')].map(card => card.id)"


@pytest.fixture
def long_wall(wall, address):
    for number in range(70):
        wall.hang(prompt=f"picture {number}", colour="olive")
    return address


def test_the_wall_grows_as_one_scrolls_without_repeating_and_one_comes_back_to_the_same_place(browser, long_wall):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(long_wall)
    for _ in range(12):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(150)
    wait_until(lambda: page.evaluate(CARDS) > 70, "it did not grow")
    ids = page.evaluate(IDS)
    assert len(ids) == len(set(ids)) == 83  # and one hangs large
    card = page.locator(".card", has_text="picture 4").last
    card.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    card.locator("a").first.click()
    page.wait_for_url("**/c/*")
    page.go_back()
    wait_until(lambda: page.evaluate(CARDS) > 70, "not as long as it was")
    wait_until(lambda: abs(page.evaluate("scrollY") - place) < 60, "not at the same place")


def test_without_scripts_a_link_leads_to_older_pictures(browser, long_wall):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(long_wall)
    page.get_by_role("link", name="Older pictures").click()
    assert page.locator("h1").inner_text() == "Older pictures"
    page.get_by_role("button", name="Dark colours").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert "cursor=" in page.url


def test_a_new_picture_is_announced_and_hangs_when_one_asks_and_nothing_moves_before(browser, address, wall):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.wait_for_timeout(1500)  # the first look takes what hangs for known
    where = "document.querySelector('.card').getBoundingClientRect().top"
    before = page.evaluate(where)
    new = wall.hang(prompt=HOSTILE + " new", shown_at=now(), painted_at=now())
    button = page.get_by_role("button", name="1 new picture")
    button.wait_for(timeout=8000)
    assert page.evaluate(where) == before
    assert page.evaluate(JUMPS) == 0
    button.click()
    assert page.locator(".card").first.get_attribute("id") == f"c{new}"
    assert page.evaluate("document.activeElement.closest('.card').id") == f"c{new}"
    assert button.is_hidden()


def test_the_strip_changes_by_itself_and_keeps_its_height(browser, address, wall):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(address)
    strip = page.locator("[data-easel]")
    height = strip.bounding_box()["height"]
    wall.creation(prompt="a heron " * 100, state=State.PAINTING, next_attempt_at=now())
    page.get_by_text("a heron").wait_for(timeout=8000)
    assert strip.bounding_box()["height"] == height


def test_the_colours_turn_at_once_and_stay(browser, address):
    page = browser.new_page(color_scheme="light")
    page.goto(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark colours").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate(ground) == light


def centre(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
