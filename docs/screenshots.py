"""Takes the pictures of the README from a demo of its own: `make screenshots`. Needs a Chromium on this machine."""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser

from tests.bench.prompts import read_prompts
from tests.support.browser import running_browser, window
from tests.support.demo import Demo, running_demo
from tests.support.gallery_user import BrowserUser
from tests.support.servers import wait_until

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
        running_demo(Path(folder)) as demo,
        running_browser(chromium) as browser,
    ):
        thread = _ask(demo)
        made = _meet(browser, demo)
        _take_all(browser, demo, thread, made)
    return 0


def _ask(demo: Demo) -> str:
    """Fill the gallery, then ask for the picture that is shown in its thread. Returns that post's id."""
    for number, prompt in enumerate(read_prompts(None, 200)[:: 200 // ASKED]):
        demo.post(f"@threadpaint {prompt}", author=PEOPLE[number % len(PEOPLE)])
    wait_until(lambda: len(demo.creations()) >= ASKED, "the pictures do not come", within=120)
    thread = demo.post(f"@threadpaint {LIGHTHOUSE}", author="anya_z")
    wait_until(lambda: demo.answers().get(thread), "no answer", within=60)
    return thread


def _meet(browser: Browser, demo: Demo) -> str:
    """People like the picture, talk about it, and make others of it. Returns the path of its page."""
    path = str(next(one["url"] for one in demo.creations() if one["prompt"] == LIGHTHOUSE))
    others = [str(one["url"]) for one in demo.creations() if one["prompt"] != LIGHTHOUSE][:12:2]
    mira, tom = BrowserUser(browser, demo), BrowserUser(browser, demo)
    for visitor, handle in ((mira, "mira_paints"), (tom, "oldtomcat")):
        visitor.go("/")
        visitor.sign_in(handle)
        visitor.like(path)
        for other in others:
            visitor.like(other)
    mira.add_comment(path, "The first stars are my favorite part.")
    tom.reply(path, "Mine is the red.", to="The first stars")
    mira.remix(path, "a small red lighthouse on a rock, in a snow storm")
    tom.again(path)
    return path


def _take_all(browser: Browser, demo: Demo, thread: str, made: str) -> None:
    member = BrowserUser(browser, demo)
    member.go("/")
    member.sign_in("mira_paints")
    login = next(cookie["value"] for cookie in member.context.cookies() if cookie["name"] == "login")
    _take(browser, demo.gallery, "/", "gallery.jpg", viewport=DESK)
    _take(browser, demo.gallery, made, "creation.jpg", viewport=DESK, login=login)
    _take(
        browser,
        demo.gallery,
        "/paint?prompt=two+herons+in+thick+morning+fog",
        "composer.jpg",
        viewport=DESK,
        login=login,
    )
    dark: dict[str, Any] = {
        "viewport": PHONE,
        "color_scheme": "dark",
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    }
    _take(browser, demo.gallery, "/", "phone-feed.jpg", **dark)
    _take(browser, demo.gallery, made, "phone-creation.jpg", login=login, **dark)
    _take(browser, demo.sandbox, f"/page/posts/{thread}", "sandbox.jpg", viewport={"width": 720, "height": 760})


def _take(browser: Browser, address: str, path: str, name: str, **values: Any) -> None:
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
