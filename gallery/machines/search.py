"""The page of a search: a field, and what was found. Knows no SQL."""

from functools import partial
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from core.text import clean, clip
from gallery import queries
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import PAGE_SIZE, after_in
from gallery.limits import within_limits
from gallery.machines import found
from gallery.signing.visitor import visitor_of
from gallery.social import likes
from gallery.walls.pages import Hanging

LONGEST = 300


async def search(request: Request) -> Response:
    """Pictures by the words of their prompts."""
    words, after = words_in(request), after_in(request.query_params)
    if words:
        await within_limits(request, "search")
    house, visitor = house_of(request), await visitor_of(request)
    result = await queries.ask(house.engine, partial(found.find, words=words, limit=PAGE_SIZE, after=after))
    ids = [creation.id for creation in result.page.creations]
    viewer = visitor.person.id if visitor.person else None
    liked = await queries.ask(house.engine, partial(likes.liked_among, person_id=viewer, creation_ids=ids))
    wall = Hanging("/search", result.page, after is None, urlencode({"q": words}) if words else "")
    return await draw(request, "search.html", words=words, result=result, liked=liked, wall=wall, page=result.page)


def words_in(request: Request) -> str:
    """What is searched for: one line of bounded length."""
    return clip(clean(request.query_params.get("q", "")[: 10 * LONGEST]), LONGEST)
