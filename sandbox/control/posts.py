"""Post as any user, and count the bot's replies."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sandbox import edits, text_parser
from sandbox.dependencies import DispatcherDep, WorldDep
from sandbox.draft_validation import MAX_TEXT
from sandbox.model import Draft, Json, Media, Post, RuleViolation, User
from sandbox.samples import post_samples
from sandbox.settings import HANDLE
from sandbox.world import World
from sandbox.x.serializer import EVERYTHING, JUST_NAMES, Serializer

CleanText = Annotated[str, BeforeValidator(lambda value: text_parser.scrub(value) if isinstance(value, str) else value)]
Handle = Annotated[str, BeforeValidator(lambda value: value.removeprefix("@") if isinstance(value, str) else value)]
Id = Annotated[
    str, BeforeValidator(lambda value: str(value) if type(value) is int else value), Field(pattern=r"^[0-9]{1,19}$")
]
MAX_BULK = 1000
MAX_BASE64 = 7_200_000  # 5 MB of image

router = APIRouter(prefix="/sandbox", tags=["control"])


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ControlPicture(Body):
    image: str = Field(max_length=MAX_BASE64)
    alt_text: Annotated[CleanText, Field(max_length=1000)] = ""


class ControlPost(Body):
    author: Annotated[Handle, Field(pattern=HANDLE)]
    text: Annotated[CleanText, Field(max_length=MAX_TEXT)] = ""
    in_reply_to: Id | None = None
    quote_of: Id | None = None
    repost_of: Id | None = None
    media: list[str | ControlPicture] = Field([], max_length=4)


@router.post("/posts")
async def add_post(body: ControlPost, world: WorldDep, request: Request) -> JSONResponse:
    return JSONResponse(post_json(world, _add(world, body), request), 201)


@router.post("/posts/bulk")
async def add_posts(posts: Annotated[list[ControlPost], Field(max_length=MAX_BULK)], world: WorldDep) -> JSONResponse:
    """Add many posts in one call, in this order. A post that breaks a rule ends the call; those before it stay."""
    ids = [str(_add(world, post).id) for post in posts]
    return JSONResponse({"ids": ids}, 201)


def _add(world: World, body: ControlPost) -> Post:
    author = world.find_person(body.author) or world.add_person(body.author)
    before = world.ids.last
    attached: list[Media] = []
    try:
        for picture in body.media:
            attached.append(_attach(world, author, picture))
        return world.create_post(_draft(author, body, attached))
    except RuleViolation:
        for media in attached:
            if media.id > before:
                world.delete_media(media)
        raise


def _draft(author: User, body: ControlPost, attached: list[Media]) -> Draft:
    return Draft(
        author,
        body.text,
        in_reply_to_id=int(body.in_reply_to) if body.in_reply_to else None,
        quote_of_id=int(body.quote_of) if body.quote_of else None,
        repost_of_id=int(body.repost_of) if body.repost_of else None,
        media_ids=[media.id for media in attached],
    )


def _attach(world: World, author: User, body: str | ControlPicture) -> Media:
    """Return the media for base64 (plain or as a data: URL), or for the id of an upload."""
    picture = body if isinstance(body, ControlPicture) else ControlPicture.model_construct(image=body)
    if picture.image.isascii() and picture.image.isdigit() and int(picture.image[:19]) in world.media:
        return world.media[int(picture.image[:19])]
    try:
        data = base64.b64decode(picture.image.partition(";base64,")[2] or picture.image, validate=True)
    except (binascii.Error, ValueError):
        raise RuleViolation("media-type", "media: neither base64 nor the id of an upload") from None
    return world.add_media(author, data, picture.alt_text)


@router.get("/posts")
async def posts(world: WorldDep, request: Request, limit: int = 100, since_id: int = 0) -> JSONResponse:
    """Return posts, newest first."""
    newer = [i for i in reversed(world.post_index.all) if i > since_id][: max(0, min(limit, 1000))]
    return JSONResponse({"data": [post_json(world, post, request) for post in world.existing_posts(newer)]})


@router.get("/posts/{post_id}")
async def post(post_id: str, world: WorldDep, request: Request) -> JSONResponse:
    return JSONResponse(post_json(world, require_post(world, post_id), request))


@router.get("/posts/{post_id}/replies")
async def replies(post_id: str, world: WorldDep, request: Request) -> JSONResponse:
    """Return the direct replies, oldest first, also those of a deleted post."""
    number = _parse_id(post_id)
    if number not in world.tombstones:
        require_post(world, post_id)
    direct = world.existing_posts(world.post_index.replies.get(number, []))
    return JSONResponse({"data": [post_json(world, reply, request) for reply in direct]})


@router.delete("/posts/{post_id}")
async def delete(post_id: str, world: WorldDep) -> Json:
    world.delete(require_post(world, post_id))
    return {"data": {"deleted": True}}


class NewText(Body):
    text: Annotated[CleanText, Field(max_length=MAX_TEXT)]


@router.post("/posts/{post_id}/edit")
async def edit(post_id: str, body: NewText, world: WorldDep, request: Request) -> JSONResponse:
    """Create a new version with its own id. Timelines show it instead of the old one."""
    return JSONResponse(post_json(world, edits.edit(world, require_post(world, post_id), body.text), request), 201)


@router.post("/samples")
async def samples(world: WorldDep) -> Json:
    """Post the sample prompts, once per world."""
    return {"data": {"posted": post_samples(world)}}


@router.get("/state")
async def state(world: WorldDep, dispatcher: DispatcherDep) -> Json:
    """Return what tests of a bot need: replies per post, duplicate replies, and API calls by status."""
    replies = count_replies(world)
    return {
        "posts": len(world.post_index.posts),
        "answers": {str(post_id): count for post_id, count in replies.items()},
        "duplicates": sum(count - 1 for count in replies.values()),
        "calls": {name: dict(statuses) for name, statuses in dispatcher.calls.items()},
        "bill_micro": dispatcher.billing.total_micro,
    }


@router.get("/calls")
async def calls(dispatcher: DispatcherDep, limit: int = 100) -> Json:
    """Return the last API calls, newest first, at most 1,000."""
    return {"data": dispatcher.request_log.newest(limit)}


def count_replies(world: World) -> Counter[int]:
    """Count the bot's direct replies to each post of other users. All versions of a post count as one."""
    replies: Counter[int] = Counter()
    for reply in world.existing_posts(world.post_index.by_author.get(world.bot.id, [])):
        target = world.post_index.posts.get(reply.in_reply_to_id or 0)
        if target is not None and target.author_id != world.bot.id:
            replies[target.edit_history[0]] += 1
    return replies


def post_json(world: World, post: Post, request: Request) -> Json:
    """Return a post with all fields of X's API, its author and its media."""
    base = str(request.base_url)
    serializer = Serializer(world, EVERYTHING, base)
    author = Serializer(world, JUST_NAMES, base).person(world.people[post.author_id])
    pictures: list[Json] = [
        {"alt_text": "", "sensitive_media_warning": media.warning} | serializer.media(media)
        for media in world.pictures(post)
    ]
    own = {"author": author, "media": pictures, "made_with_ai": post.made_with_ai, "hidden": post.hidden}
    return serializer.post(post) | own


def require_post(world: World, post_id: str) -> Post:
    post = world.post_index.posts.get(_parse_id(post_id))
    if post is None:
        raise RuleViolation("no-post", f"No post has the id {text_parser.scrub(post_id)[:40]}.")
    return post


def _parse_id(post_id: str) -> int:
    return int(post_id) if post_id.isascii() and post_id.isdigit() and len(post_id) <= 19 else 0
