"""The JSON of the site, under /api: the same creations as the pages, for machines. Knows no SQL and no template.

Only to read, and the same for everybody; but for the wall of those one follows, which is a member's own. To paint,
like or say something one needs the site: a key for programs is none of its business.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection

from core.text import clean
from gallery import queries
from gallery.house import House, house_of
from gallery.keyset import After, read_cursor
from gallery.limits import within_limits
from gallery.machines import answers, found
from gallery.machines.answers import (
    BoardJson,
    BoardsJson,
    CommentsJson,
    CreationsJson,
    Links,
    ProblemJson,
    ProfileJson,
    WaitingCreationJson,
)
from gallery.machines.formats import unless_known
from gallery.mine import boards
from gallery.shown import Page
from gallery.signing.visitor import member_of
from gallery.social.comments import thread_of
from gallery.social.profiles import profile_called
from gallery.unreadable import Unreadable
from gallery.walls.following import followed
from gallery.walls.place import place_in
from gallery.walls.top import Top


async def counted(request: Request) -> None:
    """Ten questions a second are fine."""
    await within_limits(request, "api")


class Known(APIRoute):
    """Answers 304 to whoever has the same already: what nobody liked or said anything of since is not sent again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As usual, and then the ETag."""
        ask = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return unless_known(request, await ask(request))

        return handle


def problem(words: str) -> dict[str, Any]:
    """How the document describes what an answer may be instead."""
    return {"model": ProblemJson, "description": words}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    304: {"description": "you have it already: `If-None-Match` named its ETag"},
    404: problem("there is no such thing, or it is not shown"),
    410: problem("it was taken back"),
    422: problem("the address cannot be read; `errors` says where"),
    429: problem("too many questions; `Retry-After` says when to come back"),
}
MEMBERS: dict[int | str, dict[str, Any]] = {401: problem("you are not signed in")}
api = APIRouter(prefix="/api", dependencies=[Depends(counted)], responses=PROBLEMS, route_class=Known)

Cursor = Annotated[str, Query(description="`next` of the page before; empty for the first page", max_length=200)]
Limit = Annotated[int, Query(ge=1, le=100, description="how many on a page")]
CreationId = Annotated[int, Path(description="the number in a creation's address")]
Handle = Annotated[str, Path(description="a handle on X, with or without @")]
BoardName = Annotated[str, Path(description="the last part of its address")]
Ask = Callable[[Connection, int, After | None], Page | None]


def get(path: str, tag: str, more: dict[int | str, dict[str, Any]] | None = None) -> Callable[[Any], Any]:
    """A page of the API, for GET and for HEAD, which asks for the same without its body; described as one."""

    def route(function: Any) -> Any:
        api.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)(function)
        return api.get(path, tags=[tag], responses=more)(function)

    return route


@get("/creations", "Walls")
async def list_creations(
    request: Request,
    cursor: Cursor = "",
    limit: Limit = 30,
    person: Annotated[str, Query(description="only of the person with this handle")] = "",
) -> CreationsJson:
    """The newest pictures on the wall, of everybody or of one person."""
    if person:
        return await _persons(request, person, cursor, limit)
    return await _creations(request, cursor, limit, lambda c, n, after: queries.newest(c, limit=n, after=after))


@get("/top", "Walls")
async def list_top(
    request: Request,
    cursor: Cursor = "",
    limit: Limit = 30,
    of: Annotated[Literal["day", "week", "month", "all"], Query(description="of which time")] = "week",
) -> CreationsJson:
    """The pictures that are liked most. Its cursors are its own."""
    best: Top = request.app.state.top
    page = await best.page(of, limit=limit, after=place_in(request.query_params))
    return _page(request, page)


@get("/following", "Walls", MEMBERS)
async def list_following(request: Request, response: Response, cursor: Cursor = "", limit: Limit = 30) -> CreationsJson:
    """The newest pictures of those whom you follow: on this site itself, signed in; 401 elsewhere."""
    member = await member_of(request)
    response.headers["Cache-Control"] = "private, no-store"
    ask = partial(followed, person_id=member.id)
    return await _creations(request, cursor, limit, lambda c, n, after: ask(c, limit=n, after=after))


@get("/search", "Walls")
async def search(
    request: Request,
    q: Annotated[str, Query(description="words that the prompt has to have, in any order", max_length=1000)],
    cursor: Cursor = "",
    limit: Limit = 30,
) -> CreationsJson:
    """Pictures by the words of their prompts, newest first; where none has them all, those with words that begin so."""
    words = clean(q)
    return await _creations(request, cursor, limit, lambda c, n, after: found.find(c, words, limit=n, after=after).page)


@get("/creations/{creation_id}", "Creations")
async def get_creation(request: Request, creation_id: CreationId) -> WaitingCreationJson:
    """One creation in whatever state; its pictures only while it is visible."""
    house = house_of(request)
    shown = await queries.ask(house.engine, partial(queries.one_creation, creation_id=creation_id))
    if shown is None:
        raise HTTPException(404)
    if shown.deleted_at:
        raise HTTPException(410)
    wait = await house.waits.of(shown)
    return WaitingCreationJson(**dict(answers.creation(house, shown)), wait=answers.wait(wait) if wait else None)


@get("/creations/{creation_id}/comments", "Creations")
async def list_comments(
    request: Request,
    creation_id: CreationId,
    cursor: Annotated[str, Query(description="`next` of the page before", max_length=20)] = "",
) -> CommentsJson:
    """What people say of a creation, oldest first, each comment with its answers after it."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Unreadable("cursor", "is not one that this API gave out")
    await _require_shown(request, creation_id)
    thread = partial(thread_of, creation_id=creation_id, after=int(cursor or 0))
    page = await queries.ask(house_of(request).engine, thread)
    following = str(page.newer) if page.newer else None
    items = [answers.comment(one) for one in page.comments]
    return CommentsJson(items=items, next=following, links=_links(request, following))


