"""Look up users and posts, and read timelines."""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.model import Json, Post, User
from sandbox.settings import HANDLE
from sandbox.x import fields, paging, visibility
from sandbox.x.call import ApiResponse, Call, Endpoint
from sandbox.x.faults import MENTIONS, OWN
from sandbox.x.fields import POST_SHAPE, USER_EXPANSIONS, USER_SHAPE, WINDOW, parse_fields
from sandbox.x.problems import not_one_of, not_valid
from sandbox.x.serializer import Serializer
from sandbox.x.visibility import person_error, post_error, timeline_error


async def me(call: Call) -> ApiResponse:
    return users_response(call, [call.me], [], single=True)


async def person_by_id(call: Call) -> ApiResponse:
    return _users_by(call, "id", [call.args["id"]], single=True)


async def people_by_ids(call: Call) -> ApiResponse:
    return _users_by(call, "ids", fields.parse_ids(call.query), single=False)


async def person_by_username(call: Call) -> ApiResponse:
    username = call.args["username"]
    if not re.match(HANDLE, username):
        raise not_valid("username", username)
    return _users_response(call, "username", {username: call.world.find_person(username)}, single=True)


def _users_by(call: Call, parameter: str, values: list[str], *, single: bool) -> ApiResponse:
    results = {value: call.world.people.get(fields.parse_snowflake(parameter, value)) for value in values}
    return _users_response(call, parameter, results, single=single)


async def people_by_usernames(call: Call) -> ApiResponse:
    names = fields.parse_list(call.query, "usernames", HANDLE)
    return _users_response(call, "usernames", {name: call.world.find_person(name) for name in names}, single=False)


def _users_response(call: Call, parameter: str, results: dict[str, User | None], *, single: bool) -> ApiResponse:
    errors_by_value = {value: person_error(person, parameter, value) for value, person in results.items()}
    people = [person for value, person in results.items() if person and not errors_by_value[value]]
    return users_response(call, people, [error for error in errors_by_value.values() if error], single=single)


def users_response(
    call: Call, people: list[User], errors: list[Json], *, single: bool = False, meta: Json | None = None
) -> ApiResponse:
    serializer = Serializer(call.world, parse_fields(call.query, USER_EXPANSIONS), call.base, viewer=call.caller.person)
    data = [serializer.person(person) for person in people]
    return _respond(data, serializer.user_includes(people), errors, single=single, meta=meta)


async def post_by_id(call: Call) -> ApiResponse:
    return _posts_by_ids(call, "id", [call.args["id"]], single=True)


async def posts_by_ids(call: Call) -> ApiResponse:
    return _posts_by_ids(call, "ids", fields.parse_ids(call.query), single=False)


def _posts_by_ids(call: Call, parameter: str, values: list[str], *, single: bool) -> ApiResponse:
    """Respond with 200 even if all posts are gone: then with errors only."""
    results = {value: call.world.post_index.posts.get(fields.parse_snowflake(parameter, value)) for value in values}
    viewer = call.caller.person
    errors_by_value = {value: post_error(call.world, viewer, post, parameter, value) for value, post in results.items()}
    posts = [post for value, post in results.items() if post and not errors_by_value[value]]
    return posts_response(call, posts, [error for error in errors_by_value.values() if error], single=single)


def posts_response(
    call: Call, posts: list[Post], errors: list[Json], *, single: bool = False, meta: Json | None = None
) -> ApiResponse:
    serializer = Serializer(call.world, parse_fields(call.query), call.base, viewer=call.caller.person)
    includes, reference_errors = serializer.includes(posts)
    return _respond(
        [serializer.post(post) for post in posts], includes, errors + reference_errors, single=single, meta=meta
    )


def _respond(
    data: list[Json], includes: Json, errors: list[Json], *, single: bool, meta: Json | None = None
) -> ApiResponse:
    body: Json = {}
    if data:
        body["data"] = data[0] if single else data
    parts = {"includes": includes, "errors": errors, "meta": meta}
    return ApiResponse(body | {name: part for name, part in parts.items() if part})


async def mentions(call: Call) -> ApiResponse:
    reach = call.world.settings.mentions_reach
    return _timeline(call, MENTIONS, lambda person: call.world.post_index.mentions.get(person.id, [])[-reach:])


async def posts_of(call: Call) -> ApiResponse:
    return _timeline(call, OWN, lambda person: _own_posts(call, person))


def _own_posts(call: Call, person: User) -> list[int]:
    leave_out = set(call.query.get("exclude", "").split(",")) - {""}
    for value in leave_out - {"replies", "retweets"}:
        raise not_one_of("exclude", value, ("replies", "retweets"))
    settings = call.world.settings
    reach = settings.posts_reach_without_replies if "replies" in leave_out else settings.posts_reach
    own = call.world.post_index.by_author.get(person.id, [])[-reach:]
    if not leave_out:
        return own
    return [post.id for post in call.world.existing_posts(own) if not _left_out(post, leave_out)]


def _left_out(post: Post, leave_out: set[str]) -> bool:
    reply, repost = post.in_reply_to_id is not None, post.repost_of_id is not None
    return ("replies" in leave_out and reply) or ("retweets" in leave_out and repost)


def _timeline(call: Call, endpoint: str, ids_of: Callable[[User], list[int]]) -> ApiResponse:
    size = fields.parse_int(call.query, "max_results", low=5, high=100, default=10)
    limits = paging.bounds(call.query, now_ms=call.world.clock.now_ms())
    person = call.world.people.get(fields.parse_snowflake("id", call.args["id"]))
    viewer, own = call.caller.person, endpoint == OWN
    error = timeline_error(person, viewer, call.args["id"], own=own)
    if error is not None or person is None:
        return posts_response(call, [], [error] if error else [])
    ids = visibility.timeline(call.world, ids_of(person), viewer, None if own else person)
    token = call.query.get("pagination_token")
    page = paging.page(
        call.faults.visible_ids(endpoint, ids),
        limits,
        size=size,
        token=token,
        overlap=call.faults.overlap(endpoint, later_page=token is not None),
    )
    return posts_response(call, call.world.existing_posts(page.ids), [], meta=page.meta)


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
