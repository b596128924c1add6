"""Walk from one creation to another: to its neighbors in a feed, to more by its author, to a random one."""

from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from gallery.queries import neighbors
from gallery.queries.run_query import run_query
from gallery.queries.top import PERIODS, TopFeed
from gallery.views.creations import CreationView
from gallery.views.origins import DEFAULT_PERIOD, NEWEST, Origin, OriginKind, parse_origin
from gallery.views.pagination import parse_id
from gallery.web.dependencies import CurrentUserDep, EngineDep
from gallery.web.forms import split_url
from gallery.web.lookups import PublicCreationDep, VisibleCreationDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import CurrentUser

router = page_router()
MAX_AROUND = 8
# Each time another creation.
NO_STORE = {"Cache-Control": "no-store"}


async def get_origin(
    request: Request, path: Annotated[str, Query(alias="in", description="address of the feed")] = ""
) -> Origin:
    """Return the feed by which the user came: as the address says, else the page that they came from."""
    if path:
        return parse_origin(path)
    referer = split_url(request.headers.get("referer", ""))
    if not referer.netloc or referer.netloc != request.headers.get("host"):
        return NEWEST
    return parse_origin(f"{referer.path}?{referer.query}")


OriginDep = Annotated[Origin, Depends(get_origin)]


@router.get("/c/{creation_id}/next")
async def next_creation(
    request: Request, shown: VisibleCreationDep, origin: OriginDep, user: CurrentUserDep
) -> Response:
    """Redirect to the next creation of the feed, which is older or has fewer likes."""
    return await _walk(request, shown, origin, user, is_next=True)


@router.get("/c/{creation_id}/previous")
async def previous_creation(
    request: Request, shown: VisibleCreationDep, origin: OriginDep, user: CurrentUserDep
) -> Response:
    """Redirect to the previous creation of the feed."""
    return await _walk(request, shown, origin, user, is_next=False)


@router.get("/c/{creation_id}/around")
async def around(request: Request, shown: PublicCreationDep, engine: EngineDep) -> Response:
    """Return a part of a page: small pictures of what the author made shortly before and after."""
    others = await run_query(engine, neighbors.list_around, shown, limit=MAX_AROUND)
    return await render_page(request, "around.html", creation=shown, others=others)


@router.get("/random")
async def random_creation(request: Request, engine: EngineDep) -> Response:
    """Redirect to a random public creation that is not sensitive; to the newest ones if there is none."""
    came_from = split_url(request.headers.get("referer", "")).path
    excluded_id = parse_id(came_from.removeprefix("/c/"))
    creation_id = await run_query(engine, neighbors.pick_random, excluded_id=excluded_id)
    return RedirectResponse(f"/c/{creation_id}" if creation_id else "/", 303, NO_STORE)


@router.get("/shortcuts")
async def shortcuts(request: Request) -> Response:
    """List the keyboard shortcuts. The scripts show the page as a dialog."""
    return await render_page(request, "shortcuts.html")


async def _walk(request: Request, shown: CreationView, origin: Origin, user: CurrentUser, *, is_next: bool) -> Response:
    """Redirect to a neighbor; at the end of the feed, say so."""
    neighbor_id = await _find_neighbor(request, shown, origin, user, is_next=is_next)
    if neighbor_id is not None:
        return RedirectResponse(f"/c/{neighbor_id}{origin.query}", 303, NO_STORE)
    return await render_page(request, "end_of_feed.html", creation=shown, origin=origin, is_next=is_next)


async def _find_neighbor(
    request: Request, shown: CreationView, origin: Origin, user: CurrentUser, *, is_next: bool
) -> int | None:
    if origin.kind == OriginKind.TOP:
        top: TopFeed = request.app.state.top
        period = origin.value if origin.value in PERIODS else DEFAULT_PERIOD
        return await top.find_neighbor(period, shown.likes, shown.id, is_next=is_next)
    engine = request.app.state.context.engine
    viewer_id = user.person.id if user.person else None
    return await run_query(engine, neighbors.find_neighbor, shown, origin, is_next=is_next, viewer_id=viewer_id)
