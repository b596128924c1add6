"""Show a member's own creations, and change one or several of them."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, HTTPException, Request
from pydantic import Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from core.clock import now
from core.usage import A_DAY, load_usage
from gallery.queries import creations
from gallery.queries.my_creations import FILTERS, Totals, find_own, list_own, load_totals
from gallery.queries.run_query import run_query
from gallery.routers.legacy_redirects import renamed_query_redirect
from gallery.services import my_creations
from gallery.translations import gettext
from gallery.views.creations import CreationView, Page
from gallery.views.formatting import format_pictures
from gallery.views.pagination import PAGE_SIZE, Cursor, InvalidParameter
from gallery.views.status_badges import StatusBadge, status_badge, summarize
from gallery.web.context import AppContext
from gallery.web.dependencies import ContextDep, CursorDep, MemberDep, QueryId
from gallery.web.flash import Flash, offer_undo
from gallery.web.forms import Checkbox, FormId, FormModel, form_response, parse_form, safe_next_url, wants_json
from gallery.web.pages import page_router, render_page
from gallery.web.rate_limits import enforce_rate_limit
from gallery.web.users import Member

router = page_router()
MY_PATH = "/me"
MAX_IDS = 100
# Each estimate counts queued rows, so only the oldest pending creations of a page get one.
MAX_ESTIMATES = 12


@dataclass(frozen=True, slots=True)
class MyCreationsPage:
    """What the page shows. `used_today`: creations of the last 24 hours, which count against the daily limit."""

    page: Page
    totals: Totals
    used_today: int


class ChangeForm(FormModel):
    """The action (`do`), the creations to change, and `confirmed`, for a deletion."""

    do: str = ""
    ids: list[FormId] = Field([])
    confirmed: Checkbox = False


ChangeFormDep = Annotated[ChangeForm, Depends(parse_form(ChangeForm))]


@router.get(MY_PATH)
async def my_creations_page(
    request: Request,
    member: MemberDep,
    cursor: CursorDep,
    context: ContextDep,
    only: str = "",
    done: str = "",
    count: QueryId = 0,
) -> Response:
    """Show all own creations, or those that the filter `only` names."""
    if redirect := renamed_query_redirect(request, MY_PATH):
        return redirect
    if only not in FILTERS:
        raise InvalidParameter("only", f"choose one of {', '.join(name for name in FILTERS if name)}")
    shown = await run_query(context.engine, _load_page, member.id, only, cursor)
    limit = context.creation_config.rules.user_daily_limit
    return await render_page(
        request,
        "me.html",
        page=shown.page,
        badges=await _status_badges(context, shown.page.creations),
        total=format_pictures(shown.totals.creations, creations.TOTAL_LIMIT),
        totals=shown.totals,
        left=max(0, limit - shown.used_today),
        limit=limit,
        only=only,
        path=f"{MY_PATH}?only={only}" if only else MY_PATH,
        filters=[(f"{MY_PATH}?only={name}" if name else MY_PATH, gettext(label)) for name, label in FILTERS.items()],
        is_first=cursor is None,
        message=_message(done, count),
    )


@router.post("/me/creations")
async def change_creations(request: Request, member: MemberDep, form: ChangeFormDep, context: ContextDep) -> Response:
    """Do one thing with own creations. A deletion asks for confirmation."""
    ids = _checked_ids(form)
    if form.do not in my_creations.ACTIONS:
        raise InvalidParameter("do", f"choose one of {', '.join(my_creations.ACTIONS)}")
    if not ids:
        return _reject_empty(request, form)
    if form.do == "delete" and not form.confirmed:
        return await _confirm_delete(request, context, member, form, ids)
    await enforce_rate_limit(request, "manage")
    try:
        changed = await run_in_threadpool(my_creations.change_creations, context.engine, member.id, form.do, ids)
    except my_creations.NotOwned:
        raise HTTPException(403) from None
    count, words = len(changed), summarize(form.do, len(changed))
    if wants_json(request):
        return form_response(request, form, MY_PATH, done=form.do, count=count, words=words)
    response = RedirectResponse(_with_message(_return_path(form, form.do), form.do, count), 303)
    reverse = my_creations.REVERSE.get(form.do)
    if not changed or reverse is None:
        return response
    fields = (("do", reverse), *(("ids", str(creation_id)) for creation_id in changed))
    return offer_undo(request, response, member.user, Flash(words, "/me/creations", fields))


def _load_page(connection: Connection, person_id: int, only: str, cursor: Cursor | None) -> MyCreationsPage:
    page = list_own(connection, person_id, only=only, limit=PAGE_SIZE, after=cursor)
    used_today = load_usage(connection, [person_id], now() - A_DAY)[person_id].creations
    return MyCreationsPage(page, load_totals(connection, person_id), used_today)


async def _confirm_delete(
    request: Request, context: AppContext, member: Member, form: ChangeForm, ids: list[int]
) -> Response:
    if not await run_query(context.engine, my_creations.are_all_owned, person_id=member.id, ids=ids):
        raise HTTPException(403)
    own = await run_query(context.engine, find_own, person_id=member.id, creation_ids=ids)
    if not own:  # another tab was faster
        return RedirectResponse(_with_message(MY_PATH, "delete", 0), 303)
    return await render_page(
        request,
        "delete.html",
        creations=own,
        badges=await _status_badges(context, own),
        reply_count=sum(1 for creation in own if creation.reply_post_id),
        next=_return_path(form, "delete"),
    )


def _reject_empty(request: Request, form: ChangeForm) -> Response:
    if wants_json(request):
        raise InvalidParameter("ids", "choose at least one picture")
    return RedirectResponse(_with_message(_return_path(form, ""), "none", 0), 303)


async def _status_badges(context: AppContext, shown: list[CreationView]) -> dict[int, StatusBadge]:
    pending = [creation for creation in shown if creation.is_pending][-MAX_ESTIMATES:]
    etas = await context.eta_cache.for_creations(pending)
    return {creation.id: status_badge(creation, etas.get(creation.id)) for creation in shown}


def _checked_ids(form: ChangeForm) -> list[int]:
    """Return the form's ids, each once. Raises InvalidParameter if there are too many, HTTPException 403 for no id."""
    if len(form.ids) > MAX_IDS:
        raise InvalidParameter("ids", f"no more than {MAX_IDS} at once")
    ids = sorted(set(form.ids))
    if ids and ids[0] == 0:
        raise HTTPException(403)
    return ids


def _return_path(form: ChangeForm, action: str) -> str:
    """Return where to go afterwards, but not to the page of a creation that was just deleted."""
    path = safe_next_url(form, MY_PATH)
    return MY_PATH if action == "delete" and path.startswith("/c/") else path


def _with_message(path: str, action: str, count: int) -> str:
    """Return the path with the query parameters that make the page say what was done."""
    parts = urlsplit(path)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"done", "count"}]
    return f"{parts.path}?{urlencode([*query, ('done', action), ('count', count)])}"


def _message(action: str, count: int) -> str:
    return gettext("Select pictures first.") if action == "none" else summarize(action, min(count, MAX_IDS))
