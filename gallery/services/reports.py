"""Store reports about creations and comments for the operator. The same report twice is stored once."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from core.clock import now
from core.database import insert_if_absent, write_session
from core.models import comments, people, reports
from core.report_reasons import MAX_WORDS_LENGTH, REASONS
from gallery.services.text_rules import length_error
from gallery.translations import gettext
from gallery.views.pagination import MAX_ID

# Further reports of one creation would be no news to the operator.
MAX_OPEN = 50


@dataclass(frozen=True, slots=True)
class ReportedComment:
    """The comment that a report is about."""

    id: int
    username: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """What the user filled in."""

    reason: str = ""
    words: str = ""

    @property
    def errors(self) -> dict[str, str]:
        """Return a message for each invalid field."""
        if self.reason not in REASONS:
            return {"reason": gettext("Choose what is wrong with it.")}
        if self.reason == "other" and not self.words:
            return {"words": gettext("Describe in a few words what is wrong with it.")}
        error = length_error(self.words, MAX_WORDS_LENGTH)
        return {"words": error} if error else {}


def find_comment(connection: Connection, creation_id: int, comment_id: int) -> ReportedComment | None:
    """Return a visible comment under this creation."""
    if not 0 < comment_id <= MAX_ID:
        return None
    stmt = (
        select(comments.c.id, people.c.username, comments.c.text)
        .join_from(comments, people, people.c.id == comments.c.person_id)
        .where(comments.c.id == comment_id, comments.c.creation_id == creation_id, comments.c.deleted_at.is_(None))
        .where(people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    )
    row = connection.execute(stmt).one_or_none()
    return ReportedComment(*row) if row else None


def add_report(
    engine: Engine,
    reporter: str,
    draft: ReportDraft,
    *,
    creation_id: int,
    comment_id: int | None,
    person_id: int | None,
) -> bool:
    """Store a report. Returns False if the reporter sent it already, or the creation has MAX_OPEN open reports."""
    open_count = select(func.count()).where(reports.c.creation_id == creation_id, reports.c.handled_at.is_(None))
    with write_session(engine) as session:
        if session.execute(open_count).scalar_one() >= MAX_OPEN:
            return False
        return insert_if_absent(
            session,
            reports,
            key=f"{reporter}:{creation_id}:{comment_id or ''}",
            creation_id=creation_id,
            comment_id=comment_id,
            person_id=person_id,
            reason=draft.reason,
            words=draft.words,
            at=now(),
            handled_at=None,
        )
