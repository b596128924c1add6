"""The page on which somebody lets an app act for them. Reads what the app asks; `grants` keeps what was allowed."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from sandbox import looks
from sandbox.control import gate_of, world_of
from sandbox.model import Person
from sandbox.page import CSP, PERSON_COOKIE, templates
from sandbox.settings import HANDLE, Settings
from sandbox.world import World
from sandbox.x.gate import Gate
from sandbox.x.grants import Asked

# X's scopes, as a person would say them.
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
SHOWN = 24

router = APIRouter(include_in_schema=False)
Here = Annotated[World, Depends(world_of)]
Door = Annotated[Gate, Depends(gate_of)]


class Unclear(Exception):
    """The app asks in a way nobody can say yes to; the text says why."""


@router.get("/i/oauth2/authorize")
async def ask(request: Request, world: Here) -> Response:
    query = dict(request.query_params)
    try:
        asked = read(query, world.settings)
    except Unclear as reason:
        return _shown(request, world, trouble=str(reason))
    return _shown(request, world, asked=asked, query=query)


@router.post("/i/oauth2/authorize")
async def decide(
    request: Request,
    gate: Door,
    decision: Annotated[str, Form()],
    person: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
) -> Response:
    """The app's question comes again in the address; it is read again, too."""
    query, world = dict(request.query_params), gate.world
    try:
        asked = read(query, world.settings)
        if decision != "allow":
            return _back(asked, error="access_denied", state=query["state"])
        somebody = _somebody(world, other.strip().removeprefix("@") or person)
    except Unclear as reason:
        return _shown(request, world, trouble=str(reason))
    answer = _back(asked, state=query["state"], code=gate.grants.code(asked, somebody))
    answer.set_cookie(PERSON_COOKIE, somebody.username, max_age=90 * 86_400, samesite="lax", httponly=True)
    return answer


def _somebody(world: World, handle: str) -> Person:
    """Who is not here yet joins, as people do by posting."""
    if not looks.matches(HANDLE, handle):
        raise Unclear("person: a handle has 1 to 15 letters, digits or underscores")
    return world.person(handle) or world.add_person(handle)


def read(query: dict[str, str], own: Settings) -> Asked:
    """Raises `Unclear`; nobody is sent to an address that was not checked."""
    if query.get("client_id") != own.client_id:
        raise Unclear(f"client_id: unknown; this world knows {own.client_id}")
    _check_address(query.get("redirect_uri", ""), own)
    if query.get("response_type") != "code":
        raise Unclear("response_type: only code is played")
    scopes = tuple(dict.fromkeys(query.get("scope", "").split()))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise Unclear(f"scope: one or more of {' '.join(SCOPES)}")
    if not query.get("state") or len(query["state"]) > 500:
        raise Unclear("state: required, at most 500 letters")
    method = query.get("code_challenge_method", "plain")
    if method not in ("S256", "plain"):
        raise Unclear("code_challenge_method: S256 or plain")
    if not query.get("code_challenge"):
        raise Unclear("code_challenge: required")
    return Asked(own.client_id, query["redirect_uri"], scopes, query["code_challenge"], method)


def _check_address(address: str, own: Settings) -> None:
    if own.redirect_uris:
        if address not in own.redirect_uris:
            raise Unclear("redirect_uri: not one of SANDBOX_REDIRECT_URIS")
    elif not _is_here(address):
        raise Unclear("redirect_uri: only http addresses of this machine, unless SANDBOX_REDIRECT_URIS names others")


def _is_here(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port  # reading the port raises when it is none
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
    return local and parts.scheme in ("http", "https") and not parts.fragment and parts.username is None


def _back(asked: Asked, **facts: str) -> RedirectResponse:
    mark = "&" if urlsplit(asked.redirect_uri).query else "?"
    return RedirectResponse(asked.redirect_uri + mark + urlencode(facts), 303)


def _shown(
    request: Request,
    world: World,
    *,
    trouble: str = "",
    asked: Asked | None = None,
    query: dict[str, str] | None = None,
) -> Response:
    me = world.person(request.cookies.get(PERSON_COOKIE, "")) or looks.first_guest(world)
    people = list(dict.fromkeys(person.username for person in (me, *looks.people(world), world.bot)))[:SHOWN]
    context = {
        "people": looks.people(world),
        "bot": world.bot,
        "rung": world.bell.rung,
        "trouble": trouble,
        "app": world.settings.client_name,
        "choices": [world.by_handle[name.lower()] for name in people],
        "wishes": [SCOPES[scope] for scope in asked.scopes] if asked else [],
        "action": f"/i/oauth2/authorize?{urlencode(query or {})}",
    }
    answer = templates.TemplateResponse(request, "authorize.html", context, 400 if trouble else 200)
    answer.headers["content-security-policy"] = _csp(asked)
    answer.headers["referrer-policy"] = "same-origin"  # so that its own forms name their origin
    answer.headers["cache-control"] = "no-store"
    return answer


def _csp(asked: Asked | None) -> str:
    """Browsers hold a form's target to the policy also where it is sent on to: back to the app."""
    if asked is None:
        return CSP
    parts = urlsplit(asked.redirect_uri)
    return CSP.replace("form-action 'self'", f"form-action 'self' {parts.scheme}://{parts.netloc}")
