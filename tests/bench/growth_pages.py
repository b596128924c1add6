"""CPU of the web process for a page, in a small and a large gallery: part of `growth.py`.

Each gallery is served by a process of its own, as in production, with one caller. A measurement requests some addresses
that nobody has requested before, then the same addresses again: the first time cards and rows come from the file,
the second time from caches. Galleries take turns; the result is the lowest of the rounds, which other work on the
machine disturbs least.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
from sqlalchemy import select

from core.database import open_database, read_connection
from core.models import creations
from gallery.queries.search import NO_TIME
from gallery.views.pagination import Cursor
from gallery.views.top_cursor import TopCursor
from tests.bench.gallery_rows import Filled
from tests.support.servers import free_port, process, wait_until

# The gallery caches cards and rows of about 10,000 creations: more addresses would compare caches.
ADDRESSES = 60
SEARCHES = {
    "search: common word": "light",
    "search: two words": "fox sunset",
    "search: rare word": "kangaroo",
    "search: rare and common": "kangaroo light",
    "search: unknown word": "zebra",
    "search: never together": "cat fox",
    "search: five, never together": "a cat in the fog",
    "search: prefix of 4": "deta",
    "search: prefix of 8": "lighthou",
    "search: two prefixes": "ca sunse",
}


class Request(NamedTuple):
    """A page to request, anonymously or as a member."""

    path: str
    login: str = ""


class Cpu(NamedTuple):
    """Milliseconds of CPU per request: of addresses that are new, and of the same again."""

    first: float
    again: float


@dataclass
class Gallery:
    """A gallery that is being served."""

    url: str
    served_by: psutil.Process
    filled: Filled
    liked: Sequence[tuple[int, int]]
    chance: random.Random

    def requests(self, kind: str) -> list[Request]:
        """Return some requests of a kind. Kinds with one address have the same request many times."""
        return [self._request(kind) for _ in range(ADDRESSES)]

    def _request(self, kind: str) -> Request:
        """Return one of the requests of a kind, spread over all creations and users, popular users more often."""
        number = self.chance.randrange(1, self.filled.creations + 1)
        cursor = Cursor(self.filled.moment(number), number)
        handle = self.filled.handle(int(self.filled.people * self.chance.random() ** 3))
        login = self.chance.choice(self.filled.logins)
        requests = {
            "feed": Request("/"),
            "feed of a member": Request("/", login),
            "next page": Request(f"/?cursor={cursor}"),
            "creation": Request(f"/c/{number}"),
            "creation of a member": Request(f"/c/{number}", login),
            "profile": Request(f"/@{handle}"),
            "likes of a user": Request(f"/@{handle}/likes"),
            "followers": Request(f"/@{handle}/followers"),
            "following": Request("/following", login),
            "/me": Request("/me", self.filled.logins[0]),
            "/me, waiting": Request("/me?only=waiting", self.filled.logins[0]),
            "notifications": Request("/me/notifications", login),
            "top of all time": Request("/top?period=all"),
            "top, deep": Request(f"/top?period=all&cursor={TopCursor(*self.chance.choice(self.liked))}"),
            "API": Request("/api/creations"),
            "API, next page": Request(f"/api/creations?cursor={cursor}"),
            "API search": Request("/api/search?q=light"),
            "feed.atom": Request("/feed.atom"),
            "search: common, deep": Request(f"/search?q=light&cursor={Cursor(NO_TIME, number)}"),
            "search: two, deep": Request(f"/search?q=fox+sunset&cursor={Cursor(NO_TIME, number)}"),
            **{name: Request(f"/search?q={words.replace(' ', '+')}") for name, words in SEARCHES.items()},
        }
        return requests[kind]


KINDS = (
    "feed", "feed of a member", "next page", "creation", "creation of a member", "profile", "likes of a user",
    "followers", "following", "/me", "/me, waiting", "notifications", "top of all time", "top, deep", "API",
    "API, next page", "API search", "feed.atom", *SEARCHES, "search: common, deep", "search: two, deep",
)  # fmt: skip


@contextmanager
def serve_gallery(folder: Path, filled: Filled) -> Iterator[Gallery]:
    """Serve the database in this folder as the product does."""
    engine = open_database(f"sqlite:///{folder / 'threadpaint.db'}")
    stmt = select(creations.c.likes, creations.c.id).where(creations.c.likes > 0).order_by(creations.c.seed % 997)
    with read_connection(engine) as connection:
        liked = [(row.likes, row.id) for row in connection.execute(stmt.limit(5000))]
    engine.dispose()
    port = free_port()
    environment = {"PATH": "", "DATA_DIR": str(folder), "GALLERY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    with process("-m", "gallery", environment=environment, log=folder / "log") as served_by:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/favicon.ico").status_code, f"see {folder}/log", within=120)
        yield Gallery(url, psutil.Process(served_by.pid), filled, liked, random.Random(filled.creations))


def measure_pages(galleries: Sequence[Gallery], rounds: int) -> Iterator[tuple[str, list[Cpu]]]:
    """Yield the CPU of each kind of page, for each gallery."""
    for kind in KINDS:
        figures: list[list[Cpu]] = [[] for _ in galleries]
        for _ in range(rounds + 1):  # the first round warms up
            for gallery, measured in zip(galleries, figures, strict=True):
                measured.append(_measure(gallery, gallery.requests(kind)))
        yield kind, [_lowest(measured) for _, *measured in figures]


def _lowest(measured: Sequence[Cpu]) -> Cpu:
    return Cpu(min(one.first for one in measured), min(one.again for one in measured))


def _measure(gallery: Gallery, requests: Sequence[Request]) -> Cpu:
    with httpx.Client(base_url=gallery.url) as http:
        return Cpu(_send(gallery, http, requests), _send(gallery, http, requests))


def _send(gallery: Gallery, http: httpx.Client, requests: Sequence[Request]) -> float:
    before = gallery.served_by.cpu_times()
    for request in requests:
        address = f"10.{gallery.chance.randrange(256)}.{gallery.chance.randrange(256)}.{gallery.chance.randrange(256)}"
        headers = {"X-Forwarded-For": address} | ({"Cookie": f"login={request.login}"} if request.login else {})
        response = http.get(request.path, headers=headers)
        assert response.status_code == 200, f"{request.path}: {response.status_code}"
    after = gallery.served_by.cpu_times()
    return 1000 * (after.user + after.system - before.user - before.system) / len(requests)
