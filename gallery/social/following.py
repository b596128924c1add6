"""The pages of follows: follow, unfollow, who follows somebody and whom they follow. Knows no SQL."""

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
from gallery.labels import followers_words
from gallery.signing.visitor import member_of, visitor_of
from gallery.social import follows
from gallery.social.found import person_named
from gallery.social.listed import Listed
from gallery.social.people import profile_named

PEOPLE_A_PAGE = 50


async def follow(request: Request) -> Response:
    """Follow somebody."""
    return await _change(request, follows.follow, following=True)


async def unfollow(request: Request) -> Response:
    """Follow them no more."""
    return await _change(request, follows.unfollow, following=False)


async def followers(request: Request) -> Response:
    """Who follows somebody."""
    return await _list(request, follows.followers_of, "followers")


async def following(request: Request) -> Response:
    """Whom somebody follows."""
    return await _list(request, follows.followed_by, "following")


async def _list(request: Request, ask: Any, which: str) -> Response:
    profile, after = await profile_named(request), after_in(request.query_params)
    visitor = await visitor_of(request)

    def question(connection: Connection) -> tuple[Listed, set[int]]:
        found = ask(connection, profile.person.id, limit=PEOPLE_A_PAGE, after=after)
        return found, follows.followed_among(connection, visitor.person.id if visitor.person else None, found.ids)

    found, followed = await queries.ask(house_of(request).engine, question)
    path = f"{profile.person.path}/{which}"
    told: dict[str, Any] = {"found": found, "followed": followed, "path": path, "is_first": after is None}
    return await draw(request, "followers.html", profile=profile, which=which, **told)


async def _change(request: Request, change: Any, *, following: bool) -> Response:
    member = await member_of(request)
    form = await form_of(request, "follow")
    who = await person_named(request)
    if following and who.id == member.id:
        raise HTTPException(403)
    count = await run_in_threadpool(partial(change, house_of(request).engine, member.id, who.id))
    return done(request, form, who.path, on=following, count=count, words=followers_words(count), path=who.path)
