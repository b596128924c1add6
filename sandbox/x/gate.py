"""The one place every /2 call passes: find | who calls | count | answer | headers. Knows no endpoint's meaning.

The next rules of X (refusing above a limit, faults, prices) are further steps of `_answer`, by the endpoint's name.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Sequence

import structlog
from fastapi import Request
from fastapi.responses import Response

from sandbox.model import Json, Refused
from sandbox.world import World
from sandbox.x import fields, problems
from sandbox.x.call import Answer, Call, Caller, Endpoint
from sandbox.x.limits import Counter
from sandbox.x.oauth1 import Signed, Unsigned, Verifier
from sandbox.x.problems import Problem

API_VERSION = "2.166"
log = structlog.get_logger()


class Gate:
    def __init__(self, world: World, endpoints: Sequence[Endpoint]) -> None:
        self.world = world
        self._routes = [(endpoint, *_route(endpoint.name)) for endpoint in endpoints]
        self._counter = Counter(world.clock)
        own = world.settings
        consumer = (own.consumer_key, own.consumer_secret)
        # A client signs by its own clock, however far this world's was turned.
        self._verifier = Verifier(world.clock.wall, consumer=consumer, skew_seconds=own.clock_skew_seconds)
        self.calls: dict[str, Tally[str]] = defaultdict(Tally)

    async def pass_through(self, request: Request) -> Response:
        started = time.perf_counter()
        endpoint, args = self._find(request.method, request.url.path)
        if endpoint is None:
            return _dressed(404, None, {}, started)
        headers: dict[str, str] = {}
        status = 500
        try:
            answer = await self._answer(endpoint, args, request, headers)
            status = answer.status
            return _dressed(status, answer.body, headers, started)
        except Problem as problem:
            status = problem.status
            return _dressed(status, problem.body, headers, started)
        finally:
            self.calls[endpoint.name][str(status)] += 1

    def _find(self, method: str, path: str) -> tuple[Endpoint | None, dict[str, str]]:
        for endpoint, its_method, pattern in self._routes:
            if its_method == method and (match := pattern.fullmatch(path)):
                return endpoint, match.groupdict()
        return None, {}

    async def _answer(
        self, endpoint: Endpoint, args: dict[str, str], request: Request, headers: dict[str, str]
    ) -> Answer:
        caller = self._who(request)
        window = self._counter.count(endpoint.name, caller.token, app=caller.person is None)
        headers |= window.headers
        if endpoint.needs_person and caller.person is None:
            raise problems.user_context_needed()
        query = dict(request.query_params)
        fields.known_only(query, endpoint.query)
        call = Call(request, self.world, caller, args, query, base=str(request.base_url))
        try:
            return await endpoint.handle(call)
        except Refused as refused:
            raise _x_problem(refused) from refused

    # who calls

    def _who(self, request: Request) -> Caller:
        header = request.headers.get("authorization", "")
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "bearer":
            return self._app(rest.strip())
        if scheme.lower() == "oauth":
            return self._person(header, request)
        raise problems.unauthorized()

    def _app(self, token: str) -> Caller:
        if secrets.compare_digest(token.encode(), self.world.settings.bearer.encode()):
            return Caller(token, None)
        raise problems.unauthorized()

    def _person(self, header: str, request: Request) -> Caller:
        try:
            token = self._verifier.read(header).get("oauth_token", "")
            person = self.world.person(token.removeprefix("sandbox-token-"))
            if person is None or token != token_of(person.username):
                raise Unsigned("access token of nobody")
            self._verifier.check(header, secret_of(person.username), _signed(request))
        except Unsigned as reason:
            log.info("signature refused", reason=str(reason), path=request.url.path)
            raise problems.unauthorized() from None
        return Caller(token, person)


def token_of(username: str) -> str:
    return f"sandbox-token-{username}"


def secret_of(username: str) -> str:
    return f"sandbox-token-secret-{username}"


def _signed(request: Request) -> Signed:
    raw_path = request.scope.get("raw_path") or request.url.path.encode()
    origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
    query = request.scope["query_string"].decode("latin-1")
    return Signed(request.method, origin, raw_path.decode("latin-1"), query)


def _route(name: str) -> tuple[str, re.Pattern[str]]:
    method, path = name.split(" ", 1)
    return method, re.compile(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", path))


def _x_problem(refused: Refused) -> Problem:
    """Bad material is 400 at X, a forbidden deed 403."""
    if refused.code in ("media-ids", "media-type", "media-size", "empty"):
        return problems.invalid(refused.detail)
    return problems.forbidden(refused.detail)


def _dressed(status: int, body: Json | None, headers: dict[str, str], started: float) -> Response:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    own = {
        "content-type": "application/json; charset=utf-8",
        "content-disposition": "attachment; filename=json.json",
        "cache-control": "no-cache, no-store, max-age=0",
        "api-version": API_VERSION,
        "x-access-level": "read-write",
        "x-transaction-id": secrets.token_hex(8),
        "x-response-time": str(round((time.perf_counter() - started) * 1000)),
    }
    return Response(content, status, headers=own | headers)
