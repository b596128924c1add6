"""Takes the pictures of the README from a demo of its own: `make screenshots`. Needs a Chromium on this machine."""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser

from core.demo.life.progress import load_progress
from tests.support.browser import running_browser, window
from tests.support.demo import Demo, running_demo
from tests.support.gallery_user import BrowserUser
from tests.support.servers import wait_until

PICTURES = Path(__file__).parent / "pictures"
LIGHTHOUSE = "a red lighthouse on a rock, evening sea, first stars"
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on this machine; on Debian: apt install chromium")
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder), DEMO_EMPTY="0") as demo,
        running_browser(chromium) as browser,
    ):
        wait_until(lambda: _is_alive(demo), "the people of the demo are not done", within=300)
        lighthouse = next(one for one in demo.creations() if one["prompt"] == LIGHTHOUSE)
        _take_all(browser, demo, str(lighthouse["post_id"]), str(lighthouse["url"]))
    return 0


def _is_alive(demo: Demo) -> bool:
    """Return whether the demo's people have done all they do, and the small copies are made."""
    progress = load_progress(demo.data)
    return bool(progress and progress.finished) and "image/avif" in demo.http.get(demo.gallery).text


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
