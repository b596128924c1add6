"""oEmbed (oembed.com): other sites show a creation of this one from its address. Knows no SQL."""

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree  # only written with, never read with

from fastapi import HTTPException, Request
from starlette.responses import Response

from core.text import clip
from gallery import queries
from gallery.house import House, house_of
from gallery.limits import within_limits
from gallery.machines.formats import add, answer, xml
from gallery.previews import PREVIEW_SIZE, card_path
from gallery.shown import CreationShown, PictureShown
from gallery.unreadable import Unreadable

A_DAY = 86_400
CREATION = re.compile(r"/c/([0-9]{1,18})/?")
MIMES = {"json": "application/json", "xml": "text/xml; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Copy:
    """One size in which a picture is there."""

    url: str
    width: int
    height: int


async def oembed(request: Request) -> Response:
    """How to show the creation that `url` names: its largest copy that fits. 404 for what is none, or not shown."""
    await within_limits(request, "api")
    query = request.query_params
    form = query.get("format") or "json"
    if form not in MIMES:
        raise HTTPException(501)
    widest, highest = _size(request, "maxwidth"), _size(request, "maxheight")
    house = house_of(request)
    shown = await queries.ask(house.engine, partial(queries.one_creation, creation_id=_creation_in(house, request)))
    if shown is None or shown.deleted_at or not shown.hangs:
        raise HTTPException(404)
    told = tell(house, shown, widest, highest)
    body = json.dumps(told, ensure_ascii=False).encode(errors="replace") if form == "json" else _as_xml(told)
    return answer(request, body, MIMES[form])


def tell(house: House, creation: CreationShown, widest: int, highest: int) -> dict[str, Any]:
    """What oEmbed tells of a creation. A sensitive one is told as a link, without its picture."""
    told: dict[str, Any] = {
        "type": "link",
        "version": "1.0",
        "title": clip(creation.prompt, 300) or "Untitled",
        "author_name": creation.person.called,
        "author_url": house.address(creation.person.path),
        "provider_name": "Threadpaint",
        "provider_url": house.address("/"),
        "cache_age": A_DAY,
    }
    if creation.sensitive or not creation.pictures:
        return told
    first = creation.pictures[0]
    copy = _fitting(first, widest, highest)
    thumb = _shrunk(_preview(creation), copy.width, copy.height)
    told |= {"type": "photo", "url": house.address(copy.url), "width": copy.width, "height": copy.height}
    small = {"url": house.address(thumb.url), "width": thumb.width, "height": thumb.height}
    return told | {f"thumbnail_{name}": value for name, value in small.items()}


def _fitting(picture: PictureShown, widest: int, highest: int) -> Copy:
    """The largest copy that fits; where none does, the smallest, shown smaller than it is."""
    full = Copy(picture.url, picture.width, picture.height)
    wide_height = round(picture.height * picture.wide_width / max(1, picture.width))
    wide = [Copy(picture.wide_url, picture.wide_width, wide_height)] if picture.wide_url else []
    copies = [full, *wide, _thumb(picture)]
    fits = [one for one in copies if one.width <= widest and one.height <= highest]
    return fits[0] if fits else _shrunk(copies[-1], widest, highest)


def _preview(creation: CreationShown) -> Copy:
    """Shown before the picture itself is: by programs, many of which read no WebP."""
    return Copy(card_path(creation), *PREVIEW_SIZE)


def _thumb(picture: PictureShown) -> Copy:
    return Copy(picture.thumb_url, picture.thumb_width, picture.thumb_height)


def _shrunk(copy: Copy, widest: int, highest: int) -> Copy:
    share = min(1.0, widest / max(1, copy.width), highest / max(1, copy.height))
    return Copy(copy.url, max(1, int(copy.width * share)), max(1, int(copy.height * share)))


def _size(request: Request, name: str) -> int:
    """A bound in pixels; none is a large one."""
    text = request.query_params.get(name)
    if not text:
        return 100_000
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text)):
        raise Unreadable(name, "has to be a number of pixels")
    return int(text)


def _creation_in(house: House, request: Request) -> int:
    """The id of the creation that an address of this site names; 0, which none has, for any other address."""
    try:
        parts = urlsplit(request.query_params.get("url", ""))
    except ValueError:
        return 0
    own = urlsplit(house.public_url)
    # Both schemes: links are copied without looking at it. Where the site does not know its address, none is its own.
    is_own = bool(own.netloc) and parts.netloc.lower() == own.netloc.lower() and parts.scheme in ("http", "https")
    prefix = own.path
    found = CREATION.fullmatch(parts.path.removeprefix(prefix)) if is_own and parts.path.startswith(prefix) else None
    return int(found[1]) if found else 0


def _as_xml(told: dict[str, Any]) -> bytes:
    root = ElementTree.Element("oembed")
    for name, value in told.items():
        add(root, name, str(value))
    return xml(root)
