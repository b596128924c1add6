"""The JSON API under /api: what the pages show, for programs. Read-only.

Responses are the same for everyone, except the following feed, which belongs to the signed-in member.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.datastructures import Default
from fastapi.routing import APIRoute
from sqlalchemy import Connection, Engine

from core.text import clean
from gallery.queries import boards, creations
from gallery.queries.comments import load_thread
from gallery.queries.following_feed import list_followed
from gallery.queries.profiles import find_profile
from gallery.queries.run_query import run_query
from gallery.queries.search import search_creations
from gallery.queries.top import TopFeed
from gallery.routers.api_responses import (
    board_json,
    comment_json,
    creation_json,
    creations_response,
    eta_json,
    page_links,
    profile_json,
)
from gallery.views.api_schemas import (
    BoardJson,
    BoardsJson,
    CommentsJson,
    CreationsJson,
    CreationWithEtaJson,
    ProblemJson,
    ProfileJson,
)
from gallery.views.creations import Page, UserView
from gallery.views.pagination import Cursor, InvalidParameter, decode_cursor
from gallery.views.top_cursor import parse_top_cursor
from gallery.web.conditional import with_etag
from gallery.web.dependencies import ContextDep, EngineDep, MemberDep
from gallery.web.rate_limits import rate_limit

# Increase the minor version when a field or parameter changes.
API_VERSION = "1.1.0"
HandlerT = TypeVar("HandlerT", bound=Callable[..., Coroutine[None, None, Mapping[str, object] | Response]])
FROM_ANNOTATION = Default(None)
# As FastAPI declares them.
Responses = dict[int | str, dict[str, Any]]


class ConditionalRoute(APIRoute):
    """A route whose responses have an ETag. It answers 304 if the client has the response already."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()

        async def handle_conditionally(request: Request) -> Response:
            return with_etag(request, await handle(request))

        return handle_conditionally


def _problem(description: str) -> dict[str, object]:
    return {"model": ProblemJson, "description": description}


PROBLEMS: Responses = {
    304: {"description": "not modified: `If-None-Match` named the current ETag"},
    404: _problem("there is no such thing, or it is not public"),
    410: _problem("it was deleted"),
    422: _problem("a parameter is invalid: `errors` names it"),
    429: _problem("too many requests: `Retry-After` says when to come back"),
}
MEMBERS_ONLY: Responses = {401: _problem("you are not signed in")}
router = APIRouter(
    prefix="/api", dependencies=[Depends(rate_limit("api"))], responses=PROBLEMS, route_class=ConditionalRoute
)


def _get(
    path: str, tag: str, responses: Responses | None = None, *, model: object = FROM_ANNOTATION
) -> Callable[[HandlerT], HandlerT]:
    """Register a handler for GET and HEAD, documented once. `model`: what it returns, if it returns a Response."""

    def register(handler: HandlerT) -> HandlerT:
        router.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)(handler)
        return router.get(path, tags=[tag], responses=responses, response_model=model)(handler)

    return register


CursorParam = Annotated[str, Query(description="`next` of the previous page; empty for the first page", max_length=200)]
Limit = Annotated[int, Query(ge=1, le=100, description="the size of the page")]
CreationId = Annotated[int, Path(description="the number in the address of the creation")]
Period = Literal["day", "week", "month", "all"]


async def _get_cursor(cursor: CursorParam = "") -> Cursor | None:
    position = decode_cursor(cursor) if cursor else None
    if cursor and position is None:
        raise InvalidParameter("cursor", "is not one that this API returned")
    return position


async def _get_user(
    handle: Annotated[str, Path(description="a handle on X, with or without @")], engine: EngineDep
) -> UserView:
    return await _find_user(engine, handle)


After = Annotated[Cursor | None, Depends(_get_cursor)]
UserDep = Annotated[UserView, Depends(_get_user)]


@_get("/creations", "Feeds", model=CreationsJson)
async def list_creations(
    request: Request,
    engine: EngineDep,
    after: After,
    limit: Limit = 30,
    person: Annotated[str, Query(description="only of the person with this handle")] = "",
) -> Response:
    """The newest creations, of everyone or of one person."""
    person_id = (await _find_user(engine, person)).id if person else None
    page = await run_query(engine, creations.list_newest, limit=limit, after=after, person_id=person_id)
    return creations_response(request, page)


@_get("/top", "Feeds", model=CreationsJson)
async def list_top(
    request: Request,
    cursor: CursorParam = "",
    limit: Limit = 30,
    period: Annotated[Period, Query(description="when they became public")] = "week",
    of: Annotated[Period | None, Query(description="the former name of `period`", deprecated=True)] = None,
) -> Response:
    """The most liked creations. It has cursors of its own."""
    top_feed: TopFeed = request.app.state.top
    page = await top_feed.page(of or period, limit=limit, after=parse_top_cursor(request.query_params))
    return creations_response(request, page)


@_get("/following", "Feeds", MEMBERS_ONLY, model=CreationsJson)
async def list_following(
    request: Request, member: MemberDep, engine: EngineDep, after: After, limit: Limit = 30
) -> Response:
    """The newest creations of those whom you follow. It works on this site only, while you are signed in."""
    page = await run_query(engine, list_followed, member.id, limit=limit, after=after)
    return creations_response(request, page, {"Cache-Control": "private, no-store"})


