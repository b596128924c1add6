"""Walk from one creation to another: to its neighbors in a feed, to more by its author, to a random one."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy import Engine
from starlette.responses import RedirectResponse, Response

from core.mutes import Mutes
from gallery.queries import creations, neighbors
from gallery.queries.run_query import run_query
from gallery.queries.top import PERIODS, TopFeed
from gallery.queries.unmuted import without_muted
from gallery.views.creations import CreationView
from gallery.views.origins import DEFAULT_PERIOD, NEWEST, Origin, OriginKind, parse_origin
from gallery.views.pagination import parse_id
from gallery.web.context import get_context
from gallery.web.dependencies import CurrentUserDep, EngineDep, MutesDep
from gallery.web.forms import split_url
from gallery.web.lookups import PublicCreationDep, VisibleCreationDep
from gallery.web.pages import page_router, render_page

router = page_router()
MAX_AROUND = 8
# Muted creations that are passed over, one after the other.
MAX_MUTED = 20
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


@dataclass(frozen=True, slots=True)
class Walk:
    """How the current user walks: through which feed, and without what."""

    request: Request
    origin: Origin
    viewer_id: int | None
    mutes: Mutes

    @property
    def engine(self) -> Engine:
        """Return the database of the site."""
        return get_context(self.request).engine


async def get_walk(request: Request, origin: OriginDep, user: CurrentUserDep, mutes: MutesDep) -> Walk:
    """Return how the current user walks."""
    return Walk(request, origin, user.person.id if user.person else None, mutes)


WalkDep = Annotated[Walk, Depends(get_walk)]


@router.get("/c/{creation_id}/next")
async def next_creation(shown: VisibleCreationDep, walk: WalkDep) -> Response:
    """Redirect to the next creation of the feed, which is older or has fewer likes."""
    return await _redirect_to_neighbor(shown, walk, is_next=True)


@router.get("/c/{creation_id}/previous")
async def previous_creation(shown: VisibleCreationDep, walk: WalkDep) -> Response:
    """Redirect to the previous creation of the feed."""
    return await _redirect_to_neighbor(shown, walk, is_next=False)


@router.get("/c/{creation_id}/around")
async def around(request: Request, shown: PublicCreationDep, engine: EngineDep, mutes: MutesDep) -> Response:
    """Return a part of a page: small pictures of what the author made shortly before and after."""
    others = await run_query(engine, neighbors.list_around, shown, limit=MAX_AROUND)
    return await render_page(request, "around.html", creation=shown, others=without_muted(others, mutes))


@router.get("/random")
async def random_creation(request: Request, engine: EngineDep, mutes: MutesDep) -> Response:
    """Redirect to a random public creation that is not sensitive or muted; to the newest ones if there is none."""
    came_from = split_url(request.headers.get("referer", "")).path
    excluded_id = parse_id(came_from.removeprefix("/c/"))
    for _ in range(MAX_MUTED):
        creation_id = await run_query(engine, neighbors.pick_random, excluded_id=excluded_id)
        if creation_id is None:
            break
        if await _load_if_muted(engine, creation_id, mutes) is None:
            return RedirectResponse(f"/c/{creation_id}", 303, NO_STORE)
    return RedirectResponse("/", 303, NO_STORE)


@router.get("/shortcuts")
async def shortcuts(request: Request) -> Response:
    """List the keyboard shortcuts. The scripts show the page as a dialog."""
    return await render_page(request, "shortcuts.html")


async def _redirect_to_neighbor(shown: CreationView, walk: Walk, *, is_next: bool) -> Response:
    """Redirect to a neighbor that is not muted; at the end of the feed, say so."""
    here = shown
    for _ in range(MAX_MUTED):
        neighbor_id = await _find_neighbor(here, walk, is_next=is_next)
        if neighbor_id is None:
            break
        muted = await _load_if_muted(walk.engine, neighbor_id, walk.mutes)
        if muted is None:
            return RedirectResponse(f"/c/{neighbor_id}{walk.origin.query}", 303, NO_STORE)
        here = muted
    return await render_page(walk.request, "end_of_feed.html", creation=shown, origin=walk.origin, is_next=is_next)


async def _find_neighbor(here: CreationView, walk: Walk, *, is_next: bool) -> int | None:
    origin = walk.origin
    if origin.kind == OriginKind.TOP:
        top: TopFeed = walk.request.app.state.top
        period = origin.value if origin.value in PERIODS else DEFAULT_PERIOD
        return await top.find_neighbor(period, here.likes, here.id, is_next=is_next)
    viewer_id = walk.viewer_id
    return await run_query(walk.engine, neighbors.find_neighbor, here, origin, is_next=is_next, viewer_id=viewer_id)


async def _load_if_muted(engine: Engine, creation_id: int, mutes: Mutes) -> CreationView | None:
    if not mutes:
        return None
    views = await run_query(engine, creations.list_by_ids, [creation_id])
    return None if without_muted(views, mutes) else next(iter(views), None)
