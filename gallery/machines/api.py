"""The JSON of the site, under /api: the same creations as the pages, for machines. Knows no SQL and no template.

Ids of X and seeds are strings: they are wider than the numbers of JavaScript.
"""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel
from sqlalchemy import Connection

from core.line.waiting import Wait
from core.models import State
from gallery import labels, queries
from gallery.house import House, house_of
from gallery.keyset import After, read_cursor
from gallery.shown import CreationShown, Page, PictureShown
from gallery.unreadable import Unreadable

api = APIRouter(prefix="/api", tags=["creations"])


class PersonJson(BaseModel):
    """An author."""

    id: str
    username: str
    name: str


class TruncatedJson(BaseModel):
    """The painter read only the beginning of the prompt: tokens read, of all there were."""

    read: int
    of: int


class PictureJson(BaseModel):
    """One picture; `placeholder` is a tiny data URI."""

    url: str
    thumb_url: str
    width: int
    height: int
    seed: str
    mime: str
    placeholder: str
    alt: str


class WaitJson(BaseModel):
    """How long until the picture, or until the answer on X: how many are before it, about how many seconds (null where
    nobody knows), and why it cannot go now (empty where it can)."""

    ahead: int
    seconds: float | None
    why: str


class CreationJson(BaseModel):
    """One prompt and what became of it. Times are ISO 8601 in UTC. `ignored`: fields that the painter did not heed."""

    id: int
    state: State
    code: str | None
    reason: str | None
    prompt: str
    negative_prompt: str
    aspect_ratio: str | None
    steps: int | None
    style: str | None
    prompted_by: PersonJson
    post_id: str | None
    parent_id: int | None
    model: str | None
    seed: str
    painting_seconds: float | None
    painted_steps: int | None
    guidance: float | None
    truncated: TruncatedJson | None
    ignored: list[str]
    created_at: str
    painted_at: str | None
    shown_at: str | None
    url: str
    reply_outcome: str | None
    pictures: list[PictureJson]


class WaitingCreationJson(CreationJson):
    """One creation, and how long it still waits; null where it does not, or where nobody knows."""

    wait: WaitJson | None


class CreationsJson(BaseModel):
    """One page of creations; `next` is the cursor of the page after it."""

    items: list[CreationJson]
    next: str | None


@api.head("/creations", include_in_schema=False)
@api.get("/creations")
async def list_creations(
    request: Request,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
    person: Annotated[str, Query(description="only of the person with this handle")] = "",
) -> CreationsJson:
    """Visible creations, newest first."""
    house = house_of(request)
    question = partial(_page, limit=limit, after=_after(cursor), handle=person.removeprefix("@"))
    page = await queries.ask(house.engine, question)
    return CreationsJson(items=[_creation(house, item) for item in page.creations], next=page.older)


@api.head("/creations/{creation_id}", include_in_schema=False)
@api.get("/creations/{creation_id}")
async def get_creation(request: Request, creation_id: int) -> WaitingCreationJson:
    """One creation in whatever state; its pictures only while it is visible."""
    house = house_of(request)
    shown = await queries.ask(house.engine, partial(queries.one_creation, creation_id=creation_id))
    if shown is None:
        raise HTTPException(404)
    if shown.deleted_at:
        raise HTTPException(410)
    wait = await house.waits.of(shown)
    return WaitingCreationJson(**dict(_creation(house, shown)), wait=_wait(wait) if wait else None)


def _page(connection: Connection, *, limit: int, after: After | None, handle: str) -> Page:
    if not handle:
        return queries.newest(connection, limit=limit, after=after)
    who = queries.person_called(connection, handle)
    if who is None:
        raise HTTPException(404)
    return queries.newest(connection, limit=limit, after=after, person_id=who.id)


def _after(cursor: str) -> After | None:
    after = read_cursor(cursor) if cursor else None
    if cursor and after is None:
        raise Unreadable("cursor", "is not one that this API gave out")
    return after


def _creation(house: House, shown: CreationShown) -> CreationJson:
    return CreationJson(
        id=shown.id,
        state=shown.state,
        code=shown.code,
        reason=shown.reason,
        prompt=shown.prompt,
        negative_prompt=shown.negative_prompt,
        aspect_ratio=shown.aspect_ratio,
        steps=shown.steps,
        style=shown.style,
        prompted_by=PersonJson(id=str(shown.person.id), username=shown.person.username, name=shown.person.name),
        post_id=str(shown.post_id) if shown.post_id is not None else None,
        parent_id=shown.parent_id,
        model=shown.model,
        seed=str(shown.seed),
        painting_seconds=shown.painting_seconds,
        painted_steps=shown.painted_steps,
        guidance=shown.guidance,
        truncated=_truncated(shown),
        ignored=shown.unheeded,
        created_at=labels.iso(shown.created_at),
        painted_at=labels.iso(shown.painted_at) if shown.painted_at else None,
        shown_at=labels.iso(shown.shown_at) if shown.shown_at else None,
        url=house.address(shown.path),
        reply_outcome=shown.reply_outcome,
        pictures=[_picture(house, picture) for picture in shown.pictures],
    )


def _truncated(shown: CreationShown) -> TruncatedJson | None:
    if shown.tokens_read is None or shown.tokens_in_all is None:
        return None
    return TruncatedJson(read=shown.tokens_read, of=shown.tokens_in_all)


def _wait(wait: Wait) -> WaitJson:
    return WaitJson(ahead=wait.ahead, seconds=None if wait.seconds is None else round(wait.seconds, 1), why=wait.why)


def _picture(house: House, picture: PictureShown) -> PictureJson:
    return PictureJson(
        url=house.address(picture.url),
        thumb_url=house.address(picture.thumb_url),
        width=picture.width,
        height=picture.height,
        seed=str(picture.seed),
        mime=picture.mime,
        placeholder=picture.placeholder,
        alt=picture.alt,
    )
