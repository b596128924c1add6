"""What people reported, for the host: how many are open, which, that they are done, or that it goes. Knows no page.

A report says that something should not hang here; what becomes of it, the host decides.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, true, update
from sqlmodel import Session

from core.clock import now
from core.database import reading, transaction, unlocked
from core.errors import HouseError
from core.forgetting import take_back
from core.models import comments, creations, people, reports
from core.text import clip, tidy
from core.ties import take_back_comment

# Why something may be reported: names as the table keeps them, and their words.
REASONS: dict[str, str] = {
    "unsafe": "It is not safe: sexual, or cruel",
    "hateful": "It is hateful",
    "likeness": "It shows somebody who would not want that, or something private",
    "copyright": "It copies somebody's work",
    "spam": "It is advertising or spam",
    "other": "Something else",
}
LONGEST_WORDS = 1000
LATEST = 100


def open_reports(engine: Engine) -> tuple[int, datetime | None]:
    """How many wait for the host, and since when the oldest does."""
    wanted = select(func.count(), func.min(reports.c.at)).where(reports.c.handled_at.is_(None))
    with reading(engine) as connection:
        count, oldest = connection.execute(wanted).one()
    return int(count), oldest


def in_one_line(engine: Engine) -> str | None:
    """For `status`; None where nothing is open."""
    count, oldest = open_reports(engine)
    if not count or oldest is None:
        return None
    since = f"{oldest.day} {oldest:%b %H:%M} UTC"
    return f"reports: {count:,} open, the oldest since {since}; see them with: python -m core reports"


def lines(engine: Engine, public_url: str) -> Iterator[str]:
    """The open ones, oldest first, a few lines each."""
    count, _ = open_reports(engine)
    if not count:
        yield "no open reports"
        return
    with reading(engine) as connection:
        for row in _open(connection):
            yield from _in_words(row, public_url)
    if count > LATEST:
        yield f"and {count - LATEST:,} more"


def close(engine: Engine, report_ids: Sequence[int]) -> int:
    """Mark reports as done. Returns how many were open until now. Raises HouseError for one that does not exist."""
    with transaction(engine) as session:
        _require(session, report_ids)
        these = update(reports).where(reports.c.id.in_(report_ids), reports.c.handled_at.is_(None))
        done = session.execute(these.values(handled_at=now()).returning(reports.c.id))
        return len(done.all())


@unlocked
def take_down(engine: Engine, report_ids: Sequence[int]) -> int:
    """Take down what these reports are about, the comment or the whole creation, and close all that say the same.

    Returns how many things went. The files of a creation and the bot's answer on X follow (`worker/keeping.py`).
    Raises HouseError for a report that does not exist; then nothing is taken down.
    """
    named = select(reports.c.creation_id, reports.c.comment_id).where(reports.c.id.in_(report_ids))
    with transaction(engine) as session:
        _require(session, report_ids)
        about = session.execute(named.where(reports.c.handled_at.is_(None)).distinct()).all()
        for row in about:
            if row.comment_id is None:
                take_back(session, [row.creation_id], "taken_down")
            else:
                take_back_comment(session, row.creation_id, row.comment_id)
            same = update(reports).where(reports.c.creation_id == row.creation_id, reports.c.handled_at.is_(None))
            its_own = reports.c.comment_id == row.comment_id if row.comment_id is not None else true()
            session.execute(same.where(its_own).values(handled_at=now()))
        return len(about)


def _require(session: Session, report_ids: Sequence[int]) -> None:
    known = set(session.execute(select(reports.c.id).where(reports.c.id.in_(report_ids))).scalars())
    for one in report_ids:
        if one not in known:
            raise HouseError(f"there is no report {one}")


def as_data(engine: Engine, public_url: str) -> list[dict[str, Any]]:
    """The open reports as JSON shows them, oldest first."""
    with reading(engine) as connection:
        rows = [row._mapping for row in _open(connection)]
    return [
        {
            "report": row["id"],
            "at": row["at"].isoformat(),
            "reason": row["reason"],
            "words": row["words"],
            "by": row["reporter"],
            "page": f"{public_url}/c/{row['creation_id']}",
            "comment": row["comment_id"],
            "author": row["author"],
            "prompt": row["prompt"],
            "deleted": row["deleted_at"] is not None,
        }
        for row in rows
    ]


def _open(connection: Connection) -> Sequence[Any]:
    reporter = people.alias("reporter")
    wanted = (
        select(
            reports.c.id,
            reports.c.at,
            reports.c.reason,
            reports.c.words,
            reports.c.creation_id,
            reports.c.comment_id,
            creations.c.prompt,
            creations.c.deleted_at,
            people.c.username.label("author"),
            reporter.c.username.label("reporter"),
            comments.c.text.label("comment"),
        )
        .join_from(reports, creations, creations.c.id == reports.c.creation_id)
        .join(people, people.c.id == creations.c.person_id)
        .outerjoin(reporter, reporter.c.id == reports.c.person_id)
        .outerjoin(comments, comments.c.id == reports.c.comment_id)
        .where(reports.c.handled_at.is_(None))
        .order_by(reports.c.at, reports.c.id)
        .limit(LATEST)
    )
    return connection.execute(wanted).all()


def _in_words(row: Any, public_url: str) -> Iterator[str]:
    """Words of people go through `tidy`: a terminal obeys control characters."""
    values = row._mapping
    by = f"@{values['reporter']}" if values["reporter"] else "somebody who was not signed in"
    at = values["at"]
    reason = REASONS.get(values["reason"], values["reason"])
    yield f"{values['id']}: {reason} – says {by}, {at.day} {at:%b %H:%M} UTC"
    anchor = f"#comment-{values['comment_id']}" if values["comment_id"] else ""
    gone = " (taken back meanwhile)" if values["deleted_at"] else ""
    prompt = clip(tidy(values["prompt"]), 100)
    yield f"   {public_url}/c/{values['creation_id']}{anchor}, prompted by @{values['author']}: {prompt}{gone}"
    if values["comment_id"]:
        yield f"   the comment: {clip(tidy(values['comment'] or ''), 200)}"
    if values["words"]:
        yield f"   in their words: {clip(tidy(values['words']), 400)}"
