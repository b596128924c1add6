"""Looks up on X, now and then, the posts that became pictures: what has gone there goes here, too.

    posts not looked up lately, 100 at a time | gone: taken back | protected, suspended: hidden | seen again: shown

X charges every look: no post is looked up twice within RECHECK_HOURS, and no more in a day than RECHECK_DAY_USD pays.
An answer of X that makes no sense changes nothing, and that a whole batch should be gone is believed only when X still
says so an hour later. Posts that became nothing are not looked up: their words go after the same hours.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, and_, exists, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.counting import lock
from core.database import reading, transaction
from core.errors import GiveUp, TryLater
from core.forgetting import take_back
from core.logs import get_logger
from core.models import creations, people, posts
from core.people import record_people
from core.settings import KeepSettings
from core.visibility import hide_people, hold, show_people
from core.x import Post, XClient
from worker.allowance import Allowance

log = get_logger(__name__)

BATCH = 100
AT_ONCE = 1000
MOST_BATCHES = 20
# So many posts, and all of them gone: more likely X has lost its mind for a moment.
SUSPICIOUS = 5
BELIEVED_AFTER = timedelta(hours=1)
HIDING = ("protected", "suspended")


@dataclass
class Lookups:
    """Which posts are due, and what X's answer means for them."""

    engine: Engine
    x: XClient
    allowance: Allowance
    settings: KeepSettings
    _doubted: dict[int, datetime] = field(default_factory=dict, init=False)
    _let_go_until: datetime | None = field(default=None, init=False)

    def run(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Look up what is due and may be paid. Returns how many posts were gone."""
        self._let_go_of_talk()
        gone = 0
        for _ in range(MOST_BATCHES):
            due = self._due(min(BATCH, self.allowance.left()))
            if not due or not go_on():
                break
            try:
                looked = self.x.posts([row.id for row in due])
            except (TryLater, GiveUp) as error:
                log.warning("posts cannot be looked up", posts=len(due), reason=str(error))
                break
            self.allowance.use(len(looked.posts))
            self._record(due, looked.posts)
            seen = {post.id: "protected" if post.author.protected else "seen" for post in looked.posts}
            gone += self._take_in(due, looked.lost | seen)
        return gone

    def _let_go_of_talk(self) -> None:
        """Posts that became nothing. What was looked through before is not looked through again."""
        until = now() - timedelta(hours=self.settings.recheck_hours)
        alive = exists().where(creations.c.post_id == posts.c.id)
        talk = select(posts.c.id).where(posts.c.gone_at.is_(None), posts.c.checked_at < until, ~alive).limit(AT_ONCE)
        if self._let_go_until:
            talk = talk.where(posts.c.checked_at >= self._let_go_until)
        with reading(self.engine) as connection:
            ids = list(connection.execute(talk).scalars())
        if ids:
            with transaction(self.engine) as session:
                session.execute(update(posts).where(posts.c.id.in_(ids)).values(text="", gone_at=now()))
        if len(ids) < AT_ONCE:
            self._let_go_until = until

    def _due(self, limit: int) -> list[Any]:
        """Posts with a creation that is not deleted, longest unseen first."""
        moment = now()
        old = posts.c.checked_at < moment - timedelta(hours=self.settings.recheck_hours)
        young = posts.c.created_at > moment - timedelta(days=self.settings.recheck_days)
        alive = exists().where(creations.c.post_id == posts.c.id, creations.c.deleted_at.is_(None))
        wanted = (
            select(posts.c.id, posts.c.author_id)
            .where(posts.c.gone_at.is_(None), old, young, alive, posts.c.id.not_in(self._waiting()))
            .order_by(posts.c.checked_at)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return list(connection.execute(wanted))

    def _record(self, due: list[Any], seen: list[Post]) -> None:
        """Handles change hands: X shows who has which now."""
        ours = {row.author_id for row in due}
        with transaction(self.engine) as session:
            record_people(session, [post.author for post in seen if post.author.id in ours])

    def _take_in(self, due: list[Any], fates: dict[int, str]) -> int:
        """What X said, in one transaction. A post of which it said nothing it can be asked about another day."""
        settled = [row.id for row in due]
        lost = [one for one in settled if fates.get(one) == "gone"]
        if len(lost) == len(due):
            settled = lost = self._believed(lost)
        hidden = {row.author_id for row in due if fates.get(row.id) in HIDING}
        seen = {row.author_id for row in due if fates.get(row.id) == "seen"}
        with transaction(self.engine) as session:
            _hold(session, lost, hidden, seen - hidden)
            _lose(session, lost)
            hide_people(session, hidden)
            show_people(session, seen - hidden)
            session.execute(update(posts).where(posts.c.id.in_(settled)).values(checked_at=now()))
        log.info("looked up on X", posts=len(due), gone=len(lost), hidden=len(hidden))
        return len(lost)

    def _believed(self, lost: list[int]) -> list[int]:
        """Which of a batch are gone, where X says that all are: a few may be; many only when it says so for an hour."""
        if len(lost) < SUSPICIOUS:
            return lost
        waiting = set(self._waiting())
        believed = [one for one in lost if one in self._doubted and one not in waiting]
        doubted = [one for one in lost if one not in self._doubted]
        if doubted:
            log.error("X says that every post of a batch is gone; asked again in an hour", posts=len(doubted))
        self._doubted = {one: since for one, since in self._doubted.items() if one not in believed}
        self._doubted |= dict.fromkeys(doubted, now())
        return believed

    def _waiting(self) -> list[int]:
        return [one for one, since in self._doubted.items() if now() - since < BELIEVED_AFTER]


def _hold(session: Session, lost: list[int], hiding: set[int], seen: set[int]) -> None:
    """All that may change, before the first of it does. Of who is in sight and stays there nothing changes."""
    lock(session, people, hiding | seen)
    back = select(people.c.id).where(people.c.id.in_(seen), people.c.hidden_at.is_not(None))
    hung = and_(creations.c.person_id.in_(hiding), creations.c.shown_at.is_not(None))
    hold(session, or_(creations.c.post_id.in_(lost), hung, creations.c.person_id.in_(back)))


def _lose(session: Session, gone: list[int]) -> None:
    """Deleted on X: so are its words here, and what was painted of them."""
    session.execute(update(posts).where(posts.c.id.in_(gone)).values(text="", gone_at=now()))
    theirs = select(creations.c.id).where(creations.c.post_id.in_(gone), creations.c.deleted_at.is_(None))
    take_back(session, session.execute(theirs).scalars(), "x_post_gone")
