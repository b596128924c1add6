"""How the poller fares, for `status` and `/healthz`: written by the poller after each look at X."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select

from core.database import insert_into, reading, shared_now, transaction
from core.lease import Holder, read_holder
from core.models import poller_states

LEASE = "poller"
MAX_ERROR_LENGTH = 200


@dataclass(frozen=True)
class Polling:
    """The poller's last look and last success, since when and why it fails, and which process it is.

    at: when this was read, by the clock that all machines share.
    """

    at: datetime
    looked_at: datetime | None = None
    succeeded_at: datetime | None = None
    failing_since: datetime | None = None
    code: str = ""
    error: str = ""
    holder: Holder | None = None


def note_look(engine: Engine, *, code: str = "", error: str = "") -> None:
    """Note that a look at X ended. `error`: why it failed, in one line; empty after a success."""
    with transaction(engine) as session:
        moment = shared_now(session.connection())
        values: dict[str, Any] = {"looked_at": moment, "code": code, "error": error[:MAX_ERROR_LENGTH]}
        if error:
            change: dict[str, Any] = {"failing_since": func.coalesce(poller_states.c.failing_since, moment)}
            fresh: dict[str, Any] = {"failing_since": moment}
        else:
            change = fresh = {"failing_since": None, "succeeded_at": moment}
        row = insert_into(session.connection(), poller_states).values(id=1, **values, **fresh)
        session.execute(row.on_conflict_do_update(index_elements=["id"], set_=values | change))


def read_polling(engine: Engine) -> Polling:
    """Return how the poller fares."""
    holder = read_holder(engine, LEASE)
    with reading(engine) as connection:
        moment = shared_now(connection)
        row = connection.execute(select(poller_states)).first()
    if row is None:
        return Polling(moment, holder=holder)
    return Polling(moment, row.looked_at, row.succeeded_at, row.failing_since, row.code, row.error, holder)
