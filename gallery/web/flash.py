"""Say on the next page what a form did, with a button that takes it back.

The text and the reverse form travel in a cookie. It is signed with the member's session, so that no other site can make
a page offer to undo something. The page that shows it deletes it.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from gallery.web.forms import own_path, wants_json
from gallery.web.users import CurrentUser

COOKIE = "flash"
MAX_AGE_SECONDS = 60
# Browsers store up to 4,096 bytes.
MAX_LENGTH = 3500


@dataclass(frozen=True, slots=True)
class Flash:
    """What was done, in words, and the form that undoes it: its path and its fields."""

    words: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()


def offer_undo(request: Request, response: Response, user: CurrentUser, flash: Flash) -> Response:
    """Make the page to which the response redirects offer to undo. Scripts that ask for JSON do so themselves."""
    payload = base64.urlsafe_b64encode(json.dumps([flash.words, flash.path, flash.fields]).encode()).decode()
    value = f"{payload}.{_sign(user, payload)}"
    if not wants_json(request) and len(value) <= MAX_LENGTH:
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, value, MAX_AGE_SECONDS, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def read_flash(request: Request, user: CurrentUser) -> Flash | None:
    """Return what the page offers to undo. Only a page that the user opens shows it, not one that a script loads."""
    is_opened = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    is_prefetched = "prefetch" in request.headers.get("sec-purpose", "")
    payload, _, signature = request.cookies.get(COOKIE, "").partition(".")
    if not payload or not user.secret or request.method != "GET" or not is_opened or is_prefetched:
        return None
    if not hmac.compare_digest(signature.encode(), _sign(user, payload).encode()):
        return None
    try:
        words, path, fields = json.loads(base64.urlsafe_b64decode(payload))
    except (binascii.Error, ValueError):
        return None
    return Flash(words, path, tuple((name, value) for name, value in fields)) if own_path(path) else None


def clear_flash(response: Response) -> None:
    """Delete the cookie: the page has shown it."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "private, no-store"


def _sign(user: CurrentUser, payload: str) -> str:
    return hmac.new(user.secret.encode(), f"flash {payload}".encode(), hashlib.sha256).hexdigest()[:32]
