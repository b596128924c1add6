"""oEmbed (oembed.com): other sites embed a creation by its address."""

import json
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit
from xml.etree import ElementTree  # only for writing: it is not safe for parsing

from fastapi import Depends, HTTPException, Request
from pydantic import BeforeValidator
from starlette.responses import Response

from core.text import clip
from gallery.queries import creations
from gallery.queries.run_query import run_query
from gallery.routers.previews import PREVIEW_SIZE, card_path
from gallery.views.creations import CreationView
from gallery.views.pictures import PictureView
from gallery.views.xml import add_element, serialize
from gallery.web.conditional import conditional_response
from gallery.web.context import AppContext
from gallery.web.dependencies import ContextDep
from gallery.web.pages import page_router
from gallery.web.rate_limits import rate_limit

router = page_router()
ONE_DAY_SECONDS = 86_400
NO_LIMIT = 100_000
CREATION_PATH = re.compile(r"/c/([0-9]{1,18})/?")
MIME_TYPES = {"json": "application/json", "xml": "text/xml; charset=utf-8"}


def _parse_pixels(text: str) -> int:
    if not text:
        return NO_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text)):
        raise ValueError("has to be a number of pixels")
    return int(text)


# 1 to 999999; empty for no limit.
Pixels = Annotated[int, BeforeValidator(_parse_pixels)]
# Names and values as oembed.com defines them.
OEmbed = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class EmbedImage:
    """One size of a picture."""

    url: str
    width: int
    height: int


@router.get("/oembed", dependencies=[Depends(rate_limit("api"))])
async def oembed(
    request: Request,
    context: ContextDep,
    url: str = "",
    format: str = "json",  # the name of the parameter
    maxwidth: Pixels = NO_LIMIT,
    maxheight: Pixels = NO_LIMIT,
) -> Response:
    """Describe the creation that `url` names with its largest picture that fits. 404 if it is not public."""
    format = format or "json"
    if format not in MIME_TYPES:
        raise HTTPException(501)
    creation = await run_query(context.engine, creations.find_creation, _parse_creation_url(context, url))
    if creation is None or creation.deleted_at or not creation.is_public:
        raise HTTPException(404)
    data = describe(context, creation, maxwidth, maxheight)
    body = _to_xml(data) if format == "xml" else json.dumps(data, ensure_ascii=False).encode(errors="replace")
    return conditional_response(request, body, MIME_TYPES[format])


def describe(context: AppContext, creation: CreationView, max_width: int, max_height: int) -> OEmbed:
    """Return the oEmbed data of a creation. A sensitive one is a link, without its picture."""
    data: OEmbed = {
        "type": "link",
        "version": "1.0",
        "title": clip(creation.prompt, 300) or "Untitled",
        "author_name": creation.person.display_name,
        "author_url": context.address(creation.person.path),
        "provider_name": "Threadpaint",
        "provider_url": context.address("/"),
        "cache_age": ONE_DAY_SECONDS,
    }
    if creation.sensitive or not creation.pictures:
        return data
    photo = _largest_that_fits(creation.pictures[0], max_width, max_height)
    # The preview card is a JPEG: many clients read no WebP.
    thumbnail = _scale_down(EmbedImage(card_path(creation), *PREVIEW_SIZE), photo.width, photo.height)
    return {
        **data,
        "type": "photo",
        "url": context.address(photo.url),
        "width": photo.width,
        "height": photo.height,
        "thumbnail_url": context.address(thumbnail.url),
        "thumbnail_width": thumbnail.width,
        "thumbnail_height": thumbnail.height,
    }


def _largest_that_fits(picture: PictureView, max_width: int, max_height: int) -> EmbedImage:
    """Return the largest rendition that fits; if none does, the smallest one, scaled down."""
    full = EmbedImage(picture.url, picture.width, picture.height)
    wide_height = round(picture.height * picture.wide_width / max(1, picture.width))
    wide = [EmbedImage(picture.wide_url, picture.wide_width, wide_height)] if picture.wide_url else []
    thumb = EmbedImage(picture.thumb_url, picture.thumb_width, picture.thumb_height)
    for rendition in (full, *wide, thumb):
        if rendition.width <= max_width and rendition.height <= max_height:
            return rendition
    return _scale_down(thumb, max_width, max_height)


def _scale_down(rendition: EmbedImage, max_width: int, max_height: int) -> EmbedImage:
    scale = min(1.0, max_width / max(1, rendition.width), max_height / max(1, rendition.height))
    return EmbedImage(rendition.url, max(1, int(rendition.width * scale)), max(1, int(rendition.height * scale)))


def _parse_creation_url(context: AppContext, url: str) -> int:
    """Return the id of the creation that a URL of this site names; 0, which no creation has, for any other URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return 0
    own = urlsplit(context.public_url)
    # Either scheme: people copy links with both. Without a public URL no URL is of this site.
    is_own = bool(own.netloc) and parts.netloc.lower() == own.netloc.lower() and parts.scheme in ("http", "https")
    if not is_own or not parts.path.startswith(own.path):
        return 0
    match = CREATION_PATH.fullmatch(parts.path.removeprefix(own.path))
    return int(match[1]) if match else 0


def _to_xml(data: OEmbed) -> bytes:
    root = ElementTree.Element("oembed")
    for name, value in data.items():
        add_element(root, name, str(value))
    return serialize(root)
