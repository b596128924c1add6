"""Hostile text in a real Chromium: as prompt, name, comment, title of a board and words searched for it is text.

The browser is told to ignore the Content-Security-Policy: what got past the escaping would run. A page of hostile
words must be built of the very elements of the same page with plain ones.
"""

import csv
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from core.database import open_database, reading, transaction
from core.models import Board, Comment, creations
from core.text import clean
from gallery.keyset import After
from gallery.signing import logins
from tests.support.browsing import running_browser, window
from tests.support.servers import serving

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
    const can = name => name !== "tabindex"  // long titles scroll, and can be reached
    return {
        built: all.map(each => [each.localName, ...each.getAttributeNames().filter(can)].join(" ")),
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
# One each of so many; all of the words stand in comments.
CARDS, PEOPLE, BOARDS, SEARCHES = 72, 6, 24, 12


@pytest.fixture(scope="module")
def browser(chromium):
    with running_browser(chromium) as browser:
        yield browser


@dataclass
class Words:
    """What a site is filled with: each a field of its own, but for comments, which hold many together."""

    comments: list[str]
    each: list[str]

    def plain(self):
        """As many fields, without anything in them that could do harm."""
        return Words([PLAIN] * len(self.comments), [PLAIN] * len(self.each))


class Looker:
    """Opens pages without protection, and remembers what no page should do."""

    def __init__(self, browser, address, login):
        context = window(browser, address, login=login, bypass_csp=True)
        context.route("**/*", self._route)
        self.page, self.address, self.complaints = context.new_page(), address, []
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))

    def _route(self, route):
        """Pages and scripts come; pictures and styles would only take time."""
        if not route.request.url.startswith((self.address, "data:")):
            self.complaints.append(route.request.url)
        return route.continue_() if route.request.resource_type in ("document", "script", "fetch") else route.abort()

    def look(self, path, text):
        """What the page is built of; the text stands on it, as it is."""
        assert self.page.goto(path, wait_until="load").status == 200, path
        seen = self.page.evaluate(BUILT)
        assert seen["bad"] == [], path
        assert squeezed(text) in squeezed(seen["text"]), path
        assert self.complaints == [], path
        return seen["built"]


def squeezed(text):
    """Without white space and what cannot be seen: pages fold the one, and the other is no text."""
    return "".join(c for c in clean(text) if not c.isspace() and c.isprintable())


def packed(texts, limit):
    """The same texts, as many together as fit into one field, a line each."""
    together = [""]
    for text in (clean(text)[:limit] for text in texts):
        if len(together[-1]) + len(text) + 1 > limit:
            together.append("")
        together[-1] += f"{text}\n"
    return together


def built_pages(browser, site, wall, words):
    """Fill a site with the words and look at its pages: of what each is built."""
    pages = fill(wall, words)
    login = logins.begin(wall.engine, 9000, browser="a test").value
    with serving(site(engine=wall.engine).app) as address:
        looker = Looker(browser, address, login)
        return [(path, looker.look(path, text)) for path, text in pages]


def fill(wall, words):
    """Put them everywhere. Returns the addresses of pages, each with a text that stands there."""
    for number, text in enumerate(words.each):
        wall.person(f"h{number}", clean(text)[:200], id=9000 + number)
    pages = []
    for number in range(0, len(words.comments), ROOTS):
        some = words.comments[number : number + ROOTS]
        creation_id = wall.hang(prompt=some[0], person_id=9000)
        say(wall.engine, creation_id, some)
        pages += [(f"/c/{creation_id}", text) for text in (some[0], some[-1])]
    for number, text in enumerate(words.each[:CARDS]):
        wall.hang(prompt=clean(text), person_id=9000 + number)
    pages += [("/", ""), *((f"/?cursor={cursor(wall, number)}", "") for number in range(24, CARDS, 24))]
    pages += [(f"/@h{number}", clean(text)[:50]) for number, text in enumerate(words.each[:PEOPLE])]
    pages += board_pages(wall.engine, words.each[:BOARDS])
    searches = [*words.each[:SEARCHES], "nowhere to be found"]
    return pages + [(f"/search?q={quote(clean(text))}", text) for text in searches]


def cursor(wall, number):
    """Where the wall goes on after so many of the newest."""
    newest_first = (creations.c.shown_at.desc(), creations.c.id.desc())
    with reading(wall.engine) as connection:
        wanted = select(creations.c.shown_at, creations.c.id).order_by(*newest_first).offset(number - 1).limit(1)
        return After(*connection.execute(wanted).one())


def say(engine, creation_id, texts):
    """A comment for each of the texts, each by somebody else."""
    with transaction(engine) as session:
        session.add_all(
            Comment(creation_id=creation_id, person_id=9000 + number, text=text, created_at=NOON)
            for number, text in enumerate(texts)
        )
        session.execute(update(creations).where(creations.c.id == creation_id).values(comments=len(texts)))


def board_pages(engine, texts):
    titles = [clean(text)[:80] for text in texts]
    with transaction(engine) as session:
        session.add_all(
            Board(person_id=9000, name=f"board{number}", title=title, about=title, created_at=NOON, changed_at=NOON)
            for number, title in enumerate(titles)
        )
    return [("/me/boards", titles[0]), *((f"/b/board{number}", title) for number, title in enumerate(titles[:8]))]


def assert_text_everywhere(browser, site, wall, migrated, tmp_path, texts):
    spread = texts[:: max(1, len(texts) // CARDS)][:CARDS]
    words = Words(packed(texts, COMMENT), (spread * CARDS)[:CARDS])
    shutil.copy(migrated, tmp_path / "plain.db")
    plain = type(wall)(open_database(f"sqlite:///{tmp_path / 'plain.db'}"), wall.storage)
    expected = built_pages(browser, site, plain, words.plain())
    plain.engine.dispose()
    built = built_pages(browser, site, wall, words)
    kinds = {each for _, as_plain in expected for each in as_plain}
    for (path, of), (_, as_plain) in zip(built, expected, strict=True):
        if path.startswith("/search"):
            # What is found differs; what it is made of does not.
            assert set(of) <= kinds, path
        else:
            assert of == as_plain, (path, difference(of, as_plain))


def difference(built, expected):
    """What is there too much, and what is missing."""
    here, there = Counter(built), Counter(expected)
    return here - there, there - here


def test_hostile_words_of_our_own_are_text(browser, site, wall, migrated, tmp_path):
    assert_text_everywhere(browser, site, wall, migrated, tmp_path, OWN)


def test_the_naughty_strings_are_text(browser, site, wall, migrated, tmp_path, material):
    naughty = json.loads((material / "web-blns/blns.json").read_text(encoding="utf-8"))
    assert_text_everywhere(browser, site, wall, migrated, tmp_path, [text for text in naughty if squeezed(text)])


def test_known_script_injections_are_text(browser, site, wall, migrated, tmp_path, material):
    with (material / "halves/xss_payloads.tsv").open(encoding="utf-8", newline="") as file:
        payloads = [row["payload"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert_text_everywhere(browser, site, wall, migrated, tmp_path, payloads)
