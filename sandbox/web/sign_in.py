"""Serve the OAuth 2.0 consent page, on which a user authorizes an app."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from sandbox.dependencies import DispatcherDep, WorldDep
from sandbox.model import User
from sandbox.settings import HANDLE, SandboxSettings
from sandbox.web import views
from sandbox.web.routes import CSP, PERSON_COOKIE, templates
from sandbox.world import World
from sandbox.x.grants import AuthorizationRequest

# X's scopes, as the consent page describes them.
SCOPES = {
    "tweet.read": "See all posts you can see",
    "tweet.write": "Post and repost for you",
    "tweet.moderate.write": "Hide and unhide replies to your posts",
    "users.email": "See your email address",
    "users.read": "See any account you can see",
    "follows.read": "See whom you follow and who follows you",
    "follows.write": "Follow and unfollow people for you",
    "offline.access": "Stay connected to your account until you end it",
    "timeline.read": "See all Custom Timelines you can see",
    "space.read": "See all Spaces you can see",
    "mute.read": "See whom you muted",
    "mute.write": "Mute and unmute people for you",
    "like.read": "See what you liked",
    "like.write": "Like and unlike posts for you",
    "list.read": "See your Lists",
    "list.write": "Create and change Lists for you",
    "block.read": "See whom you blocked",
    "block.write": "Block and unblock people for you",
    "bookmark.read": "See your bookmarks",
    "bookmark.write": "Add and remove bookmarks for you",
    "dm.read": "See your direct messages",
    "dm.write": "Send direct messages for you",
    "media.write": "Upload pictures for you",
}
MAX_CHOICES = 24

router = APIRouter(include_in_schema=False)


class InvalidAuthRequest(Exception):
    """The authorization request is invalid; the text says why."""


@router.get("/i/oauth2/authorize")
async def show_consent(request: Request, world: WorldDep) -> Response:
    query = dict(request.query_params)
    try:
        auth_request = parse_request(query, world.settings)
    except InvalidAuthRequest as reason:
        return _render(request, world, error=str(reason))
    return _render(request, world, auth_request=auth_request, query=query)


@router.post("/i/oauth2/authorize")
async def authorize(
    request: Request,
    dispatcher: DispatcherDep,
    decision: Annotated[str, Form()],
    person: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
) -> Response:
    """Redirect to the app with a code or an error. The query is validated again."""
    query, world = dict(request.query_params), dispatcher.world
    try:
        auth_request = parse_request(query, world.settings)
        if decision != "allow":
            return _redirect_to_app(auth_request, error="access_denied", state=query["state"])
        account = _get_or_create_person(world, other.strip().removeprefix("@") or person)
    except InvalidAuthRequest as reason:
        return _render(request, world, error=str(reason))
    response = _redirect_to_app(auth_request, state=query["state"], code=dispatcher.grants.code(auth_request, account))
    response.set_cookie(PERSON_COOKIE, account.username, max_age=90 * 86_400, samesite="lax", httponly=True)
    return response


def _get_or_create_person(world: World, handle: str) -> User:
    """Return the user with this handle; create it if necessary."""
    if not views.matches(HANDLE, handle):
        raise InvalidAuthRequest("person: a handle needs 1 to 15 letters, digits or underscores")
    return world.find_person(handle) or world.add_person(handle)


def parse_request(query: dict[str, str], settings: SandboxSettings) -> AuthorizationRequest:
    """Parse the authorization request. Raise `InvalidAuthRequest` if it is invalid."""
    if query.get("client_id") != settings.client_id:
        raise InvalidAuthRequest(f"client_id: unknown (expected {settings.client_id})")
    _ensure_redirect_allowed(query.get("redirect_uri", ""), settings)
    if query.get("response_type") != "code":
        raise InvalidAuthRequest("response_type: only code is supported")
    scopes = tuple(dict.fromkeys(query.get("scope", "").split()))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidAuthRequest(f"scope: one or more of {' '.join(SCOPES)}")
    if not query.get("state") or len(query["state"]) > 500:
        raise InvalidAuthRequest("state: required, at most 500 characters")
    method = query.get("code_challenge_method", "plain")
    if method not in ("S256", "plain"):
        raise InvalidAuthRequest("code_challenge_method: S256 or plain")
    if not query.get("code_challenge"):
        raise InvalidAuthRequest("code_challenge: required")
    return AuthorizationRequest(settings.client_id, query["redirect_uri"], scopes, query["code_challenge"], method)


def _ensure_redirect_allowed(address: str, settings: SandboxSettings) -> None:
    if settings.redirect_uris:
        if address not in settings.redirect_uris:
            raise InvalidAuthRequest("redirect_uri: not one of SANDBOX_REDIRECT_URIS")
    elif not _is_loopback(address):
        raise InvalidAuthRequest("redirect_uri: must be a loopback http address, or listed in SANDBOX_REDIRECT_URIS")


def _is_loopback(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port  # `port` raises ValueError if it is invalid
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
    return local and parts.scheme in ("http", "https") and not parts.fragment and parts.username is None


def _redirect_to_app(auth_request: AuthorizationRequest, **facts: str) -> RedirectResponse:
    mark = "&" if urlsplit(auth_request.redirect_uri).query else "?"
    return RedirectResponse(auth_request.redirect_uri + mark + urlencode(facts), 303)


def _render(
    request: Request,
    world: World,
    *,
    error: str = "",
    auth_request: AuthorizationRequest | None = None,
    query: dict[str, str] | None = None,
) -> Response:
    me = world.find_person(request.cookies.get(PERSON_COOKIE, "")) or views.default_author(world)
    people = list(dict.fromkeys(person.username for person in (me, *views.people(world), world.bot)))[:MAX_CHOICES]
    context = {
        "people": views.people(world),
        "bot": world.bot,
        "version": world.changes.version,
        "error": error,
        "app": world.settings.client_name,
        "choices": [world.by_handle[name.lower()] for name in people],
        "scopes": [SCOPES[scope] for scope in auth_request.scopes] if auth_request else [],
        "action": f"/i/oauth2/authorize?{urlencode(query or {})}",
    }
    response = templates.TemplateResponse(request, "authorize.html", context, 400 if error else 200)
    response.headers["content-security-policy"] = _csp(auth_request)
    response.headers["referrer-policy"] = "same-origin"  # so that forms of the page send their origin
    response.headers["cache-control"] = "no-store"
    return response


def _csp(auth_request: AuthorizationRequest | None) -> str:
    """Return the policy with the app's origin: browsers apply form-action to redirects, too."""
    if auth_request is None:
        return CSP
    parts = urlsplit(auth_request.redirect_uri)
    return CSP.replace("form-action 'self'", f"form-action 'self' {parts.scheme}://{parts.netloc}")
