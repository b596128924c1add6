"""The pages of one creation: its pictures and label, its family, or what it waits for, or why there is none.

Knows no SQL.
"""

import secrets
from dataclasses import dataclass
from functools import partial

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import now
from core.line.waiting import Wait
from gallery import queries
from gallery.creation.family import Family, family_of
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import PAGE_SIZE, after_in
from gallery.mine.boards import Choice, choices
from gallery.numbers import number_in
from gallery.shown import CreationShown, Page
from gallery.signing.visitor import Visitor, keep_nowhere, visitor_of
from gallery.social.comments import Thread, thread_of
from gallery.social.likes import liked_among


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the page of a creation tells: one reading."""

    creation: CreationShown
    family: Family | None = None
    thread: Thread | None = None
    liked: bool = False
    boards: list[Choice] | None = None


async def creation(request: Request) -> Response:
    """One creation, in whatever state."""
    visitor = await visitor_of(request)
    seen = await _look(request, visitor)
    if visitor.owns(seen.creation.person.id) and not seen.creation.hangs:
        keep_nowhere(request)
    wait = await house_of(request).waits.of(seen.creation)
    if not seen.creation.pictures:
        return await _unpainted(request, seen.creation, wait)
    return await draw(
        request,
        "creation.html",
        creation=seen.creation,
        family=seen.family,
        thread=seen.thread,
        liked=seen.liked,
        boards=seen.boards,
        once=secrets.token_urlsafe(9),
        wait=wait,
        veiled=is_veiled(request, seen.creation, visitor),
        is_own=visitor.owns(seen.creation.person.id),
    )


async def family(request: Request) -> Response:
    """All that was made from a creation; with `?of=siblings` all that was made from the same one as it."""
    shown, after = await creation_in(request), after_in(request.query_params)
    of_siblings = request.query_params.get("of") == "siblings"
    parent_id, viewer_id = shown.parent_id if of_siblings else shown.id, _id_of(await visitor_of(request))

    def question(connection: Connection) -> tuple[Page, set[int]]:
        if parent_id is None:
            return Page([], None), set()
        page = queries.newest(connection, limit=PAGE_SIZE, after=after, parent_id=parent_id)
        return page, liked_among(connection, viewer_id, [one.id for one in page.creations])

    page, liked = await queries.ask(house_of(request).engine, question)
    return await draw(
        request,
        "family.html",
        creation=shown,
        page=page,
        liked=liked,
        of_siblings=of_siblings,
        is_first=after is None,
    )


async def creation_in(request: Request) -> CreationShown:
    """The creation that the address names, as far as who asks may see it.

    Raises HTTPException: 404 where there is none, or its author hides it; 410 where it is deleted.
    """
    visitor = await visitor_of(request)
    question = partial(queries.one_creation, creation_id=id_in(request), viewer_id=_id_of(visitor))
    return _there(await queries.ask(house_of(request).engine, question))


def id_in(request: Request) -> int:
    """The id of the creation that the address names; 0, which none has, where it names none."""
    return number_in(str(request.path_params["creation_id"]))


def is_veiled(request: Request, shown: CreationShown, visitor: Visitor) -> bool:
    """Whether its pictures hang behind a veil: marked as sensitive, and who looks has not asked to see them."""
    asked = visitor.shows_sensitive or request.query_params.get("show") == "1"
    return shown.sensitive and not asked and not visitor.owns(shown.person.id)


async def _look(request: Request, visitor: Visitor) -> Seen:
    creation_id, viewer_id = id_in(request), _id_of(visitor)

    def question(connection: Connection) -> Seen | None:
        shown = queries.one_creation(connection, creation_id, viewer_id=viewer_id)
        if shown is None:
            return None
        if not shown.pictures:
            return Seen(shown)
        liked = bool(liked_among(connection, viewer_id, [shown.id]))
        own_boards = choices(connection, viewer_id, shown.id) if viewer_id and shown.hangs else None
        # Where all were taken back there is nothing to read, either.
        thread = thread_of(connection, shown.id) if shown.comments else Thread([])
        return Seen(shown, family_of(connection, shown), thread, liked, own_boards)

    seen = await queries.ask(house_of(request).engine, question)
    _there(seen.creation if seen else None)
    assert seen is not None  # noqa: S101  # tells mypy what the line above made sure
    return seen


def _there(shown: CreationShown | None) -> CreationShown:
    if shown is None:
        raise HTTPException(404)
    if shown.deleted_at:
        raise HTTPException(410)
    return shown


def _id_of(visitor: Visitor) -> int | None:
    return visitor.person.id if visitor.person else None


async def _unpainted(request: Request, shown: CreationShown, wait: Wait | None) -> Response:
    refresh = shown.refresh_seconds(now()) if shown.is_under_way else None
    visitor = await visitor_of(request)
    is_own = visitor.owns(shown.person.id)
    return await draw(request, "unpainted.html", creation=shown, refresh=refresh, is_own=is_own, wait=wait)
