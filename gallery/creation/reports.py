"""Reports: somebody thinks that a creation, or a comment under it, should not hang here. The host looks at them.

Members and strangers may; twice is one. An address is not kept: of a stranger only a digest is, whose key lives as
long as the process.
"""

import hashlib
import secrets
from dataclasses import dataclass
from functools import partial

from fastapi import HTTPException, Request
from sqlalchemy import Connection, Engine, func, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from core.clock import now
from core.database import insert_new, transaction
from core.models import comments, people, reports
from core.reports import LONGEST_WORDS, REASONS
from gallery import queries
from gallery.creation.pages import creation_in
from gallery.drawn import draw
from gallery.forms import done, form_of, text_of
from gallery.house import house_of
from gallery.limits import who_asks, within_limits
from gallery.numbers import number_in
from gallery.shown import CreationShown
from gallery.signing.visitor import visitor_of

PEPPER = secrets.token_bytes(32)
# Of one creation so many tell the host enough.
MOST_OPEN = 50


@dataclass(frozen=True, slots=True)
class Reported:
    """The comment that is meant, where it is one."""

    id: int
    username: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody filled in, and which field of it is wrong."""

    reason: str = ""
    words: str = ""

    @property
    def wrong(self) -> dict[str, str]:
        """For each wrong field what is wrong with it."""
        if self.reason not in REASONS:
            return {"reason": "Choose what is wrong with it."}
        if self.reason == "other" and not self.words:
            return {"words": "Say in a few words what is wrong with it."}
        if len(self.words) > LONGEST_WORDS:
            return {"words": f"That is {len(self.words):,} characters; the host reads {LONGEST_WORDS:,}."}
        return {}


async def ask(request: Request) -> Response:
    """The form, and the thanks after it."""
    shown = await creation_in(request)
    comment = await _comment_in(request, shown, request.query_params.get("comment", ""))
    return await _page(request, shown, comment, Draft())


async def send(request: Request) -> Response:
    """Write a report down."""
    form = await form_of(request)
    shown = await creation_in(request)
    comment = await _comment_in(request, shown, text_of(form, "comment"))
    draft = Draft(text_of(form, "reason"), text_of(form, "words").strip())
    if draft.wrong:
        return await _page(request, shown, comment, draft, status=422, wrong=draft.wrong)
    await within_limits(request, "report")
    visitor = await visitor_of(request)
    person_id = visitor.person.id if visitor.person else None
    who = f"member:{person_id}" if person_id else _nameless(await who_asks(request))
    comment_id = comment.id if comment else None
    engine = house_of(request).engine
    await run_in_threadpool(write, engine, who, draft, creation_id=shown.id, comment_id=comment_id, person_id=person_id)
    return done(request, form, f"{shown.path}/report?thanks=1", reported=True)


async def _page(
    request: Request,
    shown: CreationShown,
    comment: Reported | None,
    draft: Draft,
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
) -> Response:
    return await draw(
        request,
        "report.html",
        status=status,
        creation=shown,
        comment=comment,
        draft=draft,
        wrong=wrong or {},
        reasons=REASONS,
        longest=LONGEST_WORDS,
        thanks=request.query_params.get("thanks") == "1",
    )


def _nameless(who: str) -> str:
    return hashlib.blake2b(who.encode(), key=PEPPER, digest_size=12).hexdigest()


def write(
    engine: Engine, who: str, draft: Draft, *, creation_id: int, comment_id: int | None, person_id: int | None
) -> bool:
    """Keep one report. Returns whether it is new; of a creation that the host knows enough of, none is."""
    open_ones = select(func.count()).where(reports.c.creation_id == creation_id, reports.c.handled_at.is_(None))
    with transaction(engine) as session:
        if session.execute(open_ones).scalar_one() >= MOST_OPEN:
            return False
        return insert_new(
            session,
            reports,
            key=f"{who}:{creation_id}:{comment_id or ''}",
            creation_id=creation_id,
            comment_id=comment_id,
            person_id=person_id,
            reason=draft.reason,
            words=draft.words,
            at=now(),
            handled_at=None,
        )


async def _comment_in(request: Request, shown: CreationShown, number: str) -> Reported | None:
    """The comment that is meant; None: the creation itself. Raises HTTPException 404."""
    if not number:
        return None
    question = partial(_comment, creation_id=shown.id, comment_id=number_in(number))
    found = await queries.ask(house_of(request).engine, question)
    if found is None:
        raise HTTPException(404)
    return found


def _comment(connection: Connection, creation_id: int, comment_id: int) -> Reported | None:
    if not 0 < comment_id <= queries.LARGEST_ID:
        return None
    wanted = (
        select(comments.c.id, people.c.username, comments.c.text)
        .join_from(comments, people, people.c.id == comments.c.person_id)
        .where(comments.c.id == comment_id, comments.c.creation_id == creation_id, comments.c.deleted_at.is_(None))
        .where(people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    )
    row = connection.execute(wanted).one_or_none()
    return Reported(*row) if row else None
