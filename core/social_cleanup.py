"""Delete likes, comments, follows, boards, mutes, notifications and reports of a user or a creation, with their counts.

Called within the caller's transaction. Counts go down by the rows that were really there (`DELETE ... RETURNING`), so
they stay right under concurrent likes.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, String, and_, cast, delete, func, literal, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.counters import increment, lock_rows
from core.models import (
    board_items,
    board_members,
    boards,
    comments,
    creations,
    follows,
    likes,
    login_sessions,
    mutes,
    notifications,
    people,
    reports,
)
from core.publishing import lock_creations

# Depth to which a user's replies to own comments are removed. Deeper ones stay as empty places.
MAX_COMMENT_DEPTH = 20
# In which a user can restore a deleted comment. Afterwards its text is removed, at the next purge.
RESTORE_WINDOW = timedelta(minutes=1)
CLEAR_BATCH_SIZE = 500


def delete_user_activity(session: Session, person_id: int) -> None:
    """Delete all activity of a user in the gallery: likes, comments, follows, boards, mutes, notifications, sessions.

    Reports stay for the operator, without the reporter.
    """
    lock_user_rows(session, person_id)
    _delete_likes(session, likes.c.person_id == person_id)
    _delete_comments(session, person_id)
    _delete_follows(session, person_id)
    _delete_boards(session, person_id)
    is_about_user = or_(notifications.c.person_id == person_id, notifications.c.actor_id == person_id)
    session.execute(delete(notifications).where(is_about_user))
    session.execute(delete(mutes).where(or_(mutes.c.person_id == person_id, mutes.c.muted_person_id == person_id)))
    # The key contains the reporter's id.
    anonymous = {"person_id": None, "words": "", "key": literal("gone:").concat(cast(reports.c.id, String))}
    session.execute(update(reports).where(reports.c.person_id == person_id).values(**anonymous))
    session.execute(delete(login_sessions).where(login_sessions.c.person_id == person_id))


def lock_user_rows(session: Session, person_id: int) -> None:
    """Lock the rows that change when a user is erased.

    These are the user and all followers and followed users, the user's creations, those the user liked or commented on,
    and those that use the user's init images.
    """
    is_own_follow = or_(follows.c.follower_id == person_id, follows.c.followed_id == person_id)
    rows = session.execute(select(follows.c.follower_id, follows.c.followed_id).where(is_own_follow)).all()
    lock_rows(session, people, {person_id, *(user_id for row in rows for user_id in row)})
    liked = select(likes.c.creation_id).where(likes.c.person_id == person_id)
    commented = select(comments.c.creation_id).where(comments.c.person_id == person_id)
    init_images = select(creations.c.id).where(creations.c.init_image_owner_id == person_id)
    others = session.execute(liked.union(commented, init_images)).scalars()
    lock_creations(session, creations.c.person_id == person_id, also=others)


def delete_creation_activity(session: Session, creation_id: int) -> None:
    """Delete what users did with a creation that is purged: likes, comments, notifications, board items.

    Reports stay for the operator, as handled.
    """
    lock_rows(session, creations, [creation_id])
    session.execute(delete(notifications).where(notifications.c.creation_id == creation_id))
    handled = {"comment_id": None, "handled_at": func.coalesce(reports.c.handled_at, now())}
    session.execute(update(reports).where(reports.c.creation_id == creation_id).values(**handled))
    stmt = delete(comments).where(comments.c.creation_id == creation_id).returning(comments.c.deleted_at)
    visible = sum(deleted_at is None for deleted_at in session.execute(stmt).scalars())
    increment(session, creations, creations.c.comments, {creation_id: -visible})
    _delete_likes(session, likes.c.creation_id == creation_id)
    _remove_from_boards(session, creation_id)


def delete_comment(session: Session, creation_id: int, comment_id: int, *, is_restorable: bool = False) -> None:
    """Clear a comment's text and delete its notifications. The row stays, since others may have replied to it.

    `is_restorable`: its text stays, but nobody can read it, until `clear_deleted_comments` removes it.
    """
    lock_rows(session, creations, [creation_id])
    stmt = update(comments).where(comments.c.id == comment_id, comments.c.deleted_at.is_(None))
    values: dict[str, object] = {"deleted_at": now()} if is_restorable else {"deleted_at": now(), "text": ""}
    if session.execute(stmt.values(values).returning(comments.c.id)).first() is not None:
        increment(session, creations, creations.c.comments, {creation_id: -1})
        session.execute(delete(notifications).where(notifications.c.comment_id == comment_id))


def restore_comment(session: Session, creation_id: int, comment_id: int) -> bool:
    """Restore a comment that was deleted within RESTORE_WINDOW. Return whether that was possible."""
    lock_rows(session, creations, [creation_id])
    is_recent = and_(comments.c.deleted_at > now() - RESTORE_WINDOW, comments.c.text != "")
    stmt = update(comments).where(comments.c.id == comment_id, is_recent).values(deleted_at=None)
    if session.execute(stmt.returning(comments.c.id)).first() is None:
        return False
    increment(session, creations, creations.c.comments, {creation_id: 1})
    return True


def clear_deleted_comments(session: Session) -> int:
    """Clear the texts of comments that nobody can restore any more, one batch. Return how many."""
    old = select(comments.c.id).where(
        comments.c.deleted_at.is_not(None), comments.c.text != "", comments.c.deleted_at < now() - RESTORE_WINDOW
    )
    stmt = update(comments).where(comments.c.id.in_(old.limit(CLEAR_BATCH_SIZE))).values(text="")
    return len(session.execute(stmt.returning(comments.c.id)).all())


def _delete_likes(session: Session, condition: ColumnElement[bool]) -> None:
    creation_ids = session.execute(delete(likes).where(condition).returning(likes.c.creation_id)).scalars()
    increment(session, creations, creations.c.likes, _decrements(creation_ids))


def _delete_comments(session: Session, person_id: int) -> None:
    """Delete a user's comments. Those with replies of others stay as empty places."""
    is_own = comments.c.person_id == person_id
    session.execute(update(comments).where(is_own, comments.c.deleted_at.is_not(None)).values(text=""))
    stmt = update(comments).where(is_own, comments.c.deleted_at.is_(None)).values(text="", deleted_at=now())
    creation_ids = session.execute(stmt.returning(comments.c.creation_id)).scalars()
    increment(session, creations, creations.c.comments, _decrements(creation_ids))
    own_ids = select(comments.c.id).where(is_own)
    session.execute(delete(notifications).where(notifications.c.comment_id.in_(own_ids)))
    handled = {"comment_id": None, "handled_at": now()}
    session.execute(update(reports).where(reports.c.comment_id.in_(own_ids)).values(**handled))
    reply = comments.alias()
    has_no_reply = ~select(reply.c.id).where(reply.c.parent_id == comments.c.id).exists()
    for _ in range(MAX_COMMENT_DEPTH):
        deleted = session.execute(delete(comments).where(is_own, has_no_reply).returning(comments.c.id))
        if not deleted.all():
            return


