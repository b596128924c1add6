"""Takes the pictures of the README from a demo of its own: `make screenshots`. Needs a Chromium on this machine."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser, sync_playwright

from tests.bench.prompts import read_prompts
from tests.support.house import House, running_house
from tests.support.servers import wait_until

PICTURES = Path(__file__).parent / "pictures"
ASKED = 24


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on this machine; on Debian: apt install chromium")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_house(Path(folder)) as house, sync_playwright() as play:
        thread = _ask(house)
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = play.chromium.launch(executable_path=chromium, args=flags)
        _take(browser, house.gallery, "gallery.jpg", width=1280, height=900)
        _take(browser, f"{house.sandbox}/page/posts/{thread}", "sandbox.jpg", width=720, height=760)
        browser.close()
    return 0


def _ask(house: House) -> str:
    """Fill the gallery, then ask for the picture that is shown in its thread. Returns that post's id."""
    for number, prompt in enumerate(read_prompts(None, 200)[:: 200 // ASKED]):
        house.post(f"@threadpaint {prompt}", author=("mira_paints", "oldtomcat", "noor_h", "jonas_weber")[number % 4])
    thread = house.post("@threadpaint a small red lighthouse on a rock, evening sea, first stars", author="anya_z")
    wait_until(lambda: house.answers().get(thread), "no answer", within=60)
    time.sleep(1)
    return thread


def _take(browser: Browser, url: str, name: str, *, width: int, height: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1)
    page.goto(url)
    page.wait_for_timeout(1200)
    page.screenshot(path=PICTURES / name, type="jpeg", quality=88)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
