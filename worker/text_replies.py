"""Queue text replies to posts that get no picture, or whose author has to wait for one. Called within a transaction.

A refused creation carries its own text. A failed creation stays as it is, for the operator to retry, and a wait notice
must not stop its creation from being painted. So these two are rows of their own, refused with a code that has no page.
All are sent as every reply is: `replying` is saved before X is called.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlmodel import Session

from core.budget.budget import work_allowance
from core.clock import now
from core.database import insert_if_absent, read_connection
from core.models import State, creations, posts
from core.reply_texts import reply_text_for, wait_notice_text
from core.settings import BudgetSettings, UsagePolicySettings
from core.text_replies import may_send_text_reply
from core.usage import A_DAY, load_usage
from worker.queries import ReplyTask

FAILED, WAIT = "failed", "wait"
# Replies about another creation, and the states of that creation in which they are still due.
NOTICE_STATES = {FAILED: (State.FAILED,), WAIT: (State.QUEUED, State.PAINTING)}
# What a row that only carries a text leaves empty.
EMPTY_VALUES = {"prompt": "", "negative_prompt": "", "seed": 0, "count": 1, "attempts": 0, "sensitive": False}


@dataclass(frozen=True)
class _Requested:
    """A creation that a post asked for."""

    id: int
    person_id: int
    post_id: int
    state: State
    queue_rank: int
    reason_code: str | None


@dataclass(frozen=True)
class TextReplies:
    """Text replies, as far as rules and budget allow them."""

    engine: Engine
    rules: UsagePolicySettings
    money: BudgetSettings

    def is_budget_reached(self) -> bool:
        """Return whether the budget leaves nothing for text replies. Call it before the transaction."""
        return work_allowance(self.engine, self.money, now()).exhausted

    def explain_refusal(self, session: Session, creation_id: int, at: datetime, *, budget_reached: bool) -> bool:
        """Make a refused creation reply to its post with the reason. Returns whether it will."""
        creation = _load_requested(session, creation_id)
        if creation is None or creation.reason_code is None:
            return False
        if not self._is_allowed(session, creation.person_id, creation.reason_code, budget_reached):
            return False
        _set_text(session, creation_id, reply_text_for(creation.reason_code, creation_id), at)
        return True

    def explain_failure(self, session: Session, creation_id: int, at: datetime, *, budget_reached: bool) -> bool:
        """Queue a reply to the post of a failed creation. Returns whether it was queued."""
        creation = _load_requested(session, creation_id)
        if creation is None or not self._is_allowed(session, creation.person_id, FAILED, budget_reached):
            return False
        return _insert_notice(session, creation, FAILED, at, key=f"failed:{creation_id}:{at:%Y-%m-%d}")

    def announce_wait(self, session: Session, creation_id: int, minutes: int, at: datetime) -> bool:
        """Queue a reply that says how long the picture takes; 0 minutes: unknown. Returns whether it was queued."""
        creation = _load_requested(session, creation_id)
        if creation is None or creation.state != State.QUEUED:
            return False
        if not self._is_allowed(session, creation.person_id, WAIT, budget_reached=False):
            return False
        # One notice per user and day, even if several workers check at the same time.
        key = f"wait:{creation.person_id}:{at:%Y-%m-%d}"
        return _insert_notice(session, creation, WAIT, at, key=key, minutes=minutes)

    def _is_allowed(self, session: Session, person_id: int, code: str, budget_reached: bool) -> bool:
        usage = load_usage(session.connection(), [person_id], now() - A_DAY)[person_id]
        return may_send_text_reply(code, usage, self.rules, budget_reached=budget_reached)


def is_notice_due(engine: Engine, notice: ReplyTask) -> bool:
    """Return whether the creation that a notice is about still needs it. It may be painted or deleted by now."""
    stmt = select(creations.c.state).where(
        creations.c.post_id == notice.target_post_id, creations.c.deleted_at.is_(None)
    )
    with read_connection(engine) as connection:
        return connection.execute(stmt).scalar_one_or_none() in NOTICE_STATES[notice.reason_code or ""]


def _load_requested(session: Session, creation_id: int) -> _Requested | None:
    """Return the creation if a post that still exists asked for it. Members of the gallery are notified there."""
    stmt = (
        select(
            creations.c.id,
            creations.c.person_id,
            creations.c.post_id,
            creations.c.state,
            creations.c.queue_rank,
            creations.c.reason_code,
        )
        .join(posts, posts.c.id == creations.c.post_id)
        .where(creations.c.id == creation_id, creations.c.deleted_at.is_(None), posts.c.deleted_on_x_at.is_(None))
    )
    row = session.execute(stmt).one_or_none()
    return _Requested(**row._mapping) if row else None


def _insert_notice(
    session: Session, creation: _Requested, code: str, at: datetime, *, key: str, minutes: int | None = None
) -> bool:
    """Insert a text reply at the creation's place in the queue. Returns False if `key` is there already."""
    values = {
        "state": State.REFUSED.value,
        "person_id": creation.person_id,
        "reply_to_post_id": creation.post_id,
        "queue_rank": creation.queue_rank,
        "reason_code": code,
        "idempotency_key": key,
        "created_at": now(),
    }
    if not insert_if_absent(session, creations, **values, **EMPTY_VALUES):
        return False
    notice_id = int(session.execute(select(creations.c.id).where(creations.c.idempotency_key == key)).scalar_one())
    text = reply_text_for(code, notice_id) if minutes is None else wait_notice_text(minutes, notice_id)
    _set_text(session, notice_id, text, at)
    return True


def _set_text(session: Session, creation_id: int, text: str, at: datetime) -> None:
    stmt = creations.update().where(creations.c.id == creation_id)
    session.execute(stmt.values(reply_text=text, next_attempt_at=at, attempts=0))
