"""Share a board: invite members, accept, leave, and remove members.

An invitation counts only once it is accepted: nobody's name stands on a board without their consent.
"""

from sqlalchemy import Engine, Select, and_, delete, func, select, update
from sqlmodel import Session

from core.clock import now
from core.database import insert_if_absent, retry_on_deadlock, write_session
from core.models import NotificationKind, board_members, boards, notifications
from core.notifications import notify
from gallery.services import notifications as notification_service
from gallery.services.boards import BoardRejected
from gallery.translations import gettext

MAX_MEMBERS = 50


@retry_on_deadlock
def invite(engine: Engine, owner_id: int, name: str, person_id: int) -> bool:
    """Invite a user to a board, at most once. Return whether the member owns it. Raises BoardRejected."""
    if person_id == owner_id:
        raise BoardRejected(gettext("This is your own board."))
    with write_session(engine) as session:
        board_id = _lock_own(session, owner_id, name)
        if board_id is None:
            return False
        count = session.execute(select(func.count()).where(board_members.c.board_id == board_id)).scalar_one()
        if count >= MAX_MEMBERS:
            raise BoardRejected(gettext("A board has up to %(num)s members.", num=MAX_MEMBERS))
        row = {"board_id": board_id, "person_id": person_id, "at": now()}
        if insert_if_absent(session, board_members, **row) and notification_service.can_notify_about(session, owner_id):
            key = _notification_key(board_id, person_id)
            notify(session, person_id, NotificationKind.INVITED, key=key, actor_id=owner_id, board_id=board_id)
        return True


def accept(engine: Engine, person_id: int, name: str) -> bool:
    """Accept an invitation. Return whether there is one."""
    invited = and_(board_members.c.person_id == person_id, board_members.c.board_id.in_(_board_ids(name)))
    with write_session(engine) as session:
        accepted_at = func.coalesce(board_members.c.accepted_at, now())
        accepted = update(board_members).where(invited).values(accepted_at=accepted_at)
        return session.execute(accepted.returning(board_members.c.board_id)).first() is not None


@retry_on_deadlock
def leave(engine: Engine, person_id: int, name: str) -> bool:
    """Leave a board, or decline an invitation. Return whether the user was a member or invited."""
    with write_session(engine) as session:
        board_id = session.execute(_board_ids(name)).scalar_one_or_none()
        return board_id is not None and _remove(session, int(board_id), person_id)


@retry_on_deadlock
def remove_member(engine: Engine, owner_id: int, name: str, person_id: int) -> bool:
    """Remove a member or take an invitation back. Return whether the owner could."""
    with write_session(engine) as session:
        board_id = _lock_own(session, owner_id, name)
        return board_id is not None and _remove(session, board_id, person_id)


def _remove(session: Session, board_id: int, person_id: int) -> bool:
    theirs = and_(board_members.c.board_id == board_id, board_members.c.person_id == person_id)
    removed = session.execute(delete(board_members).where(theirs).returning(board_members.c.person_id)).first()
    session.execute(delete(notifications).where(notifications.c.key == _notification_key(board_id, person_id)))
    return removed is not None


def _lock_own(session: Session, owner_id: int, name: str) -> int | None:
    stmt = select(boards.c.id).where(boards.c.name == name, boards.c.person_id == owner_id).with_for_update()
    return session.execute(stmt).scalar_one_or_none()


def _board_ids(name: str) -> Select[int]:
    return select(boards.c.id).where(boards.c.name == name)


def _notification_key(board_id: int, person_id: int) -> str:
    return f"invited:{board_id}:{person_id}"
