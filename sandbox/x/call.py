"""Define an API call, its response and its endpoint."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request

from sandbox.billing import Billing
from sandbox.model import Json, User
from sandbox.world import World
from sandbox.x import problems
from sandbox.x.faults import Faults

MAX_BODY = 8 * 1024 * 1024  # bytes: an image of 5 MB in base64, and some text


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller. `person` is None for an app-only bearer token.

    `token` identifies the rate-limit window. `scopes` is None except for OAuth 2.0 user tokens.
    """

    token: str
    person: User | None
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
    billing: Billing

    @property
    def me(self) -> User:
        if self.caller.person is None:
            raise problems.user_context_required()
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
            content = json.loads(await self.body())
        except (ValueError, RecursionError):
            raise problems.invalid("The request body is not valid JSON") from None
        if not isinstance(content, dict):
            raise problems.invalid("The request body is not a JSON object")
        return content


@dataclass(frozen=True, slots=True)
class ApiResponse:
    body: Json
    status: int = 200


EndpointHandler = Callable[[Call], Awaitable[ApiResponse]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. `name` ("GET /2/users/:id/mentions") is the key for limits, faults, prices and call counts."""

    name: str
    handle: EndpointHandler
    query: frozenset[str] = frozenset()
    needs_person: bool = False
    scopes: frozenset[str] = frozenset(("tweet.read", "users.read"))
