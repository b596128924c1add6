"""Feeds for readers, as Atom and JSON Feed: of the newest creations, a person, a board and a search."""

from typing import Literal
from urllib.parse import quote, urlencode

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.text import clip
from gallery.queries import creations
from gallery.queries.boards import BoardView, find_board, list_on_board
from gallery.queries.run_query import run_query
from gallery.queries.search import search_creations
from gallery.routers.previews import PREVIEW_MIME, card_path
from gallery.routers.search import SearchWords
from gallery.views.creations import Page
from gallery.views.pagination import Cursor
from gallery.views.syndication import ATOM_MIME, JSON_FEED_MIME, Feed, FeedWriter
from gallery.web.conditional import conditional_response
from gallery.web.dependencies import ContextDep, CursorDep
from gallery.web.lookups import UserDep
from gallery.web.pages import page_router
from gallery.web.rate_limits import rate_limit

router = page_router()
ENTRIES = 30
Format = Literal["atom", "json"]
limited = [Depends(rate_limit("api"))]


@router.get("/feed.{file_format}", dependencies=limited)
async def newest(request: Request, file_format: Format, after: CursorDep, context: ContextDep) -> Response:
    """Send the newest creations."""
    page = await run_query(context.engine, creations.list_newest, limit=ENTRIES, after=after)
    feed = _feed(request, "Threadpaint: new pictures", "The newest pictures.", "/", "wall", page)
    return _send(request, context.public_url, feed, file_format)


@router.get("/@{handle}/feed.{file_format}", dependencies=limited)
async def person(
    request: Request, user: UserDep, file_format: Format, after: CursorDep, context: ContextDep
) -> Response:
    """Send the newest creations of a person."""
    page = await run_query(context.engine, creations.list_newest, limit=ENTRIES, after=after, person_id=user.id)
    name = clip(user.display_name, 60)
    feed = _feed(
        request, f"{name} on Threadpaint", f"Pictures prompted by {name}.", user.path, f"person/{user.id}", page
    )
    return _send(request, context.public_url, feed, file_format)


@router.get("/search.{file_format}", dependencies=limited)
async def search(
    request: Request, words: SearchWords, file_format: Format, after: CursorDep, context: ContextDep
) -> Response:
    """Send the results of a search."""
    result = await run_query(context.engine, search_creations, words, limit=ENTRIES, after=after)
    query = urlencode({"q": words})
    title, description = f"Threadpaint: {words or 'search'}", f"The newest pictures with these words: {words}"
    feed = _feed(request, title, description, f"/search?{query}", f"search?{query}", result.page)
    return _send(request, context.public_url, feed, file_format)


@router.get("/b/{name}/feed.{file_format}", dependencies=limited)
async def board(request: Request, name: str, file_format: Format, after: CursorDep, context: ContextDep) -> Response:
    """Send what was added last to a public board."""
    loaded = await run_query(context.engine, _load_board, name, after)
    if loaded is None:
        raise HTTPException(404)
    found, page = loaded
    description = found.about or f"A board by {clip(found.person.display_name, 60)}."
    feed = _feed(
        request, f"{clip(found.title, 120)} on Threadpaint", description, found.path, f"board/{found.id}", page
    )
    return _send(request, context.public_url, feed, file_format)


def _load_board(connection: Connection, name: str, after: Cursor | None) -> tuple[BoardView, Page] | None:
    found = find_board(connection, name)
    return (found, list_on_board(connection, found.id, limit=ENTRIES, after=after)) if found else None


def _feed(request: Request, title: str, description: str, path: str, name: str, page: Page) -> Feed:
    own_path = quote(request.url.path, safe="/@.%")
    query = {key: value for key, value in request.query_params.items() if key in {"q", "cursor"} and value}
    next_path = _with_query(own_path, {**query, "cursor": page.older}) if page.older else ""
    return Feed(title, description, path, name, page, _with_query(own_path, query), next_path)


def _with_query(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query, errors='replace')}" if query else path


def _send(request: Request, public_url: str, feed: Feed, file_format: Format) -> Response:
    writer = FeedWriter(public_url, card_path, PREVIEW_MIME)
    body, mime = (writer.atom(feed), ATOM_MIME) if file_format == "atom" else (writer.json_feed(feed), JSON_FEED_MIME)
    return conditional_response(request, body, f"{mime}; charset=utf-8", last_modified=feed.updated_at)
