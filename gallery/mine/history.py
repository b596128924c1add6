"""The page of a member's prompts: looked through, painted again by one press, remixed, copied. Knows no SQL."""

import secrets
from functools import partial
from urllib.parse import urlencode

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.text import clean
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import PAGE_SIZE, after_in
from gallery.labels import counted
from gallery.limits import within_limits
from gallery.mine.prompts import LONGEST_QUESTION, MOST_READ, prompts_of
from gallery.signing.visitor import member_of

PROMPTS = "/me/prompts"


async def prompts(request: Request) -> Response:
    """Own prompts, each once; with `?q=` those that have these words."""
    member, after = await member_of(request), after_in(request.query_params)
    asked = clean(request.query_params.get("q", ""))[:LONGEST_QUESTION].strip()
    await within_limits(request, "search")
    question = partial(prompts_of, house_of(request).engine, member.id, asked=asked, limit=PAGE_SIZE, after=after)
    found = await run_in_threadpool(question)
    path = f"{PROMPTS}?{urlencode({'q': asked})}" if asked else PROMPTS
    return await draw(
        request,
        "history.html",
        found=found,
        asked=asked,
        total=counted(found.total, MOST_READ, one="prompt", many="prompts"),
        path=path,
        older=f"{path}{'&' if asked else '?'}cursor={found.older}" if found.older else "",
        once=secrets.token_urlsafe(12),
        is_first=after is None,
        longest=LONGEST_QUESTION,
    )
