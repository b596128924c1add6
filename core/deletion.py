"""Delete what users delete: out of sight at once; files, texts and replies on X follow (`worker/purge.py`)."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, func, select, update
from sqlmodel import Session

from core.clock import now
from core.counters import chunked
from core.database import read_connection, retry_on_deadlock, without_index, write_session
from core.init_image_access import remove_all_init_images, remove_init_images, used_by_others
from core.models import State, creations, people, posts
from core.people import PLACEHOLDER_NAME, FoundUser, UserLookup, UserNotFound, find_user, is_id
from core.people_search_index import unindex_person
from core.publishing import lock_creations, unpublish
from core.reason_codes import NOTICE_CODES
from core.social_cleanup import delete_user_activity, lock_user_rows
from core.states import move


def soft_delete_creations(session: Session, creation_ids: Iterable[int], code: str) -> int:
    """Mark creations as deleted: out of sight and not worked on from this commit on. Return how many were new.

    A creation that a worker is generating or replying to goes on to its end, and is deleted then.
    """
    requested = list(creation_ids)
    deleted = [
        creation_id
        for ids in chunked([*requested, *_notice_ids(session, requested)])
        for creation_id in _soft_delete_batch(session, ids, code)
    ]
    return len(set(deleted).intersection(requested))


def _notice_ids(session: Session, creation_ids: list[int]) -> Iterator[int]:
    """Yield the text replies about these creations (`worker/text_replies.py`)."""
    notice = creations.alias("notice")
    for ids in chunked(creation_ids):
        stmt = (
            select(notice.c.id)
            .join(creations, creations.c.post_id == notice.c.reply_to_post_id)
            .where(creations.c.id.in_(ids), notice.c.reason_code.in_(NOTICE_CODES))
        )
        yield from session.execute(stmt).scalars()


def _soft_delete_batch(session: Session, ids: list[int], code: str) -> list[int]:
    in_batch = creations.c.id.in_(ids)
    lock_creations(session, in_batch, also=used_by_others(session, ids))
    # Cancel what waits to be generated or replied to, and text replies that wait to be posted.
    stmt = select(creations.c.id, creations.c.state).where(in_batch, creations.c.next_attempt_at.is_not(None))
    for creation_id, state in session.execute(stmt).all():
        if state == State.QUEUED:
            move(session, creation_id, State.QUEUED, State.REFUSED, reason_code=code, next_attempt_at=None)
        elif state == State.PAINTED:
            move(session, creation_id, State.PAINTED, State.PAINTED, reply_status=code, next_attempt_at=None)
    text_replies = update(creations).where(in_batch, creations.c.state == State.REFUSED.value)
    session.execute(text_replies.values(next_attempt_at=None, reply_text=None))
    unpublish(session, in_batch)
    undeleted = update(creations).where(in_batch, without_index(creations.c.deleted_at).is_(None))
    deleted = list(session.execute(undeleted.values(deleted_at=now()).returning(creations.c.id)).scalars())
    remove_init_images(session, ids)
    return deleted


def cancel_pending(session: Session, person_id: int, code: str) -> None:
    """Cancel all pending work for this user: generations, replies and text replies."""
    stmt = select(creations.c.id).where(creations.c.person_id == person_id, creations.c.next_attempt_at.is_not(None))
    for creation_id in list(session.execute(stmt.order_by(creations.c.id)).scalars()):
        move(session, creation_id, State.QUEUED, State.REFUSED, reason_code=code, next_attempt_at=None)
        move(session, creation_id, State.PAINTED, State.PAINTED, reply_status=code, next_attempt_at=None)
        move(session, creation_id, State.REFUSED, State.REFUSED, reply_text=None, next_attempt_at=None)


def opt_out(session: Session, person_id: int) -> None:
    """Apply the command `stop`: the bot ignores this user from now on."""
    stmt = update(people).where(people.c.id == person_id, people.c.opted_out_at.is_(None))
    session.execute(stmt.values(opted_out_at=now()))
    cancel_pending(session, person_id, "opted_out")


def opt_in(session: Session, person_id: int) -> None:
    """Apply the command `start`: the bot replies to this user again."""
    session.execute(update(people).where(people.c.id == person_id).values(opted_out_at=None))


def find_erasable_user(engine: Engine, handle: str, look_up: UserLookup | None = None) -> FoundUser:
    """Return the user to erase, also one without a row here whose photo others use as an init image.

    Raises ThreadpaintError if there is no such user.
    """
    try:
        return find_user(engine, handle, look_up)
    except UserNotFound as error:
        person_id = error.profile.id if error.profile else int(handle) if is_id(handle) else 0
        with read_connection(engine) as connection:
            stmt = select(creations.c.id).where(creations.c.init_image_owner_id == person_id).limit(1)
            if not person_id or connection.execute(stmt).first() is None:
                raise
        return FoundUser(person_id, str(person_id), None, is_confirmed=True)


@retry_on_deadlock
def erase_user(engine: Engine, person_id: int) -> int:
    """Erase a user: all creations, the text of all posts, name and handle, and all activity in the gallery.

    The id and an opt-out stay, otherwise the bot would reply to this user again. Costs stay too; they name only the id.
    Return the number of deleted creations.
    """
    with write_session(engine) as session:
        lock_user_rows(session, person_id)
        stmt = select(creations.c.id).where(creations.c.person_id == person_id)
        count = soft_delete_creations(session, session.execute(stmt).scalars(), "deleted")
        remove_all_init_images(session, person_id)
        delete_user_activity(session, person_id)
        session.execute(
            update(posts)
            .where(posts.c.author_id == person_id)
            .values(text="", deleted_on_x_at=func.coalesce(posts.c.deleted_on_x_at, now()))
        )
        names = {"username": str(person_id), "handle": str(person_id), "name": PLACEHOLDER_NAME}
        handles = {"former_handle": None, "handle_lost_at": None, "handle_seen_at": None}
        membership = {"member_since": None, "show_sensitive": False, "follows_bot_at": None}
        membership |= {"avatar_key": None, "avatar_source": None}  # the worker removes the file that no row names
        session.execute(update(people).where(people.c.id == person_id).values(**names, **handles, **membership))
        unindex_person(session, person_id)
    return count
