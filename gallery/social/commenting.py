"""The pages of comments: read on, answer, say something, take it back. Knows no SQL."""

from dataclasses import replace
from functools import partial

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from gallery import queries
from gallery.drawn import draw
from gallery.forms import done, form_of, text_of, wants_json
from gallery.house import house_of
from gallery.limits import within_limits
from gallery.numbers import number_in
from gallery.shown import CreationShown
from gallery.signing.visitor import member_of
from gallery.social import saying
from gallery.social.comments import CommentShown, Draft, Thread, one_comment, thread_of
from gallery.social.found import creation_named
from gallery.social.saying import NotSaid, Words, words_of
from gallery.unreadable import Unreadable

LONGEST_ONCE = 40


async def comments(request: Request) -> Response:
    """A page of comments: `?after=` goes on, `?thread=` reads the answers to one, `?answer=` begins another."""
    creation = await creation_named(request)
    asked = {name: number_in(request.query_params.get(name, "")) for name in ("after", "thread", "answer")}
    thread = await _thread(request, creation.id, **asked)
    return await draw(request, "comments.html", creation=creation, thread=thread)


async def comment(request: Request) -> Response:
    """The address of one comment: leads to where it stands."""
    creation = await creation_named(request)
    found = await _one(request, creation.id, number_in(str(request.path_params["comment_id"])))
    if found is None:
        raise HTTPException(404)
    return RedirectResponse(await _place(request, creation, found), 302)


async def say(request: Request) -> Response:
    """Say something under a creation, or answer somebody. What is not taken stays in its field."""
    member = await member_of(request)
    form = await form_of(request)
    creation = await creation_named(request)
    parent = number_in(text_of(form, "parent"))
    try:
        words = Words(words_of(text_of(form, "text")), text_of(form, "once")[:LONGEST_ONCE], parent or None)
        await within_limits(request, "comment")
        engine = house_of(request).engine
        comment_id = await run_in_threadpool(partial(saying.say, engine, member.id, creation.id, words))
    except NotSaid as error:
        return await _not_said(request, creation, form, str(error))
    said = await _one(request, creation.id, comment_id or 0)
    if said is None:
        raise HTTPException(404)
    return done(request, form, await _place(request, creation, said), id=said.id)


async def take_back(request: Request) -> Response:
    """Take a comment back."""
    member = await member_of(request)
    form = await form_of(request, "comment")
    creation_id, comment_id = (number_in(str(request.path_params[name])) for name in ("creation_id", "comment_id"))
    engine = house_of(request).engine
    if not await run_in_threadpool(partial(saying.take_back, engine, member.id, creation_id, comment_id)):
        known = await _one(request, creation_id, comment_id)
        raise HTTPException(404 if known is None else 403)
    return done(request, form, f"/c/{creation_id}#comments", id=comment_id)


async def _not_said(request: Request, creation: CreationShown, form: FormData, reason: str) -> Response:
    if wants_json(request):
        raise Unreadable("text", reason)
    thread = await _thread(request, creation.id, answer=number_in(text_of(form, "parent")))
    draft = Draft(text_of(form, "text")[:10_000], reason)
    thread = replace(thread, draft=draft, once=text_of(form, "once")[:LONGEST_ONCE])
    return await draw(request, "comments.html", status=422, creation=creation, thread=thread)


async def _thread(request: Request, creation_id: int, *, after: int = 0, thread: int = 0, answer: int = 0) -> Thread:
    """A page of comments. Raises HTTPException 404 for answers to a comment that is not there."""

    def question(connection: Connection) -> Thread | None:
        answering = one_comment(connection, creation_id, answer) if answer else None
        under = thread or (answering.parent_id or answering.id if answering else None)
        found = thread_of(connection, creation_id, under=under, after=after)
        if thread and found.under is None:
            return None
        asked = answering or found.under
        return replace(found, answering=asked if asked and asked.person else None)

    found = await queries.ask(house_of(request).engine, question)
    if found is None:
        raise HTTPException(404)
    return found


async def _one(request: Request, creation_id: int, comment_id: int) -> CommentShown | None:
    question = partial(one_comment, creation_id=creation_id, comment_id=comment_id)
    return await queries.ask(house_of(request).engine, question)


async def _place(request: Request, creation: CreationShown, comment: CommentShown) -> str:
    """Where a comment stands: under the picture, where its first page has it; else on a page that begins with it."""
    first = await queries.ask(house_of(request).engine, partial(thread_of, creation_id=creation.id))
    if comment.id in first.ids:
        return f"{creation.path}#comment-{comment.id}"
    under = f"thread={comment.parent_id}&" if comment.parent_id else ""
    return f"{creation.path}/comments?{under}after={comment.id - 1}#comment-{comment.id}"
