"""List followers, and hide replies."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.model import User
from sandbox.x import fields, paging
from sandbox.x.call import ApiResponse, Call, Endpoint
from sandbox.x.fields import USER_SHAPE, parse_snowflake
from sandbox.x.paging import Bounds
from sandbox.x.problems import Problem, forbidden, not_found
from sandbox.x.reads import users_response
from sandbox.x.visibility import timeline_error
from sandbox.x.writes import validation_problem

_ALL_IDS = Bounds(0, 1 << 64)


async def followers(call: Call) -> ApiResponse:
    return _list_users(call, lambda person, of: of.id in person.follows)


async def following(call: Call) -> ApiResponse:
    return _list_users(call, lambda person, of: person.id in of.follows)


def _list_users(call: Call, is_listed: Callable[[User, User], bool]) -> ApiResponse:
    """Return users, newest accounts first. X orders by follow date, which the sandbox does not store."""
    size = fields.parse_int(call.query, "max_results", low=1, high=1000, default=100)
    person = call.world.people.get(parse_snowflake("id", call.args["id"]))
    error = timeline_error(person, call.caller.person, call.args["id"], own=True)
    if error is not None or person is None:
        return users_response(call, [], [error] if error else [])
    members = sorted(user.id for user in call.world.people.values() if not user.suspended and is_listed(user, person))
    page = paging.page(members, _ALL_IDS, size=size, token=call.query.get("pagination_token"))
    meta = {name: value for name, value in page.meta.items() if name not in ("newest_id", "oldest_id")}
    return users_response(call, [call.world.people[i] for i in page.ids], [], meta=meta)


class HiddenBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    hidden: bool


async def hide(call: Call) -> ApiResponse:
    """Hide or show a reply in a conversation of the caller."""
    try:
        body = HiddenBody.model_validate(await call.json())
    except ValidationError as error:
        raise validation_problem(error) from None
    post = call.world.post_index.posts.get(parse_snowflake("tweet_id", call.args["id"]))
    if post is None:
        raise Problem(404, not_found("tweet", "tweet_id", call.args["id"]) | {"status": 404})
    root = call.world.post_index.posts.get(post.conversation_id)
    if post.in_reply_to_id is None or root is None or root.author_id != call.me.id:
        raise forbidden("You are not permitted to perform this action.")
    post.hidden = body.hidden
    call.world.save(post)
    return ApiResponse({"data": {"hidden": post.hidden}})


_LIST_PARAMS = USER_SHAPE | {"max_results", "pagination_token"}
_READ = frozenset(("tweet.read", "users.read"))

ENDPOINTS = [
    Endpoint("GET /2/users/:id/followers", followers, _LIST_PARAMS, scopes=_READ | {"follows.read"}),
    Endpoint("GET /2/users/:id/following", following, _LIST_PARAMS, scopes=_READ | {"follows.read"}),
    Endpoint("PUT /2/tweets/:id/hidden", hide, needs_person=True, scopes=_READ | {"tweet.moderate.write"}),
]
