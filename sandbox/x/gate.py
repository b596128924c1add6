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

from sandbox import account
from sandbox.clock import iso
from sandbox.line import Silence
from sandbox.model import Json, Refused
from sandbox.money import Till
from sandbox.world import World
from sandbox.x import billing, fields, problems, spoiled, vocabulary
from sandbox.x.call import Answer, Call, Caller, Endpoint
from sandbox.x.faults import Faults
from sandbox.x.grants import Grants
from sandbox.x.journal import Entry, Journal
from sandbox.x.limits import Limits, Table
from sandbox.x.oauth1 import Signed, Unsigned, Verifier
from sandbox.x.problems import Problem
from sandbox.x.refusals import dressed

log = structlog.get_logger()


class Gate:
    def __init__(self, world: World, endpoints: Sequence[Endpoint]) -> None:
        self.world = world
        self._routes = [(endpoint, *_route(endpoint.name)) for endpoint in endpoints]
        self.limits = Limits(world.clock, Table.of(world.facts["limits"]) if "limits" in world.facts else Table())
        own = world.settings
        consumer = (own.consumer_key, own.consumer_secret)
        # A client signs by its own clock, however far this world's was turned.
        self._verifier = Verifier(world.clock.wall, consumer=consumer, skew_seconds=own.clock_skew_seconds)
        self.calls: dict[str, Tally[str]] = defaultdict(Tally)
        self.journal = Journal()
        self.till = Till(world.store, world.clock, world.facts.get("money", {}))
        self.vocabulary: vocabulary.Mode = own.vocabulary
        self.old_media = own.old_media
        self.grants = Grants(world)
        self.names = frozenset(endpoint.name for endpoint in endpoints)
        self.faults = Faults(sorted(self.names), seed=own.seed, now_ms=world.clock.now_ms)

    async def pass_through(self, request: Request) -> Response:
        started = time.perf_counter()
        endpoint, args = self._find(request.method, request.url.path)
        version = vocabulary.version(self.vocabulary)
        if endpoint is None:
            return _dressed(404, None, {}, started, version)

        def dress(status: int, body: Json | None, headers: dict[str, str]) -> Response:
            told = None if body is None else vocabulary.outward(self.vocabulary, endpoint.name, body)
            return _dressed(status, told, headers, started, version)

        entry = self.journal.open(iso(self.world.clock.now_ms()), endpoint.name)

        async def do() -> Response:
            headers: dict[str, str] = {}
            try:
                answer = await self._answer(endpoint, args, request, headers, entry)
                return dress(answer.status, answer.body, headers)
            except Problem as problem:
                return dress(problem.status, problem.body, headers)

        try:
            faults = self.faults.at_call(endpoint.name)
            response = await spoiled.through(faults, do, dress=dress, now_s=self.world.clock.now_ms() // 1000)
            entry.heard = "dropped" if isinstance(response, Silence) else str(response.status_code)
            return response
        finally:
            self.calls[endpoint.name][entry.heard] += 1

    def _find(self, method: str, path: str) -> tuple[Endpoint | None, dict[str, str]]:
        for endpoint, its_method, pattern in self._routes:
            if its_method == method and (match := pattern.fullmatch(path)):
                return endpoint, match.groupdict()
        return None, {}

    async def _answer(
        self, endpoint: Endpoint, args: dict[str, str], request: Request, headers: dict[str, str], entry: Entry
    ) -> Answer:
        caller = self.who(request, entry)
        entry.by = caller.person.username if caller.person else "the app"
        self._admit(endpoint, caller, headers)
        if endpoint.needs_person and caller.person is None:
            raise problems.user_context_needed()
        _allowed(endpoint, caller, headers)
        query = vocabulary.inward(self.vocabulary, dict(request.query_params))
        fields.known_only(query, endpoint.query)
        base = str(request.base_url)
        call = Call(request, self.world, caller, args, query, base=base, faults=self.faults, till=self.till)
        billing.admit(self.till, endpoint.name)
        try:
            answer = await endpoint.handle(call)
            self._charge(call, endpoint, answer)
            return answer
        except Refused as refused:
            raise dressed(refused, self.world) from refused
        finally:
            headers |= self._account_day(endpoint, caller)

    def _admit(self, endpoint: Endpoint, caller: Caller, headers: dict[str, str]) -> None:
        """Above its limit a call is refused before anybody looks at it; a suspended account has no calls at all."""
        # A person's tokens share one window: a refreshed one does not begin a new.
        who = caller.token if caller.person is None else f"@{caller.person.username}"
        taken = self.limits.take(endpoint.name, who, app=caller.person is None)
        headers |= taken.headers
        if not taken.allowed:
            raise problems.too_many()
        if caller.person is not None and caller.person.suspended:
            raise problems.suspended_account()

    def _charge(self, call: Call, endpoint: Endpoint, answer: Answer) -> None:
        """What was done is charged, also when the answer is lost on its way."""
        items = billing.items(call, endpoint.name, answer, includes=self.till.terms.bill_includes)
        by = call.caller.person.username if call.caller.person else None
        self.till.charge(items, endpoint=endpoint.name, by=by)

    def _account_day(self, endpoint: Endpoint, caller: Caller) -> dict[str, str]:
        """What is left of the author's day, where X told it until 2025."""
        if endpoint.name != "POST /2/tweets" or caller.person is None or not self.limits.table.day_headers:
            return {}
        told = account.left(self.world.caps, self.world.shelf, caller.person, self.world.clock.now_ms())
        parts = zip(("limit", "remaining", "reset"), told, strict=True)
        return {f"x-user-limit-24hour-{part}": str(number) for part, number in parts}

    # who calls

    def who(self, request: Request, entry: Entry | None = None) -> Caller:
        """`entry` is told what the signature is worth."""
        header = request.headers.get("authorization", "")
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "bearer":
            return self._app(rest.strip())
        if scheme.lower() == "oauth":
            return self._person(header, request, entry or Entry("", ""))
        raise problems.unauthorized()

    def _app(self, token: str) -> Caller:
        if secrets.compare_digest(token.encode(), self.world.settings.bearer.encode()):
            return Caller(token, None)
        if granted := self.grants.person(token):
            person, scopes = granted
            # Refreshing a token opens no new window.
            return Caller(f"oauth2:{person.id}", person, scopes=scopes)
        raise problems.unauthorized()

    def _person(self, header: str, request: Request, entry: Entry) -> Caller:
        try:
            token = self._verifier.read(header).get("oauth_token", "")
            name, mark, _ = token.removeprefix("sandbox-token-").partition(READ_ONLY)
            person = self.world.person(name)
            if person is None or token != token_of(person.username) + mark:
                raise Unsigned("access token of nobody")
            self._verifier.check(header, secret_of(person.username) + mark, _signed(request))
            entry.signature = "good"
        except Unsigned as reason:
            entry.signature = str(reason)
            log.info("signature refused", reason=str(reason), path=request.url.path)
            raise problems.unauthorized() from None
        return Caller(token, person, read_only=bool(mark))


READ_ONLY = "-readonly"  # behind token and secret: keys of before "read and write" was switched on


def _allowed(endpoint: Endpoint, caller: Caller, headers: dict[str, str]) -> None:
    """What this token may do at all: its scopes (OAuth 2.0), or the permission of its keys (OAuth 1.0a)."""
    if caller.read_only or caller.person is None:
        headers["x-access-level"] = "read"
    if caller.read_only and not endpoint.name.startswith("GET "):
        raise problems.read_only()
    if caller.scopes is not None and not endpoint.scopes <= caller.scopes:
        raise problems.forbidden("Forbidden")


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


def _dressed(status: int, body: Json | None, headers: dict[str, str], started: float, version: str) -> Response:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    own = {
        "content-type": "application/json; charset=utf-8",
        "content-disposition": "attachment; filename=json.json",
        "cache-control": "no-cache, no-store, max-age=0",
        "api-version": version,
        "x-access-level": "read-write",
        "x-transaction-id": secrets.token_hex(8),
        "x-response-time": str(round((time.perf_counter() - started) * 1000)),
    }
    return Response(content, status, headers=own | headers)
