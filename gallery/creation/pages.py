"""The page of one creation: its pictures and label, or what it waits for, or why there is none. Knows no SQL."""

from functools import partial

from fastapi import HTTPException, Request
from starlette.responses import Response

from core.clock import now
from gallery import queries
from gallery.drawn import draw
from gallery.house import house_of
from gallery.shown import CreationShown


async def creation(request: Request) -> Response:
    """One creation, in whatever state."""
    shown = await creation_in(request)
    wait = await house_of(request).waits.of(shown)
    if shown.pictures:
        return await draw(request, "creation.html", creation=shown, wait=wait)
    refresh = shown.refresh_seconds(now()) if shown.is_under_way else None
    return await draw(request, "unpainted.html", creation=shown, refresh=refresh, wait=wait)


async def creation_in(request: Request) -> CreationShown:
    """The creation that the address names. Raises HTTPException: 404 where there is none, 410 where it is deleted."""
    creation_id = number_in(str(request.path_params["creation_id"]))
    shown = await queries.ask(house_of(request).engine, partial(queries.one_creation, creation_id=creation_id))
    if shown is None:
        raise HTTPException(404)
    if shown.deleted_at:
        raise HTTPException(410)
    return shown


def number_in(text: str) -> int:
    """The id in an address; 0, which nobody has, for what is none. Python itself refuses to read 5,000 digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
