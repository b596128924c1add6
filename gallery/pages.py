"""The pages people see. A page: ask one question, return a template with a named context. Knows no SQL."""

from functools import partial

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from core.clock import now
from gallery import labels, queries
from gallery.house import draw, house_of
from gallery.keyset import After, read_cursor
from gallery.problems import Unreadable
from gallery.shown import Page, PersonShown

# Whole rows on two, three and four columns; the first page hangs one more, large, above them.
PAGE_SIZE = 24


async def wall(request: Request) -> Response:
    """The newest creations."""
    after = _after(request)
    limit = PAGE_SIZE if after else PAGE_SIZE + 1
    page = await queries.ask(house_of(request).engine, partial(queries.newest, limit=limit, after=after))
    return draw(request, "wall.html", page=page, is_first=after is None)


async def creation(request: Request) -> Response:
    """One creation: its pictures and label, or what it waits for, or why there is none."""
    creation_id = _number(request.path_params["creation_id"])
    shown = await queries.ask(house_of(request).engine, partial(queries.one_creation, creation_id=creation_id))
    if shown is None:
        raise HTTPException(404)
    if shown.deleted_at:
        raise HTTPException(410)
    wait = await house_of(request).waits.of(shown)
    if shown.pictures:
        return draw(request, "creation.html", creation=shown, wait=wait)
    refresh = shown.refresh_seconds(now()) if shown.is_under_way else None
    return draw(request, "unpainted.html", creation=shown, refresh=refresh, wait=wait)


async def person(request: Request) -> Response:
    """One person's creations."""
    handle, after = str(request.path_params["handle"]), _after(request)

    def question(connection: Connection) -> tuple[PersonShown, Page, int] | None:
        who = queries.person_called(connection, handle)
        if who is None:
            return None
        page = queries.newest(connection, limit=PAGE_SIZE, after=after, person_id=who.id)
        return who, page, queries.total_of(connection, who.id)

    found = await queries.ask(house_of(request).engine, question)
    if found is None:
        raise HTTPException(404)
    who, page, total = found
    words = labels.counted(total, queries.TOTAL_LIMIT, one="creation", many="creations")
    return draw(request, "person.html", person=who, page=page, total=words, is_first=after is None)


async def favicon(request: Request) -> Response:
    """Where browsers look on their own; the pages link to the versioned one."""
    return RedirectResponse(house_of(request).drawing.static["mark.svg"].path, status_code=307)


def _number(text: str) -> int:
    """The id in an address; 0, which nobody has, for what is none. Python itself refuses to read 5,000 digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _after(request: Request) -> After | None:
    cursor = request.query_params.get("cursor")
    if not cursor:
        return None
    after = read_cursor(cursor)
    if after is None:
        raise Unreadable("cursor", "this is no cursor of this site: leave it out to begin with the newest")
    return after
