"""What ties people and creations to each other: likes, comments, follows, boards, notifications, reports. Untied here,
each together with its counts, within the caller's transaction.

Counts go down by what was really there (`DELETE ... RETURNING`), so that they are right whoever likes at the same time.
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import ColumnElement, String, cast, delete, func, literal, or_, select, update
from sqlmodel import Session

from core.clock import now
from core.counting import count, lock
from core.models import boards, collected, comments, creations, follows, likings, logins, notifications, people, reports
from core.visibility import hold

# Comments that answer comments of the same person: so many deep, the places of deeper ones stay, without words.
DEEPEST = 20


def untie_person(session: Session, person_id: int) -> None:
    """All that somebody did in the gallery: likes, comments, follows, boards, reports, what they were told, logins."""
    hold_all_of(session, person_id)
    _untie_likes(session, likings.c.person_id == person_id)
    _untie_comments(session, person_id)
    _untie_follows(session, person_id)
    _untie_boards(session, person_id)
    theirs = or_(notifications.c.person_id == person_id, notifications.c.actor_id == person_id)
    session.execute(delete(notifications).where(theirs))
    # The key names who reported; what was reported is still for the host to see.
    nameless = {"person_id": None, "words": "", "key": literal("gone:").concat(cast(reports.c.id, String))}
    session.execute(update(reports).where(reports.c.person_id == person_id).values(**nameless))
    session.execute(delete(logins).where(logins.c.person_id == person_id))


def hold_all_of(session: Session, person_id: int) -> None:
    """Hold the rows that change when somebody leaves: who follows whom, what is theirs, what they liked or spoke of,
    and what others began from their pictures."""
    pairs = or_(follows.c.follower_id == person_id, follows.c.followed_id == person_id)
    others = session.execute(select(follows.c.follower_id, follows.c.followed_id).where(pairs)).all()
    lock(session, people, {person_id, *(number for row in others for number in row)})
    liked = select(likings.c.creation_id).where(likings.c.person_id == person_id)
    said = select(comments.c.creation_id).where(comments.c.person_id == person_id)
    begun = select(creations.c.id).where(creations.c.start_owner_id == person_id)
    hold(session, creations.c.person_id == person_id, also=session.execute(liked.union(said, begun)).scalars())


def untie_creation(session: Session, creation_id: int) -> None:
    """All that others did with a creation that is forgotten: likes, words under it, its places on boards."""
    lock(session, creations, [creation_id])
    session.execute(delete(notifications).where(notifications.c.creation_id == creation_id))
    # The words of others go with what they were about. That somebody reported it stays for the host, as settled.
    settled = {"comment_id": None, "handled_at": func.coalesce(reports.c.handled_at, now())}
    session.execute(update(reports).where(reports.c.creation_id == creation_id).values(**settled))
    gone = session.execute(
        delete(comments).where(comments.c.creation_id == creation_id).returning(comments.c.deleted_at)
    ).scalars()
    visible = sum(deleted_at is None for deleted_at in gone)
    count(session, creations, creations.c.comments, {creation_id: -visible})
    _untie_likes(session, likings.c.creation_id == creation_id)
    _off_boards(session, creation_id)


def take_back_comment(session: Session, creation_id: int, comment_id: int) -> None:
    """A comment's words go, with its count and what was told of it; its place stays while others answer it."""
    lock(session, creations, [creation_id])
    fresh = update(comments).where(comments.c.id == comment_id, comments.c.deleted_at.is_(None))
    if session.execute(fresh.values(text="", deleted_at=now()).returning(comments.c.id)).first() is not None:
        count(session, creations, creations.c.comments, {creation_id: -1})
        session.execute(delete(notifications).where(notifications.c.comment_id == comment_id))


def _untie_likes(session: Session, which: ColumnElement[bool]) -> None:
    gone = session.execute(delete(likings).where(which).returning(likings.c.creation_id)).scalars()
    count(session, creations, creations.c.likes, _lost(gone))


def _untie_comments(session: Session, person_id: int) -> None:
    """Their words go; where others answered, the place stays, without words."""
    theirs = comments.c.person_id == person_id
    blanked = update(comments).where(theirs, comments.c.deleted_at.is_(None)).values(text="", deleted_at=now())
    gone = session.execute(blanked.returning(comments.c.creation_id)).scalars()
    count(session, creations, creations.c.comments, _lost(gone))
    about = select(comments.c.id).where(theirs)
    session.execute(delete(notifications).where(notifications.c.comment_id.in_(about)))
    session.execute(update(reports).where(reports.c.comment_id.in_(about)).values(comment_id=None, handled_at=now()))
    answer = comments.alias()
    unanswered = ~select(answer.c.id).where(answer.c.parent_id == comments.c.id).exists()
    for _ in range(DEEPEST):
        removed = session.execute(delete(comments).where(theirs, unanswered).returning(comments.c.id))
        if not removed.all():
            return


def _untie_follows(session: Session, person_id: int) -> None:
    """Both directions, and both counts of each."""
    pairs = or_(follows.c.follower_id == person_id, follows.c.followed_id == person_id)
    gone = session.execute(delete(follows).where(pairs).returning(follows.c.follower_id, follows.c.followed_id)).all()
    count(session, people, people.c.follows, _lost(row.follower_id for row in gone))
    count(session, people, people.c.followers, _lost(row.followed_id for row in gone))


def _untie_boards(session: Session, person_id: int) -> None:
    theirs = select(boards.c.id).where(boards.c.person_id == person_id)
    lock(session, boards, session.execute(theirs).scalars())  # whoever puts something on one waits, and finds none
    session.execute(delete(collected).where(collected.c.board_id.in_(theirs)))
    session.execute(delete(boards).where(boards.c.person_id == person_id))


def _off_boards(session: Session, creation_id: int) -> None:
    on = collected.c.creation_id == creation_id
    lock(session, boards, session.execute(select(collected.c.board_id).where(on)).scalars())
    gone = session.execute(delete(collected).where(on).returning(collected.c.board_id)).scalars()
    count(session, boards, boards.c.size, _lost(gone))


def _lost(ids: Iterable[int]) -> dict[int, int]:
    """How many each loses, for each time its id comes."""
    return {row_id: -times for row_id, times in Counter(ids).items()}
