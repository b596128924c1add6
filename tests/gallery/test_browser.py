"""The pages in a real browser: nothing overflows, nothing is blocked, nothing jumps, hostile text stays text."""

import threading
import time

import pytest
import uvicorn

from core.models import State

pytestmark = pytest.mark.browser

PATHS = ("/", "/c/1", "/c/2", "/c/3", "/c/4", "/@ada", "/nowhere")
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
    server = uvicorn.Server(uvicorn.Config(site().app, port=0, log_level="error"))
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


def test_the_wall_can_be_walked_by_keyboard(browser, address):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the pictures"
    page.keyboard.press("Enter")
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


def centre(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