@_get("/search", "Feeds", model=CreationsJson)
async def search(
    request: Request,
    q: Annotated[str, Query(description="words that the prompt contains, in any order", max_length=1000)],
    engine: EngineDep,
    after: After,
    limit: Limit = 30,
) -> Response:
    """Creations by the words of their prompts, newest first; if none has all words, those with words as prefixes.

    A page may be empty and still have a `next` one: common words that rarely meet are searched a part at a time.
    """
    result = await run_query(engine, search_creations, clean(q), limit=limit, after=after)
    return creations_response(request, result.page)


@_get("/creations/{creation_id}", "Creations")
async def get_creation(creation_id: CreationId, context: ContextDep) -> CreationWithEtaJson:
    """One creation in any state. It has pictures only while it is public."""
    creation = await run_query(context.engine, creations.find_creation, creation_id)
    if creation is None:
        raise HTTPException(404)
    if creation.deleted_at:
        raise HTTPException(410)
    eta = await context.eta_cache.for_creation(creation)
    return CreationWithEtaJson(**creation_json(context, creation), eta=eta_json(eta) if eta else None)


@_get("/creations/{creation_id}/comments", "Creations")
async def list_comments(
    request: Request,
    creation_id: CreationId,
    engine: EngineDep,
    cursor: Annotated[str, Query(description="`next` of the previous page", max_length=20)] = "",
) -> CommentsJson:
    """The comments on a creation, oldest first, each followed by its replies."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InvalidParameter("cursor", "is not one that this API returned")
    await _ensure_public(engine, creation_id)
    thread = await run_query(engine, load_thread, creation_id, after=int(cursor or 0))
    next_cursor = str(thread.newer) if thread.newer else None
    items = [comment_json(comment) for comment in thread.comments]
    return CommentsJson(items=items, next=next_cursor, links=page_links(request, next_cursor))


@_get("/creations/{creation_id}/remixes", "Creations", model=CreationsJson)
async def list_remixes(
    request: Request, creation_id: CreationId, engine: EngineDep, after: After, limit: Limit = 30
) -> Response:
    """The remixes of a creation, newest first."""
    await _ensure_public(engine, creation_id)
    page = await run_query(engine, creations.list_newest, limit=limit, after=after, parent_id=creation_id)
    return creations_response(request, page)


@_get("/people/{handle}", "People")
async def get_person(
    handle: Annotated[str, Path(description="a handle on X, with or without @")], context: ContextDep
) -> ProfileJson:
    """One person with their totals."""
    profile = await run_query(context.engine, find_profile, _clean_handle(handle))
    if profile is None:
        raise HTTPException(404)
    return profile_json(context, profile, creations.TOTAL_LIMIT)


@_get("/people/{handle}/creations", "People", model=CreationsJson)
async def list_creations_of_person(
    request: Request, user: UserDep, engine: EngineDep, after: After, limit: Limit = 30
) -> Response:
    """The newest creations of one person."""
    page = await run_query(engine, creations.list_newest, limit=limit, after=after, person_id=user.id)
    return creations_response(request, page)


@_get("/people/{handle}/boards", "Boards")
async def list_boards(
    request: Request, user: UserDep, context: ContextDep, after: After, limit: Limit = 30
) -> BoardsJson:
    """The public boards of one person, last changed first."""
    page = await run_query(context.engine, boards.list_boards, user.id, limit=limit, after=after)
    items = [board_json(context, board) for board in page.boards]
    return BoardsJson(items=items, next=page.older, links=page_links(request, page.older))


BoardName = Annotated[str, Path(description="the last part of its address")]


@_get("/boards/{name}", "Boards")
async def get_board(name: BoardName, context: ContextDep) -> BoardJson:
    """One public board."""
    board = await run_query(context.engine, boards.find_board, name)
    if board is None:
        raise HTTPException(404)
    return board_json(context, board)


@_get("/boards/{name}/creations", "Boards", model=CreationsJson)
async def list_creations_of_board(
    request: Request, name: BoardName, engine: EngineDep, after: After, limit: Limit = 30
) -> Response:
    """The creations on a public board, last added first."""

    def load(connection: Connection) -> Page | None:
        board = boards.find_board(connection, name)
        return boards.list_on_board(connection, board.id, limit=limit, after=after) if board else None

    page = await run_query(engine, load)
    if page is None:
        raise HTTPException(404)
    return creations_response(request, page)


async def _ensure_public(engine: Engine, creation_id: int) -> None:
    creation = await run_query(engine, creations.find_creation, creation_id)
    if creation is None or not creation.is_public:
        raise HTTPException(410 if creation and creation.deleted_at else 404)


async def _find_user(engine: Engine, handle: str) -> UserView:
    user = await run_query(engine, creations.find_user_by_handle, _clean_handle(handle))
    if user is None:
        raise HTTPException(404)
    return user


def _clean_handle(handle: str) -> str:
    return clean(handle).removeprefix("@")
