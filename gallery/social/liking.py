"""The pages of likes: like, unlike, who likes a creation. Knows no SQL."""

from functools import partial
from typing import Any

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gallery import queries
from gallery.drawn import draw
from gallery.forms import done, form_of
from gallery.house import house_of
from gallery.keyset import after_in
from gallery.labels import liked_words
from gallery.numbers import number_in
from gallery.signing.visitor import member_of, visitor_of
from gallery.social import follows, likes
from gallery.social.found import creation_named
from gallery.social.listed import Listed

PEOPLE_A_PAGE = 50


async def like(request: Request) -> Response:
    """Like what hangs."""
    return await _change(request, likes.like, liked=True)


async def unlike(request: Request) -> Response:
    """Like it no more."""
    return await _change(request, likes.unlike, liked=False)


async def likers(request: Request) -> Response:
    """Who likes a creation."""
    creation, after = await creation_named(request), after_in(request.query_params)
    visitor = await visitor_of(request)

    def question(connection: Connection) -> tuple[Listed, set[int]]:
        found = likes.likers(connection, creation.id, limit=PEOPLE_A_PAGE, after=after)
        return found, follows.followed_among(connection, visitor.person.id if visitor.person else None, found.ids)

    found, followed = await queries.ask(house_of(request).engine, question)
    path = f"{creation.path}/likes"
    told: dict[str, Any] = {"found": found, "followed": followed, "path": path, "is_first": after is None}
    return await draw(request, "likers.html", creation=creation, **told)


async def _change(request: Request, change: Any, *, liked: bool) -> Response:
    member = await member_of(request)
    form = await form_of(request, "like")
    creation_id = number_in(str(request.path_params["creation_id"]))
    count = await run_in_threadpool(partial(change, house_of(request).engine, member.id, creation_id))
    if count is None:
        await creation_named(request)
        raise HTTPException(404)
    path = f"/c/{creation_id}"
    return done(request, form, path, on=liked, count=count, words=liked_words(count), path=path)
