"""Show a member's prompts: search them, run them again, remix or copy them."""

import secrets
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from core.text import clean
from gallery.queries.prompt_history import MAX_QUERY_LENGTH, MAX_ROWS, search_prompts
from gallery.views.formatting import format_prompts
from gallery.views.pagination import PAGE_SIZE
from gallery.web.dependencies import CursorDep, EngineDep, MemberDep
from gallery.web.forms import wants_json
from gallery.web.pages import page_router, render_page
from gallery.web.rate_limits import enforce_rate_limit

router = page_router()
PROMPTS_PATH = "/me/prompts"
NO_STORE = {"Cache-Control": "no-store"}


@router.get(PROMPTS_PATH)
async def prompts_page(
    request: Request,
    member: MemberDep,
    cursor: CursorDep,
    engine: EngineDep,
    q: Annotated[str, Query()] = "",
) -> Response:
    """Show own prompts, each once; with `q` only those that contain all its words. The composer gets them as JSON."""
    query = clean(q)[:MAX_QUERY_LENGTH].strip()
    await enforce_rate_limit(request, "search")
    page = await run_in_threadpool(search_prompts, engine, member.id, query=query, limit=PAGE_SIZE, after=cursor)
    if wants_json(request):
        return JSONResponse({"prompts": [prompt.latest.prompt for prompt in page.prompts]}, headers=NO_STORE)
    path = f"{PROMPTS_PATH}?{urlencode({'q': query})}" if query else PROMPTS_PATH
    return await render_page(
        request,
        "history.html",
        page=page,
        query=query,
        total=format_prompts(page.total, MAX_ROWS),
        path=path,
        older=f"{path}{'&' if query else '?'}cursor={page.older}" if page.older else "",
        idempotency_key=secrets.token_urlsafe(12),
        is_first=cursor is None,
        max_length=MAX_QUERY_LENGTH,
    )
