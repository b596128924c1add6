"""Like and unlike creations together with their counts, and list likes."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Connection, Engine, Integer, bindparam, delete, select, tuple_, update
from sqlmodel import Session

from core.clock import now
from core.counters import lock_rows
from core.database import insert_if_absent, retry_on_deadlock, write_session
from core.models import NotificationKind, creations, likes
from core.notifications import notify
from gallery.queries.creation_rows import CREATION_STMT, load_creation_views
from gallery.queries.user_list import UserLinks, UserPage, list_users
from gallery.services import notifications
from gallery.views.creations import Page
from gallery.views.pagination import Cursor

# Bound variables per statement: SQLite allows 32,766.
MAX_IDS = 500
LIKED_AMONG = select(likes.c.creation_id).where(
    likes.c.person_id == bindparam("person_id", type_=BigInteger),
    likes.c.creation_id.in_(bindparam("ids", expanding=True)),
)
LIKERS = UserLinks(likes, of=likes.c.creation_id, user=likes.c.person_id)
# Statements are built once: building one takes longer than running it.
LIKED_STMT = (
    CREATION_STMT.add_columns(likes.c.at)
    .join(likes, likes.c.creation_id == creations.c.id)
    .where(likes.c.person_id == bindparam("person_id", type_=BigInteger), creations.c.published_at.is_not(None))
    .order_by(likes.c.at.desc(), likes.c.creation_id.desc())
    .limit(bindparam("limit", type_=Integer))
)
LIKED_BEFORE_STMT = LIKED_STMT.where(
    tuple_(likes.c.at, likes.c.creation_id)
    < tuple_(bindparam("at", type_=likes.c.at.type), bindparam("id", type_=BigInteger))
)


@retry_on_deadlock
def like(engine: Engine, person_id: int, creation_id: int) -> int | None:
    """Like a public creation, at most once. Return its number of likes, None if it is not public."""
    with write_session(engine) as session:
        author_id = notifications.author_of_public(session, creation_id)
        if author_id is None:
            return None
        if not insert_if_absent(session, likes, person_id=person_id, creation_id=creation_id, at=now()):
            return _like_count(session, creation_id)
        like_count = _update_count(session, creation_id, 1)
        if notifications.can_notify_about(session, person_id):
            key = _notification_key(creation_id, person_id)
            notify(session, author_id, NotificationKind.LIKED, key=key, actor_id=person_id, creation_id=creation_id)
        return like_count


@retry_on_deadlock
def unlike(engine: Engine, person_id: int, creation_id: int) -> int | None:
    """Take a like back, public or not. Return the number of likes, None if there is no such creation."""
    with write_session(engine) as session:
        lock_rows(session, creations, [creation_id])
        theirs = (likes.c.person_id == person_id, likes.c.creation_id == creation_id)
        gone = session.execute(delete(likes).where(*theirs).returning(likes.c.creation_id)).first()
        if gone is None:
            return _like_count(session, creation_id)
        notifications.retract_notification(session, _notification_key(creation_id, person_id))
        return _update_count(session, creation_id, -1)


def liked_among(connection: Connection, person_id: int | None, creation_ids: Iterable[int]) -> set[int]:
    """Return which of these creations a user likes; none for anonymous users."""
    ids = list(creation_ids)[:MAX_IDS]
    if person_id is None or not ids:
        return set()
    return set(connection.execute(LIKED_AMONG, {"person_id": person_id, "ids": ids}).scalars())


def likers(connection: Connection, creation_id: int, *, limit: int, after: Cursor | None = None) -> UserPage:
    """List the users who like a creation, latest first, without hidden users."""
    return list_users(connection, LIKERS, creation_id, limit=limit, after=after)


def liked_by(connection: Connection, person_id: int, *, limit: int, after: Cursor | None = None) -> Page:
    """List the public creations that a user likes, latest like first."""
    parameters: dict[str, object] = {"person_id": person_id, "limit": limit + 1}
    if after is not None:
        parameters |= {"at": after.published_at, "id": after.id}
    rows = connection.execute(LIKED_STMT if after is None else LIKED_BEFORE_STMT, parameters).all()
    shown = load_creation_views(connection, [row[:-1] for row in rows[:limit]])
    return Page(shown, str(Cursor(rows[limit - 1][-1], shown[-1].id)) if len(rows) > limit else None)


def _update_count(session: Session, creation_id: int, step: int) -> int:
    counted = update(creations).where(creations.c.id == creation_id).values(likes=creations.c.likes + step)
    return int(session.execute(counted.returning(creations.c.likes)).scalar_one())


def _like_count(session: Session, creation_id: int) -> int | None:
    return session.execute(select(creations.c.likes).where(creations.c.id == creation_id)).scalar_one_or_none()


def _notification_key(creation_id: int, person_id: int) -> str:
    return f"liked:{creation_id}:{person_id}"
