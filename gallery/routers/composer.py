"""The composer: create a creation from its form, re-run one, and upload init images.

form model (composer_form) -> create_creation() -> redirect to the creation, or the page with errors (composer_page)
"""

from fastapi import HTTPException, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from core.budget.budget import work_allowance
from core.clock import now
from core.errors import TryLater
from core.imaging import MIME
from gallery.routers.composer_form import ComposerForm, ComposerFormDep, ComposerQueryDep, RerunFormDep, UploadFormDep
from gallery.routers.composer_page import UPLOADS_PATH, render_composer, upload_url
from gallery.routers.legacy_redirects import renamed_query_redirect
from gallery.services import init_images
from gallery.services.composer_policy import ComposerPolicy, Rejected
from gallery.services.create_creation import CreateCreation, build_idempotency_key, create_creation
from gallery.translations import gettext
from gallery.views.pagination import parse_id
from gallery.web.context import AppContext
from gallery.web.dependencies import ContextDep, CreationId, MemberDep
from gallery.web.forms import FormModel, form_response, wants_json
from gallery.web.pages import page_router
from gallery.web.rate_limits import enforce_rate_limit
from gallery.web.users import Member

router = page_router()

NO_STORE = {"Cache-Control": "no-store"}
MAX_KEY_LENGTH = 100


@router.get("/paint")
async def composer_page(request: Request, member: MemberDep, form: ComposerQueryDep, context: ContextDep) -> Response:
    """Show the form: empty, or filled in by a link or with the parameters of the creation to remix."""
    if redirect := renamed_query_redirect(request, "/paint"):
        return redirect
    return await render_composer(request, context, member, form, prefill=True)


@router.post("/paint")
async def submit_composer(request: Request, member: MemberDep, form: ComposerFormDep, context: ContextDep) -> Response:
    """Create a creation, or show beside the fields why not."""
    if form.more:
        return await render_composer(request, context, member, form)
    form, file_errors = await _save_file(request, context, member, form)
    if errors := form.errors(context.creation_config.prompt_limit) | file_errors:
        return await _render_errors(request, context, member, form, errors, 422)
    params, parent_id = form.params(), parse_id(form.remix) or None
    key = build_idempotency_key(
        member.id,
        form.token[:MAX_KEY_LENGTH],
        form.idempotency_key,
        params,
        parent_id,
        form.init_image,
        form.reply_on_x,
    )
    command = CreateCreation(member.id, key, params, parent_id, form.init_image, form.reply_on_x)
    return await _create(request, context, member, form, command)


@router.post("/c/{creation_id}/rerun")
async def rerun(
    request: Request, member: MemberDep, form: RerunFormDep, creation_id: CreationId, context: ContextDep
) -> Response:
    """Create a creation with the same parameters and a new seed, perhaps with another number of pictures."""
    page_keys = form.token[:MAX_KEY_LENGTH], form.idempotency_key[:MAX_KEY_LENGTH]
    key = build_idempotency_key(member.id, *page_keys, "rerun", creation_id, form.count)
    command = CreateCreation(member.id, key, None, creation_id, init_image="same", rerun_count=form.count)
    count = str(form.count or "")
    composer_form = ComposerForm(remix=str(creation_id), init_image="same", count=count, next=form.next)
    return await _create(request, context, member, composer_form, command)


@router.post(UPLOADS_PATH)
async def upload_init_image(member: MemberDep, form: UploadFormDep, context: ContextDep) -> Response:
    """Store an init image for the composer's script. Without it, the file comes with the form."""
    try:
        name = await init_images.save_upload(context.creation_config.uploads, member.id, form.file)
    except Rejected as error:
        return JSONResponse({"errors": error.errors}, error.status, NO_STORE)
    # `start`: the name that pages from before 0.1 read. Remove it in 0.2.
    return JSONResponse({"init_image": name, "start": name, "url": upload_url(name)}, headers=NO_STORE)


@router.get(UPLOADS_PATH + "/{name}")
async def uploaded_init_image(member: MemberDep, name: str, context: ContextDep) -> Response:
    """Send a member's own upload."""
    data = await run_in_threadpool(context.creation_config.uploads.get, member.id, name)
    if data is None:
        raise HTTPException(404)
    return Response(data, media_type=MIME, headers={"Cache-Control": "private, max-age=3600"})


async def _save_file(
    request: Request, context: AppContext, member: Member, form: ComposerForm
) -> tuple[ComposerForm, dict[str, str]]:
    """Store the form's file as its init image. Return the form, and why the file was rejected."""
    if not init_images.is_present(form.file):
        return form, {}
    await enforce_rate_limit(request, "choose")
    try:
        name = await init_images.save_upload(context.creation_config.uploads, member.id, form.file)
    except Rejected as error:
        return form, error.errors
    return form.model_copy(update={"init_image": name}), {}


async def _create(
    request: Request, context: AppContext, member: Member, form: ComposerForm, command: CreateCreation
) -> Response:
    try:
        creation_id = await run_in_threadpool(_create_in_thread, context, command)
    except (Rejected, TryLater) as error:
        rejected = error if isinstance(error, Rejected) else _storage_down()
        if rejected.code == "nothing_there":
            raise HTTPException(404) from error
        return await _render_errors(
            request, context, member, form, rejected.errors, rejected.status, code=rejected.code
        )
    return _created(request, context, form, creation_id)


def _storage_down() -> Rejected:
    message = gettext("Something is down on our side. Your text is safe; try again in a moment.")
    return Rejected("storage", message, status=503)


def _create_in_thread(context: AppContext, command: CreateCreation) -> int:
    config, moment = context.creation_config, now()
    is_exhausted = work_allowance(context.engine, config.money, moment).exhausted
    policy = ComposerPolicy(config.rules, moment, is_exhausted)
    return create_creation(
        command, engine=context.engine, storage=context.storage, uploads=config.uploads, policy=policy
    )


def _created(request: Request, context: AppContext, form: FormModel, creation_id: int) -> Response:
    path = f"/c/{creation_id}"
    response = form_response(request, form, path, id=creation_id, url=path)
    # After the response: a queue that is down takes seconds to say so.
    response.background = BackgroundTask(context.creation_config.dispatch_soon)
    return response


async def _render_errors(
    request: Request,
    context: AppContext,
    member: Member,
    form: ComposerForm,
    errors: dict[str, str],
    status: int,
    *,
    code: str = "",
) -> Response:
    # The composer's script takes both: the address of a creation as JSON, and a rejected form as a page.
    if wants_json(request) and "text/html" not in request.headers["accept"]:
        return JSONResponse({"errors": errors}, status, NO_STORE)
    is_rerun = not form.prompt and bool(form.remix)
    return await render_composer(
        request, context, member, form, prefill=is_rerun, errors=errors, status=status, code=code
    )
