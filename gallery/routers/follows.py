"""Follow and unfollow a user, and list followers and followed users."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gallery.queries.profiles import Profile
from gallery.queries.run_query import run_query
from gallery.queries.user_list import UserPage
from gallery.services import follows
from gallery.views.creations import UserView
from gallery.views.formatting import format_followers
from gallery.views.pagination import Cursor
from gallery.web.dependencies import CurrentUserDep, CursorDep, EngineDep, MemberDep
from gallery.web.forms import FormModel, form_response, parse_form
from gallery.web.lookups import ProfileDep, UserDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import CurrentUser

router = page_router()
PAGE_SIZE = 50

FollowFormDep = Annotated[FormModel, Depends(parse_form(FormModel, limit="follow"))]


@router.post("/@{handle}/follow")
async def follow(
    request: Request, member: MemberDep, form: FollowFormDep, followed: UserDep, engine: EngineDep
) -> Response:
    """Follow a user."""
    if followed.id == member.id:
        raise HTTPException(403)
    count = await run_in_threadpool(follows.follow, engine, member.id, followed.id)
    return _follow_response(request, form, followed, count, is_following=True)


@router.post("/@{handle}/unfollow")
async def unfollow(
    request: Request, member: MemberDep, form: FollowFormDep, followed: UserDep, engine: EngineDep
) -> Response:
    """Unfollow a user."""
    count = await run_in_threadpool(follows.unfollow, engine, member.id, followed.id)
    return _follow_response(request, form, followed, count, is_following=False)


@router.get("/@{handle}/followers")
async def followers_page(
    request: Request, profile: ProfileDep, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """List the users who follow a user."""
    load = partial(follows.followers_of, person_id=profile.person.id, limit=PAGE_SIZE, after=cursor)
    return await _render_list(request, engine, profile, cursor, user, load, "followers")


@router.get("/@{handle}/following")
async def following_page(
    request: Request, profile: ProfileDep, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """List the users whom a user follows."""
    load = partial(follows.followed_by, person_id=profile.person.id, limit=PAGE_SIZE, after=cursor)
    return await _render_list(request, engine, profile, cursor, user, load, "following")


async def _render_list(
    request: Request,
    engine: Engine,
    profile: Profile,
    cursor: Cursor | None,
    user: CurrentUser,
    load: Callable[[Connection], UserPage],
    tab: str,
) -> Response:
    def load_with_follows(connection: Connection) -> tuple[UserPage, set[int]]:
        page = load(connection)
        return page, follows.followed_among(connection, user.person.id if user.person else None, page.ids)

    page, followed = await run_query(engine, load_with_follows)
    return await render_page(
        request,
        "followers.html",
        profile=profile,
        which=tab,
        users=page,
        followed=followed,
        path=f"{profile.person.path}/{tab}",
        is_first=cursor is None,
    )


def _follow_response(
    request: Request, form: FormModel, followed: UserView, count: int, *, is_following: bool
) -> Response:
    facts = {"on": is_following, "count": count, "words": format_followers(count), "path": followed.path}
    return form_response(request, form, followed.path, **facts)
