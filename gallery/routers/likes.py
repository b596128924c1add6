"""Like and unlike a creation, and list the users who like it."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gallery.queries.run_query import run_query
from gallery.queries.user_list import UserPage
from gallery.services import follows, likes
from gallery.views.formatting import format_likes
from gallery.web.dependencies import CreationId, CurrentUserDep, CursorDep, EngineDep, MemberDep
from gallery.web.forms import FormModel, form_response, parse_form
from gallery.web.lookups import PublicCreationDep, get_creation_or_404
from gallery.web.pages import page_router, render_page

router = page_router()
PAGE_SIZE = 50

LikeFormDep = Annotated[FormModel, Depends(parse_form(FormModel, limit="like"))]


@router.post("/c/{creation_id}/like")
async def like(
    request: Request, member: MemberDep, form: LikeFormDep, creation_id: CreationId, engine: EngineDep
) -> Response:
    """Like a public creation."""
    count = await run_in_threadpool(likes.like, engine, member.id, creation_id)
    return await _like_response(request, form, engine, creation_id, count, is_liked=True)


@router.post("/c/{creation_id}/unlike")
async def unlike(
    request: Request, member: MemberDep, form: LikeFormDep, creation_id: CreationId, engine: EngineDep
) -> Response:
    """Take a like back."""
    count = await run_in_threadpool(likes.unlike, engine, member.id, creation_id)
    return await _like_response(request, form, engine, creation_id, count, is_liked=False)


@router.get("/c/{creation_id}/likes")
async def likers_page(
    request: Request, creation: PublicCreationDep, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """List the users who like a creation."""

    def load(connection: Connection) -> tuple[UserPage, set[int]]:
        page = likes.likers(connection, creation.id, limit=PAGE_SIZE, after=cursor)
        return page, follows.followed_among(connection, user.person.id if user.person else None, page.ids)

    page, followed = await run_query(engine, load)
    return await render_page(
        request,
        "likers.html",
        creation=creation,
        users=page,
        followed=followed,
        path=f"{creation.path}/likes",
        is_first=cursor is None,
    )


async def _like_response(
    request: Request, form: FormModel, engine: Engine, creation_id: int, count: int | None, *, is_liked: bool
) -> Response:
    """Answer with the new number of likes. Raises HTTPException: 404, or 410 if the creation was deleted."""
    if count is None:
        await get_creation_or_404(creation_id, engine)
        raise HTTPException(404)
    path = f"/c/{creation_id}"
    return form_response(request, form, path, on=is_liked, count=count, words=format_likes(count), path=path)
