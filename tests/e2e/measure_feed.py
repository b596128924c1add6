"""Measure the feed in Chromium: `make measure-feed`. Prints a table.

Pictures per screen and the covered share of the screen, without what is under masthead and bar, are means over several
screens: the first one, and those that follow as one scrolls; the end of the feed is left out.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from core.database import open_database
from core.migrate import migrate
from core.storage import FolderStorage
from gallery.app import create_app
from gallery.web import sessions
from tests.support.browser import running_browser, window
from tests.support.feed_figures import (
    ROUND_TRIP_MS,
    clicks_to_remix,
    fill,
    keys_to_next_picture,
    measure_screens,
    milliseconds_to_filled_heart,
)
from tests.support.gallery_data import HEALTHY, SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.servers import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCREENS = ((360, 740), (768, 1024), (1440, 900), (2560, 1440))
PICTURES = 230


@contextmanager
def filled_site(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve a filled gallery. Yields its address, and the cookie of a member."""
    engine = open_database(f"sqlite:///{folder}/gallery.db")
    migrate(engine)
    storage = FolderStorage(folder / "pictures")
    data = GalleryData(engine, storage)
    fill(data, PICTURES)
    login = sessions.create(engine, data.person("bob", "Bob"), browser="Chromium").value
    app = create_app(engine=engine, storage=storage, health=lambda: HEALTHY, settings=SETTINGS_WITH_SIGN_IN)
    with serving(app) as address:
        yield address, login


def render(browser: "Browser", address: str, login: str) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| screen | first screen: pictures | covered | mean: pictures | covered | layout shift |"
    yield "|---|---|---|---|---|---|"
    for width, height in SCREENS:
        touch: dict[str, Any] = {"has_touch": True, "is_mobile": True} if width < 768 else {}
        context = window(browser, address, viewport={"width": width, "height": height}, **touch)
        it = measure_screens(context.new_page())
        context.close()
        first, mean = f"{it.first_pictures} | {it.first_share:.0%}", f"{it.pictures:.1f} | {it.share:.0%}"
        yield f"| {width}x{height} | {first} | {mean} | {it.shift:.3f} |"
    page = window(browser, address, login=login, viewport={"width": 1440, "height": 900}).new_page()
    yield ""
    yield f"time from tap to filled heart at {ROUND_TRIP_MS} ms: {milliseconds_to_filled_heart(page):.0f} ms"
    page = window(browser, address, login=login, viewport={"width": 1440, "height": 900}).new_page()
    yield f"keys from one picture to the next: {keys_to_next_picture(page) or 'more than 3'}"
    yield f"clicks from a card to a posted remix: {clicks_to_remix(page)}"


def main() -> int:
    """Fill a gallery, measure it and print a table."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on this machine; on Debian: apt install chromium")
    started = monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        filled_site(Path(folder)) as (address, login),
        running_browser(chromium) as browser,
    ):
        for line in render(browser, address, login):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    sys.stdout.write(f"measured in {monotonic() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
