"""Turn each way a request can fail into a JSON response."""

from __future__ import annotations

import json
import logging

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gpu.api.auth import Unauthorized
from gpu.api.body_limits import BODY_SECONDS, BodyTooLarge, BodyTooSlow, content_length
from gpu.api.contract import MAX_BODY_BYTES, InvalidRequest
from gpu.engine import GenerationFailed, NoEmbeddings, NotReady, QueueFull
from gpu.log_utils import safe_traceback

log = logging.getLogger("gpu")

# Loading takes seconds to a minute. Asking every few seconds costs nothing and wastes little of a warm GPU.
RETRY_WHILE_LOADING = {"Retry-After": "3"}
CLOSE = {"Connection": "close"}
CLIENT_CLOSED_REQUEST = 499  # no client reads it; it is for the counters


def to_response(error: Exception) -> Response:
    """Return the response for an error of POST /v1/paint or /v1/embed."""
    match error:
        case Unauthorized():
            response = unauthorized()
        case InvalidRequest():
            errors = [{"field": field, "reason": reason} for field, reason in error.errors]
            response = json_response(422, {"errors": errors})
        case BodyTooLarge():
            response = error_response(413, f"the body is larger than {MAX_BODY_BYTES} bytes", CLOSE)
        case BodyTooSlow():
            response = error_response(408, f"the body took longer than {BODY_SECONDS:g} s", CLOSE)
        case QueueFull():
            response = error_response(429, "the queue is full", {"Retry-After": str(error.retry_after)})
        case NotReady():
            response = error_response(503, f"the engine is {error.status}", RETRY_WHILE_LOADING)
        case NoEmbeddings():
            response = error_response(501, f"this service computes no text embeddings: {error}")
        case GenerationFailed():
            # `only_this`: other requests of the same batch succeeded, so the caller need not suspect the service.
            response = json_response(500, {"error": f"no picture came out: {error}", "only_this": error.only_this})
        case ClientDisconnect():
            response = Response(status_code=CLIENT_CLOSED_REQUEST)
        case _:
            log.error("request failed %s", safe_traceback(error))
            response = error_response(500, "the service failed to answer this")
    return response


def unauthorized() -> Response:
    return error_response(401, "no or wrong token", {"WWW-Authenticate": "Bearer"})


async def handle_unauthorized(_request: Request, _error: Exception) -> Response:
    """Handle Unauthorized from a route's dependency."""
    return unauthorized()


async def handle_http_exception(_request: Request, error: Exception) -> Response:
    """Handle Starlette's 404 and 405 in the shape of all other errors."""
    if not isinstance(error, HTTPException):
        raise error
    return error_response(error.status_code, error.detail.lower(), dict(error.headers or {}))


def close_if_unread(request: Request, response: Response) -> Response:
    """Close the connection after a refused request whose body is too long to read past.

    The server reads past a body of known length, so that its sender sees the answer, but not past an endless one.
    """
    length = content_length(request)
    if response.status_code >= 400 and (length is None or length > MAX_BODY_BYTES):
        response.headers["Connection"] = "close"
    return response


def error_response(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return json_response(status, {"error": reason}, headers)


def json_response(status: int, content: object, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers, media_type="application/json")
