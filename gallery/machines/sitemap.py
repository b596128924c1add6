"""The sitemap: an index, and files of at most 5,000 addresses each. Kept for a few minutes; made in a thread.

A file of creations is a range of ids, so making one costs the same however many there are. A site that does not know
its own address has no sitemap: its lines have to be whole addresses.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from time import monotonic
from typing import Any
from urllib.parse import quote

from fastapi import HTTPException, Request
from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.database import reading
from core.models import boards, creations, people
from gallery.house import House, house_of
from gallery.keyset import LARGEST_ID
from gallery.limits import within_limits
from gallery.machines.formats import answer, moment

EACH = 5_000
KEPT_SECONDS = 300
MOST_KEPT = 12
LAST_FILE = LARGEST_ID // EACH - 1
CACHE = f"public, max-age={KEPT_SECONDS}"
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MIME = "application/xml; charset=utf-8"

Line = tuple[str, datetime | None]


@dataclass(frozen=True)
class Made:
    """A file that was made, and until when it is good."""

    body: bytes | None
    until: float


class Kept:
    """The files made lately. What is asked for often is made once in a few minutes."""

    def __init__(self) -> None:
        self._made: dict[str, Made] = {}

    async def get(self, name: str, make: Callable[[], bytes | None]) -> bytes | None:
        """The file of this name, made where there is none or an old one; None where there is nothing in it."""
        made = self._made.get(name)
        if made is None or made.until < monotonic():
            made = Made(await run_in_threadpool(make), monotonic() + KEPT_SECONDS)
            self._made.pop(name, None)
            if made.body is None:  # names of nothing would push out the files that there are
                return None
            while len(self._made) >= MOST_KEPT:
                self._made.pop(next(iter(self._made)), None)
            self._made[name] = made
        return made.body


async def index(request: Request) -> Response:
    """Where the files are."""
    return await _file(request, "index", _files)


async def pages_file(request: Request) -> Response:
    """The pages that are always there."""
    return await _file(request, "pages", lambda _connection: [("/", None), ("/top", None), ("/api", None)])


async def creations_file(request: Request) -> Response:
    """Creations of one range of ids."""
    number = _number(request, LAST_FILE)
    return await _file(request, f"creations-{number}", partial(_creations, number=number))


async def boards_file(request: Request) -> Response:
    """Boards of one range of ids that their owners show to everybody."""
    number = _number(request, LAST_FILE)
    return await _file(request, f"boards-{number}", partial(_boards, number=number))


async def people_file(request: Request) -> Response:
    """People from one id on."""
    after = _number(request, LARGEST_ID)
    return await _file(request, f"people-{after}", partial(_people, after=after))


def _number(request: Request, largest: int) -> int:
    """The number in a file's name. Raises HTTPException 404."""
    text = str(request.path_params["number"])
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= largest):
        raise HTTPException(404)
    return int(text)


async def _file(request: Request, name: str, ask: Callable[[Connection], Iterable[Line]]) -> Response:
    await within_limits(request, "api")
    house, kept = house_of(request), request.app.state.sitemap
    if not house.public_url:
        raise HTTPException(404)
    body = await kept.get(name, partial(_make, house, house.engine, name, ask))
    if body is None:
        raise HTTPException(404)
    return answer(request, body, MIME, cache=CACHE)


def _make(house: House, engine: Engine, name: str, ask: Callable[[Connection], Iterable[Line]]) -> bytes | None:
    """As text, escaped line by line: a tree of elements would take ten times as long."""
    with reading(engine) as connection:
        lines = list(ask(connection))
    outer, inner = ("sitemapindex", "sitemap") if name == "index" else ("urlset", "url")
    parts = [f'<?xml version="1.0" encoding="utf-8"?>\n<{outer} xmlns="{NAMESPACE}">']
    for path, changed in lines:
        lastmod = f"<lastmod>{moment(changed)}</lastmod>" if changed else ""
        parts.append(f"<{inner}><loc>{escape(house.address(path))}</loc>{lastmod}</{inner}>")
    return "\n".join([*parts, f"</{outer}>"]).encode() if lines else None


def _files(connection: Connection) -> Iterable[Line]:
    """Every file that has something in it. A million creations are two hundred steps into an index."""
    yield "/sitemap/pages.xml", None
    for number in range((connection.execute(select(func.max(boards.c.id))).scalar_one() or -1) // EACH + 1):
        if changed := connection.execute(_boards_of(number, func.max(boards.c.changed_at))).scalar_one():
            yield f"/sitemap/boards-{number}.xml", changed
    highest = connection.execute(select(func.max(creations.c.id))).scalar_one() or -1
    for number in range(highest // EACH + 1):
        newest = select(creations.c.shown_at).where(_in_file(creations.c.id, number), creations.c.shown_at.is_not(None))
        shown_at = connection.execute(newest.order_by(creations.c.id.desc()).limit(1)).scalar_one_or_none()
        if shown_at:
            yield f"/sitemap/creations-{number}.xml", shown_at
    after: int | None = 0
    while after is not None:
        if connection.execute(_people_from(after).limit(1)).first():
            yield f"/sitemap/people-{after}.xml", None
        following = select(people.c.id).where(people.c.id > after).order_by(people.c.id).offset(EACH).limit(1)
        beyond = connection.execute(following).scalar_one_or_none()
        after = beyond - 1 if beyond else None


def _creations(connection: Connection, *, number: int) -> Iterable[Line]:
    in_file = _in_file(creations.c.id, number)
    wanted = select(creations.c.id, creations.c.shown_at).where(in_file, creations.c.shown_at.is_not(None))
    for row in connection.execute(wanted.order_by(creations.c.id)):
        yield f"/c/{row.id}", row.shown_at


def _people(connection: Connection, *, after: int) -> Iterable[Line]:
    for row in connection.execute(_people_from(after)):
        yield f"/@{quote(row.username)}", row.shown_at


def _people_from(after: int) -> Select[Any]:
    """Of the so many people after an id those who have something on the wall, and since when the newest of it hangs."""
    some = select(people).where(people.c.id > after).order_by(people.c.id).limit(EACH).subquery()
    newest = (
        select(creations.c.shown_at)
        .where(creations.c.person_id == some.c.id, creations.c.shown_at.is_not(None))
        .order_by(creations.c.shown_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    asked = select(some.c.username, newest.label("shown_at")).where(some.c.hidden_at.is_(None), newest.is_not(None))
    return asked.order_by(some.c.id)


def _boards(connection: Connection, *, number: int) -> Iterable[Line]:
    for row in connection.execute(_boards_of(number, boards.c.name, boards.c.changed_at).order_by(boards.c.id)):
        yield f"/b/{row.name}", row.changed_at


def _boards_of(number: int, *wanted: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*wanted)
        .join_from(boards, people, people.c.id == boards.c.person_id)
        .where(_in_file(boards.c.id, number), boards.c.public, boards.c.size > 0)
        .where(people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    )


def _in_file(its_id: ColumnElement[int], number: int) -> ColumnElement[bool]:
    return its_id.between(number * EACH + 1, (number + 1) * EACH)
