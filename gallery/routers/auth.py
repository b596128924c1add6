"""Sign in with X, and sign out.

    /sign-in (says what X will ask) -> /auth/x/login -> X's page -> /auth/x/callback -> the page the user came from

The way to X is a link, not a form: browsers apply `form-action` of the CSP to the redirects of a form, too.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, HTTPException, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from core.logs import get_logger
from core.text import mark
from gallery.auth import user_agent
from gallery.auth.avatars import AvatarStore
from gallery.auth.config import OAuthConfig, OAuthDep
from gallery.auth.sign_in import Banned, sign_in_user
from gallery.auth.x_oauth import AccessDenied, InvalidResponse, OAuthResult, StateExpired, XUnavailable
from gallery.services.sign_in_intents import perform_intent
from gallery.views.sign_in_intents import describe_intent, page_for_intent
from gallery.web import sessions
from gallery.web.context import AppContext
from gallery.web.current_user import cookie_name, get_current_user
from gallery.web.dependencies import ContextDep, CurrentUserDep, EngineDep
from gallery.web.forms import FormModel, form_response, own_path, parse_form, split_url
from gallery.web.pages import page_router, render_page
from gallery.web.rate_limits import enforce_rate_limit
from gallery.web.sessions import NewSession

log = get_logger(__name__)
router = page_router()

# The state cookie holds three of these, and has room for four thousand characters.
MAX_NEXT_LENGTH = 400
# The session may end earlier, if it is not used.
COOKIE_MAX_AGE = int(sessions.MAX_LIFETIME.total_seconds())
# Marks a request that was already redirected to the public URL: a proxy may hide host and https from us.
CANONICAL = "canonical"


@dataclass(frozen=True, slots=True)
class SignInError:
    """Why a sign-in failed, in words for the user."""

    status: int
    title: str
    words: str
    can_retry: bool = True


SIGN_IN_ERRORS: dict[type[Exception], SignInError] = {
    AccessDenied: SignInError(
        200,
        mark("Sign-in canceled"),
        mark("X told us nothing about you. You can still look around."),
    ),
    StateExpired: SignInError(
        400,
        mark("That took too long"),
        mark("This sign-in is too old, was used already, or was started in another browser. Start again; it is quick."),
    ),
    XUnavailable: SignInError(
        503, mark("X does not answer"), mark("We could not ask X who you are. Try again in a little while.")
    ),
    InvalidResponse: SignInError(
        502, mark("X did not say who you are"), mark("It sent an unexpected answer. Try again in a little while.")
    ),
    Banned: SignInError(
        403,
        mark("You cannot sign in here"),
        mark("The operator of this gallery has closed your account."),
        can_retry=False,
    ),
}
NO_SIGN_IN = SignInError(
    404,
    mark("This gallery has no sign-in"),
    mark("Its operator has not set it up. You can look at all pictures."),
    False,
)


async def get_next_url(request: Request) -> str:
    """Return where to go after the sign-in: a page of this site, but no sign-in page."""
    path = own_path(request.query_params.get("next"))
    if path is None or len(path) > MAX_NEXT_LENGTH or path.startswith(("/sign-in", "/sign-out", "/auth/")):
        return "/"
    return path


NextUrl = Annotated[str, Depends(get_next_url)]


@router.get("/sign-in")
async def sign_in_page(
    request: Request, next_url: NextUrl, context: ContextDep, user: CurrentUserDep, oauth: OAuthDep
) -> Response:
    """Say what X will be asked for, and link to X."""
    if redirect := _redirect_to_public_url(request, context, next_url):
        return redirect
    if user.person is not None:
        return RedirectResponse(page_for_intent(next_url), 303)
    return await _page(request, oauth, next_url, None if oauth else NO_SIGN_IN)


@router.get("/auth/x/login")
async def start_oauth(
    request: Request, next_url: NextUrl, context: ContextDep, user: CurrentUserDep, oauth: OAuthDep
) -> Response:
    """Redirect to X's consent page."""
    if oauth is None:
        return await _page(request, oauth, next_url, NO_SIGN_IN)
    if redirect := _redirect_to_public_url(request, context, next_url):
        return redirect
    if user.person is not None:
        return RedirectResponse(page_for_intent(next_url), 303)
    await enforce_rate_limit(request, "sign-in")
    return await oauth.client.start(request, f"{_origin(request, context)}/auth/x/callback", next_url)


