"""Declare what a handler needs as typed parameters.

    router = page_router()                                  # gallery/web/pages.py

    class CommentForm(FormModel):                           # every form has `next` and `token`
        text: str = ""
        parent: FormId = 0

    @router.post("/c/{creation_id}/comments")
    async def add_comment(
        request: Request,
        member: MemberDep,                                  # everybody else is sent to the sign-in
        form: Annotated[CommentForm, Depends(parse_form(CommentForm, limit="comment"))],
        creation_id: CreationId,                            # 404 if it is no id
        engine: EngineDep,
    ) -> Response:
        ...
        return form_response(request, form, f"/c/{creation_id}", id=comment_id)

    @router.get("/search", dependencies=[Depends(rate_limit("search"))])
    async def search(request: Request, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep) -> Response:
        return await render_page(request, "search.html", ...)

FastAPI resolves dependencies in the order of the parameters, route dependencies first; path and query parameters are
checked after all of them. A form therefore comes after `MemberDep`: an anonymous user is sent to the sign-in, and the
form is never read. FastAPI's own `Form()` reads the body before any dependency and cannot guard it; `parse_form` can.
"""

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import BeforeValidator
from sqlalchemy import Engine

from core.mutes import Mutes
from gallery.views.pagination import Cursor, parse_cursor, parse_id
from gallery.web.context import AppContext, get_context
from gallery.web.current_user import get_current_user, get_mutes, require_member
from gallery.web.users import CurrentUser, Member


# FastAPI runs plain functions in a thread: these are coroutines to stay in the event loop.
async def _context(request: Request) -> AppContext:
    return get_context(request)


async def _engine(request: Request) -> Engine:
    return get_context(request).engine


async def _cursor(request: Request) -> Cursor | None:
    return parse_cursor(request.query_params)


def _path_id(text: str) -> int:
    if not (number := parse_id(text)):
        raise ValueError("is no id")
    return number


ContextDep = Annotated[AppContext, Depends(_context)]
EngineDep = Annotated[Engine, Depends(_engine)]
CurrentUserDep = Annotated[CurrentUser, Depends(get_current_user)]
# What the current user does not want to see.
MutesDep = Annotated[Mutes, Depends(get_mutes)]
MemberDep = Annotated[Member, Depends(require_member)]
# Where the page goes on; None for the first page.
CursorDep = Annotated[Cursor | None, Depends(_cursor)]

# 404 if the path names no id.
PathId = Annotated[int, BeforeValidator(_path_id), Path()]
CreationId = PathId
CommentId = PathId
# 0 if the query names no id: `after: QueryId = 0`.
QueryId = Annotated[int, BeforeValidator(parse_id), Query()]
