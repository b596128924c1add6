"""The page of one person: who they are, their creations, what they like. Knows no SQL."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from gallery import queries
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import After, after_in
from gallery.shown import Page
from gallery.signing.visitor import visitor_of
from gallery.social import follows, likes
from gallery.social.profiles import Profile, profile_called

# Whole rows on two, three and four columns.
PAGE_SIZE = 24


@dataclass(frozen=True, slots=True)
class Wall:
    """A person's wall as one visitor sees it: which of its creations they like, and whether they follow the person."""

    profile: Profile
    page: Page
    liked: set[int]
    following: bool


async def person(request: Request) -> Response:
    """One person's creations."""

    def hung(connection: Connection, person_id: int, after: After | None) -> Page:
        return queries.newest(connection, limit=PAGE_SIZE, after=after, person_id=person_id)

    return await _wall(request, hung, "")


async def liked(request: Request) -> Response:
    """What one person likes."""

    def hung(connection: Connection, person_id: int, after: After | None) -> Page:
        return likes.liked_by(connection, person_id, limit=PAGE_SIZE, after=after)

    return await _wall(request, hung, "/likes")


async def profile_named(request: Request) -> Profile:
    """The person of the address with their totals. Raises HTTPException 404."""
    handle = str(request.path_params["handle"])
    found = await queries.ask(house_of(request).engine, partial(profile_called, handle=handle))
    if found is None:
        raise HTTPException(404)
    return found


async def _wall(request: Request, hung: Callable[[Connection, int, After | None], Page], tab: str) -> Response:
    handle, after = str(request.path_params["handle"]), after_in(request.query_params)
    visitor = await visitor_of(request)
    viewer_id = visitor.person.id if visitor.person else None

    def question(connection: Connection) -> Wall | None:
        profile = profile_called(connection, handle)
        if profile is None:
            return None
        page = hung(connection, profile.person.id, after)
        mine = likes.liked_among(connection, viewer_id, [creation.id for creation in page.creations])
        followed = follows.followed_among(connection, viewer_id, [profile.person.id])
        return Wall(profile, page, mine, bool(followed))

    wall = await queries.ask(house_of(request).engine, question)
    if wall is None:
        raise HTTPException(404)
    told: dict[str, Any] = {"page": wall.page, "liked": wall.liked, "following": wall.following, "tab": tab}
    told |= {"profile": wall.profile, "person": wall.profile.person, "total": wall.profile.total}
    return await draw(request, "person.html", is_first=after is None, path=wall.profile.person.path + tab, **told)
