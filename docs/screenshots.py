"""Takes the pictures of the README from a demo of its own: `make screenshots`. Needs a Chromium on this machine."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser

from tests.bench.prompts import read_prompts
from tests.support.browsing import running_browser, window
from tests.support.house import House, running_house
from tests.support.servers import wait_until
from tests.support.visiting import Visitor

PICTURES = Path(__file__).parent / "pictures"
ASKED = 24
PEOPLE = ("mira_paints", "oldtomcat", "noor_h", "jonas_weber")
LIGHTHOUSE = "a small red lighthouse on a rock, evening sea, first stars"
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on this machine; on Debian: apt install chromium")
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_house(Path(folder)) as house,
        running_browser(chromium) as browser,
    ):
        thread = _ask(house)
        made = _meet(browser, house)
        _take_all(browser, house, thread, made)
    return 0


def _ask(house: House) -> str:
    """Fill the gallery, then ask for the picture that is shown in its thread. Returns that post's id."""
    for number, prompt in enumerate(read_prompts(None, 200)[:: 200 // ASKED]):
        house.post(f"@threadpaint {prompt}", author=PEOPLE[number % len(PEOPLE)])
    wait_until(lambda: len(house.creations()) >= ASKED, "the pictures do not come", within=120)
    thread = house.post(f"@threadpaint {LIGHTHOUSE}", author="anya_z")
    wait_until(lambda: house.answers().get(thread), "no answer", within=60)
    return thread


def _meet(browser: Browser, house: House) -> str:
    """People like the picture, talk about it, and make others of it. Returns the path of its page."""
    path = str(next(one["url"] for one in house.creations() if one["prompt"] == LIGHTHOUSE))
    others = [str(one["url"]) for one in house.creations() if one["prompt"] != LIGHTHOUSE][:12:2]
    mira, tom = Visitor(browser, house), Visitor(browser, house)
    for visitor, handle in ((mira, "mira_paints"), (tom, "oldtomcat")):
        visitor.go("/")
        visitor.sign_in(handle)
        visitor.like(path)
        for other in others:
            visitor.like(other)
    mira.say(path, "The first stars are my favourite part.")
    tom.answer(path, "Mine is the red.", to="The first stars")
    mira.remix(path, "a small red lighthouse on a rock, in a snow storm")
    tom.again(path)
    return path


def _take_all(browser: Browser, house: House, thread: str, made: str) -> None:
    member = Visitor(browser, house)
    member.go("/")
    member.sign_in("mira_paints")
    login = next(cookie["value"] for cookie in member.context.cookies() if cookie["name"] == "login")
    _take(browser, house.gallery, "/", "gallery.jpg", viewport=DESK)
    _take(browser, house.gallery, made, "creation.jpg", viewport=DESK, login=login)
    _take(
        browser,
        house.gallery,
        "/paint?prompt=two+herons+in+thick+morning+fog",
        "composer.jpg",
        viewport=DESK,
        login=login,
    )
    dark = {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    _take(browser, house.gallery, "/", "phone-wall.jpg", **dark)
    _take(browser, house.gallery, made, "phone-creation.jpg", login=login, **dark)
    _take(browser, house.sandbox, f"/page/posts/{thread}", "sandbox.jpg", viewport={"width": 720, "height": 760})


def _take(browser: Browser, address: str, path: str, name: str, **values: object) -> None:
    context = window(browser, address, **values)
    page = context.new_page()
    page.goto(path)
    # The placeholders make room for the pictures.
    page.wait_for_load_state("load")
    time.sleep(1.2)
    page.screenshot(path=PICTURES / name, type="jpeg", quality=85)
    context.close()


if __name__ == "__main__":
    sys.exit(main())
