"""Takes back what people take back: at once from sight; files, words, answers on X follow (`worker/keeping.py`).

Knows rows; knows no storage and no X.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, func, select, update
from sqlmodel import Session

from core.clock import now
from core.database import reading, transaction, unlocked
from core.models import State, creations, people, posts
from core.people import NOBODY, Ask, Found, UnknownPerson, find_person, is_id
from core.refusals import NOTICES
from core.searching_people import remove_person
from core.starts import begun_by_others, take_back_all_starts, take_back_starts
from core.states import move
from core.ties import hold_all_of, untie_person
from core.visibility import conceal, hold

# Bound variables per statement: SQLite allows 32,766.
AT_ONCE = 1000


def take_back(session: Session, creation_ids: Iterable[int], code: str) -> int:
    """Mark creations as deleted: out of sight from this commit on, and not worked on. Returns how many were new.

    What a worker is painting or answering right now goes on to its end, and is taken back then.
    """
    asked = list(creation_ids)
    ids = sorted({*asked, *_notices_about(session, asked)})
    new = [
        one for start in range(0, len(ids), AT_ONCE) for one in _take_back(session, ids[start : start + AT_ONCE], code)
    ]
    return len(set(new).intersection(asked))


def _notices_about(session: Session, creation_ids: list[int]) -> Iterator[int]:
    """Yield the replies in words about these creations (`worker/text_replies.py`)."""
    notice = creations.alias("notice")
    for start in range(0, len(creation_ids), AT_ONCE):
        stmt = (
            select(notice.c.id)
            .join(creations, creations.c.post_id == notice.c.answers_post_id)
            .where(creations.c.id.in_(creation_ids[start : start + AT_ONCE]), notice.c.code.in_(NOTICES))
        )
        yield from session.execute(stmt).scalars()


def _take_back(session: Session, ids: list[int], code: str) -> list[int]:
    named = creations.c.id.in_(ids)
    hold(session, named, also=begun_by_others(session, ids))
    # What waits to be painted or answered waits no more, nor do words that were to be told.
    waiting = select(creations.c.id, creations.c.state).where(named, creations.c.next_attempt_at.is_not(None))
    for creation_id, state in session.execute(waiting).all():
        if state == State.QUEUED:
            move(session, creation_id, State.QUEUED, State.REFUSED, code=code, next_attempt_at=None)
        elif state == State.PAINTED:
            move(session, creation_id, State.PAINTED, State.PAINTED, reply_outcome=code, next_attempt_at=None)
    unsaid = update(creations).where(named, creations.c.state == State.REFUSED.value)
    session.execute(unsaid.values(next_attempt_at=None, says=None))
    conceal(session, named)
    fresh = update(creations).where(named, creations.c.deleted_at.is_(None))
    new = list(session.execute(fresh.values(deleted_at=now()).returning(creations.c.id)).scalars())
    take_back_starts(session, ids)
    return new


def leave_alone(session: Session, person_id: int, code: str) -> None:
    """End all that waits for this person: nothing more is painted, answered or told."""
    waiting = select(creations.c.id).where(creations.c.person_id == person_id, creations.c.next_attempt_at.is_not(None))
    for creation_id in list(session.execute(waiting.order_by(creations.c.id)).scalars()):
        move(session, creation_id, State.QUEUED, State.REFUSED, code=code, next_attempt_at=None)
        move(session, creation_id, State.PAINTED, State.PAINTED, reply_outcome=code, next_attempt_at=None)
        move(session, creation_id, State.REFUSED, State.REFUSED, says=None, next_attempt_at=None)


def opt_out(session: Session, person_id: int) -> None:
    """They said `stop`: the bot leaves them alone from now on."""
    theirs = update(people).where(people.c.id == person_id, people.c.opted_out_at.is_(None))
    session.execute(theirs.values(opted_out_at=now()))
    leave_alone(session, person_id, "opted_out")


def opt_in(session: Session, person_id: int) -> None:
    """They said `start`: the bot answers them again."""
    session.execute(update(people).where(people.c.id == person_id).values(opted_out_at=None))


def find_erasable(engine: Engine, called: str, ask: Ask | None = None) -> Found:
    """The person to erase: also somebody unknown to the bot, but whose photo others began from. Raises HouseError."""
    try:
        return find_person(engine, called, ask)
    except UnknownPerson as unknown:
        person_id = unknown.shown.id if unknown.shown else int(called) if is_id(called) else 0
        with reading(engine) as connection:
            begun = select(creations.c.id).where(creations.c.start_owner_id == person_id).limit(1)
            if not person_id or connection.execute(begun).first() is None:
                raise
        return Found(person_id, str(person_id), None, is_sure=True)


@unlocked
def forget_person(engine: Engine, person_id: int) -> int:
    """ "Delete my data": all creations, the words of all posts, name and handle, and what they did in the gallery.
    Returns the creations taken back.

    The id stays, and that they said `stop`: without them the bot would answer this person again. So do the sums that
    were paid, which name nobody but that id.
    """
    with transaction(engine) as session:
        hold_all_of(session, person_id)
        theirs = select(creations.c.id).where(creations.c.person_id == person_id)
        count = take_back(session, session.execute(theirs).scalars(), "deleted")
        take_back_all_starts(session, person_id)
        untie_person(session, person_id)
        session.execute(
            update(posts)
            .where(posts.c.author_id == person_id)
            .values(text="", gone_at=func.coalesce(posts.c.gone_at, now()))
        )
        nameless = {"username": str(person_id), "handle": str(person_id), "name": NOBODY}
        unseen = {"former_handle": None, "handle_lost_at": None, "handle_seen_at": None}
        unknown = {"member_since": None, "shows_sensitive": False, "follows_bot_at": None}
        session.execute(update(people).where(people.c.id == person_id).values(**nameless, **unseen, **unknown))
        remove_person(session, person_id)
    return count
