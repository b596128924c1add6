"""Add and delete comments, each together with the creation's count."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, select, update
from sqlmodel import Session

from core import social_cleanup
from core.clock import now
from core.counters import lock_rows
from core.database import insert_if_absent, retry_on_deadlock, write_session
from core.models import NotificationKind, comments, creations, people
from core.notifications import notify
from core.text import tidy
from gallery.queries.mentions import MAX_MENTIONS, find_users_by_handles, mentioned_handles
from gallery.services.text_rules import text_error
from gallery.translations import gettext

MAX_LENGTH = 1000
MAX_LINES = 12
# A user who sends the same text within this time means one comment.
DUPLICATE_WINDOW = timedelta(minutes=1)


class CommentRejected(Exception):
    """A comment that is not allowed, with the reason for the member."""


@dataclass(frozen=True, slots=True)
class NewComment:
    """A comment to add. `parent_id` is the comment it replies to; `idempotency_key` comes from the page."""

    text: str
    idempotency_key: str
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class CommentEvent:
    """A comment was added: by whom, to which creation."""

    actor_id: int
    creation_id: int
    comment_id: int


def parse_comment(typed: str) -> str:
    """Return the text without invisible characters and surplus empty lines. Raises CommentRejected."""
    text = _normalize(typed)
    if not text:
        raise CommentRejected(gettext("Write something first."))
    if error := text_error(text, MAX_LENGTH):
        raise CommentRejected(error)
    return text


@retry_on_deadlock
def add_comment(engine: Engine, person_id: int, creation_id: int, comment: NewComment) -> int | None:
    """Add a comment, once per key. Return its id, None if the creation is not public. Raises CommentRejected."""
    with write_session(engine) as session:
        author_id = _lock_creation(session, creation_id)
        if author_id is None:
            return None
        _ensure_can_comment(session, person_id)
        replied_to_id = (
            _parent_author(session, creation_id, comment.parent_id) if comment.parent_id is not None else None
        )
        key = _idempotency_key(person_id, creation_id, comment)
        known = _find_duplicate(session, person_id, creation_id, comment, key)
        if known is not None:
            return known
        comment_id = _insert(session, person_id, creation_id, comment, key)
        event = CommentEvent(person_id, creation_id, comment_id)
        _notify_authors(session, event, author_id, replied_to_id)
        _notify_mentioned(session, event, comment.text, {author_id, replied_to_id})
        return comment_id


@retry_on_deadlock
def delete_comment(engine: Engine, person_id: int, creation_id: int, comment_id: int) -> bool:
    """Delete a comment. Its author may, and the author of the creation. Return whether the user may."""
    with write_session(engine) as session:
        lock_rows(session, creations, [creation_id])
        stmt = (
            select(comments.c.person_id, creations.c.person_id.label("creation_author_id"))
            .join_from(comments, creations, creations.c.id == comments.c.creation_id)
            .where(comments.c.id == comment_id, comments.c.creation_id == creation_id)
        )
        row = session.execute(stmt).one_or_none()
        if row is None or person_id not in (row.person_id, row.creation_author_id):
            return False
        social_cleanup.delete_comment(session, creation_id, comment_id, is_restorable=person_id == row.person_id)
        return True


@retry_on_deadlock
def restore_comment(engine: Engine, person_id: int, creation_id: int, comment_id: int) -> bool:
    """Restore an own comment that was deleted a moment ago. Return whether that was possible."""
    with write_session(engine) as session:
        stmt = select(comments.c.id).where(
            comments.c.id == comment_id, comments.c.creation_id == creation_id, comments.c.person_id == person_id
        )
        is_own = _lock_creation(session, creation_id) is not None and session.execute(stmt).first() is not None
        return is_own and social_cleanup.restore_comment(session, creation_id, comment_id)


def _normalize(typed: str) -> str:
    """Tidy each line, keep single empty lines, and join everything after MAX_LINES."""
    lines = [tidy(line) for line in typed.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    shortened = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    first, rest = shortened[: MAX_LINES - 1], [line for line in shortened[MAX_LINES - 1 :] if line]
    return "\n".join([*first, *([" ".join(rest)] if rest else [])]).strip("\n")


def _lock_creation(session: Session, creation_id: int) -> int | None:
    """Lock a public creation and return its author: concurrent comments wait, so duplicates are seen."""
    stmt = (
        select(creations.c.person_id)
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(creations.c.id == creation_id, creations.c.published_at.is_not(None), people.c.hidden_at.is_(None))
        .with_for_update(key_share=True, of=creations)
    )
    return session.execute(stmt).scalar_one_or_none()


def _ensure_can_comment(session: Session, person_id: int) -> None:
    hidden = select(people.c.id).where(people.c.id == person_id, people.c.hidden_at.is_not(None))
    if session.execute(hidden).first() is not None:
        raise CommentRejected(gettext("Your account on X is protected, so your comments could not be shown here."))


def _parent_author(session: Session, creation_id: int, comment_id: int | None) -> int:
    stmt = (
        select(comments.c.person_id)
        .join_from(comments, people, people.c.id == comments.c.person_id)
        .where(comments.c.id == comment_id, comments.c.creation_id == creation_id)
        .where(comments.c.deleted_at.is_(None), people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    )
    author_id = session.execute(stmt).scalar_one_or_none()
    if author_id is None:
        raise CommentRejected(gettext("That comment was deleted."))
    return int(author_id)


def _idempotency_key(person_id: int, creation_id: int, comment: NewComment) -> str:
    """Return a key of page, user and text: a user who goes back and writes another text adds another comment."""
    said = "\0".join((comment.idempotency_key, str(creation_id), str(comment.parent_id), comment.text))
    return f"{person_id}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _find_duplicate(session: Session, person_id: int, creation_id: int, comment: NewComment, key: str) -> int | None:
    """Return the comment that this one repeats."""
    sent = session.execute(select(comments.c.id).where(comments.c.idempotency_key == key)).scalar_one_or_none()
    if sent is not None:
        return int(sent)
    repeated = select(comments.c.id).where(
        comments.c.person_id == person_id,
        comments.c.creation_id == creation_id,
        comments.c.text == comment.text,
        comments.c.parent_id.is_not_distinct_from(comment.parent_id),
        comments.c.created_at > now() - DUPLICATE_WINDOW,
        comments.c.deleted_at.is_(None),
    )
    return session.execute(repeated.limit(1)).scalar_one_or_none()


def _insert(session: Session, person_id: int, creation_id: int, comment: NewComment, key: str) -> int:
    place = {"creation_id": creation_id, "person_id": person_id, "parent_id": comment.parent_id}
    if insert_if_absent(session, comments, **place, text=comment.text, idempotency_key=key, created_at=now()):
        _update_count(session, creation_id, 1)
    return int(session.execute(select(comments.c.id).where(comments.c.idempotency_key == key)).scalar_one())


def _update_count(session: Session, creation_id: int, step: int) -> None:
    counted = update(creations).where(creations.c.id == creation_id)
    session.execute(counted.values(comments=creations.c.comments + step))


def _notify_authors(session: Session, event: CommentEvent, author_id: int, replied_to_id: int | None) -> None:
    """Notify the author of the parent comment and the author of the creation, each once."""
    if replied_to_id is not None:
        _notify(session, replied_to_id, NotificationKind.ANSWERED, event)
    if author_id != replied_to_id:
        _notify(session, author_id, NotificationKind.COMMENTED, event)


def _notify_mentioned(session: Session, event: CommentEvent, text: str, notified: Collection[int | None]) -> None:
    """Notify those whom the text mentions, except those who know of the comment already."""
    users = find_users_by_handles(session.connection(), mentioned_handles([text], MAX_MENTIONS))
    for user in users.values():
        if user.id not in notified:
            _notify(session, user.id, NotificationKind.MENTIONED, event)


def _notify(session: Session, person_id: int, kind: NotificationKind, event: CommentEvent) -> None:
    notify(
        session,
        person_id,
        kind,
        key=f"{kind}:{event.comment_id}" + (f":{person_id}" if kind is NotificationKind.MENTIONED else ""),
        actor_id=event.actor_id,
        creation_id=event.creation_id,
        comment_id=event.comment_id,
    )
