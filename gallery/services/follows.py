"""Follow and unfollow users together with both counts, and list follows."""

from collections.abc import Iterable

from sqlalchemy import Connection, Engine, delete, select, update
from sqlmodel import Session

from core.clock import now
from core.counters import lock_rows
from core.database import insert_if_absent, retry_on_deadlock, write_session
from core.models import NotificationKind, follows, people
from core.notifications import notify
from gallery.queries.user_list import UserLinks, UserPage, list_users
from gallery.services import notifications
from gallery.views.pagination import Cursor

# Bound variables per statement: SQLite allows 32,766.
MAX_IDS = 500
FOLLOWERS = UserLinks(follows, of=follows.c.followed_id, user=follows.c.follower_id)
FOLLOWED = UserLinks(follows, of=follows.c.follower_id, user=follows.c.followed_id)


@retry_on_deadlock
def follow(engine: Engine, follower_id: int, followed_id: int) -> int:
    """Follow a user, at most once and never oneself. Return the user's number of followers."""
    with write_session(engine) as session:
        pair = {"follower_id": follower_id, "followed_id": followed_id}
        if follower_id != followed_id and insert_if_absent(session, follows, **pair, at=now()):
            _update_counts(session, follower_id, followed_id, 1)
            if notifications.can_notify_about(session, follower_id):
                key = _notification_key(follower_id, followed_id)
                notify(session, followed_id, NotificationKind.FOLLOWED, key=key, actor_id=follower_id)
        return _follower_count(session, followed_id)


@retry_on_deadlock
def unfollow(engine: Engine, follower_id: int, followed_id: int) -> int:
    """Unfollow a user. Return the user's number of followers."""
    with write_session(engine) as session:
        lock_rows(session, people, [follower_id, followed_id])
        pair = (follows.c.follower_id == follower_id, follows.c.followed_id == followed_id)
        if session.execute(delete(follows).where(*pair).returning(follows.c.followed_id)).first() is not None:
            _update_counts(session, follower_id, followed_id, -1)
            notifications.retract_notification(session, _notification_key(follower_id, followed_id))
        return _follower_count(session, followed_id)


def followed_among(connection: Connection, person_id: int | None, others: Iterable[int]) -> set[int]:
    """Return which of these users a user follows; none for anonymous users."""
    ids = list(others)[:MAX_IDS]
    if person_id is None or not ids:
        return set()
    theirs = select(follows.c.followed_id).where(follows.c.follower_id == person_id)
    return set(connection.execute(theirs.where(follows.c.followed_id.in_(ids))).scalars())


def followers_of(connection: Connection, person_id: int, *, limit: int, after: Cursor | None = None) -> UserPage:
    """List the users who follow a user, latest first."""
    return list_users(connection, FOLLOWERS, person_id, limit=limit, after=after)


def followed_by(connection: Connection, person_id: int, *, limit: int, after: Cursor | None = None) -> UserPage:
    """List the users whom a user follows, latest first."""
    return list_users(connection, FOLLOWED, person_id, limit=limit, after=after)


def _update_counts(session: Session, follower_id: int, followed_id: int, step: int) -> None:
    """Update both counts in the order of the ids, so that two users who follow each other cannot deadlock."""
    columns = {follower_id: people.c.following_count, followed_id: people.c.follower_count}
    for person_id, column in sorted(columns.items()):
        session.execute(update(people).where(people.c.id == person_id).values({column: column + step}))


def _follower_count(session: Session, person_id: int) -> int:
    return int(session.execute(select(people.c.follower_count).where(people.c.id == person_id)).scalar_one())


def _notification_key(follower_id: int, followed_id: int) -> str:
    return f"followed:{followed_id}:{follower_id}"
