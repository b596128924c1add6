"""Reading people and posts through the API. Knows the world and X's shapes; who may call was settled at the gate."""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.model import Json, Person, Post
from sandbox.settings import HANDLE
from sandbox.x import fields, paging, visible
from sandbox.x.call import Answer, Call, Endpoint
from sandbox.x.faults import MENTIONS, OWN
from sandbox.x.fields import POST_SHAPE, USER_EXPANSIONS, USER_SHAPE, WINDOW, wanted
from sandbox.x.problems import not_one_of, not_valid
from sandbox.x.render import Drawer
from sandbox.x.visible import person_error, post_error, timeline_error


async def me(call: Call) -> Answer:
    return people_answer(call, [call.me], [], one=True)


async def person_by_id(call: Call) -> Answer:
    return _people_by(call, "id", [call.args["id"]], one=True)


async def people_by_ids(call: Call) -> Answer:
    return _people_by(call, "ids", fields.ids(call.query), one=False)


async def person_by_username(call: Call) -> Answer:
    username = call.args["username"]
    if not re.match(HANDLE, username):
        raise not_valid("username", username)
    return _people_found(call, "username", {username: call.world.person(username)}, one=True)


def _people_by(call: Call, parameter: str, values: list[str], *, one: bool) -> Answer:
    found = {value: call.world.people.get(fields.snowflake(parameter, value)) for value in values}
    return _people_found(call, parameter, found, one=one)


async def people_by_usernames(call: Call) -> Answer:
    names = fields.words(call.query, "usernames", HANDLE)
    return _people_found(call, "usernames", {name: call.world.person(name) for name in names}, one=False)


def _people_found(call: Call, parameter: str, found: dict[str, Person | None], *, one: bool) -> Answer:
    lost = {value: person_error(person, parameter, value) for value, person in found.items()}
    people = [person for value, person in found.items() if person and not lost[value]]
    return people_answer(call, people, [error for error in lost.values() if error], one=one)


def people_answer(
    call: Call, people: list[Person], errors: list[Json], *, one: bool = False, meta: Json | None = None
) -> Answer:
    drawer = Drawer(call.world, wanted(call.query, USER_EXPANSIONS), call.base, viewer=call.caller.person)
    drawn = [drawer.person(person) for person in people]
    return _answer(drawn, drawer.user_includes(people), errors, one=one, meta=meta)


async def post_by_id(call: Call) -> Answer:
    return _posts_by(call, "id", [call.args["id"]], one=True)


async def posts_by_ids(call: Call) -> Answer:
    return _posts_by(call, "ids", fields.ids(call.query), one=False)


def _posts_by(call: Call, parameter: str, values: list[str], *, one: bool) -> Answer:
    """200 also when all are gone: then there are only errors."""
    found = {value: call.world.shelf.posts.get(fields.snowflake(parameter, value)) for value in values}
    viewer = call.caller.person
    lost = {value: post_error(call.world, viewer, post, parameter, value) for value, post in found.items()}
    posts = [post for value, post in found.items() if post and not lost[value]]
    return posts_answer(call, posts, [error for error in lost.values() if error], one=one)


def posts_answer(
    call: Call, posts: list[Post], errors: list[Json], *, one: bool = False, meta: Json | None = None
) -> Answer:
    drawer = Drawer(call.world, wanted(call.query), call.base, viewer=call.caller.person)
    includes, lost = drawer.includes(posts)
    return _answer([drawer.post(post) for post in posts], includes, errors + lost, one=one, meta=meta)


def _answer(data: list[Json], includes: Json, errors: list[Json], *, one: bool, meta: Json | None = None) -> Answer:
    body: Json = {}
    if data:
        body["data"] = data[0] if one else data
    parts = {"includes": includes, "errors": errors, "meta": meta}
    return Answer(body | {name: part for name, part in parts.items() if part})


# timelines


async def mentions(call: Call) -> Answer:
    reach = call.world.settings.mentions_reach
    return _timeline(call, MENTIONS, lambda person: call.world.shelf.mentions.get(person.id, [])[-reach:])


async def posts_of(call: Call) -> Answer:
    return _timeline(call, OWN, lambda person: _own_posts(call, person))


def _own_posts(call: Call, person: Person) -> list[int]:
    leave_out = set(call.query.get("exclude", "").split(",")) - {""}
    for value in leave_out - {"replies", "retweets"}:
        raise not_one_of("exclude", value, ("replies", "retweets"))
    settings = call.world.settings
    reach = settings.posts_reach_without_replies if "replies" in leave_out else settings.posts_reach
    own = call.world.shelf.by_author.get(person.id, [])[-reach:]
    if not leave_out:
        return own
    return [post.id for post in call.world.existing(own) if not _left_out(post, leave_out)]


def _left_out(post: Post, leave_out: set[str]) -> bool:
    reply, repost = post.in_reply_to_id is not None, post.repost_of_id is not None
    return ("replies" in leave_out and reply) or ("retweets" in leave_out and repost)


def _timeline(call: Call, endpoint: str, ids_of: Callable[[Person], list[int]]) -> Answer:
    size = fields.whole_number(call.query, "max_results", low=5, high=100, default=10)
    limits = paging.bounds(call.query, now_ms=call.world.clock.now_ms())
    person = call.world.people.get(fields.snowflake("id", call.args["id"]))
    viewer, own = call.caller.person, endpoint == OWN
    lost = timeline_error(person, viewer, call.args["id"], own=own)
    if lost is not None or person is None:
        return posts_answer(call, [], [lost] if lost else [])
    ids = visible.timeline(call.world, ids_of(person), viewer, None if own else person)
    token = call.query.get("pagination_token")
    page = paging.page(
        call.faults.shown(endpoint, ids),
        limits,
        size=size,
        token=token,
        overlap=call.faults.overlap(endpoint, later_page=token is not None),
    )
    return posts_answer(call, call.world.existing(page.ids), [], meta=page.meta)


_TIMELINE = POST_SHAPE | WINDOW

ENDPOINTS = [
    Endpoint("GET /2/users/me", me, USER_SHAPE, needs_person=True),
    Endpoint(MENTIONS, mentions, _TIMELINE),
    Endpoint(OWN, posts_of, _TIMELINE | {"exclude"}),
    Endpoint("GET /2/users/by/username/:username", person_by_username, USER_SHAPE),
    Endpoint("GET /2/users/by", people_by_usernames, USER_SHAPE | {"usernames"}),
    Endpoint("GET /2/users/:id", person_by_id, USER_SHAPE),
    Endpoint("GET /2/users", people_by_ids, USER_SHAPE | {"ids"}),
    Endpoint("GET /2/tweets/:id", post_by_id, POST_SHAPE),
    Endpoint("GET /2/tweets", posts_by_ids, POST_SHAPE | {"ids"}),
]
