"""Compare a remix with the picture that it was made from: both pictures, and the words and options that changed."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import HTTPException, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.text import mark
from gallery.queries.creations import find_creation
from gallery.queries.run_query import run_query
from gallery.routers.creations import is_blurred_for
from gallery.views.creations import CreationView
from gallery.views.pagination import parse_id
from gallery.views.pictures import PictureView
from gallery.views.prompt_diff import diff_prompts
from gallery.web.dependencies import CurrentUserDep, EngineDep
from gallery.web.lookups import VisibleCreationDep
from gallery.web.pages import page_router, render_page

router = page_router()


@dataclass(frozen=True, slots=True)
class OptionChange:
    """An option whose value differs. Empty values are shown as the default."""

    label: str
    before: str
    after: str


@router.get("/c/{creation_id}/compare")
async def compare(
    request: Request,
    shown: VisibleCreationDep,
    user: CurrentUserDep,
    engine: EngineDep,
    show: Annotated[str, Query(description="1: show sensitive pictures")] = "",
    picture: Annotated[str, Query(description="number of the picture of the remix, from 1")] = "",
) -> Response:
    """Show a remix beside its parent. Raises HTTPException 404 if one of them has no picture to show."""
    viewer_id = user.person.id if user.person else None
    parent = await run_query(engine, _find_parent, shown, viewer_id)
    if parent is None or not shown.pictures:
        raise HTTPException(404)
    number = min(max(1, parse_id(picture)), len(shown.pictures))
    return await render_page(
        request,
        "compare.html",
        creation=shown,
        parent=parent,
        before=_start_picture(parent, shown),
        after=shown.pictures[number - 1],
        number=number,
        show=show,
        words=diff_prompts(parent.prompt, shown.prompt),
        options=_option_changes(parent, shown),
        is_blurred=show != "1" and any(is_blurred_for(each, user) for each in (parent, shown)),
    )


def _find_parent(connection: Connection, shown: CreationView, viewer_id: int | None) -> CreationView | None:
    if shown.parent_id is None:
        return None
    parent = find_creation(connection, shown.parent_id, viewer_id=viewer_id)
    return parent if parent and parent.pictures and not parent.deleted_at else None


def _start_picture(parent: CreationView, shown: CreationView) -> PictureView:
    """Return the picture of the parent that the remix started from, or its first."""
    started = (picture for picture in parent.pictures if picture.key == shown.init_image_key)
    return next(started, parent.pictures[0])


def _option_changes(parent: CreationView, shown: CreationView) -> list[OptionChange]:
    options = (
        (mark("Style"), parent.style, shown.style),
        (mark("Aspect ratio"), parent.aspect_ratio, shown.aspect_ratio),
        (mark("Leave out"), parent.negative_prompt, shown.negative_prompt),
        (mark("Model"), parent.model, shown.model),
    )
    return [OptionChange(label, before or "", after or "") for label, before, after in options if before != after]
