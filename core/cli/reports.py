"""List reports of creations and comments, resolve them, or remove what they are about."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection, Engine, func, select, true, update
from sqlmodel import Session

from core.clock import now
from core.database import read_connection, retry_on_deadlock, write_session
from core.deletion import soft_delete_creations
from core.errors import ThreadpaintError
from core.models import comments, creations, people, reports
from core.report_reasons import REASONS
from core.social_cleanup import delete_comment
from core.text import clip, tidy

MAX_LISTED = 100


class _ReportRow(NamedTuple):
    """An open report with what it is about."""

    id: int
    at: datetime
    reason: str
    words: str
    creation_id: int
    comment_id: int | None
    prompt: str
    deleted_at: datetime | None
    author: str
    reporter: str | None
    comment: str | None


def open_reports(engine: Engine) -> tuple[int, datetime | None]:
    """Return the number of open reports, and when the oldest was made."""
    stmt = select(func.count(), func.min(reports.c.at)).where(reports.c.handled_at.is_(None))
    with read_connection(engine) as connection:
        count, oldest = connection.execute(stmt).one()
    return int(count), oldest


def render_summary(engine: Engine) -> str | None:
    """Return the line for `status`, or None if no report is open."""
    count, oldest = open_reports(engine)
    if not count or oldest is None:
        return None
    since = f"{oldest.day} {oldest:%b %H:%M} UTC"
    return f"reports: {count:,} open, the oldest since {since}; see them with: threadpaint reports"


def render_reports(engine: Engine, public_url: str) -> Iterator[str]:
    """Yield the open reports, oldest first, a few lines each."""
    count, _ = open_reports(engine)
    if not count:
        yield "no open reports"
        return
    with read_connection(engine) as connection:
        for row in _open_reports(connection):
            yield from _render_report(row, public_url)
    if count > MAX_LISTED:
        yield f"and {count - MAX_LISTED:,} more"


def resolve(engine: Engine, report_ids: Sequence[int]) -> int:
    """Close reports. Return how many were open. Raise ThreadpaintError if one does not exist."""
    with write_session(engine) as session:
        _ensure_exist(session, report_ids)
        stmt = update(reports).where(reports.c.id.in_(report_ids), reports.c.handled_at.is_(None))
        closed = session.execute(stmt.values(handled_at=now()).returning(reports.c.id))
        return len(closed.all())


@retry_on_deadlock
def remove_reported(engine: Engine, report_ids: Sequence[int]) -> int:
    """Delete what these reports are about, the comment or the creation, and close all reports about the same.

    Return how many were deleted. A creation's files and the reply on X follow (`worker/purge.py`).
    Raise ThreadpaintError if a report does not exist; then nothing is deleted.
    """
    about_stmt = select(reports.c.creation_id, reports.c.comment_id).where(reports.c.id.in_(report_ids))
    with write_session(engine) as session:
        _ensure_exist(session, report_ids)
        about = session.execute(about_stmt.where(reports.c.handled_at.is_(None)).distinct()).all()
        for row in about:
            if row.comment_id is None:
                soft_delete_creations(session, [row.creation_id], "taken_down")
            else:
                delete_comment(session, row.creation_id, row.comment_id)
            same = update(reports).where(reports.c.creation_id == row.creation_id, reports.c.handled_at.is_(None))
            its_own = reports.c.comment_id == row.comment_id if row.comment_id is not None else true()
            session.execute(same.where(its_own).values(handled_at=now()))
        return len(about)


def _ensure_exist(session: Session, report_ids: Sequence[int]) -> None:
    known = set(session.execute(select(reports.c.id).where(reports.c.id.in_(report_ids))).scalars())
    for report_id in report_ids:
        if report_id not in known:
            raise ThreadpaintError(f"there is no report {report_id}")


def reports_as_json(engine: Engine, public_url: str) -> list[dict[str, JsonValue]]:
    """Return the open reports as JSON, oldest first."""
    with read_connection(engine) as connection:
        rows = _open_reports(connection)
    return [
        {
            "report": row.id,
            "at": row.at.isoformat(),
            "reason": row.reason,
            "words": row.words,
            "by": row.reporter,
            "page": f"{public_url}/c/{row.creation_id}",
            "comment": row.comment_id,
            "author": row.author,
            "prompt": row.prompt,
            "deleted": row.deleted_at is not None,
        }
        for row in rows
    ]


def _open_reports(connection: Connection) -> list[_ReportRow]:
    reporter = people.alias("reporter")
    stmt = (
        select(
            reports.c.id,
            reports.c.at,
            reports.c.reason,
            reports.c.words,
            reports.c.creation_id,
            reports.c.comment_id,
            creations.c.prompt,
            creations.c.deleted_at,
            people.c.username,
            reporter.c.username,
            comments.c.text,
        )
        .join_from(reports, creations, creations.c.id == reports.c.creation_id)
        .join(people, people.c.id == creations.c.person_id)
        .outerjoin(reporter, reporter.c.id == reports.c.person_id)
        .outerjoin(comments, comments.c.id == reports.c.comment_id)
        .where(reports.c.handled_at.is_(None))
        .order_by(reports.c.at, reports.c.id)
        .limit(MAX_LISTED)
    )
    return [_ReportRow._make(row) for row in connection.execute(stmt)]


def _render_report(row: _ReportRow, public_url: str) -> Iterator[str]:
    """Yield the lines of one report. Texts of users go through `tidy`, because a terminal obeys control characters."""
    by = f"@{row.reporter}" if row.reporter else "a visitor without sign-in"
    reason = REASONS.get(row.reason, row.reason)
    yield f"{row.id}: {reason} – reported by {by}, {row.at.day} {row.at:%b %H:%M} UTC"
    anchor = f"#comment-{row.comment_id}" if row.comment_id else ""
    gone = " (deleted meanwhile)" if row.deleted_at else ""
    prompt = clip(tidy(row.prompt), 100)
    yield f"   {public_url}/c/{row.creation_id}{anchor}, prompted by @{row.author}: {prompt}{gone}"
    if row.comment_id:
        yield f"   the comment: {clip(tidy(row.comment or ''), 200)}"
    if row.words:
        yield f"   they wrote: {clip(tidy(row.words), 400)}"
