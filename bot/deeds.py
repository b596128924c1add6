"""Does what people ask for beside pictures: stop, start, delete.

Called within the transaction that writes the post down, so that it is done as soon as it is heard, and never twice.
"""

from sqlmodel import Session

from bot.intent import DELETE, START, STOP, Intent
from core.forgetting import opt_in, opt_out, take_back


def do(session: Session, person_id: int, wish: Intent) -> None:
    """Do what a command says. The rules have allowed it."""
    if wish.action == STOP:
        opt_out(session, person_id)
    if wish.action == START:
        opt_in(session, person_id)
    if wish.action == DELETE and wish.target:
        take_back(session, [wish.target.creation_id], "deleted")
