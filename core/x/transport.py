"""HTTP layer of the X client: tweepy's Client with timeouts, another address, multipart bodies and the call guard.

It also translates errors into ours. tweepy 4.17 has no timeout and no v2 media, and lets bare `requests` errors out.
Its `wait_on_rate_limit` recurses a thousand times on a 429 without a reset header. So `request` is overridden.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import requests
import tweepy
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import MaxRetryError, NewConnectionError

from core.clock import now
from core.clock_check import MAX_SKEW, describe_skew
from core.errors import CallsSuspended, GiveUp, OutcomeUnknown, ThreadpaintError, TryLater
from core.x import refusals
from core.x.call_guard import CallGuard
from core.x.json_fields import JsonObject
from core.x.rate_limit import CREATE_POST, RateLimitHeaders, parse_rate_limit_headers

MINUTE = 60.0
HALF_HOUR = 1800.0
UNAUTHORIZED = 401
HTTP_ERRORS: dict[int, type[tweepy.HTTPException]] = {
    400: tweepy.BadRequest,
    401: tweepy.Unauthorized,
    403: tweepy.Forbidden,
    404: tweepy.NotFound,
    429: tweepy.TooManyRequests,
}
# Retryable refusals that are about one post, so the call itself works.
ABOUT_ONE_POST = frozenset({"x_media_not_ready", "x_duplicate"})
# Calls whose repetition users would see.
UNREPEATABLE_CALLS = frozenset({CREATE_POST})
# Calls on one object of a user: X may refuse this object and accept the next. Any other 403 is about us.
OBJECT_CALLS = frozenset({CREATE_POST, "DELETE /2/tweets/:id", "POST /2/media/metadata"})


class Transport(tweepy.Client):  # type: ignore[misc]  # tweepy has no types
    """Signs one account's calls with OAuth 1.0a and sends them to one address. Every call passes the guard."""

    def __init__(self, base_url: str, *, timeout: float, guard: CallGuard, **keys: str) -> None:
        super().__init__(**keys, return_type=dict, wait_on_rate_limit=False)
        self._read_environment(base_url)
        self._clock_offset = timedelta(0)
        self.guard = guard
        self.access_level = ""
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout

    def _read_environment(self, base_url: str) -> None:
        """Read proxies and certificates from the environment once: requests does it in each call, and for long."""
        settings = self.session.merge_environment_settings(base_url, {}, None, None, None)
        self.session.proxies, self.session.verify = settings["proxies"], settings["verify"]
        self.session.trust_env = False

    def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, str] | None = None,
        json: object = None,
        user_auth: bool = True,
        **body: object,
    ) -> requests.Response:
        """Send one call. Raises our errors and those of requests.

        Args:
            body: `data` and `files` of a multipart body.
        """
        call = endpoint_name(method, route)
        self.guard.acquire(call)
        try:
            response = self._send(method, route, params=params, json=json, **body)
        except requests.RequestException as error:
            self.guard.record_result(call, "x_unreachable", type(error).__name__)
            if _is_never_sent(error):
                self.guard.release(call)
            raise
        self._update_clock_offset(response)
        if abs(skew := self._clock_skew(response)) > MAX_SKEW:
            self.guard.record_clock_skew(skew)
        self.access_level = response.headers.get("x-access-level", self.access_level)
        headers = parse_rate_limit_headers(response.headers, self.x_now())
        if not 200 <= response.status_code < 300:
            self._raise_refusal(call, response, headers)
        self.guard.update_from_response(call, headers)
        self.guard.record_result(call)
        return response

    def _send(self, method: str, route: str, **content: Any) -> requests.Response:
        auth = tweepy.OAuth1UserHandler(
            self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret
        ).apply_auth()
        response: requests.Response = self.session.request(
            method,
            self.base_url + route,
            auth=auth,
            timeout=self.timeout,
            allow_redirects=False,
            headers={"User-Agent": self.user_agent},
            **content,
        )
        return response

    def _raise_refusal(self, call: str, response: requests.Response, headers: RateLimitHeaders) -> NoReturn:
        """Record a refusal with the guard and raise it as our error."""
        error = _build_error(response)
        failure = _translate(error, call in UNREPEATABLE_CALLS, headers)
        skew = self._clock_skew(response)
        if response.status_code == UNAUTHORIZED and abs(skew) > MAX_SKEW:
            # Signed with a wrong time. Other machines have other clocks, so nothing is suspended for them.
            failure = TryLater("x_clock", describe_skew("X's", skew), after=MINUTE, counted=False)
        if getattr(failure, "code", "") == refusals.FORBIDDEN and call not in OBJECT_CALLS:
            failure = CallsSuspended(refusals.FORBIDDEN, str(failure))
        self._record_refusal(call, failure)
        self._update_from_refusal(call, headers, failure)
        if not isinstance(failure, OutcomeUnknown):
            self.guard.release(call)
        raise failure from error

    def _record_refusal(self, call: str, failure: ThreadpaintError) -> None:
        """Record the result. A permanent refusal is about one post, so the call itself works."""
        if isinstance(failure, TryLater) and failure.code not in ABOUT_ONE_POST:
            self.guard.record_result(call, failure.code, str(failure))
        else:
            self.guard.record_result(call)

    def _update_from_refusal(self, call: str, headers: RateLimitHeaders, failure: ThreadpaintError) -> None:
        """Update the rate limit. A refusal of one post lifts no suspension."""
        match failure:
            case CallsSuspended(code=code):
                self.guard.update_from_response(call, headers, code)
            case TryLater(code=refusals.RATE_LIMIT, after=after):
                self.guard.update_from_response(call, headers, refusals.RATE_LIMIT, after)
            case TryLater(code=refusals.DAILY_LIMIT, after=after):
                # The headers describe another window, which is open.
                self.guard.update_from_response(call, RateLimitHeaders(headers.at), refusals.DAILY_LIMIT, after)
            case GiveUp():
                self.guard.update_from_response(call, headers, lifts_block=False)

    @property
    def keys_hash(self) -> str:
        """Identifies the account's keys without revealing them."""
        return hashlib.sha256(f"{self.base_url} {self.access_token}".encode()).hexdigest()[:16]

    def x_now(self) -> datetime:
        """Return the time on X's clock; on ours before the first response.

        The Date header has whole seconds, so this is a second or two early. A post that is just too old may be read,
        but none that is just new is missed.
        """
        return now() - self._clock_offset

    def _clock_skew(self, response: requests.Response) -> timedelta:
        """Return how far this machine's clock is ahead of X's. A sandbox clock set on purpose does not count."""
        return timedelta(0) if response.headers.get("sandbox-clock") == "turned" else self._clock_offset

    def _update_clock_offset(self, response: requests.Response) -> None:
        try:
            self._clock_offset = now() - parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError, TypeError):
            return


