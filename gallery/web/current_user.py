"""Find the current user of a request: a member, or an anonymous visitor. Requests without a cookie ask no database."""

from contextlib import suppress

from fastapi import Request
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool

from core.clock import now
from core.mutes import NO_MUTES, Mutes, load_mutes
from gallery.queries.run_query import run_query
from gallery.views.creations import UserView
from gallery.web import sessions
from gallery.web.context import get_context
from gallery.web.users import ANONYMOUS, CurrentUser, Member

MAX_COOKIE_LENGTH = 200


class NotSignedIn(Exception):
    """The page is for members. Browsers are sent to the sign-in, and back to the page afterwards."""


async def get_current_user(request: Request) -> CurrentUser:
    """Return the current user. Raises OperationalError if the database is away."""
    cached = getattr(request.state, "user", None)
    if isinstance(cached, CurrentUser):
        return cached
    user = await _look_up(request)
    request.state.user = user
    return user


async def get_mutes(request: Request) -> Mutes:
    """Return what the current user mutes. Asks the database only for members who mute something."""
    user = await get_current_user(request)
    if user.person is None or not user.has_mutes:
        return NO_MUTES
    return await run_query(get_context(request).engine, load_mutes, user.person.id)


async def require_member(request: Request) -> Member:
    """Return the signed-in user. Raises NotSignedIn."""
    user = await get_current_user(request)
    if user.person is None or user.session_id is None:
        raise NotSignedIn
    mark_no_store(request)
    return Member(user.person, user.session_id, user)


def mark_no_store(request: Request) -> None:
    """Keep the page out of all caches: after signing out, the browser's back button does not show it."""
    request.state.no_store = True


def cached_current_user(request: Request) -> CurrentUser:
    """Return the current user if it is known already, without a query: for error pages."""
    cached = getattr(request.state, "user", None)
    return cached if isinstance(cached, CurrentUser) else ANONYMOUS


def cookie_name(public_url: str) -> str:
    """Return the name of the session cookie. `__Host-` binds it to this host, which browsers allow under https only."""
    return "__Host-login" if public_url.startswith("https:") else "login"


async def _look_up(request: Request) -> CurrentUser:
    context = get_context(request)
    value = request.cookies.get(cookie_name(context.public_url), "")
    if not 0 < len(value) <= MAX_COOKIE_LENGTH:
        return ANONYMOUS
    row = await run_query(context.engine, sessions.find, value=value)
    if row is None:
        return ANONYMOUS
    if now() - row.seen_at > sessions.TOUCH_INTERVAL:
        with suppress(OperationalError):
            await run_in_threadpool(sessions.touch, context.engine, row.session_id, row.created_at)
    person = UserView(row.person_id, row.username, row.name, avatar_key=row.avatar_key)
    return CurrentUser(person, row.session_id, row.unread, row.show_sensitive, value, bool(row.has_mutes))
