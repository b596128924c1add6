"""Answer conditional requests: responses with an ETag, and 304 if the client has them already."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime

from fastapi import Request
from starlette.responses import Response

CACHE_TWO_MINUTES = "public, max-age=120"


def conditional_response(
    request: Request,
    body: bytes,
    mime: str,
    *,
    last_modified: datetime | None = None,
    cache: str = CACHE_TWO_MINUTES,
) -> Response:
    """Return a body with its ETag, or 304 without it."""
    headers = {"Cache-Control": cache}
    if last_modified:
        headers["Last-Modified"] = format_datetime(last_modified.astimezone(UTC), usegmt=True)
    return with_etag(request, Response(body, media_type=mime, headers=headers))


def with_etag(request: Request, response: Response) -> Response:
    """Return the response with its ETag, or 304 with its headers."""
    etag = f'"{hashlib.sha256(response.body).hexdigest()[:24]}"'
    response.headers["ETag"] = etag
    if not is_not_modified(request, etag):
        return response
    headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    return Response(status_code=304, headers=headers)


def is_not_modified(request: Request, etag: str) -> bool:
    """Return whether the client has this version already."""
    tags = request.headers.get("if-none-match", "").split(",")
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in tags)
