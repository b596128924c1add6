"""Build X's error responses, in X's wording if it is known."""

from __future__ import annotations

from sandbox.model import Json

_PROBLEM_TYPES = "https://api.twitter.com/2/problems/"


class Problem(Exception):
    """Ends a call with this status and body."""

    def __init__(self, status: int, body: Json | None) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


def invalid(message: str, parameter: str = "", *values: str) -> Problem:
    error: Json = {"parameters": {parameter: list(values)}} if parameter else {}
    return Problem(
        400,
        {
            "errors": [error | {"message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": f"{_PROBLEM_TYPES}invalid-request",
        },
    )


def not_one_of(parameter: str, value: str, allowed: object) -> Problem:
    names = ",".join(sorted(map(str, allowed)))  # type: ignore[call-overload]
    return invalid(f"The `{parameter}` query parameter value [{value}] is not one of [{names}]", parameter, value)


def not_valid(parameter: str, value: str) -> Problem:
    return invalid(f"The `{parameter}` query parameter value [{value}] is not valid", parameter, value)


def unauthorized() -> Problem:
    body: Json = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
    return Problem(401, body)


def user_context_required() -> Problem:
    return Problem(
        403,
        {
            "title": "Unsupported Authentication",
            "detail": "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported "
            "authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context].",
            "type": f"{_PROBLEM_TYPES}unsupported-authentication",
            "status": 403,
        },
    )


def read_only() -> Problem:
    detail = "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."
    body: Json = {"title": "Forbidden", "detail": detail, "type": f"{_PROBLEM_TYPES}oauth1-permissions", "status": 403}
    return Problem(403, body)


def server_error(status: int) -> Problem:
    return _plain(status, {500: "Internal Server Error", 503: "Service Unavailable"}.get(status, "Error"))


def _plain(status: int, text: str) -> Problem:
    return Problem(status, {"title": text, "detail": text, "type": "about:blank", "status": status})


def credits_depleted() -> Problem:
    account = "1914876539164872704"  # 19 digits, as in real responses; an invented account
    detail = f"Your enrolled account [{account}] does not have any credits to fulfill this request."
    return Problem(402, {"title": "CreditsDepleted", "detail": detail, "type": f"{_PROBLEM_TYPES}credits"})


def usage_capped() -> Problem:
    """Return the 429 of the monthly cap, independent of rate-limit windows."""
    body: Json = {
        "account_id": 1914876539164872704,
        "product_name": "standard-basic",
        "title": "UsageCapExceeded",
        "period": "Monthly",
        "scope": "Product",
        "detail": "Usage cap exceeded: Monthly product cap",
        "type": f"{_PROBLEM_TYPES}usage-capped",
    }
    return Problem(429, body)


def forbidden(detail: str) -> Problem:
    return Problem(403, {"detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403})


def too_many_requests(detail: str = "Too Many Requests") -> Problem:
    return Problem(429, {"title": "Too Many Requests", "detail": detail, "type": "about:blank", "status": 429})


def suspended_account() -> Problem:
    """Return the 403 for a suspended account. The detail is from API 1.1 (code 64), the type from API 2."""
    detail = "Your account is suspended and is not permitted to access this feature."
    kind = f"{_PROBLEM_TYPES}user-suspended"
    return Problem(403, {"title": "Forbidden", "detail": detail, "type": kind, "status": 403})


def not_your_conversation(detail: str) -> Problem:
    """Return the 403 for a reply without a mention, since July 2026. Its type has X's new host."""
    kind = "https://api.x.com/2/problems/not-authorized-for-resource"
    return Problem(403, {"detail": detail, "status": 403, "title": "Authorization Error", "type": kind})


def too_large() -> Problem:
    body: Json = {"title": "Payload Too Large", "type": "about:blank", "status": 413, "detail": "Payload Too Large"}
    return Problem(413, body)


def not_found(kind: str, parameter: str, value: str) -> Json:
    """Return the partial error for a missing object, in a 200 response."""
    noun = "tweet" if kind == "tweet" else kind
    return {
        "value": value,
        "detail": f"Could not find {noun} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{_PROBLEM_TYPES}resource-not-found",
    }


def not_authorized(kind: str, parameter: str, value: str, section: str = "data") -> Json:
    """Return the partial error for a protected author, or one who blocks the caller."""
    noun = "Tweet" if kind == "tweet" else kind
    return {
        "value": value,
        "detail": f"Sorry, you are not authorized to see the {noun} with {parameter}: [{value}].",
        "title": "Authorization Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "section": section,
        "type": f"{_PROBLEM_TYPES}not-authorized-for-resource",
    }


def suspended(kind: str, parameter: str, value: str, person_id: int) -> Json:
    """Return the partial error for a suspended user or author."""
    return {
        "value": value,
        "detail": f"User has been suspended: [{person_id}].",
        "title": "Forbidden",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{_PROBLEM_TYPES}resource-not-found",
    }
