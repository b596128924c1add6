"""tweepy's Client with what it lacks: a timeout, another address, multipart; and its errors as ours.

tweepy 4.17 knows no timeout, no v2 media, and lets bare `requests` errors out; its `wait_on_rate_limit` can recurse
a thousand times on a 429 without a reset header. Hence `request` is overridden and nothing of tweepy leaves.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import tweepy
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import MaxRetryError, NewConnectionError

from core.clock import now
from core.errors import GiveUp, HouseError, OutcomeUnknown, OutOfFunds, TryLater

MINUTE = 60.0
ERRORS: dict[int, type[tweepy.HTTPException]] = {
    400: tweepy.BadRequest,
    401: tweepy.Unauthorized,
    403: tweepy.Forbidden,
    404: tweepy.NotFound,
    429: tweepy.TooManyRequests,
}
# What X says in a 403, by words that have stayed the same through its changes of wording.
FORBIDDEN = (
    ("deleted or not visible", "x_post_gone"),
    ("mentioned", "x_not_summoned"),
)


class Transport(tweepy.Client):  # type: ignore[misc]  # tweepy has no types
    """One account's calls to one address, signed with OAuth 1.0a."""

    def __init__(self, base_url: str, *, timeout: float, **keys: str) -> None:
        super().__init__(**keys, return_type=dict, wait_on_rate_limit=False)
        self._behind = timedelta(0)
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
        """One call. `body` may hold `data` and `files` for multipart. Raises tweepy's and requests' errors."""
        auth = tweepy.OAuth1UserHandler(
            self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret
        ).apply_auth()
        response: requests.Response = self.session.request(
            method,
            self.base_url + route,
            params=params,
            json=json,
            auth=auth,
            timeout=self.timeout,
            allow_redirects=False,
            headers={"User-Agent": self.user_agent},
            **body,
        )
        self._note_time(response)
        if not 200 <= response.status_code < 300:
            raise _error(response)
        return response

    def moment(self) -> datetime:
        """Now, by the clock of whoever answers at X's address; by ours before the first answer.

        X tells whole seconds, so this is a second or two early: better to see a post that is just too old than to miss
        one that is just new.
        """
        return now() - self._behind

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


@contextmanager
def border(*, writes: bool = False, clock: Callable[[], float] = time.time) -> Iterator[None]:
    """Translate what tweepy and requests raise. `writes`: an unclear end may have changed something on X."""
    try:
        yield
    except tweepy.HTTPException as error:
        raise _translate(error, writes, clock()) from error
    except requests.JSONDecodeError as error:
        raise _unclear(writes)("x_garbage", "X answered, but not in JSON") from error
    except requests.RequestException as error:
        kind = TryLater if _never_sent(error) else _unclear(writes)
        raise kind("x_unreachable", type(error).__name__) from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise _unclear(writes)("x_garbage", f"X's answer makes no sense: {error!r:.200}") from error


def _translate(error: tweepy.HTTPException, writes: bool, now: float) -> HouseError:  # noqa: PLR0911  # a table
    status, words = error.response.status_code, _words(error)
    match status:
        case 429 if "usagecap" in words.replace(" ", ""):
            return OutOfFunds("x_usage_cap", words)
        case 429:
            return TryLater("x_rate_limit", after=_until_reset(error.response, now), counted=False)
        case 402:
            return OutOfFunds("x_no_credits", words)
        case 401:
            # Wrong keys or an outage of X: either way nothing is lost by waiting, and the host must see it.
            return TryLater("x_unauthorized", "X does not accept the bot's keys", after=MINUTE, counted=False)
        case 403 if "duplicate content" in words:
            # On a second try this probably means that the first one landed.
            return _unclear(writes)("x_duplicate", words)
        case 403:
            return GiveUp(next((code for part, code in FORBIDDEN if part in words), "x_forbidden"), words)
        case 400 if "media ids are invalid" in words:
            return TryLater("x_media_not_ready", words, after=3)
        case 404:
            return TryLater("x_not_there", "X does not know the address (its outages look so)", after=MINUTE)
        case _ if status in (408, 425) or 300 <= status < 400 or status >= 500:
            # A redirect is a proxy or a portal speaking, not X.
            return _unclear(writes)("x_down", f"X answered {status}")
        case _:
            return GiveUp("x_rejected", f"{status}: {words}")


def _unclear(writes: bool) -> type[TryLater]:
    return OutcomeUnknown if writes else TryLater


def _until_reset(response: requests.Response, now: float) -> float:
    """Seconds until the window ends; a minute where X does not say or says the past. At most a day."""
    try:
        seconds = float(response.headers["x-rate-limit-reset"]) - now + 1
    except (KeyError, ValueError):
        return MINUTE
    return min(seconds, 86400.0) if seconds > 0 else MINUTE


def _words(error: tweepy.HTTPException) -> str:
    """What X said, in small letters, cut to a line: messages, detail and title together."""
    try:
        body = error.response.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    said = [str(body.get(key) or "") for key in ("title", "detail", "reason")]
    errors = body.get("errors")
    if isinstance(errors, list):
        said += [str(item.get("message") or "") for item in errors if isinstance(item, dict)]
    return " ".join(part for part in said if part).lower()[:300]


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the connection was not even made, so that X cannot have seen the call."""
    cause = error.args[0] if error.args else None
    refused = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    return refused or isinstance(error, requests.ConnectTimeout | InvalidSchema | InvalidURL | MissingSchema)
