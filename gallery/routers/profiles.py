"""Show a user's page: their creations, or the creations they like."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import HTTPException, Request
from sqlalchemy import Connection, Engine
from starlette.responses import Response

from gallery.queries import creations
from gallery.queries.profiles import Profile, find_profile
from gallery.queries.run_query import run_query
from gallery.services import follows, likes
from gallery.views.creations import Page
from gallery.views.pagination import PAGE_SIZE, Cursor
from gallery.web.current_user import get_mutes
from gallery.web.dependencies import CurrentUserDep, CursorDep, EngineDep, MutesDep
from gallery.web.lookups import ProfileDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import CurrentUser

router = page_router()


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """A user's page as the current user sees it: which creations they like, and whether they follow the user."""

    profile: Profile
    page: Page
    liked: set[int]
    is_following: bool


@router.get("/@{handle}")
async def profile_page(
    request: Request, handle: str, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """Show a user's public creations."""

    def load_page(connection: Connection, person_id: int) -> Page:
        return creations.list_newest(connection, limit=PAGE_SIZE, after=cursor, person_id=person_id)

    return await _render_profile(request, engine, handle, cursor, user, load_page, tab="")


@router.get("/@{handle}/card")
async def person_card(
    request: Request, profile: ProfileDep, user: CurrentUserDep, engine: EngineDep, mutes: MutesDep
) -> Response:
    """Return a part of a page that says who a user is, to show beside their name."""
    viewer_id = user.person.id if user.person else None
    followed = await run_query(engine, follows.followed_among, viewer_id, [profile.person.id])
    response = await render_page(
        request,
        "_person_card.html",
        profile=profile,
        person=profile.person,
        following=bool(followed),
        is_muted=profile.person.id in mutes.people,
    )
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@router.get("/@{handle}/likes")
async def liked_page(
    request: Request, handle: str, cursor: CursorDep, user: CurrentUserDep, engine: EngineDep
) -> Response:
    """Show the creations that a user likes."""

    def load_page(connection: Connection, person_id: int) -> Page:
        return likes.liked_by(connection, person_id, limit=PAGE_SIZE, after=cursor)

    return await _render_profile(request, engine, handle, cursor, user, load_page, tab="/likes")


async def _render_profile(
    request: Request,
    engine: Engine,
    handle: str,
    cursor: Cursor | None,
    user: CurrentUser,
    load_page: Callable[[Connection, int], Page],
    *,
    tab: str,
) -> Response:
    viewer_id = user.person.id if user.person else None

    def load(connection: Connection) -> ProfilePage | None:
        profile = find_profile(connection, handle)
        if profile is None:
            return None
        page = load_page(connection, profile.person.id)
        liked = likes.liked_among(connection, viewer_id, [creation.id for creation in page.creations])
        followed = follows.followed_among(connection, viewer_id, [profile.person.id])
        return ProfilePage(profile, page, liked, bool(followed))

    shown = await run_query(engine, load)
    if shown is None:
        raise HTTPException(404)
    return await render_page(
        request,
        "person.html",
        profile=shown.profile,
        person=shown.profile.person,
        total=shown.profile.total,
        page=shown.page,
        liked=shown.liked,
        following=shown.is_following,
        is_muted=shown.profile.person.id in (await get_mutes(request)).people,
        tab=tab,
        path=shown.profile.person.path + tab,
        is_first=cursor is None,
    )
