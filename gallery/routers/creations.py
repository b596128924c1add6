"""The pages of one creation: its pictures with comments and remix tree, or its progress; and its remixes."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import HTTPException, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import now
from core.mutes import Mutes
from core.scheduling.eta import Eta
from gallery.queries import creations
from gallery.queries.boards import BoardChoice, list_choices
from gallery.queries.comments import Thread, load_thread
from gallery.queries.remix_tree import RemixTree, load_remix_tree
from gallery.queries.run_query import run_query
from gallery.queries.unmuted import without_muted
from gallery.routers.neighbors import OriginDep
from gallery.services.likes import liked_among
from gallery.views.creations import CreationView, Page
from gallery.views.pagination import PAGE_SIZE, Cursor
from gallery.web.current_user import mark_no_store
from gallery.web.dependencies import ContextDep, CreationId, CurrentUserDep, CursorDep, EngineDep, MutesDep
from gallery.web.lookups import VisibleCreationDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import CurrentUser

router = page_router()


@dataclass(frozen=True, slots=True)
class CreationPage:
    """What the page of a creation shows. Without pictures only `creation` is loaded."""

    creation: CreationView
    tree: RemixTree | None = None
    thread: Thread | None = None
    liked: bool = False
    boards: list[BoardChoice] | None = None


@router.get("/c/{creation_id}")
async def creation(
    request: Request,
    creation_id: CreationId,
    context: ContextDep,
    user: CurrentUserDep,
    origin: OriginDep,
    mutes: MutesDep,
    show: Annotated[str, Query(description="1: show sensitive pictures")] = "",
) -> Response:
    """Show a creation in any state."""
    viewer_id = user.person.id if user.person else None
    page = await run_query(context.engine, _load_page, creation_id, viewer_id, mutes)
    if page is None:
        raise HTTPException(404)
    if page.creation.deleted_at:
        raise HTTPException(410)
    is_own = user.owns(page.creation.person.id)
    if is_own and not page.creation.is_public:
        mark_no_store(request)
    eta = await context.eta_cache.for_creation(page.creation)
    if not page.creation.pictures:
        return await _pending_page(request, page.creation, eta, is_own=is_own)
    return await render_page(
        request,
        "creation.html",
        creation=page.creation,
        tree=page.tree,
        thread=page.thread,
        liked=page.liked,
        boards=page.boards,
        idempotency_key=secrets.token_urlsafe(9),
        eta=eta,
        is_blurred=show != "1" and is_blurred_for(page.creation, user),
        is_own=is_own,
        origin=origin,
    )


@router.get("/c/{creation_id}/remixes")
async def remixes(
    request: Request,
    shown: VisibleCreationDep,
    after: CursorDep,
    user: CurrentUserDep,
    engine: EngineDep,
    mutes: MutesDep,
    of: Annotated[str, Query(description="siblings: the other remixes of its parent")] = "",
) -> Response:
    """List the remixes of a creation, or those of its parent."""
    parent_id = shown.parent_id if of == "siblings" else shown.id
    viewer_id = user.person.id if user.person else None
    page, liked = await run_query(engine, _load_remixes, parent_id, viewer_id, after)
    page = Page(without_muted(page.creations, mutes), page.older)
    return await render_page(
        request,
        "remixes.html",
        creation=shown,
        page=page,
        liked=liked,
        of_siblings=of == "siblings",
        is_first=after is None,
    )


def is_blurred_for(shown: CreationView, user: CurrentUser) -> bool:
    """Return whether its pictures are blurred: it is sensitive, and the user neither made it nor chose to see it."""
    return shown.sensitive and not user.show_sensitive and not user.owns(shown.person.id)


def _load_page(connection: Connection, creation_id: int, viewer_id: int | None, mutes: Mutes) -> CreationPage | None:
    shown = creations.find_creation(connection, creation_id, viewer_id=viewer_id)
    if shown is None:
        return None
    if not shown.pictures:
        return CreationPage(shown)
    liked = bool(liked_among(connection, viewer_id, [shown.id]))
    boards = list_choices(connection, viewer_id, shown.id) if viewer_id and shown.is_public else None
    # The count excludes deleted comments: without others there is nothing to load.
    thread = load_thread(connection, shown.id, mutes=mutes) if shown.comments else Thread([])
    return CreationPage(shown, load_remix_tree(connection, shown), thread, liked, boards)


def _load_remixes(
    connection: Connection, parent_id: int | None, viewer_id: int | None, after: Cursor | None
) -> tuple[Page, set[int]]:
    if parent_id is None:
        return Page([], None), set()
    page = creations.list_newest(connection, limit=PAGE_SIZE, after=after, parent_id=parent_id)
    return page, liked_among(connection, viewer_id, [remix.id for remix in page.creations])


async def _pending_page(request: Request, shown: CreationView, eta: Eta | None, *, is_own: bool) -> Response:
    """Show a creation without pictures: how long it waits, or why there are none."""
    refresh = shown.refresh_seconds(now()) if shown.is_pending else None
    return await render_page(request, "unpainted.html", creation=shown, refresh=refresh, is_own=is_own, eta=eta)
