"""Handle every /2 call: routing, faults, authentication, rate limits, billing, the endpoint, and headers."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

import structlog
from fastapi import Request
from fastapi.responses import Response

from sandbox import daily_caps
from sandbox.billing import Billing
from sandbox.clock import iso
from sandbox.connection_faults import DropConnection
from sandbox.model import Json, RuleViolation
from sandbox.world import World
from sandbox.x import billing, fault_injection, field_names, fields, problems
from sandbox.x.call import ApiResponse, Call, Caller, Endpoint
from sandbox.x.error_mapping import to_problem
from sandbox.x.faults import Faults
from sandbox.x.grants import Grants
from sandbox.x.limits import CallLimits, LimitTable
from sandbox.x.oauth1 import InvalidSignature, SignedRequest, Verifier
from sandbox.x.problems import Problem
from sandbox.x.request_log import Entry, RequestLog

log = structlog.get_logger()


class CallDispatcher:
    def __init__(self, world: World, endpoints: Sequence[Endpoint]) -> None:
        self.world = world
        self._routes = [(endpoint, *_compile_route(endpoint.name)) for endpoint in endpoints]
        table = LimitTable.from_stored(world.facts["limits"]) if "limits" in world.facts else LimitTable()
        self.limits = CallLimits(world.clock, table)
        settings = world.settings
        consumer = (settings.consumer_key, settings.consumer_secret)
        # Clients sign with their own clock, which the sandbox cannot change.
        self._verifier = Verifier(world.clock.wall, consumer=consumer, skew_seconds=settings.clock_skew_seconds)
        self.calls: dict[str, Counter[str]] = defaultdict(Counter)
        self.request_log = RequestLog()
        self.billing = Billing(world.store, world.clock, world.facts.get("money", {}))
        self.vocabulary: field_names.Mode = settings.vocabulary
        self.old_media = settings.old_media
        self.grants = Grants(world)
        self.names = frozenset(endpoint.name for endpoint in endpoints)
        self.faults = Faults(sorted(self.names), seed=settings.seed, now_ms=world.clock.now_ms)

    async def handle(self, request: Request) -> Response:
        started = time.perf_counter()
        endpoint, args = self._find_endpoint(request.method, request.url.path)
        version = field_names.version(self.vocabulary)
        if endpoint is None:
            return _http_response(404, None, {}, started, version)

        def to_response(status: int, body: Json | None, headers: dict[str, str]) -> Response:
            api_body = None if body is None else field_names.to_mode_names(self.vocabulary, endpoint.name, body)
            return _http_response(status, api_body, headers, started, version)

        entry = self.request_log.open(iso(self.world.clock.now_ms()), endpoint.name)

        async def run() -> Response:
            headers: dict[str, str] = {}
            try:
                api_response = await self._respond(endpoint, args, request, headers, entry)
                return to_response(api_response.status, api_response.body, headers)
            except Problem as problem:
                return to_response(problem.status, problem.body, headers)

        try:
            faults = self.faults.for_call(endpoint.name)
            now_s = self.world.clock.now_ms() // 1000
            response = await fault_injection.apply_faults(faults, run, to_response=to_response, now_s=now_s)
            entry.response = "dropped" if isinstance(response, DropConnection) else str(response.status_code)
            return response
        finally:
            self.calls[endpoint.name][entry.response] += 1

    def _find_endpoint(self, method: str, path: str) -> tuple[Endpoint | None, dict[str, str]]:
        for endpoint, route_method, pattern in self._routes:
            if route_method == method and (match := pattern.fullmatch(path)):
                return endpoint, match.groupdict()
        return None, {}

    async def _respond(
        self, endpoint: Endpoint, args: dict[str, str], request: Request, headers: dict[str, str], entry: Entry
    ) -> ApiResponse:
        caller = self.authenticate(request, entry)
        entry.by = caller.person.username if caller.person else "the app"
        self._check_rate_limit(endpoint, caller, headers)
        if endpoint.needs_person and caller.person is None:
            raise problems.user_context_required()
        _ensure_permitted(endpoint, caller, headers)
        query = field_names.to_old_names(self.vocabulary, dict(request.query_params))
        fields.ensure_known_parameters(query, endpoint.query)
        base = str(request.base_url)
        call = Call(request, self.world, caller, args, query, base=base, faults=self.faults, billing=self.billing)
        billing.admit(self.billing, endpoint.name)
        try:
            response = await endpoint.handle(call)
            self._charge(call, endpoint, response)
            return response
        except RuleViolation as refused:
            raise to_problem(refused, self.world) from refused
        finally:
            headers |= self._daily_cap_headers(endpoint, caller)

    def _check_rate_limit(self, endpoint: Endpoint, caller: Caller, headers: dict[str, str]) -> None:
        """Reject calls above the rate limit, and all calls of suspended accounts."""
        # All tokens of a user share one window, so that refreshing a token does not open a new one.
        window_key = caller.token if caller.person is None else f"@{caller.person.username}"
        result = self.limits.acquire(endpoint.name, window_key, app=caller.person is None)
        headers |= result.headers
        if not result.allowed:
            raise problems.too_many_requests()
        if caller.person is not None and caller.person.suspended:
            raise problems.suspended_account()

    def _charge(self, call: Call, endpoint: Endpoint, response: ApiResponse) -> None:
        """Charge the call, even if a fault drops the response."""
        items = billing.items(call, endpoint.name, response, includes=self.billing.price_list.bill_includes)
        by = call.caller.person.username if call.caller.person else None
        self.billing.charge(items, endpoint=endpoint.name, by=by)

    def _daily_cap_headers(self, endpoint: Endpoint, caller: Caller) -> dict[str, str]:
        """Return the 24-hour headers of the author, which X sent until 2025."""
        if endpoint.name != "POST /2/tweets" or caller.person is None or not self.limits.table.day_headers:
            return {}
        world = self.world
        values = daily_caps.remaining_posts(world.caps, world.post_index, caller.person, world.clock.now_ms())
        parts = zip(("limit", "remaining", "reset"), values, strict=True)
        return {f"x-user-limit-24hour-{part}": str(number) for part, number in parts}

    def authenticate(self, request: Request, entry: Entry | None = None) -> Caller:
        """Authenticate the caller, and record the result of the signature check in `entry`."""
        header = request.headers.get("authorization", "")
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "bearer":
            return self._authenticate_bearer(rest.strip())
        if scheme.lower() == "oauth":
            return self._authenticate_oauth1(header, request, entry or Entry("", ""))
        raise problems.unauthorized()

    def _authenticate_bearer(self, token: str) -> Caller:
        if secrets.compare_digest(token.encode(), self.world.settings.bearer.encode()):
            return Caller(token, None)
        if granted := self.grants.find_person(token):
            person, scopes = granted
            return Caller(f"oauth2:{person.id}", person, scopes=scopes)
        raise problems.unauthorized()

    def _authenticate_oauth1(self, header: str, request: Request, entry: Entry) -> Caller:
        try:
            token = self._verifier.read(header).get("oauth_token", "")
            name, suffix, _ = token.removeprefix("sandbox-token-").partition(READ_ONLY)
            person = self.world.find_person(name)
            if person is None or token != access_token_for(person.username) + suffix:
                raise InvalidSignature("unknown access token")
            self._verifier.check(header, access_secret_for(person.username) + suffix, _signed_request(request))
            entry.signature = "good"
        except InvalidSignature as reason:
            entry.signature = str(reason)
            log.info("signature refused", reason=str(reason), path=request.url.path)
            raise problems.unauthorized() from None
        return Caller(token, person, read_only=bool(suffix))


READ_ONLY = "-readonly"  # suffix of token and secret: keys made before the app got the permission "read and write"


def _ensure_permitted(endpoint: Endpoint, caller: Caller, headers: dict[str, str]) -> None:
    """Check the scopes of the token (OAuth 2.0) or the permission of its keys (OAuth 1.0a)."""
    if caller.read_only or caller.person is None:
        headers["x-access-level"] = "read"
    if caller.read_only and not endpoint.name.startswith("GET "):
        raise problems.read_only()
    if caller.scopes is not None and not endpoint.scopes <= caller.scopes:
        raise problems.forbidden("Forbidden")


def access_token_for(username: str) -> str:
    return f"sandbox-token-{username}"


def access_secret_for(username: str) -> str:
    return f"sandbox-token-secret-{username}"


def _signed_request(request: Request) -> SignedRequest:
    raw_path = request.scope.get("raw_path") or request.url.path.encode()
    origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
    query = request.scope["query_string"].decode("latin-1")
    return SignedRequest(request.method, origin, raw_path.decode("latin-1"), query)


def _compile_route(name: str) -> tuple[str, re.Pattern[str]]:
    method, path = name.split(" ", 1)
    return method, re.compile(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", path))


def _http_response(status: int, body: Json | None, headers: dict[str, str], started: float, version: str) -> Response:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    default_headers = {
        "content-type": "application/json; charset=utf-8",
        "content-disposition": "attachment; filename=json.json",
        "cache-control": "no-cache, no-store, max-age=0",
        "api-version": version,
        "x-access-level": "read-write",
        "x-transaction-id": secrets.token_hex(8),
        "x-response-time": str(round((time.perf_counter() - started) * 1000)),
    }
    return Response(content, status, headers=default_headers | headers)
