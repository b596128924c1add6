"""Text for machines: what XML may hold, what JSON inside a page may hold, bodies with their ETag. Knows no creation."""

import hashlib
import json
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree  # only written with, never read with

from fastapi import Request
from starlette.responses import Response

# Everything but the characters of XML 1.0; an escape would not help them in.
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
A_FEW_MINUTES = "public, max-age=120"
# As escapes they mean the same, and no prompt can end the script element or begin a comment in it.
IN_PAGES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def xml_text(text: str) -> str:
    """The text with a replacement mark for whatever XML forbids."""
    return NO_XML.sub("\ufffd", text)


def add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """One more element with its text and attributes."""
    attributes = {name.rstrip("_").replace("__", ":"): xml_text(value) for name, value in attributes.items()}
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = xml_text(text) or None
    return element


def xml(root: ElementTree.Element) -> bytes:
    """A whole document."""
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def json_in_page(value: object) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(IN_PAGES.get(sign, sign) for sign in text)


def moment(when: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(
    request: Request, body: bytes, mime: str, *, changed: datetime | None = None, cache: str = A_FEW_MINUTES
) -> Response:
    """A body with its ETag; 304 without it for who has it already."""
    headers = {"Cache-Control": cache}
    if changed:
        headers["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)
    return unless_known(request, Response(body, media_type=mime, headers=headers))


def unless_known(request: Request, response: Response) -> Response:
    """The same with its ETag; 304 with its headers alone for who has it already."""
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:24]}"'
    response.headers["ETag"] = tag
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag not in known and "*" not in known:
        return response
    kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    return Response(status_code=304, headers=kept)
