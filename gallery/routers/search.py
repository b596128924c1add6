"""The search page."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.responses import Response

from core.text import clean, clip
from gallery.queries.run_query import run_query
from gallery.queries.search import search_creations
from gallery.routers.feeds import FeedPage
from gallery.services.likes import liked_among
from gallery.views.pagination import PAGE_SIZE
from gallery.web.dependencies import CurrentUserDep, CursorDep, EngineDep
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
    request: Request, words: SearchWords, after: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """Show creations by the words of their prompts."""
    if words:
        await enforce_rate_limit(request, "search")
    result = await run_query(engine, search_creations, words, limit=PAGE_SIZE, after=after)
    viewer_id = user.person.id if user.person else None
    ids = [creation.id for creation in result.page.creations]
    liked = await run_query(engine, liked_among, viewer_id, ids)
    feed = FeedPage("/search", result.page, after is None, urlencode({"q": words}) if words else "")
    return await render_page(
        request, "search.html", words=words, result=result, liked=liked, feed=feed, page=result.page
    )
