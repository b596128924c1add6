"""Serve the preview card of a creation: a JPEG that other sites show beside a link to its page.

Cards are drawn on request, one at a time per process, and cached in memory, so deleting a creation leaves no file.
Each request checks that the creation is public. Others may cache a card for a day, like the picture itself.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.errors import TryLater
from core.imaging import PREVIEW_MIME, PREVIEW_SIZE, render_preview
from core.storage import Storage
from gallery.queries import creations
from gallery.queries.run_query import run_query
from gallery.routers.files import CACHE_ONE_DAY
from gallery.views.creations import CreationView
from gallery.web.conditional import is_not_modified
from gallery.web.dependencies import ContextDep, CreationId
from gallery.web.pages import page_router
from gallery.web.rate_limits import enforce_rate_limit

__all__ = ["PREVIEW_MIME", "PREVIEW_SIZE", "PreviewCards", "card", "card_path", "router"]

router = page_router()
# Part of the ETag: increase it when the drawing changes.
DESIGN = "1"
# About 100 kB each.
MAX_CARDS = 128
# A request waits this long for others. Drawing takes 0.05 s.
TIMEOUT_SECONDS = 5.0
# From this number of pictures on, the card shows a square of them.
SQUARE = 4


class PreviewCards:
    """The most recently used cards by their ETag."""

    def __init__(self) -> None:
        self._cards: OrderedDict[str, bytes] = OrderedDict()
        self._lock = asyncio.Lock()

    def __contains__(self, tag: str) -> bool:
        return tag in self._cards

    async def get(self, tag: str, draw: Callable[[], bytes]) -> bytes:
        """Return the card, drawn if it is not cached. Raises TimeoutError if too many others are drawn first."""
        if tag not in self._cards:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._lock.acquire()
            try:
                if tag not in self._cards:
                    self._cards[tag] = await run_in_threadpool(draw)
            finally:
                self._lock.release()
        self._cards.move_to_end(tag)
        card = self._cards[tag]
        while len(self._cards) > MAX_CARDS:
            self._cards.popitem(last=False)
        return card


def card_path(creation: CreationView) -> str:
    """Return the address of the card; empty if the creation is not public, or sensitive."""
    return f"{creation.path}/card.jpg" if _has_card(creation) else ""


@router.get("/c/{creation_id}/card.jpg")
async def card(request: Request, creation_id: CreationId, context: ContextDep) -> Response:
    """Send the card. Answers 404 if there is none, 410 if the creation was deleted, 503 if too many are drawn."""
    shown = await run_query(context.engine, creations.find_creation, creation_id)
    if shown is None or not _has_card(shown):
        raise HTTPException(410 if shown and shown.deleted_at else 404)
    tag = _tag(shown)
    headers = {"Cache-Control": CACHE_ONE_DAY, "ETag": f'"{tag}"'}
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    cards: PreviewCards = request.app.state.cards
    if tag not in cards:
        await enforce_rate_limit(request, "preview")
    try:
        body = await cards.get(tag, partial(_draw, context.storage, shown))
    except (TimeoutError, TryLater) as error:
        raise HTTPException(503, headers={"Retry-After": "30"}) from error
    except (OSError, LookupError) as error:  # its file is missing or broken
        raise HTTPException(404) from error
    return Response(body, media_type=PREVIEW_MIME, headers=headers)


def _has_card(creation: CreationView) -> bool:
    return creation.is_public and not creation.sensitive and not creation.deleted_at and bool(creation.pictures)


def _tag(creation: CreationView) -> str:
    """Return a digest of everything that the card shows."""
    parts = (DESIGN, *_keys(creation), creation.prompt, *_bylines(creation))
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:32]


def _keys(creation: CreationView) -> list[str]:
    """Return the keys of the smallest files that are large enough."""
    pictures = creation.pictures
    if len(pictures) >= SQUARE:
        return [picture.thumb_key or picture.key for picture in pictures[:SQUARE]]
    return [pictures[0].wide_key or pictures[0].key]


def _bylines(creation: CreationView) -> tuple[str, str]:
    """Return the line under the prompt, and another for names that the font lacks."""
    return f"prompted by {creation.person.display_name}", f"prompted by @{creation.person.username}"


def _draw(storage: Storage, creation: CreationView) -> bytes:
    files = [storage.get(key) for key in _keys(creation)]
    return render_preview([file for file in files if file], creation.prompt, _bylines(creation))
