"""tweepy's Client with what it lacks: a timeout, another address, multipart, a toll gate; and its errors as ours.

tweepy 4.17 knows no timeout, no v2 media, and lets bare `requests` errors out; its `wait_on_rate_limit` can recurse
a thousand times on a 429 without a reset header. Hence `request` is overridden and nothing of tweepy leaves.
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
from core.clock_check import MAX_SKEW, in_words
from core.errors import GiveUp, HouseError, OutcomeUnknown, OutOfFunds, TryLater
from core.pace import ANSWER, Told, read_told
from core.pace.toll import Toll
from core.x import refusals

MINUTE = 60.0
HALF_HOUR = 1800.0
UNAUTHORIZED = 401
ERRORS: dict[int, type[tweepy.HTTPException]] = {
    400: tweepy.BadRequest,
    401: tweepy.Unauthorized,
    403: tweepy.Forbidden,
    404: tweepy.NotFound,
    429: tweepy.TooManyRequests,
}
# To be tried again, and yet no failure of the call.
ABOUT_THIS_POST = frozenset({"x_media_not_ready", "x_duplicate"})
# A call whose repetition would be seen by people.
UNREPEATABLE = frozenset({"POST /2/tweets"})
# Calls that are about one thing of somebody's: X may refuse that one and take the next. Any other 403 is about us.
ABOUT_ONE_THING = frozenset({ANSWER, "DELETE /2/tweets/:id", "POST /2/media/metadata"})


class Transport(tweepy.Client):  # type: ignore[misc]  # tweepy has no types
    """One account's calls to one address, signed with OAuth 1.0a; each passes the toll gate."""

    def __init__(self, base_url: str, *, timeout: float, toll: Toll, **keys: str) -> None:
        super().__init__(**keys, return_type=dict, wait_on_rate_limit=False)
        self._behind = timedelta(0)
        self.toll = toll
        self.access_level = ""
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout

    def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        user_auth: bool = True,
        **body: Any,
    ) -> requests.Response:
        """One call. `body` may hold `data` and `files` for multipart. Raises our errors and those of requests."""
        call = name_of(method, route)
        self.toll.admit(call)
        try:
            response = self._send(method, route, params=params, json=json, **body)
        except requests.RequestException as failure:
            self.toll.noted(call, "x_unreachable", type(failure).__name__)
            if _never_sent(failure):
                self.toll.undone(call)
            raise
        self._note_time(response)
        if abs(skew := self._skew(response)) > MAX_SKEW:
            self.toll.note_skew(skew)
        self.access_level = response.headers.get("x-access-level", self.access_level)
        told = read_told(response.headers, self.moment())
        if not 200 <= response.status_code < 300:
            self._refuse(call, response, told)
        self.toll.learn(call, told)
        self.toll.noted(call)
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

    def _refuse(self, call: str, response: requests.Response, told: Told) -> NoReturn:
        """X said no: tell the pace what that means for it, and raise what it means for us."""
        error = _error(response)
        problem = _translate(error, call in UNREPEATABLE, told)
        if response.status_code == UNAUTHORIZED and abs(self._skew(response)) > MAX_SKEW:
            # Signed with a wrong time. Other machines' calls are signed with theirs: nothing is suspended for them.
            problem = TryLater("x_clock", in_words("X's", self._skew(response)), after=MINUTE, counted=False)
        if getattr(problem, "code", "") == refusals.FORBIDDEN and call not in ABOUT_ONE_THING:
            problem = OutOfFunds(refusals.FORBIDDEN, str(problem))
        self._note_refusal(call, problem)
        self._learn_refusal(call, told, problem)
        if not isinstance(problem, OutcomeUnknown):
            self.toll.undone(call)
        raise problem from error

    def _note_refusal(self, call: str, problem: HouseError) -> None:
        """A final refusal is an answer about this one post: the call works."""
        if isinstance(problem, TryLater) and problem.code not in ABOUT_THIS_POST:
            self.toll.noted(call, problem.code, str(problem))
        else:
            self.toll.noted(call)

    def _learn_refusal(self, call: str, told: Told, problem: HouseError) -> None:
        """What a refusal says about pace. One about this post alone says nothing: it lifts no suspension either."""
        match problem:
            case OutOfFunds(code=code):
                self.toll.learn(call, told, code)
            case TryLater(code=refusals.RATE_LIMIT, after=after):
                self.toll.learn(call, told, refusals.RATE_LIMIT, after)
            case TryLater(code=refusals.DAILY_LIMIT, after=after):
                # The window that the headers tell of is another one, and open.
                self.toll.learn(call, Told(told.at), refusals.DAILY_LIMIT, after)
            case GiveUp():
                self.toll.learn(call, told, lifts=False)

    @property
    def keys(self) -> str:
        """Stands for the account's keys without giving them away."""
        return hashlib.sha256(f"{self.base_url} {self.access_token}".encode()).hexdigest()[:16]

    def moment(self) -> datetime:
        """Now, by the clock of whoever answers at X's address; by ours before the first answer.

        X tells whole seconds, so this is a second or two early: better to see a post that is just too old than to miss
        one that is just new.
        """
        return now() - self._behind

    def _skew(self, response: requests.Response) -> timedelta:
        """How far this machine's clock is ahead of X's. The sandbox's may be turned on purpose: that tells nothing."""
        return timedelta(0) if response.headers.get("sandbox-clock") == "turned" else self._behind

    def _note_time(self, response: requests.Response) -> None:
        """X's clock, from the Date header of any answer."""
        try:
            told = parsedate_to_datetime(response.headers["Date"])
            self._behind = now() - told
        except (KeyError, ValueError, TypeError):
            return


