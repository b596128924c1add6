"""The forms of boards: make one, call it otherwise, take pictures off it, delete it; put a creation on some.

Knows no SQL.
"""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from gallery import queries
from gallery.drawn import draw
from gallery.forms import back_to, done, form_of, own_path, text_of
from gallery.house import house_of
from gallery.keyset import PAGE_SIZE, after_in
from gallery.mine import boards, pinning
from gallery.mine.boards import NAME, BoardShown, Choice, Place
from gallery.mine.pinning import Draft, NotDone, Wish
from gallery.mine.shelf import OWN_BOARDS, draw_own_boards
from gallery.numbers import number_in
from gallery.shown import CreationShown
from gallery.signing.visitor import Member, member_of

MOST_AT_ONCE = 100


async def create(request: Request) -> Response:
    """Make a board, and go there."""
    member, form = await _sent(request, "collect")
    draft = _draft_in(form)
    if draft.wrong:
        return await draw_own_boards(request, draft, wrong=draft.wrong)
    try:
        name = await _do(request, partial(pinning.make, draft=draft, once=text_of(form, "once")), member)
    except NotDone as problem:
        return await draw_own_boards(request, draft, wrong={"title": str(problem)})
    return done(request, form, f"/b/{name}", name=name, path=f"/b/{name}")


async def edit(request: Request) -> Response:
    """What its owner can change of a board, and what is on it."""
    board = await _own_board(request)
    return await _draw_edit(request, board, Draft(board.title, board.about, board.public))


async def change(request: Request) -> Response:
    """Call a board otherwise, show it to everybody or to nobody."""
    member, form = await _sent(request, "collect")
    board = await _own_board(request)
    draft = _draft_in(form)
    if draft.wrong:
        return await _draw_edit(request, board, draft, wrong=draft.wrong)
    await _do(request, partial(pinning.change, name=board.name, draft=draft), member)
    return done(request, form, board.path, path=board.path)


async def remove(request: Request) -> Response:
    """Take pictures off a board."""
    member, form = await _sent(request, "collect")
    board = await _own_board(request)
    given = [value for value in form.getlist("ids") if isinstance(value, str)][:MOST_AT_ONCE]
    ids = sorted({number_in(value) for value in given} - {0})
    count = await _do(request, partial(pinning.remove, name=board.name, creation_ids=ids), member) or 0
    return done(request, form, f"{board.path}/edit?took={count}", count=count)


async def delete(request: Request) -> Response:
    """Delete a board. What was on it stays where it is."""
    member, form = await _sent(request, "collect")
    board = await _own_board(request)
    if text_of(form, "sure") != "yes":
        return RedirectResponse(f"{board.path}/edit#delete", 303)
    await _do(request, partial(pinning.remove_board, name=board.name), member)
    return done(request, form, f"{OWN_BOARDS}?did=deleted", deleted=True)


async def choose(request: Request) -> Response:
    """On which boards a creation shall be: the form as a page of its own."""
    member = await member_of(request)
    creation_id = number_in(request.query_params.get("creation", ""))
    return await _draw_choice(request, member, creation_id, own_path(request.query_params.get("next")))


async def collect(request: Request) -> Response:
    """Put a creation on boards and take it off others, as far as that was changed in the form."""
    member, form = await _sent(request, "collect")
    creation_id, draft = number_in(text_of(form, "creation")), _draft_in(form)
    back = back_to(form, f"/c/{creation_id}")
    is_new = bool(draft.title.strip())
    if is_new and draft.wrong:
        return await _draw_choice(request, member, creation_id, back, draft, wrong=draft.wrong)
    wish = _wish_in(form, draft if is_new else None)
    try:
        found = await _do(request, partial(pinning.collect, creation_id=creation_id, wish=wish), member)
    except NotDone as problem:
        return await _draw_choice(request, member, creation_id, back, draft, wrong={"title": str(problem)})
    if found is None:
        raise HTTPException(404)
    put, taken = found
    return done(request, form, back, put=put, taken=taken, words=_in_words(put, taken))


def _wish_in(form: FormData, new: Draft | None) -> Wish:
    """Only what was changed: another tab may have put it elsewhere meanwhile."""
    chosen = {value for value in form.getlist("boards") if isinstance(value, str) and NAME.fullmatch(value)}
    before = {name for name in text_of(form, "was").split() if NAME.fullmatch(name)}
    on, off = sorted(chosen - before)[: boards.MOST_BOARDS], sorted(before - chosen)[: boards.MOST_BOARDS]
    return Wish(frozenset(on), frozenset(off), new, text_of(form, "once"))


def _in_words(put: list[str], taken: list[str]) -> str:
    """What was done, in a sentence each."""
    told = []
    if put:
        told.append(f"It is on {', '.join(f'“{title}”' for title in put)} now.")
    if taken:
        told.append(f"It is not on {', '.join(f'“{title}”' for title in taken)} any more.")
    return " ".join(told) or "Nothing had to be changed."


async def _draw_choice(
    request: Request,
    member: Member,
    creation_id: int,
    back: str | None,
    draft: Draft | None = None,
    *,
    wrong: dict[str, str] | None = None,
) -> Response:
    def question(connection: Connection) -> tuple[CreationShown, list[Choice]] | None:
        shown = queries.one_creation(connection, creation_id, viewer_id=member.id)
        if shown is None or not pinning.may_collect(connection, member.id, creation_id):
            return None
        return shown, boards.choices(connection, member.id, creation_id)

    found = await queries.ask(house_of(request).engine, question)
    if found is None:
        raise HTTPException(404)
    creation, choices = found
    told: dict[str, Any] = {"creation": creation, "choices": choices, "draft": draft or Draft(), "wrong": wrong or {}}
    told |= {"back": back or creation.path, "once": secrets.token_urlsafe(12)}
    return await draw(request, "collect.html", status=422 if wrong else 200, **told)


async def _draw_edit(
    request: Request, board: BoardShown, draft: Draft, *, wrong: dict[str, str] | None = None
) -> Response:
    after = after_in(request.query_params)

    def question(connection: Connection) -> tuple[list[Place], str | None]:
        return boards.places_on(connection, board.id, limit=PAGE_SIZE, after=after)

    places, older = await queries.ask(house_of(request).engine, question)
    took = min(number_in(request.query_params.get("took", "")), MOST_AT_ONCE)
    said = f"{took} {'picture is' if took == 1 else 'pictures are'} taken off this board." if took else ""
    told: dict[str, Any] = {"board": board, "draft": draft, "wrong": wrong or {}, "places": places, "older": older}
    told |= {"said": said, "is_first": after is None}
    return await draw(request, "board_edit.html", status=422 if wrong else 200, **told)


async def _own_board(request: Request) -> BoardShown:
    """The board of the address. Raises HTTPException: 404 where there is none to see, 403 where it is another's."""
    member, name = await member_of(request), str(request.path_params["name"])
    question = partial(boards.board_named, name=name, viewer_id=member.id)
    board = await queries.ask(house_of(request).engine, question)
    if board is None:
        raise HTTPException(404)
    if board.person.id != member.id:
        raise HTTPException(403)
    return board


async def _sent(request: Request, kind: str) -> tuple[Member, FormData]:
    member = await member_of(request)
    return member, await form_of(request, kind)


async def _do(request: Request, deed: Callable[..., Any], member: Member) -> Any:
    """Writes wait for each other, so they wait in a thread."""
    return await run_in_threadpool(partial(deed, house_of(request).engine, member.id))


def _draft_in(form: FormData) -> Draft:
    return Draft(text_of(form, "title"), text_of(form, "about"), text_of(form, "public") == "yes")
