"""Show and change a member's settings: bot replies, sensitive pictures, sessions, and deleting the account.

Each setting is a form of its own that comes back to this page. Sent twice, it does no more than once.
"""

from typing import Annotated, Literal

from fastapi import Depends, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.deletion import erase_user
from core.logs import get_logger
from core.text import mark
from gallery.auth.config import OAuthConfig, OAuthDep
from gallery.queries import account, creations
from gallery.queries.account import AccountSettings
from gallery.queries.run_query import run_query
from gallery.routers.auth import clear_session_cookie
from gallery.translations import gettext
from gallery.views.formatting import format_pictures
from gallery.views.pagination import parse_id
from gallery.web import sessions
from gallery.web.dependencies import ContextDep, EngineDep, MemberDep
from gallery.web.forms import Checkbox, FormModel, form_response, parse_form
from gallery.web.pages import page_router, render_page
from gallery.web.users import ANONYMOUS

log = get_logger(__name__)
router = page_router()

SETTINGS_PATH = "/me/settings"
MAX_HANDLE_LENGTH = 60
# Shown above the settings after a change, by the `done` parameter.
DONE_MESSAGES = {
    "stop": mark("The bot no longer replies to you on X."),
    "start": mark("The bot replies to you on X again."),
    "blurred": mark("Sensitive pictures are blurred."),
    "unblurred": mark("Sensitive pictures are always shown."),
    "browser": mark("That browser is signed out."),
}


class BotForm(FormModel):
    """`start` or `stop`, as on X."""

    do: str = ""


class SensitiveForm(FormModel):
    """Return whether to show sensitive pictures without blur."""

    show: Checkbox = False


class SessionsForm(FormModel):
    """The session to revoke, or `all`."""

    login: str = ""


class DeleteAccountForm(FormModel):
    """The member's own handle, which confirms the deletion."""

    handle: str = ""


BotFormDep = Annotated[BotForm, Depends(parse_form(BotForm, limit="settings"))]
SensitiveFormDep = Annotated[SensitiveForm, Depends(parse_form(SensitiveForm, limit="settings"))]
SessionsFormDep = Annotated[SessionsForm, Depends(parse_form(SessionsForm, limit="settings"))]
DeleteAccountFormDep = Annotated[DeleteAccountForm, Depends(parse_form(DeleteAccountForm, limit="leave"))]


@router.get(SETTINGS_PATH)
async def settings_page(request: Request, member: MemberDep, engine: EngineDep, done: str = "") -> Response:
    """Show all settings."""
    settings = await run_query(engine, account.load_settings, member.id, creations.TOTAL_LIMIT)
    return await render_page(
        request,
        "settings.html",
        settings=settings,
        message=gettext(DONE_MESSAGES[done]) if done in DONE_MESSAGES else "",
        total=_total(settings),
        this_session=member.session_id,
    )


@router.post(f"{SETTINGS_PATH}/bot")
async def set_bot_replies(request: Request, member: MemberDep, form: BotFormDep, engine: EngineDep) -> Response:
    """Opt out of the bot's replies, or back in, as `stop` and `start` do on X."""
    is_on = form.do == "start"
    await run_in_threadpool(account.set_bot_replies, engine, member.id, is_on=is_on)
    log.info("bot replies switched", person=member.id, on=is_on)
    return form_response(request, form, _done_path("start" if is_on else "stop"), answers=is_on)


@router.post(f"{SETTINGS_PATH}/sensitive")
async def set_show_sensitive(
    request: Request, member: MemberDep, form: SensitiveFormDep, engine: EngineDep
) -> Response:
    """Show sensitive pictures blurred, or as they are."""
    await run_in_threadpool(account.set_show_sensitive, engine, member.id, is_on=form.show)
    return form_response(request, form, _done_path("unblurred" if form.show else "blurred"), shows_sensitive=form.show)


@router.post(f"{SETTINGS_PATH}/browsers")
async def revoke_sessions(
    request: Request, member: MemberDep, form: SessionsFormDep, context: ContextDep, oauth: OAuthDep
) -> Response:
    """Sign out one browser, or all of them including this one."""
    session_id, is_all = parse_id(form.login), form.login == "all"
    if is_all:
        tokens = await run_in_threadpool(sessions.revoke_all, context.engine, member.id)
    else:
        tokens = await run_in_threadpool(sessions.revoke, context.engine, session_id, member.id)
    is_own = is_all or session_id == member.session_id
    next_path = "/" if is_own else _done_path("browser")
    response = form_response(request, form, next_path, ended=len(tokens), signed_out=is_own)
    if is_own:
        clear_session_cookie(context, response)
    return _revoke_after(response, oauth, tokens)


@router.get(f"{SETTINGS_PATH}/delete")
async def delete_account_page(request: Request, member: MemberDep, engine: EngineDep) -> Response:
    """Show what a deletion removes, and the form that asks for the member's handle."""
    settings = await run_query(engine, account.load_settings, member.id, creations.TOTAL_LIMIT)
    return await render_page(request, "delete_account.html", total=_total(settings), handle="", error="")


@router.post(f"{SETTINGS_PATH}/delete")
async def delete_account(
    request: Request, member: MemberDep, form: DeleteAccountFormDep, context: ContextDep, oauth: OAuthDep
) -> Response:
    """Erase all data of a member who typed their own handle."""
    handle = form.handle.strip()
    if handle.removeprefix("@").casefold() != member.person.username.casefold():
        settings = await run_query(context.engine, account.load_settings, member.id, creations.TOTAL_LIMIT)
        error = gettext("Type @%(handle)s to confirm.", handle=member.person.username)
        return await render_page(
            request,
            "delete_account.html",
            status=422,
            total=_total(settings),
            handle=handle[:MAX_HANDLE_LENGTH],
            error=error,
        )
    # Read the tokens first: if this fails, the member is still signed in and can try again.
    tokens = await run_query(context.engine, sessions.encrypted_tokens, person_id=member.id)
    erased = await run_in_threadpool(erase_user, context.engine, member.id)
    await run_in_threadpool(context.creation_config.uploads.delete_all, member.id)
    log.info("account deleted", person=member.id, creations=erased)
    request.state.user = ANONYMOUS
    response = await render_page(request, "account_deleted.html", had_creations=bool(erased))
    clear_session_cookie(context, response)
    return _revoke_after(response, oauth, tokens)


def _total(settings: AccountSettings) -> str:
    return format_pictures(settings.creations, creations.TOTAL_LIMIT)


def _done_path(done: Literal["stop", "start", "blurred", "unblurred", "browser"]) -> str:
    return f"{SETTINGS_PATH}?done={done}#message"


def _revoke_after(response: Response, oauth: OAuthConfig | None, tokens: list[str | None]) -> Response:
    """Revoke the tokens at X once the response is sent."""
    if oauth is not None and tokens:
        response.background = BackgroundTask(oauth.revoke, tokens)
    return response
