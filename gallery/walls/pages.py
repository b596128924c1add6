"""The pages of the walls. A page: ask one question, return a template with a named context. Knows no SQL."""

from functools import partial

from fastapi import Request
from starlette.responses import Response

from gallery import queries
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import after_in

# Whole rows on two, three and four columns; the first page hangs one more, large, above them.
PAGE_SIZE = 24


async def newest(request: Request) -> Response:
    """The newest creations."""
    after = after_in(request.query_params)
    limit = PAGE_SIZE if after else PAGE_SIZE + 1
    page = await queries.ask(house_of(request).engine, partial(queries.newest, limit=limit, after=after))
    return await draw(request, "wall.html", page=page, is_first=after is None)
