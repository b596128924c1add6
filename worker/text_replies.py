"""Queues replies in words to posts that get no picture, or have to wait for one. Called within a transaction.

A refused creation says so itself. A failed one stays as it is, for the operator to retry, and a wait notice must not
keep its creation from being painted: these two are rows of their own, refused with a code that has no page. All are
sent as every reply is: `replying` is saved before X is called.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, select
from sqlmodel import Session

from core.clock import now
from core.database import insert_new, reading
from core.models import State, creations, posts
from core.money.budget import room_for_work
from core.reply_texts import wait_text, words_for
from core.settings import MoneySettings, RuleSettings
from core.standing import A_DAY, standings
from core.text_replies import may_reply_in_words

FAILED, WAIT = "failed", "wait"
# Replies about another creation, and the states in which that one still calls for them.
NOTICES = {FAILED: (State.FAILED,), WAIT: (State.QUEUED, State.PAINTING)}


@dataclass(frozen=True)
class TextReplies:
    """Replies in words, as far as rules and budget allow them."""

    engine: Engine
    rules: RuleSettings
    money: MoneySettings

    def is_budget_reached(self) -> bool:
        """Return whether the budget leaves nothing for words. Ask before the transaction."""
        return room_for_work(self.engine, self.money, now()).reached

    def explain_refusal(self, session: Session, creation_id: int, at: datetime, *, budget_reached: bool) -> bool:
        """Have a refused creation answer its post with the reason. Returns whether it will."""
        row = _asked(session, creation_id)
        if row is None or not self._may(session, row.person_id, row.code, budget_reached):
            return False
        said = {"says": words_for(row.code, creation_id), "next_attempt_at": at, "attempts": 0}
        session.execute(creations.update().where(creations.c.id == creation_id).values(**said))
        return True

    def explain_failure(self, session: Session, creation_id: int, at: datetime, *, budget_reached: bool) -> bool:
        """Have the post of a failed creation answered. Returns whether it will."""
        row = _asked(session, creation_id)
        if row is None or not self._may(session, row.person_id, FAILED, budget_reached):
            return False
        return _insert(session, row, FAILED, at, once=f"failed:{creation_id}:{at:%Y-%m-%d}") is not None

    def announce_wait(self, session: Session, creation_id: int, minutes: int, at: datetime) -> bool:
        """Have somebody told how long their picture takes; 0 minutes: nobody knows. Returns whether it will."""
        row = _asked(session, creation_id)
        if row is None or row.state != State.QUEUED or not self._may(session, row.person_id, WAIT, False):
            return False
        # Several workers may look at once: one notice per person and day, whoever writes it.
        notice = _insert(session, row, WAIT, at, once=f"wait:{row.person_id}:{at:%Y-%m-%d}", minutes=minutes)
        return notice is not None

    def _may(self, session: Session, person_id: int, code: str, budget_reached: bool) -> bool:
        standing = standings(session.connection(), [person_id], now() - A_DAY)[person_id]
        return may_reply_in_words(code, standing, self.rules, budget_reached=budget_reached)


def is_notice_due(engine: Engine, notice: Row[Any]) -> bool:
    """Return whether the creation that a notice is about still calls for it. It may be painted by now, or deleted."""
    about = select(creations.c.state).where(creations.c.post_id == notice.to_post_id, creations.c.deleted_at.is_(None))
    with reading(engine) as connection:
        return connection.execute(about).scalar_one_or_none() in NOTICES[notice.code]


def _asked(session: Session, creation_id: int) -> Row[Any] | None:
    """The creation, if a post asked for it that is still there. Members of the gallery are notified there."""
    stmt = (
        select(creations)
        .join(posts, posts.c.id == creations.c.post_id)
        .where(creations.c.id == creation_id, creations.c.deleted_at.is_(None), posts.c.gone_at.is_(None))
    )
    return session.execute(stmt).one_or_none()


def _insert(
    session: Session, row: Row[Any], code: str, at: datetime, *, once: str, minutes: int | None = None
) -> int | None:
    """Insert a reply in words to the post of a creation, at its place in the queue. None if it is there already."""
    values = {"person_id": row.person_id, "answers_post_id": row.post_id, "turn": row.turn, "code": code, "once": once}
    blank = {"prompt": "", "negative_prompt": "", "seed": 0, "count": 1, "attempts": 0, "sensitive": False}
    if not insert_new(session, creations, state=State.REFUSED.value, created_at=now(), **values, **blank):
        return None
    notice_id = int(session.execute(select(creations.c.id).where(creations.c.once == once)).scalar_one())
    text = words_for(code, notice_id) if minutes is None else wait_text(minutes, notice_id)
    said = {"says": text, "next_attempt_at": at}
    session.execute(creations.update().where(creations.c.id == notice_id).values(**said))
    return notice_id
