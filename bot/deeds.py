"""Does what people ask for beside pictures, and what the host decides about people: stop, start, delete, ban, unban.

Called within the transaction that writes the post down, so that it is done as soon as it is heard, and never twice.
"""

from sqlalchemy import Engine, update
from sqlmodel import Session

from bot.intent import DELETE, START, STOP, Intent
from core.clock import now
from core.database import transaction
from core.forgetting import find_person, leave_alone, opt_in, opt_out, take_back
from core.models import people


def do(session: Session, person_id: int, wish: Intent) -> None:
    """Do what a command says. The rules have allowed it."""
    if wish.action == STOP:
        opt_out(session, person_id)
    if wish.action == START:
        opt_in(session, person_id)
    if wish.action == DELETE and wish.target:
        take_back(session, [wish.target.creation_id], "deleted")


def ban(engine: Engine, called: str) -> int:
    """From now on this person is not heard. Returns the id. Raises HouseError for who is not known."""
    person_id = find_person(engine, called)
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == person_id).values(banned_at=now()))
        leave_alone(session, person_id, "banned")
    return person_id


def unban(engine: Engine, called: str) -> int:
    """Hear this person again. Returns the id. Raises HouseError for who is not known."""
    person_id = find_person(engine, called)
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == person_id).values(banned_at=None))
    return person_id
