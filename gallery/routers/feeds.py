"""The feeds: newest, most liked, and of the accounts that a member follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import now
from core.mutes import Mutes
from core.text import mark
from gallery.queries import creations
from gallery.queries import following_feed as following_queries
from gallery.queries.run_query import run_query
from gallery.queries.top import TopFeed
from gallery.queries.unmuted import load_unmuted, unmuted_activity, without_muted
from gallery.routers.legacy_redirects import renamed_query_redirect
from gallery.routers.sse import get_live_hub
from gallery.services import likes
from gallery.services.composer_hints import describe_wait, load_quota_hint
from gallery.translations import gettext
from gallery.views.creations import CreationView, Page, UserView
from gallery.views.pagination import PAGE_SIZE, Cursor, decode_cursor
from gallery.views.top_cursor import parse_top_cursor
from gallery.web.context import AppContext, get_context
from gallery.web.current_user import get_current_user, get_mutes
from gallery.web.dependencies import ContextDep, CurrentUserDep, CursorDep, EngineDep, MemberDep, MutesDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import CurrentUser

router = page_router()
TABS = (("/", mark("New")), ("/top", mark("Top")), ("/following", mark("Following")))
PERIOD_LABELS = {"day": mark("Day"), "week": mark("Week"), "month": mark("Month"), "all": mark("All time")}
TITLES = {
    "day": mark("Top today"),
    "week": mark("Top this week"),
    "month": mark("Top this month"),
    "all": mark("Top of all time"),
}

Period = Literal["day", "week", "month", "all"]


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of a feed. `query`: the part of its address that the links to older pages keep."""

    path: str
    page: Page
    is_first: bool
    query: str = ""
    title: str = ""

    @property
    def older(self) -> str | None:
        """Return the address of the next page."""
        if self.page.older is None:
            return None
        return f"{self.path}?{self.query}{'&' if self.query else ''}{urlencode({'cursor': self.page.older})}"

    @property
    def here(self) -> str:
        """Return the address of the first page."""
        return f"{self.path}?{self.query}" if self.query else self.path


@router.get("/")
async def newest(
    request: Request, after: CursorDep, context: ContextDep, user: CurrentUserDep, mutes: MutesDep
) -> Response:
    """Show the newest creations."""

    async def load(cursor: str | None) -> Page:
        before = decode_cursor(cursor) if cursor else None
        return await run_query(context.engine, creations.list_newest, limit=PAGE_SIZE, after=before)

    page = await load_unmuted(load, mutes, cursor=str(after) if after else None, limit=PAGE_SIZE)
    hint = "" if after else await _composer_hint(context, user)
    since = "" if after else _newest_cursor(page)
    feed = FeedPage("/", page, after is None, title=gettext("New pictures"))
    pick = await _find_daily_pick(request, user, mutes) if after is None else None
    return await _render(request, "feed.html", feed, hint=hint, since=since, daily_pick=pick)


@router.get("/top")
async def top(request: Request, mutes: MutesDep, period: Annotated[Period, Query()] = "week") -> Response:
    """Show the most liked creations of a period."""
    if redirect := renamed_query_redirect(request, "/top"):
        return redirect
    top_feed: TopFeed = request.app.state.top
    after = parse_top_cursor(request.query_params)

    async def load(cursor: str | None) -> Page:
        below = parse_top_cursor({"cursor": cursor}) if cursor else None
        return await top_feed.page(period, limit=PAGE_SIZE, after=below)

    page = await load_unmuted(load, mutes, cursor=str(after) if after else None, limit=PAGE_SIZE)
    feed = FeedPage("/top", page, after is None, f"period={period}", gettext(TITLES[period]))
    periods = [(f"/top?period={name}", gettext(label)) for name, label in PERIOD_LABELS.items()]
    return await _render(request, "top.html", feed, periods=periods)


@router.get("/following")
async def following(
    request: Request, member: MemberDep, after: CursorDep, engine: EngineDep, mutes: MutesDep
) -> Response:
    """Show the creations of those whom the member follows, or suggest whom to follow."""

    async def load(cursor: str | None) -> Page:
        before = decode_cursor(cursor) if cursor else None
        return await run_query(engine, following_queries.list_followed, member.id, limit=PAGE_SIZE, after=before)

    page = await load_unmuted(load, mutes, cursor=str(after) if after else None, limit=PAGE_SIZE)
    is_empty = not page.creations and after is None
    follows_anybody, suggestions = await run_query(engine, _suggest, member.id) if is_empty else (True, ())
    suggestions = [user for user in suggestions if user.id not in mutes.people]
    feed = FeedPage("/following", page, after is None, title=gettext("Following"))
    return await _render(request, "following.html", feed, follows_anybody=follows_anybody, suggestions=suggestions)


def _suggest(connection: Connection, member_id: int) -> tuple[bool, Sequence[UserView]]:
    """Return whether the member follows anybody, and whom they might follow."""
    follows_anybody = following_queries.follows_anybody(connection, member_id)
    return follows_anybody, following_queries.suggest_users(connection, member_id)


async def _render(request: Request, template: str, feed: FeedPage, **details: Any) -> Response:
    """Render one feed with what all of them show."""
    context, user = get_context(request), await get_current_user(request)
    activity = unmuted_activity(await get_live_hub(request).current_activity(), await get_mutes(request))
    ids = [creation.id for creation in feed.page.creations if creation.likes]
    liked = await run_query(context.engine, likes.liked_among, user.person.id, ids) if user.person else set()
    tabs = [(path, gettext(label)) for path, label in TABS]
    return await render_page(
        request, template, tabs=tabs, activity=activity, liked=liked, feed=feed, page=feed.page, **details
    )


async def _composer_hint(context: AppContext, user: CurrentUser) -> str:
    """Return the line under a member's composer: how many pictures are left today, and the wait."""
    if user.person is None:
        return ""
    hint = await run_query(context.engine, load_quota_hint, user.person.id, context.creation_config.rules)
    return replace(hint, wait=describe_wait(await context.eta_cache.for_new_creation(user.person.id))).summary


async def _find_daily_pick(request: Request, user: CurrentUser, mutes: Mutes) -> CreationView | None:
    """Return the picture of the day for those who can remix it."""
    if user.person is None and request.app.state.oauth is None:
        return None
    top_feed: TopFeed = request.app.state.top
    picks = without_muted(await top_feed.daily_picks(now().date()), mutes)
    return picks[0] if picks else None


def _newest_cursor(page: Page) -> str:
    """Return the cursor after which open pages ask for new creations."""
    first = page.creations[0] if page.creations else None
    return str(Cursor(first.published_at, first.id) if first and first.published_at else Cursor(now(), 1))
