"""The feeds: newest, most liked, and of the accounts that a member follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import now
from gallery.queries import creations
from gallery.queries import following_feed as following_queries
from gallery.queries.run_query import run_query
from gallery.queries.top import TopFeed
from gallery.routers.legacy_redirects import renamed_query_redirect
from gallery.routers.sse import get_live_hub
from gallery.services import likes
from gallery.services.composer_hints import describe_wait, load_quota_hint
from gallery.views.creations import Page, UserView
from gallery.views.pagination import PAGE_SIZE, Cursor
from gallery.views.top_cursor import parse_top_cursor
from gallery.web.context import AppContext, get_context
from gallery.web.current_user import get_current_user
from gallery.web.dependencies import ContextDep, CurrentUserDep, CursorDep, EngineDep, MemberDep
from gallery.web.pages import page_router, render_page
from gallery.web.users import CurrentUser

router = page_router()
TABS = (("/", "New"), ("/top", "Top"), ("/following", "Following"))
PERIOD_LABELS = {"day": "Day", "week": "Week", "month": "Month", "all": "All time"}
TITLES = {"day": "Top today", "week": "Top this week", "month": "Top this month", "all": "Top of all time"}

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
async def newest(request: Request, after: CursorDep, context: ContextDep, user: CurrentUserDep) -> Response:
    """Show the newest creations."""
    page = await run_query(context.engine, creations.list_newest, limit=PAGE_SIZE, after=after)
    hint = "" if after else await _composer_hint(context, user)
    since = "" if after else _newest_cursor(page)
    return await _render(
        request, "feed.html", FeedPage("/", page, after is None, title="New pictures"), hint=hint, since=since
    )


@router.get("/top")
async def top(request: Request, period: Annotated[Period, Query()] = "week") -> Response:
    """Show the most liked creations of a period."""
    if redirect := renamed_query_redirect(request, "/top"):
        return redirect
    top_feed: TopFeed = request.app.state.top
    after = parse_top_cursor(request.query_params)
    page = await top_feed.page(period, limit=PAGE_SIZE, after=after)
    feed = FeedPage("/top", page, after is None, f"period={period}", TITLES[period])
    periods = [(f"/top?period={name}", label) for name, label in PERIOD_LABELS.items()]
    return await _render(request, "top.html", feed, periods=periods)


@router.get("/following")
async def following(request: Request, member: MemberDep, after: CursorDep, engine: EngineDep) -> Response:
    """Show the creations of those whom the member follows, or suggest whom to follow."""
    page, follows_anybody, suggestions = await run_query(engine, _load_following, member.id, after)
    feed = FeedPage("/following", page, after is None, title="Following")
    return await _render(request, "following.html", feed, follows_anybody=follows_anybody, suggestions=suggestions)


def _load_following(
    connection: Connection, member_id: int, after: Cursor | None
) -> tuple[Page, bool, Sequence[UserView]]:
    page = following_queries.list_followed(connection, member_id, limit=PAGE_SIZE, after=after)
    if page.creations or after:
        return page, True, ()
    follows_anybody = following_queries.follows_anybody(connection, member_id)
    return page, follows_anybody, following_queries.suggest_users(connection, member_id)


async def _render(request: Request, template: str, feed: FeedPage, **details: Any) -> Response:
    """Render one feed with what all of them show."""
    context, user = get_context(request), await get_current_user(request)
    activity = await get_live_hub(request).current_activity()
    ids = [creation.id for creation in feed.page.creations if creation.likes]
    liked = await run_query(context.engine, likes.liked_among, user.person.id, ids) if user.person else set()
    return await render_page(
        request, template, tabs=TABS, activity=activity, liked=liked, feed=feed, page=feed.page, **details
    )


async def _composer_hint(context: AppContext, user: CurrentUser) -> str:
    """Return the line under a member's composer: how many pictures are left today, and the wait."""
    if user.person is None:
        return ""
    hint = await run_query(context.engine, load_quota_hint, user.person.id, context.creation_config.rules)
    return replace(hint, wait=describe_wait(await context.eta_cache.for_new_creation(user.person.id))).summary


def _newest_cursor(page: Page) -> str:
    """Return the cursor after which open pages ask for new creations."""
    first = page.creations[0] if page.creations else None
    return str(Cursor(first.published_at, first.id) if first and first.published_at else Cursor(now(), 1))