def _build_error(response: requests.Response) -> tweepy.HTTPException:
    """Return tweepy's exception for a status. Its constructor breaks on a body that is a JSON list."""
    error_type = HTTP_ERRORS.get(response.status_code, tweepy.HTTPException)
    error_type = tweepy.TwitterServerError if response.status_code >= 500 else error_type
    try:
        return error_type(response)
    except (AttributeError, TypeError, KeyError, ValueError, RecursionError):
        return error_type(response, response_json={})


def endpoint_name(method: str, route: str) -> str:
    """Return the name of a call in limits and prices, like `GET /2/users/:id/mentions`."""
    return f"{method} {re.sub(r'(?<=[a-z])/[0-9]+(?=/|$)', '/:id', route)}"


@contextmanager
def translate_errors(*, writes: bool = False) -> Iterator[None]:
    """Translate errors of requests and of parsing into ours.

    Args:
        writes: whether the call may have changed something on X although its response is missing or invalid.
    """
    try:
        yield
    except requests.JSONDecodeError as error:
        raise _ambiguous(writes)("x_garbage", "X's response is not JSON") from error
    except requests.RequestException as error:
        error_type = TryLater if _is_never_sent(error) else _ambiguous(writes)
        raise error_type("x_unreachable", type(error).__name__) from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise _ambiguous(writes)("x_garbage", f"X's response is invalid: {error!r:.200}") from error


