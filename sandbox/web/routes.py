"""Serve the web page, on which a developer reads and posts as any user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.templating import Jinja2Templates

from sandbox import text_parser
from sandbox.clock import iso
from sandbox.control.posts import require_post
from sandbox.dependencies import WorldDep, get_dispatcher
from sandbox.model import Draft, Post, RuleViolation
from sandbox.settings import HANDLE
from sandbox.web import views
from sandbox.web.profile_images import SIDES
from sandbox.world import MAX_GIF_BYTES, World
from sandbox.x.dispatcher import CallDispatcher

CSP = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FOREVER = "public, max-age=31536000, immutable"
EVENT_TIMEOUT_SECONDS = 20
PERSON_COOKIE = "person"
# The longest text that a post can have.
MAX_DRAFT = 25_000

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")
templates.env.globals["age"] = views.age


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/")
async def timeline(request: Request, world: WorldDep, before: int | None = None, error: str = "") -> Response:
    return _render(
        request, world, "timeline.html", threads=views.threads(world, before=before), error=error, before=before
    )


@router.get("/intent/post")
@router.get("/intent/tweet")
async def compose(request: Request, world: WorldDep, text: str = "", url: str = "") -> Response:
    """Show the page with a prefilled post, as X's web intent does. The gallery links here."""
    draft = " ".join(part for part in (text_parser.scrub(text), text_parser.scrub(url)) if part)[:MAX_DRAFT]
    return _render(request, world, "timeline.html", threads=views.threads(world), draft=draft)


@router.get("/page/threads")
async def threads(request: Request, world: WorldDep) -> Response:
    """Return the threads and the meter of the first page, for open pages after a change event."""
    return _render(request, world, "_fresh.html", threads=views.threads(world))


@router.get("/page/posts/{post_id}")
async def thread_page(request: Request, world: WorldDep, post_id: str) -> Response:
    try:
        post = require_post(world, post_id)
    except RuleViolation as refused:  # such as a link to a post that was deleted
        return _redirect(error=refused.detail)
    return _render(request, world, "thread.html", thread=views.thread(world, post.conversation_id))


@router.get("/{handle}/status/{post_id}")
async def permalink(handle: str, post_id: str) -> Response:
    """Redirect from X's URL of a post (also `/i/status/17`): in a demo, links to x.com lead here."""
    return RedirectResponse(f"/page/posts/{quote(post_id)}#p-{quote(post_id)}")


@router.get("/{handle}")
async def profile(request: Request, world: WorldDep, handle: str) -> Response:
    """Show a user's threads, at the same path as on X."""
    person = world.find_person(handle)
    if person is None:
        return _redirect(error=f"@{handle[:20]} does not exist in the sandbox.")
    return _render(request, world, "profile.html", person=person, threads=views.threads_of(world, person))


def _render(request: Request, world: World, template: str, **context: object) -> Response:
    me = world.find_person(request.cookies.get(PERSON_COOKIE, "")) or views.default_author(world)
    common = {
        "me": me,
        "people": views.people(world),
        "bot": world.bot,
        "now": world.clock.now_ms(),
        "version": world.changes.version,
        "meter": _meter(world, get_dispatcher(request)),
    }
    response = templates.TemplateResponse(request, template, common | context)
    response.headers["content-security-policy"] = CSP
    response.headers["referrer-policy"] = "same-origin"  # so that forms of the page send their origin
    response.headers["cache-control"] = "no-store"
    return response


def _meter(world: World, dispatcher: CallDispatcher) -> dict[str, object]:
    return {
        "now": iso(world.clock.now_ms()),
        "scale": world.clock.scale,
        "bill_micro": dispatcher.billing.total_micro,
        "credits_micro": dispatcher.billing.credits_micro,
        "blocked_seconds": dispatcher.limits.blocked_seconds("POST /2/tweets", f"@{world.bot.username}"),
        "refused": sum(statuses["429"] for statuses in dispatcher.calls.values()),
    }


