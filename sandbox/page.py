"""The page: a small X to look at and to post as anybody. Asks the world and fills templates; knows no rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.templating import Jinja2Templates

from sandbox import looks, texts
from sandbox.clock import iso
from sandbox.control import found, gate_of, world_of
from sandbox.model import Draft, Post, Refused
from sandbox.settings import HANDLE
from sandbox.world import MAX_GIF_BYTES, World
from sandbox.x.gate import Gate

CSP = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FOREVER = "public, max-age=31536000, immutable"
PATIENCE_SECONDS = 20
PERSON_COOKIE = "person"
# The longest text that a post can have.
MAX_DRAFT = 25_000

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(directory=Path(__file__).parent / "templates")
templates.env.globals["age"] = looks.age
Here = Annotated[World, Depends(world_of)]


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/")
async def timeline(request: Request, world: Here, before: int | None = None, trouble: str = "") -> Response:
    return _shown(
        request, world, "timeline.html", threads=looks.threads(world, before=before), trouble=trouble, before=before
    )


@router.get("/intent/post")
@router.get("/intent/tweet")
async def compose(request: Request, world: Here, text: str = "", url: str = "") -> Response:
    """X's web intent: the page with a post that the person only has to send. Gallery pages link here."""
    draft = " ".join(part for part in (texts.scrub(text), texts.scrub(url)) if part)[:MAX_DRAFT]
    return _shown(request, world, "timeline.html", threads=looks.threads(world), draft=draft)


@router.get("/page/threads")
async def threads(request: Request, world: Here) -> Response:
    """The first page's threads and the meter alone: what an open page fetches when the bell rang."""
    return _shown(request, world, "_fresh.html", threads=looks.threads(world))


@router.get("/page/posts/{post_id}")
async def one_thread(request: Request, world: Here, post_id: str) -> Response:
    try:
        post = found(world, post_id)
    except Refused as refused:  # a person followed a link, perhaps to what was deleted meanwhile
        return _back(trouble=refused.detail)
    return _shown(request, world, "thread.html", thread=looks.thread(world, post.conversation_id))


@router.get("/{handle}/status/{post_id}")
async def permalink(handle: str, post_id: str) -> Response:
    """X's own form of a post's address (`/i/status/17` too): what links to x.com elsewhere, links here in a demo."""
    return RedirectResponse(f"/page/posts/{quote(post_id)}#p-{quote(post_id)}")


@router.get("/{handle}")
async def profile(request: Request, world: Here, handle: str) -> Response:
    """A person's threads, at the address X has for people."""
    person = world.person(handle)
    if person is None:
        return _back(trouble=f"There is no @{handle[:20]} here yet.")
    return _shown(request, world, "profile.html", person=person, threads=looks.threads_of(world, person))


def _shown(request: Request, world: World, template: str, **context: object) -> Response:
    me = world.person(request.cookies.get(PERSON_COOKIE, "")) or looks.first_guest(world)
    common = {
        "me": me,
        "people": looks.people(world),
        "bot": world.bot,
        "now": world.clock.now_ms(),
        "rung": world.bell.rung,
        "meter": _meter(world, gate_of(request)),
    }
    answer = templates.TemplateResponse(request, template, common | context)
    answer.headers["content-security-policy"] = CSP
    answer.headers["referrer-policy"] = "same-origin"  # so that its own forms name their origin
    answer.headers["cache-control"] = "no-store"
    return answer


def _meter(world: World, gate: Gate) -> dict[str, object]:
    return {
        "now": iso(world.clock.now_ms()),
        "scale": world.clock.scale,
        "bill_micro": gate.till.total_micro,
        "credits_micro": gate.till.credits_micro,
        "refused": sum(statuses["429"] for statuses in gate.calls.values()),
    }


@router.post("/page/posts")
async def say(
    world: Here,
    author: Annotated[str, Form()],
    text: Annotated[str, Form()] = "",
    in_reply_to: Annotated[int | None, Form()] = None,
    photo: Annotated[UploadFile | None, File()] = None,
) -> Response:
    person = world.person(author)
    data = await photo.read(MAX_GIF_BYTES + 1) if photo else b""
    try:
        if person is None:
            raise Refused("no-person", f"There is no @{texts.scrub(author)[:20]} here yet.")
        post = _posted(world, Draft(person, text, in_reply_to_id=in_reply_to), data)
    except Refused as refused:
        return _back(trouble=refused.detail)
    return _back(person=person.username, at=post.id)


def _posted(world: World, draft: Draft, photo: bytes) -> Post:
    """A picture of a post that is refused goes, too."""
    if not photo:
        return world.post(draft)
    hung = world.add_picture(draft.author, photo)
    try:
        return world.post(replace(draft, media_ids=[hung.id]))
    except Refused:
        world.drop_picture(hung)
        raise


@router.post("/page/people")
async def join(world: Here, username: Annotated[str, Form()], name: Annotated[str, Form()] = "") -> Response:
    handle = username.strip().removeprefix("@")
    if not looks.matches(HANDLE, handle):
        return _back(trouble="A handle has 1 to 15 letters, digits or underscores.")
    person = world.person(handle) or world.add_person(handle, name)
    return _back(person=person.username)


@router.post("/page/posts/{post_id}/delete")
async def unsay(world: Here, post_id: str, author: Annotated[str, Form()]) -> Response:
    try:
        post = found(world, post_id)
    except Refused as refused:
        return _back(trouble=refused.detail)
    if world.people[post.author_id].username.lower() != author.lower():
        return _back(trouble="Only the author deletes a post.")
    world.delete(post)
    return _back(person=author)


def _back(*, person: str = "", at: int | None = None, trouble: str = "") -> Response:
    """See other: a reload does not post twice."""
    target = "/" + (f"?{urlencode({'trouble': trouble})}" if trouble else "") + (f"#p-{at}" if at else "")
    answer = RedirectResponse(target, 303)
    if person:
        answer.set_cookie(PERSON_COOKIE, person, max_age=90 * 86_400, samesite="lax", httponly=True)
    return answer


@router.get("/page/bell", response_class=EventSourceResponse)
async def bell(world: Here) -> AsyncIterator[ServerSentEvent]:
    """One small event whenever something changed; the page then fetches what is new."""
    rung = world.bell.rung
    yield ServerSentEvent(event="hello", data=rung, retry=2000)
    while True:
        now = await world.bell.after(rung, PATIENCE_SECONDS)
        if now != rung:
            rung = now
            yield ServerSentEvent(event="change", data=rung)


@router.get("/media/{name}")
async def picture(name: str, world: Here) -> Response:
    key, _, ext = name.partition(".")
    known = world.media.get(int(key[2:])) if key.startswith("3_") and looks.matches(r"^[0-9]{1,19}$", key[2:]) else None
    data = world.store.get_bytes(known.file) if known and known.ext == ext else None
    if data is None or known is None:
        return Response("There is no such picture.", 404, media_type="text/plain")
    return Response(data, media_type=known.mime, headers={"cache-control": FOREVER})


@router.get("/avatar/{name}")
async def avatar(name: str, world: Here) -> Response:
    person = world.person(name.removesuffix(".svg"))
    if person is None:
        return Response("There is no such person.", 404, media_type="text/plain")
    if person.id == world.bot.id:
        return RedirectResponse("/static/icon.svg")
    return Response(looks.avatar(person), media_type="image/svg+xml", headers={"cache-control": "public, max-age=3600"})
