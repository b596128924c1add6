"""Hostile text in a real Chromium: as prompt, name, comment, title of a board and words searched for it is text.

The browser is told to ignore the Content-Security-Policy: what got past the escaping would run. A page of hostile
words must be built of the very elements of the same page with plain ones.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Dialog, Request
from sqlalchemy import Engine, select, update

from core.database import read_connection, write_session
from core.models import Board, Comment, creations
from core.text import clean
from gallery.views.pagination import Cursor
from gallery.web import sessions
from tests.support.browser import close_windows, visit, window
from tests.support.databases import SqliteTemplate
from tests.support.gallery_data import GalleryData
from tests.support.site_client import Serve, SiteClient

pytestmark = pytest.mark.browser

OWN = [
    "<script>document.title='broken'</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title></textarea></noscript></template></script><script>alert(1)</script>",
    "{{ 7*7 }}{% for x in y %}",
    "javascript:alert(1)",
    "<!-- --!><b>",
    "&lt;script&gt;&#60;b&#62;",
    "\u202egnirts desrever\u202c",
    "a\x00b\x08c\x1b[31m",
    "https://evil.example/ www.evil.example @ada #tag",
    "../../etc/passwd",
    "%3Cscript%3E%00%ff",
    '" autofocus onfocus=alert(1) x="',
    "`${alert(1)}`",
]
# Everything there is, without the words; and what no page may have.
BUILT = """() => {
    const all = [...document.querySelectorAll("*")]
    // How many words and pictures there are to see next differs, and whether a feed has loaded its second page.
    const differs = ".explore, .pages, .feed > .card:nth-child(n+25)"
    const fixed = all.filter(each => each !== document.documentElement && !each.closest(differs))
    const can = name => name !== "tabindex"  // long titles scroll, and can be reached
    return {
        built: fixed.map(each => [each.localName, ...each.getAttributeNames().filter(can)].join(" ")),
        bad: all.flatMap(each => [...each.attributes]
            .filter(one => one.name.startsWith("on") || /^\\s*javascript:/i.test(one.value))
            .filter(one => !["value", "alt", "title", "content", "placeholder", "aria-label"].includes(one.name))
            .map(one => `${each.localName} ${one.name}=${one.value}`)),
        text: document.body.textContent + [...document.querySelectorAll("input, textarea")].map(one => one.value),
    }
}"""
PLAIN = "a plain word"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COMMENT, ROOTS = 1000, 30
# At most so many of each; all of the words stand in comments.
CARDS, PEOPLE, BOARDS, SEARCHES = 72, 6, 24, 12


@dataclass(frozen=True)
class Shown:
    """A page and what it shows. Pages of one kind have the same elements if their texts are harmless."""

    path: str
    texts: tuple[str, ...]
    kind: str


@dataclass
class Words:
    """The texts that a site is filled with. `each`: one per field; `comments`: many in one comment."""

    comments: list[str]
    each: list[str]

    def plain(self) -> Any:
        """Return as many harmless texts."""
        return Words([PLAIN] * len(self.comments), [PLAIN] * len(self.each))


class Looker:
    """Open pages without a content security policy, and collect dialogs and requests to other sites.

    Pictures and styles are not loaded, to save time.
    """

    def __init__(self, browser: Browser, address: str, login: Any) -> None:
        context = window(browser, address, login=login, bypass_csp=True)
        self.page, self.address = context.new_page(), address
        # Chromium blocks these by itself. Playwright's routes would also delay every other request.
        context.new_cdp_session(self.page).send("Network.setBlockedURLs", {"urls": ["*.css", "*/pictures/*"]})
        self.complaints: list[str] = []
        self.page.on("dialog", self._dismiss)
        self.page.on("request", self._note)

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(request.url)

    def look(self, shown: Shown) -> Any:
        """Return the elements of the page, which shows the texts unchanged."""
        path = shown.path
        assert visit(self.page, path).status == 200, path
        seen = self.page.evaluate(BUILT)
        assert seen["bad"] == [], path
        visible = squeezed(seen["text"])
        for text in shown.texts:
            assert squeezed(text) in visible, path
        assert self.complaints == [], path
        return seen["built"]


def squeezed(text: str) -> str:
    """Return the text without white space and invisible characters."""
    return "".join(c for c in clean(text) if not c.isspace() and c.isprintable())


def packed(texts: Any, limit: Any) -> Any:
    """Join the texts, one per line, up to the limit of one field."""
    together = [""]
    for text in (clean(text)[:limit] for text in texts):
        if len(together[-1]) + len(text) + 1 > limit:
            together.append("")
        together[-1] += f"{text}\n"
    return together


def fill(gallery_data: GalleryData, words: Words) -> list[Shown]:
    """Use the words in every field. Return the pages that show them."""
    for number, text in enumerate(words.each):
        gallery_data.person(f"h{number}", clean(text)[:200], id=9000 + number)
    pages = [commented(gallery_data, some) for some in batched(words.comments, ROOTS)]
    for number, text in enumerate(words.each):
        gallery_data.publish(prompt=clean(text), person_id=9000 + number)
    pages += [Shown("/", (), "feed")]
    pages += [
        Shown(f"/?cursor={cursor(gallery_data, number)}", (), f"feed after {number}")
        for number in range(24, len(words.each), 24)
    ]
    pages += [
        Shown(f"/@h{number}", (clean(text)[:50],), "person" if number else "person with all")
        for number, text in enumerate(words.each[:PEOPLE])
    ]
    pages += board_pages(gallery_data.engine, words.each[:BOARDS])
    searches = [*words.each[:SEARCHES], "nowhere to be found"]
    return pages + [Shown(f"/search?q={quote(clean(text))}", (text,), f"search for {text}") for text in searches]


def batched(texts: list[str], size: int) -> list[list[str]]:
    return [texts[number : number + size] for number in range(0, len(texts), size)]


def commented(gallery_data: GalleryData, texts: list[str]) -> Shown:
    """Publish a creation with a comment for each text."""
    creation_id = gallery_data.publish(prompt=texts[0], person_id=9000)
    say(gallery_data.engine, creation_id, texts)
    return Shown(f"/c/{creation_id}", tuple(texts), f"creation {min(creation_id, 2)} with {len(texts)} comments")


def cursor(gallery_data: GalleryData, number: int) -> Any:
    """Return the cursor of the feed after this many creations."""
    newest_first = (creations.c.published_at.desc(), creations.c.id.desc())
    with read_connection(gallery_data.engine) as connection:
        wanted = select(creations.c.published_at, creations.c.id).order_by(*newest_first).offset(number - 1).limit(1)
        return Cursor(*connection.execute(wanted).one())


def say(engine: Engine, creation_id: int, texts: Any) -> None:
    """Add a comment for each text, each by another user."""
    with write_session(engine) as session:
        session.add_all(
            Comment(creation_id=creation_id, person_id=9000 + number, text=text, created_at=NOON)
            for number, text in enumerate(texts)
        )
        session.execute(update(creations).where(creations.c.id == creation_id).values(comments=len(texts)))


def board_pages(engine: Engine, texts: list[str]) -> list[Shown]:
    titles = [clean(text)[:80] for text in texts]
    with write_session(engine) as session:
        session.add_all(
            Board(person_id=9000, name=f"board{number}", title=title, about=title, created_at=NOON, changed_at=NOON)
            for number, title in enumerate(titles)
        )
    boards = [Shown(f"/b/board{number}", (title,), "board") for number, title in enumerate(titles[:8])]
    return [Shown("/me/boards", (titles[0],), "boards"), *boards]


@dataclass(frozen=True)
class Sites:
    """Two empty sites: one for hostile words, and one for harmless words."""

    browser: Browser
    hostile: GalleryData
    plain: GalleryData
    serve: Callable[[GalleryData], str]

    def assert_text_everywhere(self, texts: Any) -> None:
        """Fill both sites. Assert that hostile words are shown as text, by the elements that show harmless words."""
        words = Words(packed(texts, COMMENT), texts[:: max(1, len(texts) // CARDS)][:CARDS])
        one_of_each = {shown.kind: shown for shown in reversed(fill(self.plain, words.plain()))}
        expected = {shown.kind: of for shown, of in self._build(self.plain, list(one_of_each.values()))}
        elements = {each for as_plain in expected.values() for each in as_plain}
        for shown, of in self._build(self.hostile, fill(self.hostile, words)):
            if shown.path.startswith("/search"):
                # What is found differs; what it is made of does not.
                assert set(of) <= elements, shown.path
            else:
                as_plain = expected[shown.kind]
                assert of == as_plain, (shown.path, difference(of, as_plain))

    def _build(self, gallery_data: GalleryData, pages: list[Shown]) -> list[tuple[Shown, Any]]:
        """Open the pages of a filled site. Return each with its elements."""
        login = sessions.create(gallery_data.engine, 9000, browser="a test").value
        looker = Looker(self.browser, self.serve(gallery_data), login)
        built = [(shown, looker.look(shown)) for shown in pages]
        close_windows(self.browser)
        return built


@pytest.fixture
def sites(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    migrated_template: SqliteTemplate,
    tmp_path: Path,
) -> Iterator[Sites]:
    (tmp_path / "plain").mkdir()
    with migrated_template.open_copy(tmp_path / "plain") as engine:
        plain = GalleryData(engine, gallery_data.storage)
        yield Sites(browser, gallery_data, plain, lambda filled: serve_in_browser(site(engine=filled.engine)))


def difference(built: Any, expected: Any) -> Any:
    """Return surplus and missing elements."""
    here, there = Counter(built), Counter(expected)
    return here - there, there - here


def test_own_hostile_text_is_escaped(sites: Sites) -> None:
    sites.assert_text_everywhere(OWN)


def test_naughty_strings_are_escaped(sites: Sites, material: Path) -> None:
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    sites.assert_text_everywhere([text for text in naughty if squeezed(text)])


def test_known_script_injections_are_escaped(sites: Sites, material: Path) -> None:
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    sites.assert_text_everywhere(payloads)
