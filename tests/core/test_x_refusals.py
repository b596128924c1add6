"""Errors of X are about our account or app (suspend), one post (final), or a limit (wait)."""

import json
from typing import Any

import pytest
import requests

from core.clock import now
from core.errors import CallsSuspended, GiveUp, ThreadpaintError, TryLater
from core.x import refusals
from core.x.rate_limit import BLOCKING_CODES, RateLimitHeaders
from core.x.transport import _build_error, _translate


def codes(number: int, message: str = "") -> dict[str, Any]:
    """Return the error body of API v1.1."""
    return {"errors": [{"code": number, "message": message}]}


def problem(detail: str, kind: str = "about:blank", **more: Any) -> dict[str, Any]:
    """Return the error body of API v2."""
    return {"title": "Forbidden", "detail": detail, "type": kind, "status": 403} | more


def typed(name: str, host: str = "api.x.com", detail: str = "Forbidden") -> dict[str, Any]:
    return problem(detail, f"https://{host}/2/problems/{name}")


def refusal(status: int, body: Any, *, writes: bool = True) -> ThreadpaintError:
    answer = requests.Response()
    answer.status_code = status
    answer._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer.headers["content-type"] = "application/json"
    return _translate(_build_error(answer), writes, RateLimitHeaders(now()))


LOCKED = (
    "To protect our users from spam and other malicious activity, this account is temporarily locked. "
    "Please log in to https://twitter.com to unlock your account."
)
AUTOMATED = (
    "This request looks like it might be automated. To protect our users from spam and other malicious activity, "
    "we can't complete this action right now. Please try again later."
)
SUBSET = (
    "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints only. If you need access "
    "to this endpoint, you may need a different access level."
)
SUSPENDED = "Your account is suspended and is not permitted to access this feature."
WRITES = (
    "Application cannot perform write actions. Contact Twitter Platform Operations through https://help.twitter.com."
)
PROJECT = (
    "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter "
    "developer App that is attached to a Project."
)
ABOUT_US: list[tuple[int, Any, str]] = [
    # codes of the old API, with text and without
    *((403, codes(number, words), code) for number, words, code in (
        (326, LOCKED, "x_account_locked"), (64, SUSPENDED, "x_account_suspended"),
        (226, AUTOMATED, "x_looks_automated"),
        (261, WRITES, "x_app_restricted"), (416, "Invalid / suspended application.", "x_app_restricted"),
        (453, SUBSET, "x_no_access"), (87, "Client is not permitted to perform this action.", "x_no_access"),
        (220, "Your credentials do not allow access to this resource.", "x_no_access"),
        (89, "Invalid or expired token.", "x_unauthorized"),
    )),
    *((403, codes(number), refusals.ABOUT_US[number]) for number in refusals.ABOUT_US),
    (401, codes(326, LOCKED), "x_account_locked"),
    (400, codes(215, "Bad Authentication data."), "x_unauthorized"),
    (403, {"code": 326, "message": "locked"}, "x_account_locked"),
    # problem+json types, of both hosts
    (403, typed("account-locked"), "x_account_locked"),
    (403, typed("account-suspended"), "x_account_suspended"),
    (403, typed("user-suspended"), "x_suspended"),
    (403, typed("client-forbidden", "api.twitter.com", PROJECT), "x_not_enrolled"),
    (403, problem("Forbidden", reason="client-not-enrolled", title="Client Forbidden"), "x_not_enrolled"),
    (403, typed("oauth1-permissions", "api.twitter.com"), "x_read_only"),
    (403, typed("unsupported-authentication", "api.twitter.com"), "x_no_access"),
    (403, typed("usage-capped"), "x_usage_cap"),
    (403, typed("credits"), "x_no_credits"),
    # plain text
    (403, problem(LOCKED), "x_account_locked"),
    (403, problem("Your account has been locked."), "x_account_locked"),
    (403, problem(SUSPENDED), "x_account_suspended"),
    (403, problem("Your account has been suspended."), "x_account_suspended"),
    (403, problem("User has been suspended: [17]."), "x_suspended"),
    (403, problem("This application has been suspended."), "x_app_restricted"),
    (403, problem("Your client app is restricted."), "x_app_restricted"),
    (403, problem(WRITES), "x_app_restricted"),
    (403, problem("Read-only application cannot POST."), "x_read_only"),
    (403, problem(SUBSET), "x_no_access"),
    (403, problem("You are not permitted to use this endpoint."), "x_no_access"),
    (403, problem(AUTOMATED), "x_looks_automated"),
    (402, {"title": "CreditsDepleted"}, "x_no_credits"),
    (401, {"title": "Unauthorized", "detail": "Unauthorized"}, "x_unauthorized"),
    (401, b"", "x_unauthorized"),
    (429, {"title": "UsageCapExceeded", "detail": "Usage cap exceeded: Monthly product cap"}, "x_usage_cap"),
    (403, b"<html>Attention Required!</html>", "x_blocked"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "code"), ABOUT_US)
