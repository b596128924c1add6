"""Lets somebody in whom X knows: their row, their login, what the look at X cost. Knows no HTTP.

Who said `stop` on X may sign in: their settings show it, and let them change it. Whom the host has banned may not.
"""

from datetime import datetime

from sqlalchemy import Engine, update
from sqlmodel import Session

from core.clock import now
from core.database import transaction
from core.models import people
from core.money.ledger import Cost, add_costs
from core.money.prices import USER_READ
from core.people import record_people
from core.visibility import hide_people, show_people
from gallery.signing import logins
from gallery.signing.logins import Begun
from gallery.signing.x import Somebody


class Banned(Exception):
    """The host does not want them here."""


def let_in(engine: Engine, who: Somebody, *, browser: str, tokens: str, price: int, instead_of: int | None) -> Begun:
    """Sign somebody in, in one browser. Raises Banned.

    Args:
        tokens: sealed.
        price: micro-dollars of one look at a person on X; the same person is charged once a day, the bot too.
        instead_of: the login that this browser had before: it ends, whosoever it was.
    """
    with transaction(engine) as session:
        is_banned = _write_person(session, who)
        add_costs(session.connection(), _looks(who, price, now()))
    if is_banned:
        raise Banned
    if instead_of is not None:
        logins.end(engine, instead_of)
    return logins.begin(engine, who.id, browser=browser, tokens=tokens)


def _write_person(session: Session, who: Somebody) -> bool:
    """Their row as X tells it now. Returns whether they are banned."""
    record_people(session, [who])
    if who.tie is not None:
        follows = {"follows_bot_at": now() if who.tie.follows else None}
        session.execute(update(people).where(people.c.id == who.id).values(**follows))
    _hide_or_show(session, who)
    found = session.execute(people.select().where(people.c.id == who.id)).one()
    return found.banned_at is not None


def _hide_or_show(session: Session, who: Somebody) -> None:
    """Who protects their posts on X is not shown here; who does so no more hangs again."""
    (hide_people if who.protected else show_people)(session, [who.id])


def _looks(who: Somebody, price: int, moment: datetime) -> list[Cost]:
    looked_at = [who.id] if who.tie is None else [who.id, who.tie.bot_id]
    return [Cost(f"{moment:%Y-%m-%d} user:{one}", USER_READ, price, person_id=who.id) for one in looked_at]
