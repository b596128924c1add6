"""Create and delete posts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sandbox import text_parser
from sandbox.model import Draft, Json
from sandbox.x.call import ApiResponse, Call, Endpoint
from sandbox.x.fields import parse_snowflake
from sandbox.x.problems import Problem, forbidden, invalid, not_found

# Pydantic rejects lone surrogates, so replace them first.
CleanText = Annotated[str, BeforeValidator(lambda value: text_parser.scrub(value) if isinstance(value, str) else value)]
Snowflake = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
WRITE = frozenset(("tweet.read", "tweet.write", "users.read"))
# Fields of X that the sandbox rejects instead of ignoring them.
UNSUPPORTED_FIELDS = ("poll", "geo", "edit_options", "community_id", "card_uri", "direct_message_deep_link")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class MediaPart(_Body):
    media_ids: list[Snowflake] = Field(min_length=1, max_length=4)
    tagged_user_ids: list[Snowflake] = Field([], max_length=10)


class ReplyPart(_Body):
    in_reply_to_tweet_id: Snowflake
    exclude_reply_user_ids: list[Snowflake] = []
    auto_populate_reply_metadata: bool = True


class NewPost(_Body):
    text: CleanText = ""
    media: MediaPart | None = None
    reply: ReplyPart | None = None
    quote_tweet_id: Snowflake | None = None
    # "everyone" is expressed by omitting the field.
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None
    made_with_ai: bool = False
    paid_partnership: bool = False
    nullcast: bool = False
    for_super_followers_only: bool = False
    share_with_followers: bool = False


async def create(call: Call) -> ApiResponse:
    body = _parse(await call.json())
    post = call.world.create_post(_draft(call, body))
    data = {"id": str(post.id), "text": post.text, "edit_history_tweet_ids": [str(i) for i in post.edit_history]}
    return ApiResponse({"data": data}, status=201)


def _parse(content: Json) -> NewPost:
    try:
        body = NewPost.model_validate({key: content[key] for key in content if key not in UNSUPPORTED_FIELDS})
    except ValidationError as error:
        raise validation_problem(error) from None
    for name in UNSUPPORTED_FIELDS:
        if content.get(name) is not None:
            raise invalid(f"$.{name}: not supported by the sandbox", name)
    return body


def validation_problem(error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(text_parser.scrub(str(step)) for step in first["loc"])
    if first["type"] == "extra_forbidden":
        message = f"$.{where}: is not defined in the schema and the schema does not allow additional properties"
        return invalid(message, where)
    return invalid(f"$.{where}: {first['msg']}", where)


def _draft(call: Call, body: NewPost) -> Draft:
    reply, media = body.reply, body.media
    return Draft(
        call.me,
        body.text,
        in_reply_to_id=int(reply.in_reply_to_tweet_id) if reply else None,
        quote_of_id=int(body.quote_tweet_id) if body.quote_tweet_id else None,
        media_ids=[int(i) for i in media.media_ids] if media else [],
        excluded_user_ids=[int(i) for i in reply.exclude_reply_user_ids] if reply else [],
        reply_settings=body.reply_settings or "everyone",
        made_with_ai=body.made_with_ai,
        paid_partnership=body.paid_partnership,
        through_api=True,
    )


async def delete(call: Call) -> ApiResponse:
    """Delete a post. Deleting it again is no error; X does not document its response to that."""
    post_id = parse_snowflake("id", call.args["id"])
    post = call.world.post_index.posts.get(post_id)
    owner = post.author_id if post else call.world.tombstones.get(post_id, {}).get("author_id")
    if owner is None:
        raise Problem(404, not_found("tweet", "id", call.args["id"]) | {"status": 404})
    if owner != call.me.id:
        raise forbidden("You are not permitted to perform this action.")
    if post is not None:
        call.world.delete(post)
    return ApiResponse({"data": {"deleted": True}})


ENDPOINTS = [
    Endpoint("POST /2/tweets", create, needs_person=True, scopes=WRITE),
    Endpoint("DELETE /2/tweets/:id", delete, needs_person=True, scopes=WRITE),
]
