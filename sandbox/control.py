"""The control API: post as anybody, count the answers. Not part of X and never signed."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sandbox import editing, texts
from sandbox.model import Draft, Json, Media, Person, Post, Refused
from sandbox.rules import MAX_TEXT
from sandbox.samples import post_samples
from sandbox.settings import HANDLE
from sandbox.world import World
from sandbox.x.gate import Gate
from sandbox.x.render import EVERYTHING, JUST_NAMES, Drawer

Words = Annotated[str, BeforeValidator(lambda said: texts.scrub(said) if isinstance(said, str) else said)]
Handle = Annotated[str, BeforeValidator(lambda said: said.removeprefix("@") if isinstance(said, str) else said)]
Id = Annotated[
    str, BeforeValidator(lambda said: str(said) if type(said) is int else said), Field(pattern=r"^[0-9]{1,19}$")
]
MAX_BASE64 = 7_200_000  # 5 MB of picture

router = APIRouter(prefix="/sandbox", tags=["control"])


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Picture(Body):
    image: str = Field(max_length=MAX_BASE64)
    alt_text: Annotated[Words, Field(max_length=1000)] = ""


class ControlPost(Body):
    author: Annotated[Handle, Field(pattern=HANDLE)]
    text: Annotated[Words, Field(max_length=MAX_TEXT)] = ""
    in_reply_to: Id | None = None
    quote_of: Id | None = None
    repost_of: Id | None = None
    media: list[str | Picture] = Field([], max_length=4)


def world_of(request: Request) -> World:
    world: World = request.app.state.world
    return world


def gate_of(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


Here = Annotated[World, Depends(world_of)]


@router.post("/posts")
async def add_post(wanted: ControlPost, world: Here, request: Request) -> JSONResponse:
    author = world.person(wanted.author) or world.add_person(wanted.author)
    before = world.ids.last
    hung: list[Media] = []
    try:
        for picture in wanted.media:
            hung.append(_hung(world, author, picture))
        post = world.post(_draft(author, wanted, hung))
    except Refused:
        for media in hung:
            if media.id > before:
                world.drop_picture(media)
        raise
    return JSONResponse(drawn(world, post, request), 201)


def _draft(author: Person, wanted: ControlPost, hung: list[Media]) -> Draft:
    return Draft(
        author,
        wanted.text,
        in_reply_to_id=int(wanted.in_reply_to) if wanted.in_reply_to else None,
        quote_of_id=int(wanted.quote_of) if wanted.quote_of else None,
        repost_of_id=int(wanted.repost_of) if wanted.repost_of else None,
        media_ids=[media.id for media in hung],
    )


def _hung(world: World, author: Person, wanted: str | Picture) -> Media:
    """A picture in base64 (bare or as a data: address), or the id of one this person uploaded before."""
    picture = wanted if isinstance(wanted, Picture) else Picture.model_construct(image=wanted)
    if picture.image.isascii() and picture.image.isdigit() and int(picture.image[:19]) in world.media:
        return world.media[int(picture.image[:19])]
    try:
        data = base64.b64decode(picture.image.partition(";base64,")[2] or picture.image, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("media-type", "media: neither base64 nor the id of an uploaded picture") from None
    return world.add_picture(author, data, picture.alt_text)


@router.get("/posts")
async def posts(world: Here, request: Request, limit: int = 100, since_id: int = 0) -> JSONResponse:
    """Newest first."""
    newer = [i for i in reversed(world.shelf.all) if i > since_id][: max(0, min(limit, 1000))]
    return JSONResponse({"data": [drawn(world, post, request) for post in world.existing(newer)]})


@router.get("/posts/{post_id}")
async def post(post_id: str, world: Here, request: Request) -> JSONResponse:
    return JSONResponse(drawn(world, found(world, post_id), request))


@router.get("/posts/{post_id}/replies")
async def replies(post_id: str, world: Here, request: Request) -> JSONResponse:
    """Direct replies, oldest first; those of a deleted post are still there."""
    number = _number(post_id)
    if number not in world.gone:
        found(world, post_id)
    direct = world.existing(world.shelf.replies.get(number, []))
    return JSONResponse({"data": [drawn(world, reply, request) for reply in direct]})


@router.delete("/posts/{post_id}")
async def delete(post_id: str, world: Here) -> Json:
    world.delete(found(world, post_id))
    return {"data": {"deleted": True}}


class NewWords(Body):
    text: Annotated[Words, Field(max_length=MAX_TEXT)]


@router.post("/posts/{post_id}/edit")
async def edit(post_id: str, wanted: NewWords, world: Here, request: Request) -> JSONResponse:
    """201 and the new version, with an id of its own; timelines show it instead of the old one."""
    return JSONResponse(drawn(world, editing.edit(world, found(world, post_id), wanted.text), request), 201)


@router.post("/samples")
async def samples(world: Here) -> Json:
    """The sample prompts, once per world."""
    return {"data": {"posted": post_samples(world)}}


@router.get("/state")
async def state(world: Here, gate: Annotated[Gate, Depends(gate_of)]) -> Json:
    """What a test of a bot wants to know: who was answered, who twice, and how often the API was called."""
    answers = count_answers(world)
    return {
        "posts": len(world.shelf.posts),
        "answers": {str(post_id): count for post_id, count in answers.items()},
        "duplicates": sum(count - 1 for count in answers.values()),
        "calls": {name: dict(statuses) for name, statuses in gate.calls.items()},
        "bill_micro": gate.till.total_micro,
    }


@router.get("/calls")
async def calls(gate: Annotated[Gate, Depends(gate_of)], limit: int = 100) -> Json:
    """The last calls to the API, newest first, at most 1,000."""
    return {"data": gate.journal.newest(limit)}


def count_answers(world: World) -> Counter[int]:
    """Direct replies of the bot to posts of other people that are still there; all versions of a post are one."""
    answers: Counter[int] = Counter()
    for reply in world.existing(world.shelf.by_author.get(world.bot.id, [])):
        asked = world.shelf.posts.get(reply.in_reply_to_id or 0)
        if asked is not None and asked.author_id != world.bot.id:
            answers[asked.edit_history[0]] += 1
    return answers


def drawn(world: World, post: Post, request: Request) -> Json:
    """A post as X gives it with all fields, and beside it its author and its pictures."""
    base = str(request.base_url)
    drawer = Drawer(world, EVERYTHING, base)
    author = Drawer(world, JUST_NAMES, base).person(world.people[post.author_id])
    pictures: list[Any] = [
        {"alt_text": "", "sensitive_media_warning": media.warning} | drawer.media(media)
        for media in world.pictures(post)
    ]
    own = {"author": author, "media": pictures, "made_with_ai": post.made_with_ai, "hidden": post.hidden}
    return drawer.post(post) | own


def found(world: World, post_id: str) -> Post:
    post = world.shelf.posts.get(_number(post_id))
    if post is None:
        raise Refused("no-post", f"There is no post {texts.scrub(post_id)[:40]}.")
    return post


def _number(post_id: str) -> int:
    return int(post_id) if post_id.isascii() and post_id.isdigit() and len(post_id) <= 19 else 0
