"""Posting and deleting through the API. Checks the body's shape; what may be said is for the world's rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sandbox import texts
from sandbox.model import Draft
from sandbox.x.call import Answer, Call, Endpoint
from sandbox.x.fields import snowflake
from sandbox.x.problems import Problem, forbidden, invalid, not_found

# Pydantic refuses lone surrogates before any check of ours could mend them.
Words = Annotated[str, BeforeValidator(lambda said: texts.scrub(said) if isinstance(said, str) else said)]
Snowflake = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
WRITE = frozenset(("tweet.read", "tweet.write", "users.read"))
NOT_PLAYED = ("poll", "geo", "edit_options", "community_id", "card_uri", "direct_message_deep_link")


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
    text: Words = ""
    media: MediaPart | None = None
    reply: ReplyPart | None = None
    quote_tweet_id: Snowflake | None = None
    # That everybody may answer is said by saying nothing.
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None
    made_with_ai: bool = False
    paid_partnership: bool = False
    nullcast: bool = False
    for_super_followers_only: bool = False
    share_with_followers: bool = False
    # Known to X, not to this sandbox: saying so is kinder than playing as if.
    poll: Any = None
    geo: Any = None
    edit_options: Any = None
    community_id: Any = None
    card_uri: Any = None
    direct_message_deep_link: Any = None


async def create(call: Call) -> Answer:
    wanted = _read(await call.json())
    post = call.world.post(_draft(call, wanted))
    data = {"id": str(post.id), "text": post.text, "edit_history_tweet_ids": [str(i) for i in post.edit_history]}
    return Answer({"data": data}, status=201)


def _read(body: dict[str, Any]) -> NewPost:
    try:
        wanted = NewPost.model_validate(body)
    except ValidationError as error:
        raise refused_body(error) from None
    for name in NOT_PLAYED:
        if getattr(wanted, name) is not None:
            raise invalid(f"$.{name}: this sandbox does not play it", name)
    return wanted


def refused_body(error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(texts.scrub(str(step)) for step in first["loc"])
    if first["type"] == "extra_forbidden":
        message = f"$.{where}: is not defined in the schema and the schema does not allow additional properties"
        return invalid(message, where)
    return invalid(f"$.{where}: {first['msg']}", where)


def _draft(call: Call, wanted: NewPost) -> Draft:
    reply, media = wanted.reply, wanted.media
    return Draft(
        call.me,
        wanted.text,
        in_reply_to_id=int(reply.in_reply_to_tweet_id) if reply else None,
        quote_of_id=int(wanted.quote_tweet_id) if wanted.quote_tweet_id else None,
        media_ids=[int(i) for i in media.media_ids] if media else [],
        leave_out_ids=[int(i) for i in reply.exclude_reply_user_ids] if reply else [],
        reply_settings=wanted.reply_settings or "everyone",
        made_with_ai=wanted.made_with_ai,
        paid_partnership=wanted.paid_partnership,
        through_api=True,
    )


async def delete(call: Call) -> Answer:
    """Deleting one's own post again is no error; X's answer to that is not documented."""
    post_id = snowflake("id", call.args["id"])
    post = call.world.shelf.posts.get(post_id)
    owner = post.author_id if post else call.world.gone.get(post_id, {}).get("author_id")
    if owner is None:
        raise Problem(404, not_found("tweet", "id", call.args["id"]) | {"status": 404})
    if owner != call.me.id:
        raise forbidden("You are not permitted to perform this action.")
    if post is not None:
        call.world.delete(post)
    return Answer({"data": {"deleted": True}})


ENDPOINTS = [
    Endpoint("POST /2/tweets", create, needs_person=True, scopes=WRITE),
    Endpoint("DELETE /2/tweets/:id", delete, needs_person=True, scopes=WRITE),
]