@router.post("/page/posts")
async def create_post(
    world: WorldDep,
    author: Annotated[str, Form()],
    text: Annotated[str, Form()] = "",
    in_reply_to: Annotated[int | None, Form()] = None,
    photo: Annotated[UploadFile | None, File()] = None,
) -> Response:
    person = world.find_person(author)
    data = await photo.read(MAX_GIF_BYTES + 1) if photo else b""
    try:
        if person is None:
            raise RuleViolation("no-person", f"@{text_parser.scrub(author)[:20]} does not exist in the sandbox.")
        post = _create_post_with_image(world, Draft(person, text, in_reply_to_id=in_reply_to), data)
    except RuleViolation as refused:
        return _redirect(error=refused.detail)
    return _redirect(person=person.username, at=post.id)


def _create_post_with_image(world: World, draft: Draft, photo: bytes) -> Post:
    """Post a draft with its image. If the post is refused, delete the image."""
    if not photo:
        return world.create_post(draft)
    media = world.add_media(draft.author, photo)
    try:
        return world.create_post(replace(draft, media_ids=[media.id]))
    except RuleViolation:
        world.delete_media(media)
        raise


@router.post("/page/people")
async def join(world: WorldDep, username: Annotated[str, Form()], name: Annotated[str, Form()] = "") -> Response:
    handle = username.strip().removeprefix("@")
    if not views.matches(HANDLE, handle):
        return _redirect(error="A handle has 1 to 15 letters, digits or underscores.")
    person = world.find_person(handle) or world.add_person(handle, name)
    return _redirect(person=person.username)


@router.post("/page/posts/{post_id}/delete")
async def delete_post(world: WorldDep, post_id: str, author: Annotated[str, Form()]) -> Response:
    try:
        post = require_post(world, post_id)
    except RuleViolation as refused:
        return _redirect(error=refused.detail)
    if world.people[post.author_id].username.lower() != author.lower():
        return _redirect(error="Only the author can delete a post.")
    world.delete(post)
    return _redirect(person=author)


def _redirect(*, person: str = "", at: int | None = None, error: str = "") -> Response:
    """Redirect with 303, so that a reload does not post twice."""
    target = "/" + (f"?{urlencode({'error': error})}" if error else "") + (f"#p-{at}" if at else "")
    response = RedirectResponse(target, 303)
    if person:
        response.set_cookie(PERSON_COOKIE, person, max_age=90 * 86_400, samesite="lax", httponly=True)
    return response


@router.get("/page/events", response_class=EventSourceResponse)
async def events(world: WorldDep) -> AsyncIterator[ServerSentEvent]:
    """Send an event after each change; the page then fetches the new state."""
    version = world.changes.version
    yield ServerSentEvent(event="hello", data=version, retry=2000)
    while True:
        version_now = await world.changes.wait_after(version, EVENT_TIMEOUT_SECONDS)
        if version_now != version:
            version = version_now
            yield ServerSentEvent(event="change", data=version)


@router.get("/media/{name}")
async def picture(name: str, world: WorldDep) -> Response:
    key, _, ext = name.partition(".")
    media = world.media.get(int(key[2:])) if key.startswith("3_") and views.matches(r"^[0-9]{1,19}$", key[2:]) else None
    data = world.store.get_bytes(media.file) if media and media.ext == ext else None
    if data is None or media is None:
        return Response("Image not found.", 404, media_type="text/plain")
    return Response(data, media_type=media.mime, headers={"cache-control": FOREVER})


@router.get("/profile_images/{name}")
async def profile_image(name: str, world: WorldDep) -> Response:
    user_id, _, size = name.removesuffix(".png").partition("_")
    person = world.people.get(int(user_id)) if views.matches(r"^[0-9]{1,19}$", user_id) else None
    if person is None or size not in SIDES:
        return Response("Image not found.", 404, media_type="text/plain")
    image = views.profile_image(person, SIDES[size])
    return Response(image, media_type="image/png", headers={"cache-control": "public, max-age=3600"})


@router.get("/avatar/{name}")
async def avatar(name: str, world: WorldDep) -> Response:
    person = world.find_person(name.removesuffix(".svg"))
    if person is None:
        return Response("User not found.", 404, media_type="text/plain")
    if person.id == world.bot.id:
        return RedirectResponse("/static/icon.svg")
    return Response(views.avatar(person), media_type="image/svg+xml", headers={"cache-control": "public, max-age=3600"})
