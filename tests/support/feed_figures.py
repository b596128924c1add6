"""Measure a feed in Chromium: pictures per screen, covered share, layout shift, clicks, keys, time to a heart."""

import re
import statistics
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.gallery_data import GalleryData
from tests.support.servers import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Pixels. Half of all pictures are square.
WIDE, TALL = ((512, 341), (512, 288), (512, 219)), ((341, 512), (288, 512))
SHAPES = tuple(shape for other in (*WIDE, *TALL) for shape in ((512, 512), other))
NUMBER_OF_SCREENS = 8
ROUND_TRIP_MS = 400
PROMPT = "a lighthouse at night, thick brush strokes, waves against the rocks, number"

COUNT = """() => {
    const top = document.querySelector(".masthead").getBoundingClientRect().bottom
    const bar = document.querySelector(".phone-bar").getBoundingClientRect()
    const bottom = bar.height ? bar.top : innerHeight
    let whole = 0, area = 0
    for (const frame of document.querySelectorAll(".card .frame")) {
        const box = frame.getBoundingClientRect()
        const height = Math.min(box.bottom, bottom) - Math.max(box.top, top)
        const width = Math.min(box.right, innerWidth) - Math.max(box.left, 0)
        if (height > 0 && width > 0) area += height * width
        if (box.top >= top - 1 && box.bottom <= bottom + 1) whole += 1
    }
    return [whole, area / (innerWidth * innerHeight)]
}"""
BELOW = "document.querySelector('.feed').getBoundingClientRect().bottom - 1.1 * innerHeight"
SHIFT = """() => new Promise(done => {
    let sum = 0
    new PerformanceObserver(list => list.getEntries().forEach(entry => {
        if (!entry.hadRecentInput) sum += entry.value
    }))
        .observe({type: "layout-shift", buffered: true})
    setTimeout(() => done(sum), 200)
})"""


@dataclass(frozen=True)
class ScreenFigures:
    """Whole pictures and covered share of the screen: of the first screen, and as a mean. `shift`: layout shift."""

    first_pictures: int
    first_share: float
    pictures: float
    share: float
    shift: float


def fill(data: GalleryData, pictures: int) -> None:
    """Publish pictures of many shapes."""
    for number in range(pictures):
        width, height = SHAPES[number % len(SHAPES)]
        creation_id = data.publish(pictures=0, prompt=f"{PROMPT} {number}", likes=number % 3)
        data.picture(creation_id, width=width, height=height, color=("teal", "navy", "olive")[number % 3])


def measure_screens(page: "Page", path: str = "/", screens: int = NUMBER_OF_SCREENS) -> ScreenFigures:
    """Scroll down a feed in steps of eight tenths of a screen."""
    page.goto(path, wait_until="load")
    figures = []
    for step in range(screens):
        page.evaluate("step => scrollTo(0, step * 0.8 * innerHeight)", step)
        # Older pictures load while one scrolls, a few times; then the feed ends in a link.
        try:
            wait_until(lambda: page.evaluate(BELOW) > 0, "no more pictures", within=3)
        except AssertionError:
            break
        figures.append(page.evaluate(COUNT))
    wholes, shares = zip(*figures, strict=True)
    first = wholes[0], shares[0]
    return ScreenFigures(*first, statistics.mean(wholes), statistics.mean(shares), page.evaluate(SHIFT))


def clicks_to_remix(page: "Page") -> int:
    """Return the clicks from a card to a posted remix."""
    page.goto("/", wait_until="load")
    card = page.locator(".card").nth(2)
    card.hover()
    card.locator("[data-action=remix]").click()
    with page.expect_response(lambda response: response.request.method == "POST") as posted:
        page.get_by_role("dialog", name="Composer").get_by_role("button", name="Paint", exact=True).click()
    assert posted.value.url.endswith("/paint")
    assert posted.value.ok
    return 2


def keys_to_next_picture(page: "Page") -> int | None:
    """Return the keys from one picture to the next; None if more than three do not lead there."""
    page.goto("/", wait_until="load")
    page.locator(".card .label__title a").nth(2).click()
    page.wait_for_url(re.compile(r"/c/\d+"))
    before = page.url
    for keys in range(1, 4):
        page.keyboard.press("ArrowRight")
        with suppress(AssertionError):
            wait_until(lambda: page.url != before, "the same picture", within=3)
            return keys
    return None


def milliseconds_to_filled_heart(page: "Page") -> float:
    """Return the time from a tap to the filled heart, with 400 ms to the server and back."""
    page.goto("/", wait_until="load")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    milliseconds: float = page.evaluate(
        """() => new Promise(done => {
            const heart = document.querySelector(".card__like[aria-pressed=false]")
            const start = performance.now()
            new MutationObserver(() => requestAnimationFrame(() => done(performance.now() - start)))
                .observe(heart, {attributes: true})
            heart.click()
        })"""
    )
    return milliseconds