def test_a_refusal_of_account_or_app_suspends_the_call(status: int, body: Any, code: str) -> None:
    error = refusal(status, body)
    assert isinstance(error, CallsSuspended)
    assert (error.code, error.counted) == (code, False)


def test_every_code_about_us_is_a_blocking_code() -> None:
    named = {code for _, code in refusals.PATTERNS} | set(refusals.ABOUT_US.values())
    assert {code for code in named if refusals.is_about_us(code)} <= BLOCKING_CODES


ABOUT_A_POST: list[tuple[Any, str]] = [
    (problem("You can only reply to or quote posts where you are mentioned or are the author."), "x_not_summoned"),
    (
        problem(
            "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by "
            "the author of the post you are replying to."
        ),
        "x_not_summoned",
    ),
    (problem("You attempted to reply to a Tweet that is deleted or not visible to you."), "x_post_gone"),
    (problem("The original Tweet author restricted who can reply to this Tweet."), "x_not_allowed"),
    (codes(385, "You attempted to reply to a Tweet that is deleted or not visible to you."), "x_post_gone"),
    (codes(433, "The original Tweet author restricted who can reply to this Tweet."), "x_not_allowed"),
    (codes(136, "You have been blocked from the author of this tweet."), "x_not_allowed"),
    (problem("You are not permitted to perform this action."), "x_forbidden"),
    (problem("Something that nobody has seen yet."), "x_forbidden"),
]


@pytest.mark.parametrize(("body", "code"), ABOUT_A_POST)
def test_a_refusal_of_one_post_gives_up(body: Any, code: str) -> None:
    error = refusal(403, body)
    assert isinstance(error, GiveUp)
    assert error.code == code


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, {"title": "Too Many Requests", "detail": "Too Many Requests"}, "x_rate_limit"),
        (429, codes(88, "Rate limit exceeded"), "x_rate_limit"),
        (403, codes(88, "Rate limit exceeded"), "x_rate_limit"),
        (403, problem("Rate limit exceeded."), "x_rate_limit"),
        (420, b"Enhance Your Calm", "x_rate_limit"),
        (403, codes(185, "User is over daily status update limit."), "x_daily_limit"),
        (403, problem("User is over daily status update limit."), "x_daily_limit"),
    ],
)
def test_a_limit_waits_and_costs_no_attempt(status: int, body: Any, code: str) -> None:
    error = refusal(status, body)
    assert isinstance(error, TryLater)
    assert not isinstance(error, CallsSuspended)
    assert (error.code, error.counted) == (code, False)
    assert error.after > 0


def test_a_duplicate_is_detected_by_its_text() -> None:
    assert getattr(refusal(403, codes(187, "Status is a duplicate.")), "code", "") == "x_duplicate"


@pytest.mark.parametrize("number", ["326", 3.5, None, [326], True, -1, 10**30])
def test_invalid_codes_are_ignored(number: Any) -> None:
    error = refusal(403, {"errors": [{"code": number, "message": "?"}, "text", None]})
    assert getattr(error, "code", "") == "x_forbidden"
