"""Who follows whom, and who is hidden from a conversation. Knows people and X's shapes; reading posts is elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.model import Person
from sandbox.x import fields, paging
from sandbox.x.call import Answer, Call, Endpoint
from sandbox.x.fields import USER_SHAPE, snowflake
from sandbox.x.paging import Bounds
from sandbox.x.problems import Problem, forbidden, not_found
from sandbox.x.reads import people_answer
from sandbox.x.visible import timeline_error
from sandbox.x.writes import refused_body

_EVERYBODY = Bounds(0, 1 << 64)


async def followers(call: Call) -> Answer:
    return _circle(call, lambda person, of: of.id in person.follows)


async def following(call: Call) -> Answer:
    return _circle(call, lambda person, of: person.id in of.follows)


def _circle(call: Call, belongs: Callable[[Person, Person], bool]) -> Answer:
    """Newest members of X first: when somebody began to follow is not kept."""
    size = fields.whole_number(call.query, "max_results", low=1, high=1000, default=100)
    person = call.world.people.get(snowflake("id", call.args["id"]))
    error = timeline_error(person, call.caller.person, call.args["id"], own=True)
    if error is not None or person is None:
        return people_answer(call, [], [error] if error else [])
    members = sorted(one.id for one in call.world.people.values() if not one.suspended and belongs(one, person))
    page = paging.page(members, _EVERYBODY, size=size, token=call.query.get("pagination_token"))
    meta = {name: value for name, value in page.meta.items() if name not in ("newest_id", "oldest_id")}
    return people_answer(call, [call.world.people[i] for i in page.ids], [], meta=meta)


class Hiding(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    hidden: bool


async def hide(call: Call) -> Answer:
    """Only replies in one's own conversations; hiding what is hidden is no error."""
    try:
        wanted = Hiding.model_validate(await call.json())
    except ValidationError as error:
        raise refused_body(error) from None
    post = call.world.shelf.posts.get(snowflake("tweet_id", call.args["id"]))
    if post is None:
        raise Problem(404, not_found("tweet", "tweet_id", call.args["id"]) | {"status": 404})
    root = call.world.shelf.posts.get(post.conversation_id)
    if post.in_reply_to_id is None or root is None or root.author_id != call.me.id:
        raise forbidden("You are not permitted to perform this action.")
    post.hidden = wanted.hidden
    call.world.save(post)
    return Answer({"data": {"hidden": post.hidden}})


_CIRCLE = USER_SHAPE | {"max_results", "pagination_token"}
_READ = frozenset(("tweet.read", "users.read"))

ENDPOINTS = [
    Endpoint("GET /2/users/:id/followers", followers, _CIRCLE, scopes=_READ | {"follows.read"}),
    Endpoint("GET /2/users/:id/following", following, _CIRCLE, scopes=_READ | {"follows.read"}),
    Endpoint("PUT /2/tweets/:id/hidden", hide, needs_person=True, scopes=_READ | {"tweet.moderate.write"}),
]
