"""The pages of the walls: ask one question, return a template with a named context. Knows no SQL.

`TABS` is the table of walls; "For you" gets its place there when there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import now
from gallery import queries
from gallery.composing.told import tell_left, wait_in_words
from gallery.drawn import draw
from gallery.house import house_of
from gallery.keyset import PAGE_SIZE, After, after_in
from gallery.shown import CreationShown, Page, PersonShown
from gallery.signing.visitor import Visitor, member_of, visitor_of
from gallery.social import likes
from gallery.unreadable import Unreadable
from gallery.walls import following as followed_by
from gallery.walls.live import hub_of
from gallery.walls.place import place_in
from gallery.walls.top import WINDOWS, Top

TABS = (("/", "New"), ("/top", "Top"), ("/following", "Following"))
WINDOW_WORDS = (("day", "Day"), ("week", "Week"), ("month", "Month"), ("all", "All time"))
USUAL_WINDOW = "week"


@dataclass(frozen=True, slots=True)
class Hanging:
    """One wall as it is shown. `query` is what its address keeps on the way to older pictures."""

    path: str
    page: Page
    is_first: bool
    query: str = ""
    title: str = ""

    @property
    def older(self) -> str | None:
        """Address of the next page."""
        if self.page.older is None:
            return None
        return f"{self.path}?{self.query}{'&' if self.query else ''}{urlencode({'cursor': self.page.older})}"

    @property
    def here(self) -> str:
        """Address of its first page."""
        return f"{self.path}?{self.query}" if self.query else self.path


async def newest(request: Request) -> Response:
    """The newest creations. The first page hangs one more, large, above the others."""
    after = after_in(request.query_params)
    limit = PAGE_SIZE if after else PAGE_SIZE + 1
    page = await queries.ask(house_of(request).engine, partial(queries.newest, limit=limit, after=after))
    told = "" if after else await _told(request)
    return await _wall(request, "wall.html", Hanging("/", page, after is None, title="New pictures"), told=told)


async def top(request: Request) -> Response:
    """The best liked of a day, a week, a month, or of all."""
    window = request.query_params.get("of", USUAL_WINDOW)
    if window not in WINDOWS:
        raise Unreadable("of", f"choose one of {', '.join(WINDOWS)}")
    best: Top = request.app.state.top
    after = place_in(request.query_params)
    page = await best.page(window, limit=PAGE_SIZE, after=after)
    words = dict(WINDOW_WORDS)[window].lower()
    title = "Liked most" if window == "all" else f"Liked most of the {words}"
    wall = Hanging("/top", page, after is None, f"of={window}", title)
    windows = [(f"/top?of={name}", words) for name, words in WINDOW_WORDS]
    return await _wall(request, "top.html", wall, windows=windows)


async def following(request: Request) -> Response:
    """What those whom the member follows had painted; where that is nobody, whom one might follow."""
    member, after = await member_of(request), after_in(request.query_params)

    def question(connection: Connection) -> tuple[Page, bool, Sequence[PersonShown]]:
        page = followed_by.followed(connection, member.id, limit=PAGE_SIZE, after=after)
        if page.creations or after:
            return page, True, ()
        some = followed_by.follows_anybody(connection, member.id)
        return page, some, followed_by.suggested(connection, member.id)

    page, follows_some, people = await queries.ask(house_of(request).engine, question)
    wall = Hanging("/following", page, after is None, title="From those you follow")
    return await _wall(request, "following.html", wall, follows_some=follows_some, people=people)


async def _wall(request: Request, template: str, wall: Hanging, **more: object) -> Response:
    """One wall, with what is the same on all of them; what only this one tells comes as `more`."""
    work = await hub_of(request).at_work()
    liked = await _liked(request, await visitor_of(request), wall.page.creations)
    return await draw(
        request, template, tabs=TABS, work=work, liked=liked, since=_since(wall), more=more, wall=wall, page=wall.page
    )


async def _liked(request: Request, visitor: Visitor, shown: Sequence[CreationShown]) -> set[int]:
    if visitor.person is None:
        return set()
    ids = [creation.id for creation in shown if creation.likes]
    question = partial(likes.liked_among, person_id=visitor.person.id, creation_ids=ids)
    return await queries.ask(house_of(request).engine, question)


async def _told(request: Request) -> str:
    """What stands under the composer of a member: how many are left today, how long one takes; empty for strangers."""
    house, visitor = house_of(request), await visitor_of(request)
    if visitor.person is None:
        return ""
    question = partial(tell_left, person_id=visitor.person.id, rules=house.workshop.rules)
    told = await queries.ask(house.engine, question)
    return replace(told, wait=wait_in_words(await house.waits.of_one_more(visitor.person.id))).line


def _since(wall: Hanging) -> str:
    """After what the wall of the newest wants to be told of more; empty for what does not grow at its top."""
    if wall.path != "/" or not wall.is_first:
        return ""
    first = wall.page.creations[0] if wall.page.creations else None
    return str(After(first.shown_at, first.id) if first and first.shown_at else After(now(), 1))
