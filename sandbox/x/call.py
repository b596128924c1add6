"""One call to the API on its way through the gate: who, what, with which words. Knows the world only to pass it on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import Request

from sandbox.model import Json, Person
from sandbox.money import Till
from sandbox.world import World
from sandbox.x import problems
from sandbox.x.faults import Faults

MAX_BODY = 8 * 1024 * 1024  # 5 MB of picture in base64, and some words


@dataclass(frozen=True, slots=True)
class Caller:
    """`person` is None for an app-only bearer token. `token` names whose window is counted.

    `scopes` are those of an OAuth 2.0 user token, None for every other kind.
    """

    token: str
    person: Person | None
    scopes: frozenset[str] | None = None
    read_only: bool = False


@dataclass(slots=True)
class Call:
    request: Request
    world: World
    caller: Caller
    args: dict[str, str]
    query: dict[str, str]
    base: str
    faults: Faults
    till: Till
    notes: list[str] = field(default_factory=list)

    @property
    def me(self) -> Person:
        if self.caller.person is None:
            raise problems.user_context_needed()
        return self.caller.person

    async def body(self) -> bytes:
        data = bytearray()
        async for chunk in self.request.stream():
            data += chunk
            if len(data) > MAX_BODY:
                raise problems.too_large()
        return bytes(data)

    async def json(self) -> Json:
        try:
            read = json.loads(await self.body())
        except (ValueError, RecursionError):
            raise problems.invalid("The request body is not valid JSON") from None
        if not isinstance(read, dict):
            raise problems.invalid("The request body is not a JSON object")
        return read


@dataclass(frozen=True, slots=True)
class Answer:
    body: Json
    status: int = 200


Handle = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`name` is what limits, faults, prices and the call counts know it by: "GET /2/users/:id/mentions"."""

    name: str
    handle: Handle
    query: frozenset[str] = frozenset()
    needs_person: bool = False
    scopes: frozenset[str] = frozenset(("tweet.read", "users.read"))
