"""Read forms: only from pages of this site, of a bounded size, and with the member's CSRF token.

Also decide where to go afterwards: only to pages of this site.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar, get_args, get_origin
from urllib.parse import SplitResult, urlsplit

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Message, Receive

from core.text import clean
from gallery.views.pagination import parse_id
from gallery.web.context import get_context
from gallery.web.csrf import is_csrf_token
from gallery.web.current_user import get_current_user
from gallery.web.rate_limits import enforce_rate_limit

MAX_FORM_BYTES = 64_000
# Time for a form to arrive. A larger one has more, at 1 Mbit/s.
FORM_SECONDS = 20.0
SLOW_BYTES_PER_SECOND = 125_000
# One slash, then none and no backslash: browsers take `//` and `/\` for another host. No control characters.
OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]{0,1900}")

# The names of fields before 0.1. Pages that were open during the upgrade send them. Remove them in 0.2.
FORMER_NAMES = {
    "aspect_ratio": "shape",
    "confirmed": "sure",
    "idempotency_key": "once",
    "init_image": "start",
    "negative_prompt": "negative",
    "previous_boards": "was",
    "reply_on_x": "on_x",
    "strength": "far",
}


class FormModel(BaseModel):
    """Base of all form models. Text fields hold only text that every database takes.

    A field that the browser did not send has its default, so give each field one. Messages of a validator's ValueError
    become the answer 422, which names the field.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    next: str = ""
    token: str = ""


FormT = TypeVar("FormT", bound=FormModel)
FormValue = str | UploadFile
# An id in a form; 0 if the field names none: `parent: FormId = 0`.
FormId = Annotated[int, BeforeValidator(parse_id)]
# A checkbox whose value is `yes`: `public: Checkbox = False`.
Checkbox = Annotated[bool, BeforeValidator(lambda value: value in (True, "yes"))]


def parse_form(
    model: type[FormT], *, limit: str = "form", max_bytes: int = MAX_FORM_BYTES, takes_shares: bool = False
) -> Callable[[Request], Awaitable[FormT]]:
    """Return a dependency that reads a form as `model`. It counts against `limit` before the body is read.

    With `takes_shares` it also reads what another app shared: the browser itself sends that, without a token.

    It raises HTTPException: 403 if another site sent the form or the token is missing, 408 if it takes too long, 411 if
    it has no length, 413 if it is too large, 429 if there were too many. It raises RequestValidationError if a field
    does not fit the model.
    """

    async def dependency(request: Request) -> FormT:
        is_share = takes_shares and _is_sent_by_browser(request)
        form = await _read_guarded(request, limit, max_bytes, is_share=is_share)
        try:
            return model.model_validate(_field_values(model, form))
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None

    return dependency


async def _read_guarded(request: Request, limit: str, max_bytes: int, *, is_share: bool) -> FormData:
    user = await get_current_user(request)
    if not is_share and not _is_same_site(request):
        raise HTTPException(403)
    await enforce_rate_limit(request, limit)
    if "transfer-encoding" in request.headers:
        raise HTTPException(411, headers={"Connection": "close"})  # no browser sends a form in chunks
    form = await _read(request, max_bytes)
    token = form.get("token")
    if user.secret and not is_share and not (isinstance(token, str) and is_csrf_token(user.secret, clean(token))):
        raise HTTPException(403)
    return form


def _field_values(model: type[FormModel], form: FormData) -> dict[str, FormValue | list[FormValue]]:
    """Return what the form says for each field of the model."""
    values: dict[str, FormValue | list[FormValue]] = {}
    for name, field in model.model_fields.items():
        sent = form.getlist(name) or form.getlist(FORMER_NAMES.get(name, name))
        matching = [part for part in sent if isinstance(part, UploadFile) == _is_file(field)]
        parts = [part if isinstance(part, UploadFile) else clean(part) for part in matching]
        if get_origin(field.annotation) is list:
            values[name] = parts
        elif parts:
            values[name] = parts[-1]
    return values


def _is_file(field: FieldInfo) -> bool:
    return UploadFile in (field.annotation, *get_args(field.annotation))


def own_path(text: str | None) -> str | None:
    """Return the path if it is one of this site, else None."""
    return text if text and OWN_PATH.fullmatch(text) else None


def split_url(address: str) -> SplitResult:
    """Return the parts of a URL that a client sent; all parts are empty if it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def safe_next_url(form: FormModel, default: str) -> str:
    """Return where a form wants to go afterwards, if that is a page of this site."""
    return own_path(form.next) or default


def wants_json(request: Request) -> bool:
    """Return whether the request asks for JSON, as our own scripts do."""
    return "application/json" in request.headers.get("accept", "")


def form_response(request: Request, form: FormModel, default: str, **facts: object) -> Response:
    """Answer a form that did its work: `facts` as JSON for our scripts, a redirect for everybody else."""
    if wants_json(request):
        return JSONResponse(facts, headers={"Cache-Control": "no-store"})
    return RedirectResponse(safe_next_url(form, default), 303)


def _is_sent_by_browser(request: Request) -> bool:
    """Return whether no page sent the form: pages cannot set this header. Its Origin is `null` then."""
    return request.headers.get("sec-fetch-site") == "none"


def _is_same_site(request: Request) -> bool:
    """Return whether this site's own page sent the form, by headers that no other page can forge."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    hosts = {request.headers.get("host", ""), urlsplit(get_context(request).public_url).netloc}
    return split_url(origin).netloc in hosts - {""}


async def _read(request: Request, max_bytes: int) -> FormData:
    bounded = Request(request.scope, _bounded(request.receive, max_bytes))
    try:
        async with asyncio.timeout(FORM_SECONDS + max_bytes / SLOW_BYTES_PER_SECOND):
            return await bounded.form(max_files=2, max_fields=300, max_part_size=MAX_FORM_BYTES)
    except TimeoutError:
        raise HTTPException(408, headers={"Connection": "close"}) from None


def _bounded(receive: Receive, max_bytes: int) -> Receive:
    """Return a `receive` that raises HTTPException 413 beyond `max_bytes`."""
    remaining = max_bytes

    async def next_message() -> Message:
        nonlocal remaining
        message = await receive()
        remaining -= len(message.get("body", b""))
        if remaining < 0:
            raise HTTPException(413)
        return message

    return next_message
