"""Open the composer with what another app shared with the installed site: words, or a picture to start from.

The browser sends the form itself, without our token. So nothing is created: the picture becomes an upload of the
member, as if they had chosen it in the composer, and is deleted after a day if they do not use it.
"""

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from core.text import tidy
from core.twittertext.links import find_links
from gallery.routers.composer_form import ComposerForm, ComposerQueryDep
from gallery.routers.composer_page import render_composer
from gallery.services import init_images
from gallery.services.composer_policy import Rejected
from gallery.services.init_images import MAX_FORM_BYTES, UPLOAD_PREFIX
from gallery.web.context import AppContext
from gallery.web.current_user import require_member
from gallery.web.dependencies import ContextDep, CurrentUserDep, MemberDep
from gallery.web.forms import FormModel, parse_form
from gallery.web.pages import page_router

router = page_router()
PATH = "/share"
SHARE_TARGET = {
    "action": PATH,
    "method": "POST",
    "enctype": "multipart/form-data",
    "params": {
        "title": "title",
        "text": "text",
        "url": "url",
        "files": [{"name": "file", "accept": ["image/*"]}],
    },
}


class SharedForm(FormModel):
    """What the other app shared."""

    title: str = ""
    text: str = ""
    url: str = ""
    file: UploadFile | None = None


SharedFormDep = Annotated[
    SharedForm, Depends(parse_form(SharedForm, limit="choose", max_bytes=MAX_FORM_BYTES, takes_shares=True))
]


@router.post(PATH)
async def receive_share(request: Request, user: CurrentUserDep, form: SharedFormDep, context: ContextDep) -> Response:
    """Keep the picture for the member, and open the composer. A link to a creation here opens its remix."""
    if creation_id := _find_creation(context, f"{form.url} {form.text}"):
        return RedirectResponse(f"/paint?remix={creation_id}", 303)
    values = {"prompt": _words(form)[: context.creation_config.prompt_limit]}
    if user.person and init_images.is_present(form.file):
        try:
            uploads = context.creation_config.uploads
            values["init_image"] = await init_images.save_upload(uploads, user.person.id, form.file)
        except Rejected as error:
            member, typed = await require_member(request), ComposerForm(prompt=values["prompt"])
            return await render_composer(
                request, context, member, typed, errors=error.errors, status=error.status, code=error.code
            )
    return RedirectResponse(f"{PATH}?{urlencode(values)}", 303)


@router.get(PATH)
async def shared_composer(
    request: Request, member: MemberDep, form: ComposerQueryDep, context: ContextDep, init_image: str = ""
) -> Response:
    """Show the composer with the shared words, and the picture if it is an upload of this member."""
    name = init_image.removeprefix(UPLOAD_PREFIX)
    if await run_in_threadpool(context.creation_config.uploads.get, member.id, name) is not None:
        form = form.model_copy(update={"init_image": UPLOAD_PREFIX + name})
    return await render_composer(request, context, member, form, prefill=True)


def _find_creation(context: AppContext, text: str) -> int | None:
    """Return the id of the creation of this site that a text links to."""
    if not context.public_url:
        return None
    match = re.search(rf"{re.escape(context.public_url)}/c/([0-9]{{1,18}})\b", text)
    return int(match[1]) if match else None


def _words(form: SharedForm) -> str:
    """Return the shared text without links, or else the title of what was shared."""
    text = form.text
    for start, end in reversed(find_links(text)):
        text = f"{text[:start]} {text[end:]}"
    return tidy(text) or tidy(form.title)
