"""Report a creation, or a comment under it, to the operator. Members and anonymous visitors may.

Addresses are not stored: an anonymous reporter is a digest, whose key lives as long as the process.
"""

import hashlib
import secrets
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.report_reasons import MAX_WORDS_LENGTH, REASONS
from gallery.queries.run_query import run_query
from gallery.services.reports import ReportDraft, ReportedComment, add_report, find_comment
from gallery.views.creations import CreationView
from gallery.views.pagination import parse_id
from gallery.web.dependencies import CurrentUserDep, EngineDep
from gallery.web.forms import FormModel, form_response, parse_form
from gallery.web.lookups import VisibleCreationDep
from gallery.web.pages import page_router, render_page
from gallery.web.rate_limits import client_key, enforce_rate_limit
from gallery.web.users import CurrentUser

router = page_router()
PEPPER = secrets.token_bytes(32)


class ReportForm(FormModel):
    """`comment`: the id of the reported comment; empty for the creation itself."""

    comment: str = ""
    reason: str = ""
    words: str = ""


@router.get("/c/{creation_id}/report")
async def report_page(
    request: Request, shown: VisibleCreationDep, engine: EngineDep, comment: str = "", thanks: str = ""
) -> Response:
    """Show the form, or the thanks after it."""
    reported = await _find_comment(engine, shown, comment)
    return await _page(request, shown, reported, ReportDraft(), thanks=thanks == "1")


@router.post("/c/{creation_id}/report")
async def send_report(
    request: Request,
    form: Annotated[ReportForm, Depends(parse_form(ReportForm))],
    shown: VisibleCreationDep,
    user: CurrentUserDep,
    engine: EngineDep,
) -> Response:
    """Store a report, or show the form again with its errors."""
    comment = await _find_comment(engine, shown, form.comment)
    draft = ReportDraft(form.reason, form.words.strip())
    if draft.errors:
        return await _page(request, shown, comment, draft, status=422, errors=draft.errors)
    await enforce_rate_limit(request, "report")
    await run_in_threadpool(
        add_report,
        engine,
        await _reporter(request, user),
        draft,
        creation_id=shown.id,
        comment_id=comment.id if comment else None,
        person_id=user.person.id if user.person else None,
    )
    return form_response(request, form, f"{shown.path}/report?thanks=1", reported=True)


async def _page(
    request: Request,
    shown: CreationView,
    comment: ReportedComment | None,
    draft: ReportDraft,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    thanks: bool = False,
) -> Response:
    return await render_page(
        request,
        "report.html",
        status=status,
        creation=shown,
        comment=comment,
        draft=draft,
        errors=errors or {},
        reasons=REASONS,
        max_length=MAX_WORDS_LENGTH,
        thanks=thanks,
    )


async def _reporter(request: Request, user: CurrentUser) -> str:
    if user.person is not None:
        return f"member:{user.person.id}"
    return hashlib.blake2b((await client_key(request)).encode(), key=PEPPER, digest_size=12).hexdigest()


async def _find_comment(engine: Engine, shown: CreationView, comment_id: str) -> ReportedComment | None:
    """Return the reported comment; None for the creation itself. Raises HTTPException 404."""
    if not comment_id:
        return None
    comment = await run_query(engine, find_comment, shown.id, parse_id(comment_id))
    if comment is None:
        raise HTTPException(404)
    return comment
