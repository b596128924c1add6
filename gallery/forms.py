"""Reads forms: only from pages of this site, only of a bounded size, and a member's only with their token.

Also where to go afterwards: to pages of this site alone. Knows no page.
"""

import asyncio
import re
from urllib.parse import SplitResult, urlsplit

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Message, Receive

from core.text import clean
from gallery.house import house_of
from gallery.limits import within_limits
from gallery.signing.visitor import is_token_of, visitor_of

MOST_BYTES = 64_000
# A form has so long to arrive, and a larger one as much longer as a slow line (1 Mbit/s) takes for it.
FORM_SECONDS = 20.0
SLOW_LINE_BYTES = 125_000
# One slash, then none and no backslash: browsers take `//` and `/\` for another host. No control characters.
OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]{0,1900}")


async def form_of(request: Request, kind: str = "form", *, most_bytes: int = MOST_BYTES) -> FormData:
    """The fields of a form, counted as one of its kind before its body is read.

    Raises HTTPException: 403 for a form of another site or without token, 408 for one that takes too long, 411 without
    a length, 413 for too much, 429 for too many.
    """
    visitor = await visitor_of(request)
    if not _is_from_here(request):
        raise HTTPException(403)
    await within_limits(request, kind)
    if "transfer-encoding" in request.headers:
        raise HTTPException(411)  # no browser sends a form in chunks
    form = await _read(request, most_bytes)
    if visitor.secret and not is_token_of(visitor.secret, text_of(form, "token")):
        raise HTTPException(403)
    return form


def text_of(form: FormData, name: str, default: str = "") -> str:
    """One field as text that every database takes; files and missing fields are the default."""
    value = form.get(name, default)
    return default if isinstance(value, UploadFile) else clean(value)


def own_path(text: str | None) -> str | None:
    """An address of a page of this site; None for any other."""
    return text if text and OWN_PATH.fullmatch(text) else None


def split(address: str) -> SplitResult:
    """An address that somebody claims, in its parts; all of them empty for what is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def back_to(form: FormData, default: str) -> str:
    """Where a form wants to go afterwards, if that is a page of this site."""
    return own_path(text_of(form, "next")) or default


def wants_json(request: Request) -> bool:
    """Whether a script of ours sent the form and goes on by itself."""
    return "application/json" in request.headers.get("accept", "")


def done(request: Request, form: FormData, default: str, **facts: object) -> Response:
    """The answer to a form that did its work: facts for a script, a page for everybody else."""
    if wants_json(request):
        return JSONResponse(facts, headers={"Cache-Control": "no-store"})
    return RedirectResponse(back_to(form, default), 303)


def _is_from_here(request: Request) -> bool:
    """By what browsers say of a form's page and what no page can forge."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    own = {request.headers.get("host", ""), urlsplit(house_of(request).public_url).netloc}
    return split(origin).netloc in own - {""}


async def _read(request: Request, most: int) -> FormData:
    bounded = Request(request.scope, _bounded(request.receive, most))
    try:
        async with asyncio.timeout(FORM_SECONDS + most / SLOW_LINE_BYTES):
            return await bounded.form(max_files=2, max_fields=300, max_part_size=MOST_BYTES)
    except TimeoutError:
        raise HTTPException(408, headers={"Connection": "close"}) from None


def _bounded(receive: Receive, most: int) -> Receive:
    """The same body, which ends with 413 where it is too long."""
    left = most

    async def next_part() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return next_part