@get("/creations/{creation_id}/remixes", "Creations")
async def list_remixes(
    request: Request, creation_id: CreationId, cursor: Cursor = "", limit: Limit = 30
) -> CreationsJson:
    """What was made from a creation, newest first."""
    await _require_shown(request, creation_id)
    ask = partial(queries.newest, parent_id=creation_id)
    return await _creations(request, cursor, limit, lambda c, n, after: ask(c, limit=n, after=after))


@get("/people/{handle}", "People")
async def get_person(request: Request, handle: Handle) -> ProfileJson:
    """One person with their totals."""
    house = house_of(request)
    shown = await queries.ask(house.engine, partial(profile_called, handle=_handle(handle)))
    if shown is None:
        raise HTTPException(404)
    return answers.profile(house, shown, queries.TOTAL_LIMIT)


@get("/people/{handle}/creations", "People")
async def list_persons(request: Request, handle: Handle, cursor: Cursor = "", limit: Limit = 30) -> CreationsJson:
    """The newest pictures of one person."""
    return await _persons(request, handle, cursor, limit)


@get("/people/{handle}/boards", "Boards")
async def list_boards(request: Request, handle: Handle, cursor: Cursor = "", limit: Limit = 30) -> BoardsJson:
    """The boards that somebody shows to everybody, changed last first."""
    house, after = house_of(request), _after(cursor)

    def ask(connection: Connection) -> boards.Shelf | None:
        who = queries.person_called(connection, _handle(handle))
        return boards.boards_of(connection, who.id, limit=limit, after=after) if who else None

    shelf = await queries.ask(house.engine, ask)
    if shelf is None:
        raise HTTPException(404)
    items = [answers.board(house, board) for board in shelf.boards]
    return BoardsJson(items=items, next=shelf.older, links=_links(request, shelf.older))


@get("/boards/{name}", "Boards")
async def get_board(request: Request, name: BoardName) -> BoardJson:
    """A board that its owner shows to everybody."""
    house = house_of(request)
    board = await queries.ask(house.engine, partial(boards.board_named, name=name))
    if board is None:
        raise HTTPException(404)
    return answers.board(house, board)


@get("/boards/{name}/creations", "Boards")
async def list_board(request: Request, name: BoardName, cursor: Cursor = "", limit: Limit = 30) -> CreationsJson:
    """What is on a board, what was put there last first."""

    def ask(connection: Connection, limit: int, after: After | None) -> Page | None:
        board = boards.board_named(connection, name)
        return boards.on_board(connection, board.id, limit=limit, after=after) if board else None

    return await _creations(request, cursor, limit, ask)


async def _persons(request: Request, handle: str, cursor: str, limit: int) -> CreationsJson:
    def ask(connection: Connection, limit: int, after: After | None) -> Page | None:
        who = queries.person_called(connection, _handle(handle))
        return queries.newest(connection, limit=limit, after=after, person_id=who.id) if who else None

    return await _creations(request, cursor, limit, ask)


async def _creations(request: Request, cursor: str, limit: int, ask: Ask) -> CreationsJson:
    """One page; 404 where there is nobody and nothing whose it could be."""
    after = _after(cursor)
    page = await queries.ask(house_of(request).engine, lambda connection: ask(connection, limit, after))
    if page is None:
        raise HTTPException(404)
    return _page(request, page)


def _page(request: Request, page: Page) -> CreationsJson:
    house = house_of(request)
    items = [answers.creation(house, item) for item in page.creations]
    return CreationsJson(items=items, next=page.older, links=_links(request, page.older))


def _links(request: Request, following: str | None) -> Links:
    """By the address as it was asked, under the name that the house gives itself: no caller's Host is repeated."""
    house, path = house_of(request), quote(request.url.path, safe="/@.")
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    cursor = request.query_params.get("cursor")
    own = [*asked, ("cursor", cursor)] if cursor else asked
    after = [*asked, ("cursor", following)] if following else None
    return Links(self=_address(house, path, own), next=_address(house, path, after) if after else None)


def _address(house: House, path: str, query: list[tuple[str, str]]) -> str:
    return house.address(f"{path}?{urlencode(query, errors='replace')}" if query else path)


async def _require_shown(request: Request, creation_id: int) -> None:
    shown = await queries.ask(house_of(request).engine, partial(queries.one_creation, creation_id=creation_id))
    if shown is None or not shown.hangs:
        raise HTTPException(410 if shown and shown.deleted_at else 404)


def _handle(text: str) -> str:
    return clean(text).removeprefix("@")


def _after(cursor: str) -> After | None:
    after = read_cursor(cursor) if cursor else None
    if cursor and after is None:
        raise Unreadable("cursor", "is not one that this API gave out")
    return after
