"""The page of one person: their creations and totals. Knows no SQL."""

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from gallery import labels, queries
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import after_in
from gallery.shown import Page, PersonShown
from gallery.walls.pages import PAGE_SIZE


async def person(request: Request) -> Response:
    """One person's creations."""
    handle, after = str(request.path_params["handle"]), after_in(request.query_params)

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
    return await draw(request, "person.html", person=who, page=page, total=words, is_first=after is None)
