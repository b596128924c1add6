"""The search page."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.responses import Response

from core.text import clean, clip
from gallery.queries.run_query import run_query
from gallery.queries.search import search_creations
from gallery.queries.unmuted import load_unmuted
from gallery.routers.feeds import FeedPage
from gallery.services.likes import liked_among
from gallery.views.creations import Page
from gallery.views.pagination import PAGE_SIZE, decode_cursor
from gallery.web.dependencies import CurrentUserDep, CursorDep, EngineDep, MutesDep
from gallery.web.pages import page_router, render_page
from gallery.web.rate_limits import enforce_rate_limit

router = page_router()
MAX_LENGTH = 300


def get_search_words(q: str = "") -> str:
    """Return the words to search for: one line of at most MAX_LENGTH characters."""
    return clip(clean(q[: 10 * MAX_LENGTH]), MAX_LENGTH)


SearchWords = Annotated[str, Depends(get_search_words)]


@router.get("/search")
async def search(
    request: Request, words: SearchWords, after: CursorDep, user: CurrentUserDep, engine: EngineDep, mutes: MutesDep
) -> Response:
    """Show creations by the words of their prompts."""
    if words:
        await enforce_rate_limit(request, "search")
    result = await run_query(engine, search_creations, words, limit=PAGE_SIZE, after=after)

    async def load(cursor: str | None) -> Page:
        if cursor is None or (after is not None and cursor == str(after)):
            return result.page
        more = await run_query(engine, search_creations, words, limit=PAGE_SIZE, after=decode_cursor(cursor))
        return more.page

    page = await load_unmuted(load, mutes, cursor=str(after) if after else None, limit=PAGE_SIZE)
    viewer_id = user.person.id if user.person else None
    ids = [creation.id for creation in page.creations]
    liked = await run_query(engine, liked_among, viewer_id, ids)
    feed = FeedPage("/search", page, after is None, urlencode({"q": words}) if words else "")
    return await render_page(request, "search.html", words=words, result=result, liked=liked, feed=feed, page=page)
