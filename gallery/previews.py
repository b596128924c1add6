"""Serves the preview card of a creation: the picture that other sites show where somebody shares its page.

Drawn when it is asked for, one at a time in a process, and kept in memory: nothing has to be deleted when its author
takes the creation back. Others may keep it for a day, as they may the picture itself. Whether it may be seen is looked
up for every request. Knows no SQL.
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
from core.imaging import PREVIEW_MIME, PREVIEW_SIZE, preview
from core.storage import Storage
from gallery import queries
from gallery.files import A_DAY, is_known
from gallery.house import house_of
from gallery.limits import within_limits
from gallery.numbers import number_in
from gallery.shown import CreationShown

__all__ = ["PREVIEW_MIME", "PREVIEW_SIZE", "Cards", "card", "card_path"]

# Part of the ETag: a card that is drawn in another way is another card.
DESIGN = "1"
# About 100 kB each.
MAX_CARDS = 128
# Seconds that a request waits for its turn. A card takes 0.05.
PATIENCE = 5.0
# So many pictures of one creation become a square.
SQUARE = 4


class Cards:
    """The cards that were asked for last, by their ETag."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._drawing = asyncio.Lock()

    def __contains__(self, tag: str) -> bool:
        return tag in self._kept

    async def get(self, tag: str, draw: Callable[[], bytes]) -> bytes:
        """The card of that name, drawn if it is not there. Raises TimeoutError if too many others are drawn before."""
        if tag not in self._kept:
            async with asyncio.timeout(PATIENCE):
                await self._drawing.acquire()
            try:
                if tag not in self._kept:
                    self._kept[tag] = await run_in_threadpool(draw)
            finally:
                self._drawing.release()
        self._kept.move_to_end(tag)
        kept = self._kept[tag]
        while len(self._kept) > MAX_CARDS:
            self._kept.popitem(last=False)
        return kept


def card_path(creation: CreationShown) -> str:
    """Where the preview card of a creation is; empty if it has none: it is sensitive, or not to be seen."""
    return f"{creation.path}/card.jpg" if _has_card(creation) else ""


async def card(request: Request) -> Response:
    """The card as a JPEG. 404 for what everybody may not see, 410 for what was taken back, 503 while too many wait."""
    house, creation_id = house_of(request), number_in(str(request.path_params["creation_id"]))
    shown = await queries.ask(house.engine, partial(queries.one_creation, creation_id=creation_id))
    if shown is None or not _has_card(shown):
        raise HTTPException(410 if shown and shown.deleted_at else 404)
    tag = _tag(shown)
    headers = {"Cache-Control": A_DAY, "ETag": f'"{tag}"'}
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    cards: Cards = request.app.state.cards
    if tag not in cards:
        await within_limits(request, "preview")
    try:
        body = await cards.get(tag, partial(_draw, house.storage, shown))
    except (TimeoutError, TryLater) as error:
        raise HTTPException(503, headers={"Retry-After": "30"}) from error
    except (OSError, LookupError) as error:  # its file is lost or broken, which the keeper of files looks after
        raise HTTPException(404) from error
    return Response(body, media_type=PREVIEW_MIME, headers=headers)


def _has_card(creation: CreationShown) -> bool:
    return creation.hangs and not creation.sensitive and not creation.deleted_at and bool(creation.pictures)


def _tag(creation: CreationShown) -> str:
    """Names everything that is drawn."""
    parts = (DESIGN, *_keys(creation), creation.prompt, *_names(creation))
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:32]


def _keys(creation: CreationShown) -> list[str]:
    """The smallest files that are large enough."""
    pictures = creation.pictures
    if len(pictures) >= SQUARE:
        return [one.thumb_key or one.key for one in pictures[:SQUARE]]
    return [pictures[0].wide_key or pictures[0].key]


def _names(creation: CreationShown) -> tuple[str, str]:
    """The first one is drawn that there are letters for."""
    return f"prompted by {creation.person.called}", f"prompted by @{creation.person.username}"


def _draw(storage: Storage, creation: CreationShown) -> bytes:
    files = [storage.get(key) for key in _keys(creation)]
    return preview([file for file in files if file], creation.prompt, _names(creation))
