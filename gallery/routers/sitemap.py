"""The sitemap: an index, and files of at most 5,000 addresses each, cached for a few minutes.

A file of creations is a range of ids, so its cost does not depend on how many there are. A site without a public URL
has no sitemap: its entries have to be absolute.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from time import monotonic
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, HTTPException, Path, Request
from sqlalchemy import ColumnElement, Connection, Select, func, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.database import read_connection
from core.models import boards, creations, people
from gallery.views.pagination import MAX_ID
from gallery.views.xml import format_rfc3339
from gallery.web.conditional import conditional_response
from gallery.web.context import AppContext, get_context
from gallery.web.pages import page_router
from gallery.web.rate_limits import rate_limit

router = page_router()
PAGES_PER_FILE = 5_000
CACHE_SECONDS = 300
MAX_CACHED = 12
CACHE = f"public, max-age={CACHE_SECONDS}"
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MIME = "application/xml; charset=utf-8"

FileNumber = Annotated[int, Path(ge=0, le=MAX_ID // PAGES_PER_FILE - 1)]
LastPersonId = Annotated[int, Path(ge=0, le=MAX_ID)]
# A path, and when its page changed.
Entry = tuple[str, datetime | None]


@dataclass(frozen=True)
class Sitemap:
    """One generated file; None if it would be empty."""

    body: bytes | None
    expires_at: float


class SitemapCache:
    """The files that this process generated in the last minutes."""

    def __init__(self) -> None:
        self._files: dict[str, Sitemap] = {}

    async def get(self, name: str, generate: Callable[[], bytes | None]) -> bytes | None:
        """Return a file, generated in a thread unless it is cached; None if it is empty."""
        file = self._files.get(name)
        if file is None or file.expires_at < monotonic():
            file = Sitemap(await run_in_threadpool(generate), monotonic() + CACHE_SECONDS)
            self._files.pop(name, None)
            if file.body is None:  # not cached: names of empty files would push out the others
                return None
            while len(self._files) >= MAX_CACHED:
                self._files.pop(next(iter(self._files)), None)
            self._files[name] = file
        return file.body


limited = [Depends(rate_limit("api"))]


@router.get("/sitemap.xml", dependencies=limited)
async def index(request: Request) -> Response:
    """List the files."""
    return await _send(request, "index", _file_entries)


@router.get("/sitemap/pages.xml", dependencies=limited)
async def pages_file(request: Request) -> Response:
    """List the pages that every site has."""
    return await _send(request, "pages", lambda _connection: [("/", None), ("/top", None), ("/api", None)])


@router.get("/sitemap/creations-{number}.xml", dependencies=limited)
async def creations_file(request: Request, number: FileNumber) -> Response:
    """List the public creations of one range of ids."""
    return await _send(request, f"creations-{number}", partial(_creation_entries, number=number))


@router.get("/sitemap/boards-{number}.xml", dependencies=limited)
async def boards_file(request: Request, number: FileNumber) -> Response:
    """List the public boards of one range of ids."""
    return await _send(request, f"boards-{number}", partial(_board_entries, number=number))


@router.get("/sitemap/people-{after}.xml", dependencies=limited)
async def people_file(request: Request, after: LastPersonId) -> Response:
    """List the people after an id."""
    return await _send(request, f"people-{after}", partial(_people_entries, after=after))


async def _send(request: Request, name: str, load_entries: Callable[[Connection], Iterable[Entry]]) -> Response:
    context = get_context(request)
    cache: SitemapCache = request.app.state.sitemap
    if not context.public_url:
        raise HTTPException(404)
    body = await cache.get(name, partial(_generate, context, name, load_entries))
    if body is None:
        raise HTTPException(404)
    return conditional_response(request, body, MIME, cache=CACHE)


def _generate(context: AppContext, name: str, load_entries: Callable[[Connection], Iterable[Entry]]) -> bytes | None:
    # As text: a tree of elements takes ten times as long.
    with read_connection(context.engine) as connection:
        entries = list(load_entries(connection))
    outer, inner = ("sitemapindex", "sitemap") if name == "index" else ("urlset", "url")
    lines = [f'<?xml version="1.0" encoding="utf-8"?>\n<{outer} xmlns="{NAMESPACE}">']
    for path, changed_at in entries:
        lastmod = f"<lastmod>{format_rfc3339(changed_at)}</lastmod>" if changed_at else ""
        lines.append(f"<{inner}><loc>{escape(context.address(path))}</loc>{lastmod}</{inner}>")
    return "\n".join([*lines, f"</{outer}>"]).encode() if entries else None


def _file_entries(connection: Connection) -> Iterable[Entry]:
    """Yield the files that are not empty. A million creations cost two hundred index lookups."""
    yield "/sitemap/pages.xml", None
    for number in range((connection.execute(select(func.max(boards.c.id))).scalar_one() or -1) // PAGES_PER_FILE + 1):
        latest = _boards_stmt(number).with_only_columns(func.max(boards.c.changed_at))
        if changed_at := connection.execute(latest).scalar_one():
            yield f"/sitemap/boards-{number}.xml", changed_at
    highest = connection.execute(select(func.max(creations.c.id))).scalar_one() or -1
    for number in range(highest // PAGES_PER_FILE + 1):
        newest = select(creations.c.published_at).where(
            _in_file(creations.c.id, number), creations.c.published_at.is_not(None)
        )
        published_at = connection.execute(newest.order_by(creations.c.id.desc()).limit(1)).scalar_one_or_none()
        if published_at:
            yield f"/sitemap/creations-{number}.xml", published_at
    after: int | None = 0
    while after is not None:
        if connection.execute(_people_stmt(after).limit(1)).first():
            yield f"/sitemap/people-{after}.xml", None
        following = select(people.c.id).where(people.c.id > after).order_by(people.c.id).offset(PAGES_PER_FILE).limit(1)
        next_id = connection.execute(following).scalar_one_or_none()
        after = next_id - 1 if next_id else None


def _creation_entries(connection: Connection, *, number: int) -> Iterable[Entry]:
    in_file = _in_file(creations.c.id, number)
    stmt = select(creations.c.id, creations.c.published_at).where(in_file, creations.c.published_at.is_not(None))
    for row in connection.execute(stmt.order_by(creations.c.id)):
        yield f"/c/{row.id}", row.published_at


def _people_entries(connection: Connection, *, after: int) -> Iterable[Entry]:
    for row in connection.execute(_people_stmt(after)):
        yield f"/@{quote(row.username)}", row.published_at


def _people_stmt(after: int) -> Select[str, datetime]:
    """Select those of the next people after an id who have a public creation, and when the newest one became public."""
    in_file = select(people).where(people.c.id > after).order_by(people.c.id).limit(PAGES_PER_FILE).subquery()
    newest = (
        select(creations.c.published_at)
        .where(creations.c.person_id == in_file.c.id, creations.c.published_at.is_not(None))
        .order_by(creations.c.published_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    stmt = select(in_file.c.username, newest.label("published_at"))
    return stmt.where(in_file.c.hidden_at.is_(None), newest.is_not(None)).order_by(in_file.c.id)


def _board_entries(connection: Connection, *, number: int) -> Iterable[Entry]:
    for row in connection.execute(_boards_stmt(number).order_by(boards.c.id)):
        yield f"/b/{row.name}", row.changed_at


def _boards_stmt(number: int) -> Select[str, datetime]:
    return (
        select(boards.c.name, boards.c.changed_at)
        .join_from(boards, people, people.c.id == boards.c.person_id)
        .where(_in_file(boards.c.id, number), boards.c.public, boards.c.size > 0)
        .where(people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    )


def _in_file(id_column: ColumnElement[int], number: int) -> ColumnElement[bool]:
    return id_column.between(number * PAGES_PER_FILE + 1, (number + 1) * PAGES_PER_FILE)