def _error(response: requests.Response) -> tweepy.HTTPException:
    """tweepy's exception for a status. A JSON list as body would break its constructor: then the bare one is made."""
    kind = ERRORS.get(response.status_code, tweepy.HTTPException)
    kind = tweepy.TwitterServerError if response.status_code >= 500 else kind
    try:
        return kind(response)
    except (AttributeError, TypeError, KeyError, ValueError, RecursionError):
        return kind(response, response_json={})


def name_of(method: str, route: str) -> str:
    """What limits and prices know a call by: `GET /2/users/:id/mentions`."""
    return f"{method} {re.sub(r'(?<=[a-z])/[0-9]+(?=/|$)', '/:id', route)}"


@contextmanager
def border(*, writes: bool = False) -> Iterator[None]:
    """Translate what requests raises and what makes no sense. `writes`: an unclear end may have changed something."""
    try:
        yield
    except requests.JSONDecodeError as error:
        raise _unclear(writes)("x_garbage", "X answered, but not in JSON") from error
    except requests.RequestException as error:
        kind = TryLater if _never_sent(error) else _unclear(writes)
        raise kind("x_unreachable", type(error).__name__) from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise _unclear(writes)("x_garbage", f"X's answer makes no sense: {error!r:.200}") from error


def _translate(error: tweepy.HTTPException, writes: bool, told: Told) -> HouseError:  # noqa: PLR0911  # a table
    status, words = error.response.status_code, _words(error)
    numbers = _numbers(error)
    match status:
        case 402:
            return OutOfFunds("x_no_credits", words)
        case 403 if not _is_x_speaking(error):
            return OutOfFunds("x_blocked", "something before X refuses our calls", after=MINUTE)
        case 401 | 403 | 420 | 429:
            return _refusal(status, refusals.code_of(numbers, words), words, writes, told)
        case _ if 400 <= status < 500 and refusals.is_told_by(numbers):
            return _refusal(status, refusals.code_of(numbers, ""), words, writes, told)
        case 400 if "media ids are invalid" in words:
            return TryLater("x_media_not_ready", words, after=3)
        case 404 if "resource-not-found" in words or "could not find" in words:
            return GiveUp("x_post_gone", words)
        case 404:
            return TryLater("x_not_there", "X does not know the address (its outages look so)", after=MINUTE)
        case _ if status in (408, 425) or 300 <= status < 400 or status >= 500 or not _is_x_speaking(error):
            # A redirect or a page is a proxy or a portal speaking, not X.
            return _unclear(writes)("x_down", f"X answered {status}")
        case _:
            return GiveUp("x_rejected", f"{status}: {words}")


def _refusal(status: int, code: str, words: str, writes: bool, told: Told) -> HouseError:
    """X said no for a reason. A 401 or 429 without one is about the keys, or a rate limit."""
    if code == refusals.FORBIDDEN or (status == 429 and not refusals.about_us(code)):
        code = {401: "x_unauthorized", 420: refusals.RATE_LIMIT, 429: refusals.RATE_LIMIT}.get(status, code)
    if code == refusals.RATE_LIMIT:
        return TryLater(code, words, after=_until_reset(told), counted=False)
    if code == refusals.DAILY_LIMIT:
        return TryLater(code, words, after=HALF_HOUR, counted=False)
    if code == refusals.DUPLICATE:
        # On a second try this probably means that the first one landed.
        return _unclear(writes)(code, words)
    if code == "x_unauthorized":
        # Wrong keys or an outage of X: either way nothing is lost by waiting, and the host must see it.
        return OutOfFunds(code, words or "X does not accept the bot's keys", after=MINUTE)
    return OutOfFunds(code, words) if refusals.about_us(code) else GiveUp(code, words)


def _unclear(writes: bool) -> type[TryLater]:
    return OutcomeUnknown if writes else TryLater


def _until_reset(told: Told) -> float:
    """Seconds until the window ends, by X's own clock; a minute where X says nothing or the past; at most a day."""
    seconds = told.reset - told.at.timestamp() + 1 if told.reset is not None else 0.0
    return min(seconds, 86400.0) if seconds > 0 else MINUTE


def _is_x_speaking(error: tweepy.HTTPException) -> bool:
    """X gives its reasons as a JSON object. A page is from something on the way: it says nothing about our call."""
    return _body(error) is not None


def _body(error: tweepy.HTTPException) -> dict[str, Any] | None:
    try:
        body = error.response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _words(error: tweepy.HTTPException) -> str:
    """What X said, in small letters, cut to a line: messages, detail and title together."""
    body = _body(error) or {}
    said = [str(body.get(key) or "") for key in ("type", "title", "detail", "reason")]
    said += [str(item.get("message") or "") for item in _problems(body)]
    return " ".join(part for part in said if part).lower()[:500]


def _numbers(error: tweepy.HTTPException) -> list[int]:
    """The codes of X's old API, wherever they stand."""
    body = _body(error) or {}
    return [item["code"] for item in [body, *_problems(body)] if isinstance(item.get("code"), int)]


def _problems(body: dict[str, Any]) -> list[dict[str, Any]]:
    errors = body.get("errors")
    return [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the connection was not even made, so that X cannot have seen the call."""
    cause = error.args[0] if error.args else None
    refused = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    return refused or isinstance(error, requests.ConnectTimeout | InvalidSchema | InvalidURL | MissingSchema)
