"""Classify X's refusals by what they are about: our account or app, one post, or a rate limit.

    account or app    that kind of call is suspended, no work is lost     CallsSuspended
    one post          final for this post                                 GiveUp
    a limit           wait for the window                                 TryLater

X gives the reason in three ways: codes of its old API (`{"errors": [{"code": 326, ...}]}`), types of problem+json
(`https://api.x.com/2/problems/client-forbidden`), and text. Codes win over text; a type is searched like text. An
unknown reason is `x_forbidden`.
"""

import re
from collections.abc import Collection

RATE_LIMIT, DAILY_LIMIT, DUPLICATE = "x_rate_limit", "x_daily_limit", "x_duplicate"
LIMITS = frozenset({RATE_LIMIT, DAILY_LIMIT, DUPLICATE})
# Refused without a reason: about one post or about us. `worker/refusal_probe.py` finds out which.
FORBIDDEN = "x_forbidden"
# X says "User has been suspended" of our account and of a post's author alike.
SUSPENDED = "x_suspended"

ABOUT_US: dict[int, str] = {
    32: "x_unauthorized",  # could not authenticate you
    64: "x_account_suspended",
    87: "x_no_access",  # client is not permitted to perform this action
    89: "x_unauthorized",  # invalid or expired token
    99: "x_unauthorized",  # unable to verify your credentials
    135: "x_unauthorized",  # timestamp out of bounds
    215: "x_unauthorized",  # bad authentication data
    220: "x_no_access",  # your credentials do not allow access to this resource
    226: "x_looks_automated",
    261: "x_app_restricted",  # application cannot perform write actions
    326: "x_account_locked",
    416: "x_app_restricted",  # invalid or suspended application
    453: "x_no_access",  # access to a subset of endpoints only
}
ABOUT_LIMITS: dict[int, str] = {88: RATE_LIMIT, 185: DAILY_LIMIT, 187: DUPLICATE, 344: DAILY_LIMIT}
ABOUT_A_POST: dict[int, str] = {
    136: "x_not_allowed",  # its author blocks us
    144: "x_post_gone",
    179: "x_post_gone",  # not authorized to see it
    385: "x_post_gone",  # deleted or not visible
    433: "x_not_allowed",  # its author restricted who can reply
}
# Texts that stayed the same when X changed its wording. The first match counts.
PATTERNS: tuple[tuple[str, str], ...] = (
    (r"duplicate content|status is a duplicate", DUPLICATE),
    (r"usage ?cap|usage capped", "x_usage_cap"),
    (
        r"problems credits\b|credits ?depleted|not have any credits|out of credits|spend(ing)? (cap|limit)",
        "x_no_credits",
    ),
    (r"rate limit|too many requests", RATE_LIMIT),
    (r"\bdaily\b.*\blimit\b", DAILY_LIMIT),
    # about us
    (r"\baccount\b.{0,60}\blocked\b|\blocked\b.{0,40}\baccount\b|unlock your account", "x_account_locked"),
    (
        r"\byour (user )?(account|profile)\b.{0,60}\b(suspended|disabled|deactivated|blocked|limited)\b"
        r"|\baccount (is |has been )?suspended\b",
        "x_account_suspended",
    ),
    (
        r"\b(app|application|client|project)\b.{0,60}\b(suspended|restricted|disabled|deactivated|cannot perform)\b"
        r"|\bsuspended (app|application|client|project)\b|cannot perform write actions",
        "x_app_restricted",
    ),
    (r"oauth1( app)? permissions|read-?only (app|application|access|token)", "x_read_only"),
    (r"client[- ]forbidden|client[- ]not[- ]enrolled|attached to a project|\bnot enrolled\b", "x_not_enrolled"),
    (r"(might|may) be automated|automated (request|behavior|activity)", "x_looks_automated"),
    (
        r"\baccess level\b|subset of .{0,20}\bapi\b|elevated access|unsupported authentication"
        r"|client is not permitted|credentials do not allow"
        r"|not (permitted|allowed|authorized) to (use|access|call) (this|the) (endpoint|api|feature|resource)",
        "x_no_access",
    ),
    (r"could not authenticate|invalid or expired token|unable to verify your credentials", "x_unauthorized"),
    # about one post
    (r"deleted or not visible|not authorized to see", "x_post_gone"),
    (r"restricted who can reply|blocked from|been blocked", "x_not_allowed"),
    (r"\bmentioned\b", "x_not_summoned"),
    (r"\b(user|account)\b.{0,30}\bsuspended\b", SUSPENDED),
)
_COMPILED_PATTERNS = tuple((re.compile(pattern), code) for pattern, code in PATTERNS)
_CODES_BY_NUMBER = ABOUT_US | ABOUT_LIMITS | ABOUT_A_POST
_POST_CODES = frozenset(ABOUT_A_POST.values()) | {"x_not_summoned"}


def code_of(numbers: Collection[int], text: str) -> str:
    """Return our code of a refusal; `x_forbidden` if its reason is unknown.

    Args:
        numbers: error codes of X's old API.
        text: type, title, detail and messages of the error, in lower case.
    """
    if known := next((_CODES_BY_NUMBER[number] for number in numbers if number in _CODES_BY_NUMBER), None):
        return known
    plain = text.replace("-", " ").replace("/", " ")
    for pattern, code in _COMPILED_PATTERNS:
        if pattern.search(text) or pattern.search(plain):
            return code
    return FORBIDDEN


def is_known(numbers: Collection[int]) -> bool:
    """Return whether one of X's old error codes is known."""
    return any(number in _CODES_BY_NUMBER for number in numbers)


def is_about_us(code: str) -> bool:
    """Return whether a code is about the account or app, so that every other call of this kind fails, too."""
    return code not in LIMITS and code not in _POST_CODES and code != FORBIDDEN
