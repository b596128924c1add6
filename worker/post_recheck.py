"""Look up posts on X from time to time, and apply here what happened there.

    posts not checked recently, 100 at a time | gone: delete | protected, suspended: hide the author | visible: unhide

X charges every look-up: no post is looked up twice within POST_RECHECK_HOURS, and no more per day than
POST_RECHECK_DAILY_USD pays. An invalid response changes nothing. If X says that a whole batch is gone, that is
believed only if X still says so an hour later. Posts without a creation are not looked up: their text is cleared
after the same hours.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, and_, exists, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.counters import lock_rows
from core.database import read_connection, without_index, write_session
from core.deletion import soft_delete_creations
from core.errors import GiveUp, TryLater
from core.logs import get_logger
from core.models import creations, people, posts
from core.people import record_people
from core.publishing import hide_users, lock_creations, unhide_users
from core.settings import PurgeSettings
from core.x import Post, XClient
from worker.lookup_quota import DailyQuota

log = get_logger(__name__)

POSTS_PER_LOOKUP = 100
BATCH_SIZE = 1000
MAX_LOOKUPS = 20
# So many posts, and all of them gone: more likely a fault of X.
SUSPICIOUS_BATCH = 5
CONFIRM_AFTER = timedelta(hours=1)
HIDING_STATUSES = ("protected", "suspended")


@dataclass(frozen=True)
class _DuePost:
    """A post to look up."""

    id: int
    author_id: int


@dataclass
class PostRecheck:
    """Selects posts that are due, looks them up, and applies their statuses."""

    engine: Engine
    x: XClient
    quota: DailyQuota
    settings: PurgeSettings
    _unconfirmed: dict[int, datetime] = field(default_factory=dict, init=False)
    _dropped_until: datetime | None = field(default=None, init=False)

    def run_once(self, should_continue: Callable[[], bool] = lambda: True) -> int:
        """Look up what is due and within the quota. Returns how many posts were gone."""
        self._drop_unrelated_posts()
        gone = 0
        for _ in range(MAX_LOOKUPS):
            due = self._load_due(min(POSTS_PER_LOOKUP, self.quota.remaining()))
            if not due or not should_continue():
                break
            try:
                result = self.x.get_posts([post.id for post in due])
            except (TryLater, GiveUp) as error:
                log.warning("posts cannot be looked up", posts=len(due), reason=str(error))
                break
            self.quota.consume(len(result.posts))
            self._record_authors(due, result.posts)
            visible = {post.id: "protected" if post.author.protected else "seen" for post in result.posts}
            gone += self._apply(due, result.unavailable | visible)
        return gone

    def _drop_unrelated_posts(self) -> None:
        """Clear the text of old posts without a creation. Later runs skip what was cleared before."""
        until = now() - timedelta(hours=self.settings.post_recheck_hours)
        has_creation = exists().where(creations.c.post_id == posts.c.id)
        stmt = select(posts.c.id).where(
            posts.c.deleted_on_x_at.is_(None), posts.c.last_checked_on_x_at < until, ~has_creation
        )
        if self._dropped_until:
            stmt = stmt.where(posts.c.last_checked_on_x_at >= self._dropped_until)
        with read_connection(self.engine) as connection:
            post_ids = list(connection.execute(stmt.limit(BATCH_SIZE)).scalars())
        if post_ids:
            with write_session(self.engine) as session:
                session.execute(update(posts).where(posts.c.id.in_(post_ids)).values(text="", deleted_on_x_at=now()))
        if len(post_ids) < BATCH_SIZE:
            self._dropped_until = until

    def _load_due(self, limit: int) -> list[_DuePost]:
        """Return posts with a creation that is not deleted, those checked longest ago first."""
        moment = now()
        is_old = posts.c.last_checked_on_x_at < moment - timedelta(hours=self.settings.post_recheck_hours)
        is_young = posts.c.created_at > moment - timedelta(days=self.settings.post_recheck_max_age_days)
        has_creation = exists().where(creations.c.post_id == posts.c.id, creations.c.deleted_at.is_(None))
        stmt = (
            select(posts.c.id, posts.c.author_id)
            .where(posts.c.deleted_on_x_at.is_(None), is_old, is_young, has_creation)
            .where(posts.c.id.not_in(self._waiting_for_confirmation()))
            .order_by(posts.c.last_checked_on_x_at)
            .limit(limit)
        )
        with read_connection(self.engine) as connection:
            return [_DuePost(**row._mapping) for row in connection.execute(stmt)]

    def _record_authors(self, due: list[_DuePost], visible: list[Post]) -> None:
        """Save the authors' current handles, which may have changed."""
        authors = {post.author_id for post in due}
        with write_session(self.engine) as session:
            record_people(session, [post.author for post in visible if post.author.id in authors])

    def _apply(self, due: list[_DuePost], statuses: dict[int, str]) -> int:
        """Apply X's response in one transaction. Returns how many posts are gone.

        A post without a status counts as checked: it is looked up again another day.
        """
        checked = [post.id for post in due]
        gone = [post_id for post_id in checked if statuses.get(post_id) == "deleted"]
        if len(gone) == len(due):
            checked = gone = self._confirmed_deleted(gone)
        hidden = {post.author_id for post in due if statuses.get(post.id) in HIDING_STATUSES}
        visible = {post.author_id for post in due if statuses.get(post.id) == "seen"} - hidden
        with write_session(self.engine) as session:
            _lock_affected(session, gone, hidden, visible)
            _mark_deleted(session, gone)
            hide_users(session, hidden)
            unhide_users(session, visible)
            session.execute(update(posts).where(posts.c.id.in_(checked)).values(last_checked_on_x_at=now()))
        log.info("posts looked up on X", posts=len(due), gone=len(gone), hidden=len(hidden))
        return len(gone)

    def _confirmed_deleted(self, gone: list[int]) -> list[int]:
        """Return which posts of a batch are believed to be gone, if X says that all are.

        A small batch is believed at once, a larger one if X has said so for an hour.
        """
        if len(gone) < SUSPICIOUS_BATCH:
            return gone
        waiting = set(self._waiting_for_confirmation())
        confirmed = [post_id for post_id in gone if post_id in self._unconfirmed and post_id not in waiting]
        new = [post_id for post_id in gone if post_id not in self._unconfirmed]
        if new:
            log.error("X says that every post of a batch is gone; asked again in an hour", posts=len(new))
        self._unconfirmed = {post_id: at for post_id, at in self._unconfirmed.items() if post_id not in confirmed}
        self._unconfirmed |= dict.fromkeys(new, now())
        return confirmed

    def _waiting_for_confirmation(self) -> list[int]:
        return [post_id for post_id, at in self._unconfirmed.items() if now() - at < CONFIRM_AFTER]


def _lock_affected(session: Session, gone: list[int], hidden: set[int], visible: set[int]) -> None:
    """Lock all rows that may change, before the first change. Authors who stay visible are left out."""
    lock_rows(session, people, hidden | visible)
    returning = select(people.c.id).where(people.c.id.in_(visible), people.c.hidden_at.is_not(None))
    published = and_(creations.c.person_id.in_(hidden), creations.c.published_at.is_not(None))
    lock_creations(session, or_(creations.c.post_id.in_(gone), published, creations.c.person_id.in_(returning)))


def _mark_deleted(session: Session, gone: list[int]) -> None:
    """Clear posts that were deleted on X, and delete the creations that they asked for."""
    session.execute(update(posts).where(posts.c.id.in_(gone)).values(text="", deleted_on_x_at=now()))
    stmt = select(creations.c.id).where(creations.c.post_id.in_(gone), without_index(creations.c.deleted_at).is_(None))
    soft_delete_creations(session, session.execute(stmt).scalars(), "x_post_gone")