def _delete_follows(session: Session, person_id: int) -> None:
    """Delete a user's follows in both directions, with the counts of both sides."""
    condition = or_(follows.c.follower_id == person_id, follows.c.followed_id == person_id)
    stmt = delete(follows).where(condition).returning(follows.c.follower_id, follows.c.followed_id)
    rows = session.execute(stmt).all()
    increment(session, people, people.c.following_count, _decrements(row.follower_id for row in rows))
    increment(session, people, people.c.follower_count, _decrements(row.followed_id for row in rows))


def _delete_boards(session: Session, person_id: int) -> None:
    own_ids = select(boards.c.id).where(boards.c.person_id == person_id)
    # A concurrent write to one of these boards waits here, and then finds no board.
    lock_rows(session, boards, session.execute(own_ids).scalars())
    session.execute(delete(board_items).where(board_items.c.board_id.in_(own_ids)))
    is_member = or_(board_members.c.board_id.in_(own_ids), board_members.c.person_id == person_id)
    session.execute(delete(board_members).where(is_member))
    session.execute(delete(notifications).where(notifications.c.board_id.in_(own_ids)))
    session.execute(delete(boards).where(boards.c.person_id == person_id))


def _remove_from_boards(session: Session, creation_id: int) -> None:
    condition = board_items.c.creation_id == creation_id
    lock_rows(session, boards, session.execute(select(board_items.c.board_id).where(condition)).scalars())
    board_ids = session.execute(delete(board_items).where(condition).returning(board_items.c.board_id)).scalars()
    increment(session, boards, boards.c.size, _decrements(board_ids))


def _decrements(ids: Iterable[int]) -> dict[int, int]:
    """Return how much each id's count goes down: by the number of its occurrences."""
    return {row_id: -count for row_id, count in Counter(ids).items()}
