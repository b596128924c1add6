"""Sign in a user whom X identified: save their row, open a session and record what the look-up cost.

Users who opted out with `stop` may sign in: their settings show it and let them change it. Banned users may not.
"""

from datetime import datetime

from sqlalchemy import Engine, update
from sqlmodel import Session

from core.budget.ledger import LedgerEntry, add_costs
from core.budget.prices import USER_READ
from core.clock import now
from core.database import write_session
from core.models import people
from core.people import record_people
from core.publishing import hide_users, unhide_users
from gallery.auth.x_oauth import XUser
from gallery.web import sessions
from gallery.web.sessions import NewSession


class Banned(Exception):
    """The operator banned this user."""


def sign_in_user(
    engine: Engine, user: XUser, *, browser: str, tokens: str, price: int, replaces: int | None
) -> NewSession:
    """Open a session in one browser. Raises Banned.

    Args:
        tokens: encrypted.
        price: micro-dollars of one user look-up; each user is charged once a day.
        replaces: the session that this browser had before, perhaps another user's; it ends.
    """
    with write_session(engine) as session:
        is_banned = _save_user(session, user)
        add_costs(session.connection(), _lookup_costs(user, price, now()))
    if is_banned:
        raise Banned
    if replaces is not None:
        sessions.revoke(engine, replaces)
    return sessions.create(engine, user.id, browser=browser, tokens=tokens)


def _save_user(session: Session, user: XUser) -> bool:
    """Save the user as X shows them now. Return whether they are banned."""
    record_people(session, [user])
    if user.follow_status is not None:
        follows_bot_at = now() if user.follow_status.follows else None
        session.execute(update(people).where(people.c.id == user.id).values(follows_bot_at=follows_bot_at))
    # A user with protected posts on X is not shown here, until they are public again.
    (hide_users if user.protected else unhide_users)(session, [user.id])
    row = session.execute(people.select().where(people.c.id == user.id)).one()
    return row.banned_at is not None


def _lookup_costs(user: XUser, price: int, moment: datetime) -> list[LedgerEntry]:
    looked_up = [user.id] if user.follow_status is None else [user.id, user.follow_status.bot_id]
    return [
        LedgerEntry(f"{moment:%Y-%m-%d} user:{user_id}", USER_READ, price, person_id=user.id) for user_id in looked_up
    ]