def _translate(  # noqa: PLR0911  # a table
    error: tweepy.HTTPException, writes: bool, headers: RateLimitHeaders
) -> ThreadpaintError:
    status, message = error.response.status_code, _message(error)
    codes = _legacy_codes(error)
    match status:
        case 402:
            return CallsSuspended("x_no_credits", message)
        case 403 if not _is_x_error_body(error):
            return CallsSuspended("x_blocked", "a proxy in front of X refuses our calls", after=MINUTE)
        case 401 | 403 | 420 | 429:
            return _refusal(status, refusals.code_of(codes, message), message, writes, headers)
        case _ if 400 <= status < 500 and refusals.is_known(codes):
            return _refusal(status, refusals.code_of(codes, ""), message, writes, headers)
        case 400 if "media ids are invalid" in message:
            return TryLater("x_media_not_ready", message, after=3)
        case 404 if "resource-not-found" in message or "could not find" in message:
            return GiveUp("x_post_gone", message)
        case 404:
            return TryLater("x_not_there", "X does not know the address, as in some outages", after=MINUTE)
        case _ if status in (408, 425) or 300 <= status < 400 or status >= 500 or not _is_x_error_body(error):
            # A redirect or an HTML page comes from a proxy or portal, not from X.
            return _ambiguous(writes)("x_down", f"X answered {status}")
        case _:
            return GiveUp("x_rejected", f"{status}: {message}")


def _refusal(status: int, code: str, message: str, writes: bool, headers: RateLimitHeaders) -> ThreadpaintError:
    """Return the error for a refusal by X. Without a known reason, 401 is about the keys and 429 a rate limit."""
    if code == refusals.FORBIDDEN or (status == 429 and not refusals.is_about_us(code)):
        code = {401: "x_unauthorized", 420: refusals.RATE_LIMIT, 429: refusals.RATE_LIMIT}.get(status, code)
    if code == refusals.RATE_LIMIT:
        return TryLater(code, message, after=_seconds_until_reset(headers), counted=False)
    if code == refusals.DAILY_LIMIT:
        return TryLater(code, message, after=HALF_HOUR, counted=False)
    if code == refusals.DUPLICATE:
        # On a second try the first one has probably landed.
        return _ambiguous(writes)(code, message)
    if code == "x_unauthorized":
        # Wrong keys or an outage of X: waiting loses nothing, and the operator must see it.
        return CallsSuspended(code, message or "X does not accept the bot's keys", after=MINUTE)
    return CallsSuspended(code, message) if refusals.is_about_us(code) else GiveUp(code, message)


def _ambiguous(writes: bool) -> type[TryLater]:
    return OutcomeUnknown if writes else TryLater


def _seconds_until_reset(headers: RateLimitHeaders) -> float:
    """Return seconds until the window ends, at most a day; a minute if X reports no reset or one in the past."""
    seconds = headers.reset - headers.at.timestamp() + 1 if headers.reset is not None else 0.0
    return min(seconds, 86400.0) if seconds > 0 else MINUTE


def _is_x_error_body(error: tweepy.HTTPException) -> bool:
    """Return whether the body is a JSON object, as X sends. An HTML page comes from a proxy."""
    return _parse_body(error) is not None


def _parse_body(error: tweepy.HTTPException) -> JsonObject | None:
    try:
        body = error.response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _message(error: tweepy.HTTPException) -> str:
    """Return type, title, detail and messages of an error in lower case, at most 500 characters."""
    body = _parse_body(error) or {}
    parts = [str(body.get(key) or "") for key in ("type", "title", "detail", "reason")]
    parts += [str(item.get("message") or "") for item in _error_items(body)]
    return " ".join(part for part in parts if part).lower()[:500]


def _legacy_codes(error: tweepy.HTTPException) -> list[int]:
    """Return the error codes of X's old API, wherever they are in the body."""
    body = _parse_body(error) or {}
    return [item["code"] for item in [body, *_error_items(body)] if isinstance(item.get("code"), int)]


def _error_items(body: JsonObject) -> list[JsonObject]:
    errors = body.get("errors")
    return [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []


def _is_never_sent(error: requests.RequestException) -> bool:
    """Return whether there was not even a connection, so that X cannot have seen the call."""
    cause = error.args[0] if error.args else None
    is_refused = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    return is_refused or isinstance(error, requests.ConnectTimeout | InvalidSchema | InvalidURL | MissingSchema)