@router.get("/auth/x/callback")
async def oauth_callback(request: Request, context: ContextDep, user: CurrentUserDep, oauth: OAuthDep) -> Response:
    """Sign in the user whom X sends back, in place of the browser's previous user."""
    if oauth is None:
        return await _page(request, oauth, "/", NO_SIGN_IN)
    next_url = own_path(await oauth.client.next_url(request)) or "/"
    try:
        result = await oauth.client.finish(request)
        session = await _open_session(request, context, oauth, result, replaces=user.session_id)
    except tuple(SIGN_IN_ERRORS) as error:
        return await _error_page(request, oauth, error, next_url)
    log.info("signed in", person=result.user.id)
    await run_in_threadpool(perform_intent, context.engine, result.user.id, next_url)
    response = RedirectResponse(page_for_intent(next_url), 303, {"Cache-Control": "no-store"})
    set_session_cookie(context, response, session.value)
    avatars = AvatarStore(context.engine, context.storage, oauth.media)
    response.background = BackgroundTask(avatars.save, result.user.id, result.user.avatar_url)
    return response


@router.post("/sign-out")
async def sign_out(
    request: Request,
    form: Annotated[FormModel, Depends(parse_form(FormModel))],
    context: ContextDep,
    engine: EngineDep,
    user: CurrentUserDep,
    oauth: OAuthDep,
) -> Response:
    """End this browser's session. Its token is revoked at X after the response is sent."""
    response = form_response(request, form, "/")
    clear_session_cookie(context, response)
    if user.session_id is None:
        return response
    tokens = await run_in_threadpool(sessions.revoke, engine, user.session_id)
    response.background = BackgroundTask(oauth.revoke, tokens) if oauth else None
    return response


async def _open_session(
    request: Request, context: AppContext, oauth: OAuthConfig, result: OAuthResult, *, replaces: int | None
) -> NewSession:
    return await run_in_threadpool(
        sign_in_user,
        context.engine,
        result.user,
        browser=user_agent.describe(request.headers.get("user-agent", "")),
        tokens=oauth.cipher.encrypt(result.stored_token),
        price=oauth.price,
        replaces=replaces,
    )


async def _error_page(request: Request, oauth: OAuthConfig, error: Exception, next_url: str) -> Response:
    # A double click: the first request has signed the user in.
    if isinstance(error, StateExpired) and (await get_current_user(request)).person is not None:
        return RedirectResponse(page_for_intent(next_url), 303)
    sign_in_error = next(known for kind, known in SIGN_IN_ERRORS.items() if isinstance(error, kind))
    if sign_in_error.status >= 500:
        log.warning("sign-in failed", reason=str(error))
    response = await _page(request, oauth, next_url, sign_in_error)
    if isinstance(error, XUnavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _page(request: Request, oauth: OAuthConfig | None, next_url: str, error: SignInError | None) -> Response:
    return await render_page(
        request,
        "sign_in.html",
        status=error.status if error else 200,
        error=error,
        next_url=next_url,
        page=page_for_intent(next_url),
        intent=describe_intent(next_url),
        followed=oauth.client.followed_handle if oauth else "",
    )


def _redirect_to_public_url(request: Request, context: AppContext, next_url: str) -> Response | None:
    """Return a redirect to this page under `GALLERY_URL` if the request came under another host or without https.

    X leads back to `GALLERY_URL` only, and browsers send the state cookie only to the host that set it.
    """
    public_url = context.public_url
    requested, public = split_url(str(request.url).lower()), split_url(public_url.lower())
    if not public_url or CANONICAL in request.query_params or requested[:2] == public[:2]:
        return None
    query = urlencode({"next": next_url, CANONICAL: 1})
    return RedirectResponse(f"{public_url}{request.url.path}?{query}", 303, {"Cache-Control": "no-store"})


def _origin(request: Request, context: AppContext) -> str:
    """Return the address of this site as X knows it."""
    if context.public_url:
        return context.public_url
    host = request.headers.get("host", "")
    if not host:
        raise HTTPException(400)
    return f"{request.url.scheme}://{host}"


def set_session_cookie(context: AppContext, response: Response, value: str, max_age: int = COOKIE_MAX_AGE) -> None:
    """Set the session cookie. No script reads it, and browsers do not send it with another site's form."""
    response.set_cookie(
        cookie_name(context.public_url),
        value,
        max_age=max_age,
        path="/",
        secure=context.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(context: AppContext, response: Response) -> None:
    """Delete the session cookie. The database ends the session itself: a copy of the cookie is worth nothing."""
    set_session_cookie(context, response, "", 0)
    # The next user of this browser finds no draft, and no page by going back.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
